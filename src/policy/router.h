/*
 * The router: takes flows from inbounds, decides by the rules, dials, relays, and writes one line
 * about each. The configuration is immutable once it was made; a flow touches no lock, only
 * counters. What inbounds call is router_ops of net/proxy.h.
 *
 *   open:  hooks accept -> (UDP over TCP?) -> forced outbound | mode | rules with sniffing and
 *          resolving -> hooks dial -> outbound
 *   relay, carry_packets: until the end -> end: hooks close, counters, the line
 */
#ifndef WEIR_POLICY_ROUTER_H
#define WEIR_POLICY_ROUTER_H

#include "net/resolver.h"
#include "policy/hook.h"
#include "policy/route.h"

enum router_mode { MODE_RULE, MODE_GLOBAL, MODE_DIRECT };

/* What an inbound asks of the router beyond its protocol. Texts are copied. */
struct inbound_policy {
    struct text tag;
    struct outbound *forced; /* mihomo `proxy`; NULL: the rules decide */
    struct text sub_rule;    /* mihomo `rule`: this list instead of the main one; empty: the main one */
    bool is_local_only;      /* mihomo `allow-lan: false`: only sources of this machine */
};

struct router_limits {
    int64_t idle_ms;       /* a TCP flow without a byte; 0: 1 hour */
    int64_t half_close_ms; /* the same once one side has ended; 0: 10 minutes */
    int64_t udp_idle_ms;   /* 0: 5 minutes; known protocols have shorter ones */
    uint32_t sessions;     /* open at once, all kinds; 0: no limit */
    uint32_t per_source;   /* the same of one source address */
};

/* Of one router, or of all that follow each other in an instance. Atomic. */
struct router_counters {
    _Atomic uint64_t active;
    _Atomic uint64_t total;
    _Atomic uint64_t rejected;
    _Atomic uint64_t failed;
    _Atomic uint64_t up;
    _Atomic uint64_t down;
};

struct router_setup {
    struct route_source rules;
    bool udp_falls_through;        /* mihomo: a UDP flow passes by rules whose outbound carries no UDP */
    const struct inbound_policy *inbounds;
    size_t inbound_count;
    struct outbound *final;        /* when no rule matched */
    struct outbound *global;       /* MODE_GLOBAL; may be NULL */
    struct outbound *direct;       /* MODE_DIRECT; may be NULL */
    enum router_mode mode;
    struct resolver *resolver;     /* NULL: names are never resolved for rules */
    enum ip_strategy strategy;     /* of mihomo's address rules */
    struct hook *const *hooks;     /* borrowed until router_free(); copied list */
    size_t hook_count;
    struct router_limits limits;
    struct router_counters *counters; /* borrowed; NULL: the router's own. The total numbers the sessions. */
    const struct log *log;
};

/* Outbounds, resolver, hooks and log are borrowed, the rest is copied. Errors name file and line. */
int router_new(const struct router_setup *setup, struct router **out, struct error *err) CHECKED;
/* No flow uses it any more. */
void router_free(struct router *r);

/* From any thread; for flows from now on. -ENOENT when the mode has no outbound. */
int router_set_mode(struct router *r, enum router_mode mode);
enum router_mode router_mode(const struct router *r);

struct router_stats {
    uint64_t active;
    uint64_t total;
    uint64_t rejected; /* by a rule */
    uint64_t failed;   /* could not be dialled */
    uint64_t up;       /* bytes of flows that have ended */
    uint64_t down;
};
struct router_stats router_stats(const struct router *r);

/* The compiled rules and inbounds, for explain. */
const struct route_table *router_table(const struct router *r);

/* How long a UDP flow of this protocol (or, unsniffed, port) may be silent; 0: no special time. */
int64_t udp_protocol_idle_ms(const char *protocol, uint16_t port);

#endif
