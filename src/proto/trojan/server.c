#include "proto/trojan/server.h"

#include <errno.h>

#include "base/map.h"
#include "base/mem.h"
#include "proto/flows.h"
#include "proto/trojan/options.h"
#include "proto/trojan/wire.h"

struct trojan_user {
    char *name; /* NULL: none given */
    uint8_t key[TROJAN_KEY];
};

struct trojan_inbound {
    struct inbound inbound;
    struct carrier_server carrier;
    struct fallbacks fallbacks;
    struct trojan_user *users;
    size_t count;
    struct map by_key;
};

static struct trojan_inbound *trojan_of(struct inbound *in)
{
    return container_of(in, struct trojan_inbound, inbound);
}

/* ---- the request ---------------------------------------------------------------------------- */

struct guest {
    struct trojan_inbound *inbound;
    const struct trojan_user *user;
    struct trojan_request request;
};

static bool is_key_octet(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/*
 * How far the octets tell: the length of key and request, 0 when more are needed, -EACCES for a stranger. One shows
 * with the first octet that no key has, so that a web server's answer comes as soon as it would.
 */
static ssize_t look(struct guest *g, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < min_of(n, (size_t)TROJAN_KEY); i++) {
        if (!is_key_octet(p[i]))
            return -EACCES;
    }
    if (n < TROJAN_KEY)
        return 0;
    g->user = map_get(&g->inbound->by_key, (struct bytes){p, TROJAN_KEY});
    if (!g->user)
        return -EACCES;
    struct reader r = reader_of(p + TROJAN_KEY, n - TROJAN_KEY);
    ssize_t used = trojan_request_read(&r, &g->request);
    return used > 0 ? TROJAN_KEY + used : used;
}

/* 0 once the request is there, and taken off the intake. May park. */
static int receive(struct guest *g, struct intake *in)
{
    for (;;) {
        size_t have = intake_len(in);
        ssize_t n = have ? look(g, intake_at(in), have) : 0;
        if (n > 0 && g->request.command == TROJAN_MUX)
            return -EOPNOTSUPP;
        if (n > 0) {
            in->start += (uint32_t)n; /* what follows is taken by hand_over() */
            return 0;
        }
        if (n == 0)
            n = intake_fill_wait(in, max_of(have + 1, (size_t)TROJAN_REQUEST_MAX));
        if (n <= 0)
            return n < 0 ? (int)n : -EPIPE;
    }
}

/* The client's stream behind its request. NULL: out of memory, and it is closed. */
static struct stream *hand_over(struct intake *in)
{
    struct stream *rest = stream_replay(in->lower, intake_at(in), intake_len(in));

    intake_done(in);
    return rest;
}

/* ---- what was asked for --------------------------------------------------------------------- */

static void serve_request(struct guest *g, struct inbound *in, struct stream *client, struct session *s)
{
    struct frame_state state = {.peer = g->request.dest};

    s->user = g->user->name;
    if (g->request.command == TROJAN_TCP) {
        s->dest = g->request.dest;
        flow_stream(in, s, client);
        return;
    }
    /* Each datagram says where it goes; the request's address may be any. */
    struct packet *p = frames_packet(client, &trojan_frames, &state);
    if (p)
        flow_packets(in, s, client, p);
}

static const char *refusal(int r)
{
    switch (r) {
    case -EACCES:
        return "not a client";
    case -EPROTO:
        return "a client whose request is not Trojan";
    case -EOPNOTSUPP:
        return "a client that wants trojan-go's multiplexing, which is not built yet";
    case -EPIPE:
        return "ended early";
    default:
        return error_words(r);
    }
}

static void serve_stream(struct inbound *in, struct stream *client, struct session *s)
{
    struct guest g = {.inbound = trojan_of(in)};
    struct intake intake;
    char text[ADDR_TEXT];

    intake_init(&intake, client);
    int r = receive(&g, &intake);
    if (r == 0) {
        client = hand_over(&intake);
        if (client)
            serve_request(&g, in, client, s);
        return;
    }
    log_debug(in->log, "inbound '%s' (trojan): %s: refused: %s", in->tag, addr_print(&s->source, text), refusal(r));
    stranger_serve(&trojan_of(in)->fallbacks, in, s, &intake);
}

static void serve(struct inbound *in, struct stream *client, struct session *s)
{
    carrier_serve(&trojan_of(in)->carrier, in, client, s, serve_stream);
}

/* ---- from options --------------------------------------------------------------------------- */

static void free_inbound(struct inbound *in)
{
    struct trojan_inbound *t = trojan_of(in);

    for (size_t i = 0; i < t->count; i++)
        mem_free(t->users[i].name);
    if (t->users)
        mem_wipe(t->users, t->count * sizeof *t->users);
    mem_free(t->users);
    map_done(&t->by_key);
    fallbacks_done(&t->fallbacks);
    carrier_server_done(&t->carrier);
    mem_free(t);
}

static const struct inbound_ops ops = {.type = "trojan", .serve = serve, .free = free_inbound};

static int add_user(struct trojan_inbound *t, const struct trojan_user_option *o, struct error *err)
{
    struct trojan_user *u = &t->users[t->count++];
    struct bytes key = {u->key, sizeof u->key};

    u->name = o->name.len ? text_dup(o->name) : NULL;
    trojan_key(o->password, u->key);
    if (o->name.len && !u->name)
        return error_set(err, -ENOMEM, "out of memory");
    if (map_get(&t->by_key, key))
        return error_set(err, -EEXIST, "user '%.*s': another user has the same password", TEXT_ARG(o->name));
    return map_put(&t->by_key, key, u) < 0 ? error_set(err, -ENOMEM, "out of memory") : 0;
}

static int add_fallbacks(struct trojan_inbound *t, const struct trojan_inbound_options *o)
{
    int r = o->fallback ? fallbacks_add(&t->fallbacks, o->fallback) : 0;

    for (size_t i = 0; r == 0 && i < o->by_alpn.len; i++)
        r = fallbacks_add(&t->fallbacks, &o->by_alpn.at[i]);
    return r;
}

static int fill(struct trojan_inbound *t, const struct inbound_setup *setup, struct error *err)
{
    const struct trojan_inbound_options *o = setup->options;

    t->users = mem_alloc_array(max_of(o->users.len, (size_t)1), sizeof *t->users);
    if (!t->users || add_fallbacks(t, o) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < o->users.len; i++) {
        int r = add_user(t, &o->users.at[i], err);
        if (r < 0)
            return r;
    }
    return carrier_server_init(&t->carrier, &o->carrier, setup, err);
}

int trojan_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err)
{
    struct trojan_inbound *t = mem_new(struct trojan_inbound);

    if (!t)
        return error_set(err, -ENOMEM, "out of memory");
    t->inbound = (struct inbound){.ops = &ops, .tag = setup->tag, .router = setup->router, .log = setup->log,
                                  .udp_idle_ms = setup->udp_idle_ms};
    map_init(&t->by_key);
    int r = fill(t, setup, err);
    if (r < 0) {
        free_inbound(&t->inbound);
        return r;
    }
    *out = &t->inbound;
    return 0;
}
