#include "policy/domain_index.h"

#include <errno.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/rnd.h"

enum { SLOT_ENTRY = 0x00ffffff, NAME_MAX_LEN = 255 };

/* What is sorted while building. */
struct draft {
    const char *name;
    uint32_t hash;
    uint32_t rule;
    uint8_t len;
    uint8_t kind;
};

struct domain_item domain_item_of_suffix(struct text suffix, uint32_t rule)
{
    if (suffix.len && suffix.ptr[0] == '.')
        return (struct domain_item){text_sub(suffix, 1, SIZE_MAX), rule, DOMAIN_BELOW};
    return (struct domain_item){suffix, rule, DOMAIN_SUFFIX};
}

static int compare_keys(const struct draft *a, const struct draft *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(a->name, b->name, a->len);
}

static int compare_drafts(const void *pa, const void *pb)
{
    const struct draft *a = pa, *b = pb;
    int by_key = compare_keys(a, b);

    if (by_key)
        return by_key;
    return (a->rule > b->rule) - (a->rule < b->rule);
}

static uint32_t hash_of(const struct domain_index *x, const char *name, size_t len)
{
    return (uint32_t)siphash13(x->seed, name, len);
}

static void put_slot(struct domain_index *x, uint32_t hash, uint32_t entry)
{
    uint32_t at = hash & x->mask;

    while (x->slot[at])
        at = (at + 1) & x->mask;
    x->slot[at] = (hash & ~(uint32_t)SLOT_ENTRY) | (entry + 1);
}

/* Lower-case copies of all names and their hashes. */
static int make_drafts(struct domain_index *x, const struct domain_item *items, struct draft *drafts, char *room,
                       size_t *bad)
{
    for (uint32_t i = 0; i < x->count; i++) {
        struct text name = items[i].name;

        if (name.len && name.ptr[name.len - 1] == '.')
            name.len--;
        if (name.len == 0 || name.len > NAME_MAX_LEN) {
            *bad = i;
            return -EINVAL;
        }
        for (size_t k = 0; k < name.len; k++) {
            char c = name.ptr[k];
            room[k] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        drafts[i] = (struct draft){room, hash_of(x, room, name.len), items[i].rule, (uint8_t)name.len,
                                   (uint8_t)items[i].kind};
        x->longest = max_of(x->longest, name.len);
        room += name.len;
    }
    return 0;
}

/* Sorted drafts into runs, names and slots. */
static int settle(struct domain_index *x, struct arena *a, const struct draft *drafts)
{
    size_t size = 0;
    uint32_t keys = 0;

    for (uint32_t i = 0; i < x->count; i++) {
        if (i == 0 || compare_keys(&drafts[i - 1], &drafts[i]) != 0) {
            size += drafts[i].len;
            keys++;
        }
    }
    uint32_t slots = 2;
    while (slots < keys + keys / 2)
        slots *= 2;
    x->mask = slots - 1;
    x->slot = arena_alloc(a, slots * sizeof *x->slot);
    x->entry = arena_alloc(a, x->count * sizeof *x->entry);
    x->names = arena_alloc(a, size);
    if (!x->slot || !x->entry || !x->names)
        return -ENOMEM;
    uint32_t at = 0, next = 0;
    for (uint32_t i = 0; i < x->count; i++) {
        const struct draft *d = &drafts[i];
        if (i == 0 || compare_keys(d - 1, d) != 0) {
            at = next;
            memcpy(x->names + at, d->name, d->len);
            next += d->len;
            put_slot(x, d->hash, i);
        }
        x->entry[i] = (struct domain_entry){.at = at, .rule = d->rule, .len = d->len, .kind = d->kind};
    }
    return 0;
}

int domain_index_build(struct domain_index *x, struct arena *a, const struct domain_item *items, size_t count,
                       size_t *bad)
{
    size_t size = 1;

    *x = (struct domain_index){0};
    if (count == 0)
        return 0;
    if (count > DOMAIN_ENTRIES_MAX)
        return -E2BIG;
    for (size_t i = 0; i < count; i++)
        size += items[i].name.len;
    OWNED struct draft *drafts = mem_alloc_array(count, sizeof *drafts);
    OWNED char *room = mem_alloc(size);
    if (!drafts || !room)
        return -ENOMEM;
    x->count = (uint32_t)count;
    rnd_bytes(x->seed, sizeof x->seed);
    int r = make_drafts(x, items, drafts, room, bad);
    if (r < 0)
        return r;
    qsort(drafts, count, sizeof *drafts, compare_drafts);
    return settle(x, a, drafts);
}

/* The first entry of the key's run, or NULL. */
static const struct domain_entry *find_run(const struct domain_index *x, struct text key)
{
    uint32_t hash = hash_of(x, key.ptr, key.len);

    for (uint32_t at = hash & x->mask; x->slot[at]; at = (at + 1) & x->mask) {
        if ((x->slot[at] ^ hash) & ~(uint32_t)SLOT_ENTRY)
            continue;
        const struct domain_entry *e = &x->entry[(x->slot[at] & SLOT_ENTRY) - 1];
        if (e->len == key.len && memcmp(x->names + e->at, key.ptr, key.len) == 0)
            return e;
    }
    return NULL;
}

static bool kind_fits(uint8_t kind, bool is_whole)
{
    return kind == DOMAIN_SUFFIX || (kind == DOMAIN_EXACT) == is_whole;
}

static uint32_t find_in_run(const struct domain_index *x, const struct domain_entry *e, uint32_t from, bool is_whole)
{
    const struct domain_entry *end = x->entry + x->count;
    uint32_t at = e->at;

    for (; e < end && e->at == at; e++) {
        if (e->rule >= from && kind_fits(e->kind, is_whole))
            return e->rule;
    }
    return RULE_NONE;
}

uint32_t domain_index_find(const struct domain_index *x, struct text name, uint32_t from, uint32_t below)
{
    uint32_t best = RULE_NONE;
    bool is_whole = true;

    if (x->count == 0 || name.len == 0)
        return RULE_NONE;
    for (;;) {
        if (name.len <= x->longest) {
            const struct domain_entry *run = find_run(x, name);
            if (run)
                best = min_of(best, find_in_run(x, run, from, is_whole));
        }
        ssize_t dot = text_find(name, '.');
        if (dot < 0)
            return best < below ? best : RULE_NONE;
        name = text_sub(name, (size_t)dot + 1, SIZE_MAX);
        is_whole = false;
    }
}
