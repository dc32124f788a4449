/*
 * Hooks see each flow at fixed points and may refuse it. They are the seam for limits, audit,
 * quotas: each sees every kind of flow alike. The points per transfer belong to the relay and
 * come with its first user (rate limits); the totals are in the session at `close`.
 *
 * A hook is shared by all workers and guards itself; its functions do not park.
 */
#ifndef WEIR_POLICY_HOOK_H
#define WEIR_POLICY_HOOK_H

#include "net/session.h"

struct hook;
struct hook_ops {
    const char *name;
    /* A flow arrived, nothing is decided. 0, or negative with the reason: it is refused. NULL: not asked. */
    int (*accept)(struct hook *h, struct session *s, struct error *err);
    /* It is decided, rule and first outbound are known, nothing is dialled. The same. */
    int (*dial)(struct hook *h, struct session *s, struct error *err);
    /* The flow is over: exactly once for each whose accept gave 0 (or is NULL). */
    void (*close)(struct hook *h, struct session *s, int result);
    void (*free)(struct hook *h);
};
struct hook {
    const struct hook_ops *ops;
};

/* In the order in which they are asked. Borrowed by the router. */
struct hook_chain {
    struct hook **at;
    size_t len;
};

/* The first refusal, prepended by the hook's name. *passed counts the hooks that have to see the close. */
int hooks_accept(const struct hook_chain *c, struct session *s, size_t *passed, struct error *err) CHECKED;
int hooks_dial(const struct hook_chain *c, struct session *s, struct error *err) CHECKED;
/* In reverse order. */
void hooks_close(const struct hook_chain *c, struct session *s, size_t passed, int result);
void hook_free(struct hook *h);

/*
 * The hook that limits how many flows are open: in all, and per source address; 0 = no limit.
 * IPv6 sources count per /64, as that is what one customer has. NULL when memory ran out.
 */
struct hook *limit_hook_new(uint32_t total, uint32_t per_source) CHECKED;

#endif
