/* One flow through the rules, with what their actions ask for. */
#include <errno.h>

#include "policy/router_internal.h"

/* ---- actions that are not final ------------------------------------------------------------ */

/* Another host; the port stays. What was resolved belonged to the old one. */
static void redirect(struct session *s, struct subject *u, const struct dest *to)
{
    uint16_t port = s->dest.port;

    s->dest = *to;
    s->dest.port = port;
    s->resolved_count = 0;
    u->was_asked = false;
}

static void apply_options(struct session *s, struct subject *u, const struct route_action *a)
{
    if (a->udp_idle_ms && s->network == NETWORK_UDP)
        s->idle_ms = a->udp_idle_ms;
    if (!a->override)
        return;
    if (dest_is_name(a->override) || addr_is_set(&a->override->ip))
        redirect(s, u, a->override);
    if (a->override->port)
        s->dest.port = a->override->port;
}

static int look_up(struct decision *d, struct subject *u, enum ip_strategy strategy, struct error *err)
{
    struct session *s = d->session;
    struct addr_list found = {0};

    u->was_asked = true;
    if (!dest_is_name(&s->dest))
        return 0;
    if (!d->router->setup.resolver)
        return error_set(err, -ENOENT, "there is no resolver");
    int r = resolver_lookup(d->router->setup.resolver, dest_name(&s->dest), strategy, &found, err);
    if (r < 0)
        return r;
    s->resolved_count = min_of(found.count, (unsigned)SESSION_RESOLVED);
    for (unsigned i = 0; i < s->resolved_count; i++)
        s->resolved[i] = addr_unmap(found.at[i]);
    return 0;
}

/* Looks the destination up, once for all rules. 0, or why there is no address. */
static int resolve(struct decision *d, struct subject *u, enum ip_strategy strategy, struct error *err)
{
    int r = look_up(d, u, strategy, err);

    if (d->trace && d->trace->resolved)
        d->trace->resolved(d->trace->arg, d->id, d->session, r < 0 ? err : NULL);
    return r;
}

/* A rule wants the address (mihomo): without one it does not match, and the walk goes on. */
static int resolve_for_rule(struct decision *d, struct subject *u)
{
    struct error err = {0};
    int r = resolve(d, u, d->router->setup.strategy, &err);

    if (r < 0 && r != -ECANCELED)
        log_debug(d->router->router.log, "#%llu: rules go on without an address: %s",
                  (unsigned long long)d->session->id, err.text);
    return r == -ECANCELED ? r : 0;
}

static int sniff_packets(struct decision *d, const struct route_action *a)
{
    struct first_batches *first = d->first;
    int64_t deadline = clock_ms() + (a->sniff_timeout_ms > 0 ? a->sniff_timeout_ms : SNIFF_TIMEOUT_MS);
    OWNED struct quic_initial *quic = NULL;

    for (unsigned looked = 0; looked < first->count; looked++) {
        if (sniff_batch(d->session, a->sniffers, &quic, first->at[looked]) != DETECT_MORE)
            return 0;
        if (looked + 1 < first->count || first->count == SNIFF_BATCHES)
            continue;
        CLEANUP(batch_cleanup) struct batch *more = batch_get();
        if (!more)
            return 0;
        int r = packet_receive(first->client, more, deadline);
        if (r < 0)
            return r == -ETIMEDOUT ? 0 : r;
        first->at[first->count++] = take(more);
    }
    return 0;
}

static int sniff(struct decision *d, struct subject *u, const struct route_action *a, struct error *err)
{
    struct session *s = d->session;
    int r = 0;

    if (d->has_sniffed)
        return 0;
    d->has_sniffed = true;
    if (d->trace)
        d->trace->sniff(d->trace->arg, s);
    else if (d->first)
        r = sniff_packets(d, a);
    else if (d->client && *d->client)
        r = sniff_stream(s, d->client, a->sniffers, a->sniff_timeout_ms);
    if (r < 0)
        return error_errno(err, r, "sniff");
    if (a->sniff_override && dest_is_name(&s->sniffed))
        redirect(s, u, &s->sniffed);
    return 0;
}

