/*
 * Many domain names and suffixes, each with the number of the rule it belongs to, asked for the
 * lowest rule that fits a name.
 *
 *   slot[hash of a key]  ->  first entry of the key's run   (tag 8 bits | entry + 1, 24 bits)
 *   entry[]              ->  runs of equal keys, each sorted by rule: {where in names, rule, length, kind}
 *   names                ->  the keys, lower case, each once
 *
 * A look-up walks the labels of the name from the whole to the last one: one hash and about one
 * probe each. 24 bytes and the key itself per entry. Immutable after it was built.
 */
#ifndef WEIR_POLICY_DOMAIN_INDEX_H
#define WEIR_POLICY_DOMAIN_INDEX_H

#include "base/arena.h"

enum { DOMAIN_ENTRIES_MAX = (1 << 24) - 2 };

/* "No rule": larger than every rule's number. */
#define RULE_NONE UINT32_MAX

enum domain_kind {
    DOMAIN_EXACT,
    DOMAIN_SUFFIX, /* the name and all below it */
    DOMAIN_BELOW,  /* only what is below it */
};

struct domain_item {
    struct text name; /* without a leading dot; any case */
    uint32_t rule;
    enum domain_kind kind;
};

struct domain_entry {
    uint32_t at;
    uint32_t rule;
    uint8_t len;
    uint8_t kind;
};

struct domain_index {
    struct domain_entry *entry;
    uint32_t *slot;
    char *names;
    uint32_t count;
    uint32_t mask;
    size_t longest;
    uint64_t seed[2];
};

/* A suffix as rules write it: "a.org" is the name and below, ".a.org" only below. */
struct domain_item domain_item_of_suffix(struct text suffix, uint32_t rule);

/*
 * What is kept lies in `a`; items are borrowed for the call. 0, -EINVAL (an empty name or one of
 * more than 255 octets: *bad says which), -E2BIG or -ENOMEM.
 */
int domain_index_build(struct domain_index *x, struct arena *a, const struct domain_item *items, size_t count,
                       size_t *bad) CHECKED;

/*
 * The lowest rule in [from, below) that has the name, or RULE_NONE. `name` is lower case without
 * a final dot.
 */
uint32_t domain_index_find(const struct domain_index *x, struct text name, uint32_t from, uint32_t below);

#endif
