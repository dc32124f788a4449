/*
 * A hash table from bytes to pointers. Keys are borrowed: they usually lie in the value itself.
 * The hash is seeded per table (SipHash-1-3), so that a peer cannot choose collisions.
 */
#ifndef WEIR_BASE_MAP_H
#define WEIR_BASE_MAP_H

#include "base/text.h"

struct map_slot {
    struct bytes key; /* key.ptr NULL: never used */
    void *value;      /* NULL: removed */
    uint32_t hash;
};

struct map {
    struct map_slot *slot;
    size_t cap;  /* a power of two, or 0 */
    size_t len;  /* live entries */
    size_t used; /* live and removed entries */
    uint64_t seed[2];
};

void map_init(struct map *m);
/* Frees the table, not keys or values. */
void map_done(struct map *m);
/* NULL when absent. */
void *map_get(const struct map *m, struct bytes key);
/* Replaces the value and the key if there is one. `value` is not NULL. 0 or -ENOMEM. */
int map_put(struct map *m, struct bytes key, void *value) CHECKED;
/* Returns what was there, or NULL. */
void *map_remove(struct map *m, struct bytes key);

static inline void *map_get_text(const struct map *m, struct text key)
{
    return map_get(m, text_bytes(key));
}

static inline int map_put_text(struct map *m, struct text key, void *value)
{
    return map_put(m, text_bytes(key), value);
}

/* Walks live entries in no order; the current one may be removed, none added. */
#define map_each(s, m)                                                                             \
    for (struct map_slot *s = (m)->slot, *s##_end = s ? s + (m)->cap : s; s != s##_end; s++)               \
        if (s->key.ptr && s->value)

uint64_t siphash13(const uint64_t seed[2], const void *p, size_t n);

#endif
