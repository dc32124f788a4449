/* From names to addresses: implemented by policy/, used by dialers. */
#ifndef WEIR_NET_RESOLVER_H
#define WEIR_NET_RESOLVER_H

#include "net/addr.h"

enum { RESOLVED_MAX = 16 };

/* sing-box's names; AS_IS stands for "what the resolver prefers". */
enum ip_strategy { IP_AS_IS, IP_PREFER_V4, IP_PREFER_V6, IP_V4_ONLY, IP_V6_ONLY };

struct addr_list {
    struct addr at[RESOLVED_MAX];
    unsigned count;
};

struct resolver;
struct resolver_ops {
    int (*lookup)(struct resolver *r, struct text name, enum ip_strategy strategy, struct addr_list *out,
                  struct error *err);
    void (*free)(struct resolver *r);
};
struct resolver {
    const struct resolver_ops *ops;
};

/* Addresses in the order to try, ports 0. 0 and at least one, or -ENOENT, -ETIMEDOUT ... May park. */
static inline int resolver_lookup(struct resolver *r, struct text name, enum ip_strategy strategy,
                                  struct addr_list *out, struct error *err)
{
    return r->ops->lookup(r, name, strategy, out, err);
}

#endif
