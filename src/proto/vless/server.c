#include "proto/vless/server.h"

#include <errno.h>

#include "base/map.h"
#include "base/mem.h"
#include "layer/muxcool/muxcool.h"
#include "layer/packetaddr/packetaddr.h"
#include "proto/flows.h"
#include "proto/preface.h"
#include "proto/vless/options.h"
#include "proto/vless/wire.h"

struct vless_user {
    char *name; /* NULL: none given */
    uint8_t id[UUID_SIZE];
};

struct vless_inbound {
    struct inbound inbound;
    struct carrier_server carrier;
    struct fallbacks fallbacks;
    struct vless_user *users;
    size_t count;
    struct map by_id;
};

static struct vless_inbound *vless_of(struct inbound *in)
{
    return container_of(in, struct vless_inbound, inbound);
}

/* ---- the request ---------------------------------------------------------------------------- */

struct guest {
    struct vless_inbound *inbound;
    const struct vless_user *user;
    struct vless_request request;
};

/*
 * How far the octets tell: the request's length, 0 when more are needed, -EACCES for a stranger, which shows with
 * the version or the id, -EPROTO for a client whose request is not one.
 */
static ssize_t look(struct guest *g, const uint8_t *p, size_t n)
{
    struct reader r = reader_of(p, n);

    if (n && p[0] != VLESS_VERSION)
        return -EACCES;
    if (n < VLESS_ID_END)
        return 0;
    g->user = map_get(&g->inbound->by_id, (struct bytes){p + 1, UUID_SIZE});
    return g->user ? vless_request_read(&r, &g->request) : -EACCES;
}

/* 0 once the request is there, and taken off the intake. May park. */
static int receive(struct guest *g, struct intake *in)
{
    for (;;) {
        size_t have = intake_len(in);
        ssize_t n = have ? look(g, intake_at(in), have) : 0;
        if (n > 0 && g->request.flow.len)
            return -EOPNOTSUPP;
        if (n > 0) {
            in->start += (uint32_t)n; /* what follows is taken by hand_over() */
            return 0;
        }
        if (n == 0)
            n = intake_fill_wait(in, max_of(have + 1, (size_t)VLESS_REQUEST_MAX));
        if (n <= 0)
            return n < 0 ? (int)n : -EPIPE;
    }
}

/* The client's stream behind its request. Consumes the lower one. NULL: out of memory. */
static struct stream *hand_over(struct intake *in)
{
    struct stream *rest = stream_replay(in->lower, intake_at(in), intake_len(in));

    intake_done(in);
    if (!rest)
        return NULL;
    return preface_stream(rest, &(struct preface){.name = "vless", .header = {vless_response, sizeof vless_response}});
}

/* ---- what was asked for --------------------------------------------------------------------- */

static void serve_packets(struct inbound *in, struct stream *client, struct session *s)
{
    struct frame_state state = {.peer = s->dest};
    bool is_addressed = packetaddr_is_magic(&s->dest);
    struct packet *p = frames_packet(client, &vless_frames, &state);

    if (p && is_addressed) {
        s->dest = (struct dest){0};
        p = packetaddr_packet(p);
    }
    if (p)
        flow_packets(in, s, client, p);
}

static void serve_request(struct guest *g, struct inbound *in, struct stream *client, struct session *s)
{
    s->user = g->user->name;
    s->dest = g->request.dest;
    switch (g->request.command) {
    case VLESS_TCP:
        flow_stream(in, s, client);
        return;
    case VLESS_UDP:
        serve_packets(in, client, s);
        return;
    case VLESS_MUX:
        flow_muxcool(in, s, client);
        return;
    }
}

static const char *refusal(int r)
{
    switch (r) {
    case -EACCES:
        return "not a client";
    case -EPROTO:
        return "a client whose request is not VLESS";
    case -EOPNOTSUPP:
        return "a client that wants a flow, which this server does not have";
    case -EPIPE:
        return "ended early";
    default:
        return error_words(r);
    }
}

static void serve_stream(struct inbound *in, struct stream *client, struct session *s)
{
    struct guest g = {.inbound = vless_of(in)};
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
    log_debug(in->log, "inbound '%s' (vless): %s: refused: %s", in->tag, addr_print(&s->source, text), refusal(r));
    stranger_serve(&vless_of(in)->fallbacks, in, s, &intake);
}

static void serve(struct inbound *in, struct stream *client, struct session *s)
{
    carrier_serve(&vless_of(in)->carrier, in, client, s, serve_stream);
}

/* ---- from options --------------------------------------------------------------------------- */

static void free_inbound(struct inbound *in)
{
    struct vless_inbound *v = vless_of(in);

    for (size_t i = 0; i < v->count; i++)
        mem_free(v->users[i].name);
    if (v->users)
        mem_wipe(v->users, v->count * sizeof *v->users);
    mem_free(v->users);
    map_done(&v->by_id);
    fallbacks_done(&v->fallbacks);
    carrier_server_done(&v->carrier);
    mem_free(v);
}

static const struct inbound_ops ops = {.type = "vless", .serve = serve, .free = free_inbound};

static int add_user(struct vless_inbound *v, const struct vless_user_option *o, struct error *err)
{
    struct vless_user *u = &v->users[v->count++];
    struct bytes id = {u->id, sizeof u->id};

    u->name = o->name.len ? text_dup(o->name) : NULL;
    uuid_of_text(o->uuid, u->id);
    if (o->name.len && !u->name)
        return error_set(err, -ENOMEM, "out of memory");
    if (map_get(&v->by_id, id))
        return error_set(err, -EEXIST, "user '%.*s': another user has the same id", TEXT_ARG(o->name));
    return map_put(&v->by_id, id, u) < 0 ? error_set(err, -ENOMEM, "out of memory") : 0;
}

static int fill(struct vless_inbound *v, const struct inbound_setup *setup, struct error *err)
{
    const struct vless_inbound_options *o = setup->options;

    v->users = mem_alloc_array(max_of(o->users.len, (size_t)1), sizeof *v->users);
    if (!v->users)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < o->users.len; i++) {
        int r = add_user(v, &o->users.at[i], err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < o->fallbacks.len; i++) {
        if (fallbacks_add(&v->fallbacks, &o->fallbacks.at[i]) < 0)
            return error_set(err, -ENOMEM, "out of memory");
    }
    return carrier_server_init(&v->carrier, &o->carrier, setup, err);
}

int vless_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err)
{
    struct vless_inbound *v = mem_new(struct vless_inbound);

    if (!v)
        return error_set(err, -ENOMEM, "out of memory");
    v->inbound = (struct inbound){.ops = &ops, .tag = setup->tag, .router = setup->router, .log = setup->log,
                                  .udp_idle_ms = setup->udp_idle_ms};
    map_init(&v->by_id);
    int r = fill(v, setup, err);
    if (r < 0) {
        free_inbound(&v->inbound);
        return r;
    }
    *out = &v->inbound;
    return 0;
}
