#include "proto/shadowsocks/server.h"

#include <errno.h>

#include "base/mem.h"
#include "proto/shadowsocks/options.h"

/* Why a client was refused, for the log alone: nobody on the wire learns it. */
static const char *refusal(int r)
{
    switch (r) {
    case -EBADMSG:
        return "no key fits";
    case -EPROTO:
        return "not the protocol";
    case -EEXIST:
        return "a replay";
    case -ENOBUFS:
        return "too many handshakes in a minute";
    case -ETIME:
        return "its clock differs by more than 30 seconds";
    case -EPIPE:
        return "ended early";
    default:
        return error_words(r);
    }
}

static void serve(struct inbound *in, struct stream *client, struct session *s)
{
    struct ss_inbound *ss = ss_inbound_of(in);
    struct ss_request request;
    struct stream *stream = NULL;
    char text[ADDR_TEXT];

    client = obfs_server(client, ss->obfs);
    if (!client)
        return;
    int r = ss_accept(&ss->ring, &ss->memory, &s->source, client, &request, &stream);
    if (r < 0) {
        log_debug(in->log, "inbound '%s' (shadowsocks): %s: refused: %s", in->tag, addr_print(&s->source, text),
                  refusal(r));
        /* Silence is for strangers. */
        if (r == -ENOMEM)
            stream_close(client);
        else
            ss_silence(client);
        return;
    }
    if (!stream)
        return;
    s->dest = request.dest;
    s->user = request.user->name;
    router_carry(in->router, s, stream);
}

static void free_inbound(struct inbound *in)
{
    struct ss_inbound *ss = ss_inbound_of(in);

    ss_ring_done(&ss->ring);
    ss_memory_done(&ss->memory);
    ss_sessions_done(&ss->sessions);
    mem_free(ss);
}

#define OPS(...) {.type = "shadowsocks", .free = free_inbound, __VA_ARGS__}

static const struct inbound_ops tcp_ops = OPS(.serve = serve);
static const struct inbound_ops udp_ops = OPS(.serve_packets = ss_serve_packets);
static const struct inbound_ops both_ops = OPS(.serve = serve, .serve_packets = ss_serve_packets);

/* ---- from options -------------------------------------------------------------------------- */

static int set_user(struct ss_user *u, const struct ss_method *m, struct text name, struct text password,
                    struct error *err)
{
    u->name = name.len ? text_dup(name) : NULL;
    if (name.len && !u->name)
        return error_set(err, -ENOMEM, "out of memory");
    int r = ss_key_read(m, password, &u->key, err);
    return r < 0 ? error_prepend(err, r, "user '%.*s'", TEXT_ARG(name)) : 0;
}

static int set_users(struct ss_ring *ring, const struct ss_inbound_options *o, struct error *err)
{
    for (size_t i = 0; i < o->users.len; i++) {
        int r = set_user(&ring->users[i], ring->method, o->users.at[i].name, o->users.at[i].password, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_targets(struct ss_ring *ring, const struct ss_inbound_options *o, struct error *err)
{
    for (size_t i = 0; i < o->destinations.len; i++) {
        const struct ss_target_option *t = &o->destinations.at[i];
        int r = set_user(&ring->users[i], ring->method, t->name, t->password, err);
        if (r == 0 && dest_set_host(&ring->users[i].target, t->server, t->server_port) < 0)
            r = error_set(err, -EINVAL, "'%.*s' is no address of a server", TEXT_ARG(t->server));
        if (r < 0)
            return r;
    }
    return 0;
}

static int set_ring(struct ss_ring *ring, const struct ss_inbound_options *o, struct error *err)
{
    const struct ss_method *m = ss_method((enum ss_method_id)o->method);
    size_t others = o->users.len + o->destinations.len;
    int r = ss_ring_init(ring, m, others);

    if (r < 0)
        return error_set(err, r, "out of memory");
    ring->is_relay = o->destinations.len > 0;
    if (m->edition == SS_2022 || !others)
        r = ss_key_read(m, o->password, &ring->key, err);
    if (!others)
        ring->users[0].key = ring->key;
    if (r == 0)
        r = set_users(ring, o, err);
    if (r == 0)
        r = set_targets(ring, o, err);
    if (r < 0)
        return r;
    r = ss_ring_index(ring);
    return r < 0 ? error_set(err, r, "two users have the same key") : 0;
}

static int fill(struct ss_inbound *ss, const struct ss_inbound_options *o, struct error *err)
{
    if (o->method >= SS_METHODS || o->plugin == SS_PLUGIN_OTHER)
        return error_set(err, -EINVAL, "a method or plugin that weir does not have");
    ss->obfs = o->obfs.mode;
    if (o->plugin == SS_PLUGIN_OBFS && ss->obfs == OBFS_NONE)
        ss->obfs = OBFS_HTTP;
    int r = set_ring(&ss->ring, o, err);
    if (r < 0)
        return r;
    r = ss_memory_init(&ss->memory, ss->ring.method->edition);
    return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static const struct inbound_ops *ops_of(const struct ss_inbound_options *o)
{
    if (!network_has_udp(&o->network) || !o->udp)
        return &tcp_ops;
    return network_has_tcp(&o->network) ? &both_ops : &udp_ops;
}

int ss_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err)
{
    struct ss_inbound *ss = mem_new(struct ss_inbound);

    if (!ss)
        return error_set(err, -ENOMEM, "out of memory");
    ss->inbound = (struct inbound){.ops = ops_of(setup->options), .tag = setup->tag, .router = setup->router,
                                   .log = setup->log, .udp_idle_ms = setup->udp_idle_ms};
    ss_sessions_init(&ss->sessions, setup->udp_idle_ms);
    int r = fill(ss, setup->options, err);
    if (r < 0) {
        free_inbound(&ss->inbound);
        return r;
    }
    *out = &ss->inbound;
    return 0;
}
