#include "base/map.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/rnd.h"

static uint64_t rotl(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

uint64_t siphash13(const uint64_t seed[2], const void *p, size_t n)
{
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
                     seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)n << 56, m;
    const uint8_t *at = p;

    for (; n >= 8; at += 8, n -= 8) {
        memcpy(&m, at, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    for (size_t i = 0; i < n; i++)
        last |= (uint64_t)at[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *m)
{
    *m = (struct map){0};
    rnd_bytes(m->seed, sizeof m->seed);
}

void map_done(struct map *m)
{
    mem_free(m->slot);
    *m = (struct map){0};
}

/* The slot of the key, or the first never used one on its way. The table has room. */
static struct map_slot *probe(const struct map *m, struct bytes key, uint32_t hash)
{
    size_t i = hash & (m->cap - 1);

    for (;;) {
        struct map_slot *s = &m->slot[i];
        if (!s->key.ptr || (s->value && s->hash == hash && bytes_eq(s->key, key)))
            return s;
        i = (i + 1) & (m->cap - 1);
    }
}

static uint32_t hash_of(const struct map *m, struct bytes key)
{
    return (uint32_t)siphash13(m->seed, key.ptr, key.len);
}

static int resize(struct map *m)
{
    size_t cap = 8;

    while (cap < m->len * 2 + 2)
        cap *= 2;
    struct map bigger = {.slot = mem_alloc_array(cap, sizeof *m->slot), .cap = cap};
    if (!bigger.slot)
        return -ENOMEM;
    map_each(s, m)
        *probe(&bigger, s->key, s->hash) = *s;
    mem_free(m->slot);
    m->slot = bigger.slot;
    m->cap = cap;
    m->used = m->len;
    return 0;
}

void *map_get(const struct map *m, struct bytes key)
{
    return m->len ? probe(m, key, hash_of(m, key))->value : NULL;
}

int map_put(struct map *m, struct bytes key, void *value)
{
    /* An empty view may have no address, but a slot in use must have one. */
    if (!key.ptr)
        key.ptr = (const uint8_t *)"";
    if ((m->used + 1) * 4 > m->cap * 3) {
        int r = resize(m);
        if (r < 0)
            return r;
    }
    uint32_t hash = hash_of(m, key);
    struct map_slot *s = probe(m, key, hash);
    if (!s->key.ptr) {
        m->len++;
        m->used++;
    }
    *s = (struct map_slot){.key = key, .value = value, .hash = hash};
    return 0;
}

void *map_remove(struct map *m, struct bytes key)
{
    if (m->len == 0)
        return NULL;
    struct map_slot *s = probe(m, key, hash_of(m, key));
    void *value = s->value;
    if (value) {
        s->value = NULL;
        m->len--;
        /* The key's memory may go away: point to something that stays. */
        s->key = (struct bytes){.ptr = (const uint8_t *)""};
    }
    return value;
}
