#include "policy/cidr_index.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"

enum { MAPPED_BITS = 96 };

/* One prefix of either family with its host bits cleared. */
struct draft {
    uint64_t high; /* IPv4: the network in the low 32 bits */
    uint64_t low;
    uint32_t rule;
    uint8_t bits;
    bool is_v6;
};

static uint64_t mask64(unsigned bits)
{
    return bits == 0 ? 0 : UINT64_MAX << (64 - min_of(bits, 64u));
}

static void v6_words(const struct addr *a, uint64_t *high, uint64_t *low)
{
    const uint8_t *ip = addr_ip(a).ptr;

    memcpy(high, ip, 8);
    memcpy(low, ip + 8, 8);
    *high = be64toh(*high);
    *low = be64toh(*low);
}

static uint32_t v4_word(const struct addr *a)
{
    return ntohl(a->in.sin_addr.s_addr);
}

static struct draft draft_of(const struct cidr_item *item)
{
    struct addr base = addr_unmap(item->cidr.base);
    struct draft d = {.rule = item->rule, .bits = item->cidr.bits};

    if (addr_family(&base) != addr_family(&item->cidr.base)) {
        if (d.bits < MAPPED_BITS) {
            base = item->cidr.base;
        } else {
            d.bits = (uint8_t)(d.bits - MAPPED_BITS);
        }
    }
    if (addr_family(&base) == AF_INET) {
        d.high = v4_word(&base) & (uint32_t)(mask64(d.bits) >> 32);
        return d;
    }
    d.is_v6 = true;
    v6_words(&base, &d.high, &d.low);
    d.high &= mask64(d.bits);
    d.low &= d.bits > 64 ? mask64(d.bits - 64u) : 0;
    return d;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_drafts(const void *pa, const void *pb)
{
    const struct draft *a = pa, *b = pb;
    int order;

    if (a->is_v6 != b->is_v6)
        return a->is_v6 ? 1 : -1;
    if ((order = compare_u64(a->bits, b->bits)) || (order = compare_u64(a->high, b->high)) ||
        (order = compare_u64(a->low, b->low)))
        return order;
    return compare_u64(a->rule, b->rule);
}

static uint8_t count_levels(const struct draft *drafts, size_t count)
{
    uint8_t levels = 0;

    for (size_t i = 0; i < count; i++) {
        if (i == 0 || drafts[i].bits != drafts[i - 1].bits)
            levels++;
    }
    return levels;
}

/* The levels of one family's sorted drafts. */
static struct cidr_level *make_levels(struct arena *a, const struct draft *drafts, size_t count, uint8_t levels)
{
    struct cidr_level *level = arena_alloc(a, (levels + 1u) * sizeof *level), *at = level;

    for (size_t i = 0; level && i < count; i++) {
        if (i == 0 || drafts[i].bits != drafts[i - 1].bits)
            *at++ = (struct cidr_level){.first = (uint32_t)i, .bits = drafts[i].bits};
        at[-1].end = (uint32_t)i + 1;
    }
    return level;
}

static int settle(struct cidr_index *x, struct arena *a, const struct draft *drafts, size_t v4, size_t v6)
{
    x->v4_level_count = count_levels(drafts, v4);
    x->v6_level_count = count_levels(drafts + v4, v6);
    x->v4_levels = make_levels(a, drafts, v4, x->v4_level_count);
    x->v6_levels = make_levels(a, drafts + v4, v6, x->v6_level_count);
    x->v4 = arena_alloc(a, max_of(v4, (size_t)1) * sizeof *x->v4);
    x->v6 = arena_alloc(a, max_of(v6, (size_t)1) * sizeof *x->v6);
    if (!x->v4_levels || !x->v6_levels || !x->v4 || !x->v6)
        return -ENOMEM;
    for (size_t i = 0; i < v4; i++)
        x->v4[i] = drafts[i].high << 32 | drafts[i].rule;
    for (size_t i = 0; i < v6; i++) {
        const struct draft *d = &drafts[v4 + i];
        x->v6[i] = (struct cidr_v6){.high = d->high, .low = d->low, .rule = d->rule};
    }
    return 0;
}

int cidr_index_build(struct cidr_index *x, struct arena *a, const struct cidr_item *items, size_t count)
{
    size_t v4 = 0;

    *x = (struct cidr_index){0};
    if (count == 0)
        return 0;
    if (count >= RULE_NONE)
        return -E2BIG;
    OWNED struct draft *drafts = mem_alloc_array(count, sizeof *drafts);
    if (!drafts)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        drafts[i] = draft_of(&items[i]);
        v4 += !drafts[i].is_v6;
    }
    qsort(drafts, count, sizeof *drafts, compare_drafts);
    return settle(x, a, drafts, v4, count - v4);
}

static uint32_t find_v4(const struct cidr_index *x, const struct cidr_level *l, uint32_t ip, uint32_t from)
{
    uint64_t network = ip & (uint32_t)(mask64(l->bits) >> 32), key = network << 32 | from;
    uint32_t first = l->first, end = l->end;

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (x->v4[middle] < key)
            first = middle + 1;
        else
            end = middle;
    }
    return first < l->end && x->v4[first] >> 32 == network ? (uint32_t)x->v4[first] : RULE_NONE;
}

static bool v6_is_less(const struct cidr_v6 *a, const struct cidr_v6 *b)
{
    if (a->high != b->high)
        return a->high < b->high;
    return a->low != b->low ? a->low < b->low : a->rule < b->rule;
}

static uint32_t find_v6(const struct cidr_index *x, const struct cidr_level *l, const struct cidr_v6 *ip)
{
    struct cidr_v6 key = {ip->high & mask64(l->bits), l->bits > 64 ? ip->low & mask64(l->bits - 64u) : 0, ip->rule};
    uint32_t first = l->first, end = l->end;

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (v6_is_less(&x->v6[middle], &key))
            first = middle + 1;
        else
            end = middle;
    }
    if (first == l->end || x->v6[first].high != key.high || x->v6[first].low != key.low)
        return RULE_NONE;
    return x->v6[first].rule;
}

uint32_t cidr_index_find(const struct cidr_index *x, const struct addr *a, uint32_t from)
{
    uint32_t best = RULE_NONE;

    if (addr_family(a) == AF_INET) {
        uint32_t ip = v4_word(a);
        for (size_t i = 0; i < x->v4_level_count; i++)
            best = min_of(best, find_v4(x, &x->v4_levels[i], ip, from));
    } else if (addr_family(a) == AF_INET6 && x->v6_level_count) {
        struct cidr_v6 ip = {.rule = from};
        v6_words(a, &ip.high, &ip.low);
        for (size_t i = 0; i < x->v6_level_count; i++)
            best = min_of(best, find_v6(x, &x->v6_levels[i], &ip));
    }
    return best;
}