/* ---- final actions -------------------------------------------------------------------------- */

static void reject(struct decision *d, const struct route_action *a)
{
    bool is_flood = !d->trace && reject_meter_is_flood(a->meter, loop_now());

    d->verdict = a->method == REJECT_DROP || (is_flood && !a->no_drop) ? VERDICT_DROP : VERDICT_REJECT;
}

/* mihomo lets a UDP flow pass by an outbound that carries none. */
static bool is_passed_by(const struct decision *d, const struct route_action *a)
{
    return d->session->network == NETWORK_UDP && d->router->setup.udp_falls_through && !outbound_has_packet(a->outbound);
}

/* 1 when the rule was final, 0 to go on, negative when the flow fails. */
static int act(struct decision *d, struct subject *u, const struct route_action *a, struct error *err)
{
    struct session *s = d->session;

    switch (a->kind) {
    case RULE_ROUTE:
        if (is_passed_by(d, a))
            return 0;
        apply_options(s, u, a);
        d->outbound = a->outbound;
        return 1;
    case RULE_REJECT:
        reject(d, a);
        return 1;
    case RULE_HIJACK_DNS:
        return error_set(err, -EOPNOTSUPP, "hijack-dns: weir has no DNS server yet");
    case RULE_SNIFF:
        return sniff(d, u, a, err);
    case RULE_RESOLVE:
        return resolve(d, u, a->strategy, err);
    case RULE_OPTIONS:
        apply_options(s, u, a);
        return 0;
    case RULE_SUB_RULE:
        return 0; /* the walk has entered it */
    }
    return 0;
}

static int step(struct decision *d, struct subject *u, struct walk *w, struct error *err)
{
    switch (walk_next(w)) {
    case STEP_END:
        d->outbound = d->router->setup.final;
        d->session->rule = NULL;
        return 1;
    case STEP_RESOLVE: {
        d->id = w->rule;
        int r = resolve_for_rule(d, u);
        subject_refresh(u);
        return r;
    }
    case STEP_RULE: {
        d->id = w->rule;
        if (d->trace && d->trace->matched)
            d->trace->matched(d->trace->arg, w->rule, w->action);
        int r = act(d, u, w->action, err);
        if (r != 0)
            d->session->rule = route_rule_text(d->router->table, w->rule);
        subject_refresh(u);
        return r;
    }
    }
    return 0;
}

static int walk_rules(struct decision *d, uint32_t list, struct error *err)
{
    CLEANUP(subject_done) struct subject u;
    struct walk w;
    int r = 0;

    subject_init(&u, d->session);
    walk_start(&w, d->router->table, &u, list);
    if (d->trace) {
        w.passed = d->trace->passed;
        w.entered = d->trace->entered;
        w.arg = d->trace->arg;
    }
    while (r == 0)
        r = step(d, &u, &w, err);
    if (r < 0 && r != -ECANCELED && d->session->rule)
        return error_prepend(err, r, "rule '%.100s'", d->session->rule);
    return r < 0 ? r : 0;
}

int decide(struct decision *d, struct error *err)
{
    struct proxy_router *r = d->router;
    const struct known_inbound *in = find_inbound(r, d->session);

    d->verdict = VERDICT_ROUTE;
    if (in && in->forced) {
        d->outbound = in->forced;
        d->session->rule = "inbound";
        return 0;
    }
    switch ((enum router_mode)atomic_load_explicit(&r->mode, memory_order_relaxed)) {
    case MODE_RULE:
        return walk_rules(d, in ? in->list : 0, err);
    case MODE_GLOBAL:
        d->outbound = r->setup.global;
        d->session->rule = "mode global";
        return 0;
    case MODE_DIRECT:
        d->outbound = r->setup.direct;
        d->session->rule = "mode direct";
        return 0;
    }
    return 0;
}
