/* What the files of the router share. */
#ifndef WEIR_POLICY_ROUTER_INTERNAL_H
#define WEIR_POLICY_ROUTER_INTERNAL_H

#include <stdatomic.h>

#include "base/map.h"
#include "policy/router.h"

enum {
    DROP_HOLD_MS = 30000,    /* a dropped connection is held for so long, saying nothing */
    DROP_HELD_MAX = 512,     /* at once; more are closed */
    UDP_SILENCE_MS = 10000,  /* a refused UDP flow is swallowed until it pauses for so long */
};

struct known_inbound {
    const char *tag;
    struct outbound *forced;
    uint32_t list;
    bool is_local_only;
};

struct proxy_router {
    struct router router;
    struct arena arena;
    struct route_table *table;
    struct known_inbound *inbounds;
    struct map by_tag; /* struct known_inbound */
    struct router_setup setup; /* lists, inbounds and hooks in it are not valid any more */
    struct hook_chain hooks;
    struct hook *limit; /* owned; NULL: none */
    atomic_int mode;
    atomic_uint held;
    struct router_counters *counters;
    struct router_counters own;
};

/* The router's record of a session, from its first call to its end: session.owner. */
struct flow {
    size_t hooks_passed;
};

static inline struct proxy_router *proxy_router_of(struct router *r)
{
    return container_of(r, struct proxy_router, router);
}

/* NULL: the inbound has no special wishes. */
const struct known_inbound *find_inbound(const struct proxy_router *r, const struct session *s);

/* Counts the session in and asks the hooks. On failure, too, flow_end() is due. */
int flow_begin(struct proxy_router *r, struct session *s, struct error *err) CHECKED;
/* Once for each session, whoever comes first. */
void flow_end(struct proxy_router *r, struct session *s, int result, const struct error *err);

/* ---- deciding (decide.c) ------------------------------------------------------------------ */

enum verdict {
    VERDICT_ROUTE,
    VERDICT_REJECT, /* answer and reset */
    VERDICT_DROP,   /* say nothing */
};

/* What has been received of a UDP flow before it was decided. */
struct first_batches {
    struct batch *at[SNIFF_BATCHES];
    unsigned count;
    struct packet *client;
};

/* How explain watches a decision; members may be NULL. */
struct decision_trace {
    walk_passed_fn *passed;
    walk_entered_fn *entered;
    void (*matched)(void *arg, struct rule_id id, const struct route_action *a);
    /* After looking up for that rule; err is NULL when addresses were found. */
    void (*resolved)(void *arg, struct rule_id id, const struct session *s, const struct error *err);
    /* Instead of reading from the client. */
    void (*sniff)(void *arg, struct session *s);
    void *arg;
};

struct decision {
    struct proxy_router *router;
    struct session *session;
    struct stream **client;       /* TCP: read by sniffing; NULL or *NULL: nothing to read */
    struct first_batches *first;  /* UDP */
    const struct decision_trace *trace; /* NULL: a real flow */
    bool has_sniffed;
    struct rule_id id;            /* the rule at work */
    struct outbound *outbound;    /* VERDICT_ROUTE */
    enum verdict verdict;
};

/* Walks the rules and does what they say until one is final. May park. Negative: the flow fails. */
int decide(struct decision *d, struct error *err) CHECKED;

/* ---- UDP (carry_packets.c) ---------------------------------------------------------------- */

void carry_packets(struct router *base, struct session *s, struct packet *client);
/* The same after flow_begin() gave 0. */
void carry_begun_packets(struct proxy_router *r, struct session *s, struct packet *client);

#endif
