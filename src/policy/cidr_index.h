/*
 * Many prefixes, each with the number of its rule, asked for the lowest rule whose prefix holds
 * an address.
 *
 * Prefixes of one length form a level: an array sorted by (network, rule). A look-up does one
 * binary search in each level that occurs (real lists have 10 to 20). 8 bytes a prefix for
 * IPv4, 24 for IPv6; the levels are separate for the two. Immutable after it was built.
 */
#ifndef WEIR_POLICY_CIDR_INDEX_H
#define WEIR_POLICY_CIDR_INDEX_H

#include "base/arena.h"
#include "net/addr.h"
#include "policy/domain_index.h"

struct cidr_item {
    struct cidr cidr;
    uint32_t rule;
};

struct cidr_v6 {
    uint64_t high;
    uint64_t low;
    uint32_t rule;
};

struct cidr_level {
    uint32_t first;
    uint32_t end;
    uint8_t bits;
};

struct cidr_index {
    uint64_t *v4; /* network << 32 | rule */
    struct cidr_v6 *v6;
    struct cidr_level *v4_levels;
    struct cidr_level *v6_levels;
    uint8_t v4_level_count;
    uint8_t v6_level_count;
};

/* What is kept lies in `a`. An IPv4-mapped prefix counts as IPv4. 0, -E2BIG or -ENOMEM. */
int cidr_index_build(struct cidr_index *x, struct arena *a, const struct cidr_item *items, size_t count) CHECKED;

/* The lowest rule >= from that has the address (already unmapped), or RULE_NONE. */
uint32_t cidr_index_find(const struct cidr_index *x, const struct addr *a, uint32_t from);

static inline bool cidr_index_is_empty(const struct cidr_index *x)
{
    return x->v4_level_count == 0 && x->v6_level_count == 0;
}

#endif
