#include "policy/router.h"

#include <errno.h>

#include "layer/uot/uot.h"
#include "net/relay.h"
#include "policy/router_internal.h"
#include "policy/session_line.h"

enum {
    IDLE_MS = 60 * 60 * 1000,
    HALF_CLOSE_MS = 10 * 60 * 1000,
    FIRST_MS = 100, /* how long a held-back header waits for company */
};

const struct known_inbound *find_inbound(const struct proxy_router *r, const struct session *s)
{
    return s->inbound && r->by_tag.len ? map_get_text(&r->by_tag, text_of(s->inbound->tag)) : NULL;
}

/* ---- begin and end of a session -------------------------------------------------------------- */

static void count(_Atomic uint64_t *counter, uint64_t by)
{
    (void)atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static bool is_from_here(const struct session *s)
{
    struct addr source = addr_unmap(s->source), local = addr_unmap(s->local);

    return addr_is_loopback(&source) || !addr_is_set(&source) || addr_same_ip(&source, &local);
}

int flow_begin(struct proxy_router *r, struct session *s, struct error *err)
{
    struct flow *f = mem_new(struct flow);
    const struct known_inbound *in = find_inbound(r, s);

    if (!f)
        return error_errno(err, -ENOMEM, "session");
    s->owner = f;
    s->id = atomic_fetch_add_explicit(&r->counters->total, 1, memory_order_relaxed) + 1;
    count(&r->counters->active, 1);
    if (in && in->is_local_only && !is_from_here(s))
        return error_set(err, -EACCES, "inbound '%s' serves this machine only (allow-lan is off)", in->tag);
    return hooks_accept(&r->hooks, s, &f->hooks_passed, err);
}

static bool was_rejected(int result)
{
    return result == -EACCES;
}

void flow_end(struct proxy_router *r, struct session *s, int result, const struct error *err)
{
    struct flow *f = s->owner;

    if (!f)
        return;
    s->owner = NULL;
    hooks_close(&r->hooks, s, f->hooks_passed, result);
    mem_free(f);
    count(&r->counters->up, s->up);
    count(&r->counters->down, s->down);
    if (was_rejected(result))
        count(&r->counters->rejected, 1);
    (void)atomic_fetch_sub_explicit(&r->counters->active, 1, memory_order_relaxed);
    session_line_write(r->router.log, s, result, err);
}

/* ---- TCP ------------------------------------------------------------------------------------- */

/* The client's inbound answers "not allowed", then the connection is reset. */
static void reset_client(struct session *s, struct stream **client)
{
    if (!client || !*client)
        return;
    (void)session_reply(s, -EACCES);
    stream_abort(take(*client));
}

/* No answer; the connection hangs for a while, unless too many do already. */
static void hold_client(struct proxy_router *r, struct session *s, struct stream **client)
{
    /* Also where the caller has the client: it must not answer either. */
    s->has_replied = true;
    if (!client || !*client)
        return;
    if (atomic_fetch_add_explicit(&r->held, 1, memory_order_relaxed) < DROP_HELD_MAX)
        (void)co_sleep(DROP_HOLD_MS);
    (void)atomic_fetch_sub_explicit(&r->held, 1, memory_order_relaxed);
    stream_close(take(*client));
}

static int open_decided(struct decision *d, struct stream **out, struct error *err)
{
    struct proxy_router *r = d->router;
    struct session *s = d->session;

    switch (d->verdict) {
    case VERDICT_ROUTE:
        break;
    case VERDICT_REJECT:
        reset_client(s, d->client);
        return error_set(err, -EACCES, "rejected by a rule");
    case VERDICT_DROP:
        hold_client(r, s, d->client);
        return error_set(err, -EACCES, "dropped by a rule");
    }
    int result = hooks_dial(&r->hooks, s, err);
    if (result < 0)
        return result;
    result = outbound_open(d->outbound, s, out, err);
    if (result < 0 && result != -ECANCELED && !was_rejected(result))
        count(&r->counters->failed, 1);
    return result;
}

/*
 * UDP over TCP: the stream becomes a packet path and is carried here until its end. The caller
 * then finds nothing left to do: the client is gone, answered, and its line is written.
 */
static int carry_uot(struct proxy_router *r, struct session *s, struct stream **client, struct error *err)
{
    enum uot_version version = uot_is_magic(&s->dest);
    struct stream *lower = take(*client);
    struct packet *packets;

    int result = session_reply(s, 0);
    if (result < 0) {
        stream_close(lower);
        return error_errno(err, result, "answer");
    }
    result = uot_server(lower, version, &s->dest, &packets);
    if (result < 0)
        return error_errno(err, result, "UDP over TCP");
    /* It was the deadline of the handshake, which has ended. */
    stream_set_deadline(lower, NEVER);
    s->network = NETWORK_UDP;
    carry_begun_packets(r, s, packets);
    return -ECANCELED;
}

static int open_stream(struct router *base, struct session *s, struct stream **client, struct stream **out,
                       struct error *err)
{
    struct proxy_router *r = proxy_router_of(base);
    struct decision d = {.router = r, .session = s, .client = client};
    int result = flow_begin(r, s, err);

    if (result == 0 && client && *client && uot_is_magic(&s->dest) != UOT_NONE)
        return carry_uot(r, s, client, err);
    if (result == 0)
        result = decide(&d, err);
    return result < 0 ? result : open_decided(&d, out, err);
}

static void relay(struct router *base, struct session *s, struct stream *client, struct stream *server)
{
    struct proxy_router *r = proxy_router_of(base);
    const struct router_limits *l = &r->setup.limits;
    struct relay_limits limits = {.idle_ms = s->idle_ms ? s->idle_ms : l->idle_ms,
                                  .half_close_ms = l->half_close_ms, .first_ms = FIRST_MS};

    int result = relay_streams(s, client, server, &limits);
    flow_end(r, s, result, NULL);
    stream_close(server);
    stream_close(client);
}

static void end(struct router *base, struct session *s, int result, const struct error *err)
{
    flow_end(proxy_router_of(base), s, result, err);
}

/* ---- life ------------------------------------------------------------------------------------ */

static int copy_inbound(struct proxy_router *r, struct known_inbound *in, const struct inbound_policy *p,
                        struct error *err)
{
    int list = p->sub_rule.len ? route_table_list(r->table, p->sub_rule) : 0;

    if (list < 0)
        return error_set(err, list, "inbound '%.*s': there is no list of sub-rules '%.*s'", TEXT_ARG(p->tag),
                         TEXT_ARG(p->sub_rule));
    struct text tag = arena_text(&r->arena, p->tag);
    *in = (struct known_inbound){.tag = tag.ptr, .forced = p->forced, .list = (uint32_t)list,
                                 .is_local_only = p->is_local_only};
    if (!tag.ptr || map_put_text(&r->by_tag, tag, in) < 0)
        return error_errno(err, -ENOMEM, "router");
    return 0;
}

static int copy_inbounds(struct proxy_router *r, const struct router_setup *setup, struct error *err)
{
    r->inbounds = arena_alloc(&r->arena, setup->inbound_count * sizeof *r->inbounds);
    if (!r->inbounds)
        return error_errno(err, -ENOMEM, "router");
    for (size_t i = 0; i < setup->inbound_count; i++) {
        int result = copy_inbound(r, &r->inbounds[i], &setup->inbounds[i], err);
        if (result < 0)
            return result;
    }
    return 0;
}

/* The limit comes last: a flow that another hook refuses does not count. */
static int copy_hooks(struct proxy_router *r, const struct router_setup *setup, struct error *err)
{
    const struct router_limits *l = &setup->limits;

    r->hooks.at = arena_alloc(&r->arena, (setup->hook_count + 1) * sizeof(struct hook *));
    if (l->sessions || l->per_source)
        r->limit = limit_hook_new(l->sessions, l->per_source);
    if (!r->hooks.at || ((l->sessions || l->per_source) && !r->limit))
        return error_errno(err, -ENOMEM, "router");
    for (size_t i = 0; i < setup->hook_count; i++)
        r->hooks.at[r->hooks.len++] = setup->hooks[i];
    if (r->limit)
        r->hooks.at[r->hooks.len++] = r->limit;
    return 0;
}

static void set_defaults(struct proxy_router *r)
{
    struct router_limits *l = &r->setup.limits;

    l->idle_ms = l->idle_ms ? l->idle_ms : IDLE_MS;
    l->half_close_ms = l->half_close_ms ? l->half_close_ms : HALF_CLOSE_MS;
    r->setup.rules.lists = NULL;
    r->setup.inbounds = NULL;
    r->setup.hooks = NULL;
}

void router_free(struct router *base)
{
    if (!base)
        return;
    struct proxy_router *r = proxy_router_of(base);
    route_table_free(r->table);
    hook_free(r->limit);
    map_done(&r->by_tag);
    arena_done(&r->arena);
    mem_free(r);
}
DEFINE_CLEANUP(router, struct router *, router_free)

int router_new(const struct router_setup *setup, struct router **out, struct error *err)
{
    static const struct router_ops ops = {
        .open = open_stream, .relay = relay, .carry_packets = carry_packets, .end = end};
    struct proxy_router *r = mem_new(struct proxy_router);

    if (!r)
        return error_errno(err, -ENOMEM, "router");
    CLEANUP(router_cleanup) struct router *base = &r->router;
    r->router = (struct router){.ops = &ops, .log = setup->log};
    arena_init(&r->arena, 0);
    map_init(&r->by_tag);
    r->setup = *setup;
    r->counters = setup->counters ? setup->counters : &r->own;
    set_defaults(r);
    if (!setup->final)
        return error_set(err, -EINVAL, "the router has no final outbound");
    int result = route_table_new(&setup->rules, &r->table, err);
    if (result == 0)
        result = copy_inbounds(r, setup, err);
    if (result == 0)
        result = copy_hooks(r, setup, err);
    if (result == 0 && router_set_mode(base, setup->mode) < 0)
        result = error_set(err, -ENOENT, "the mode has no outbound");
    if (result == 0)
        *out = take(base);
    return result;
}

/* ---- the rest -------------------------------------------------------------------------------- */

int router_set_mode(struct router *base, enum router_mode mode)
{
    struct proxy_router *r = proxy_router_of(base);

    if ((mode == MODE_GLOBAL && !r->setup.global) || (mode == MODE_DIRECT && !r->setup.direct))
        return -ENOENT;
    atomic_store_explicit(&r->mode, (int)mode, memory_order_relaxed);
    return 0;
}

static const struct proxy_router *const_of(const struct router *base)
{
    return (const struct proxy_router *)(const void *)((const char *)base - offsetof(struct proxy_router, router));
}

enum router_mode router_mode(const struct router *base)
{
    return (enum router_mode)atomic_load_explicit(&const_of(base)->mode, memory_order_relaxed);
}

static uint64_t value_of(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

struct router_stats router_stats(const struct router *base)
{
    const struct router_counters *c = const_of(base)->counters;

    return (struct router_stats){
        .active = value_of(&c->active), .total = value_of(&c->total), .rejected = value_of(&c->rejected),
        .failed = value_of(&c->failed), .up = value_of(&c->up),       .down = value_of(&c->down)};
}

const struct route_table *router_table(const struct router *base)
{
    return const_of(base)->table;
}
