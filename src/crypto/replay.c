#include "crypto/replay.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "base/rnd.h"

/* ---- salt_cache: a ring in order of arrival, with hash chains through it ------------------ */

#define RING_FIRST 64
#define RING_MAX ((size_t)1 << 24)
#define NO_ENTRY UINT32_MAX

struct entry {
    uint64_t digest;
    uint64_t arrived_ms;
    uint32_t older; /* the next of its chain, by position in the ring */
};

struct salt_cache {
    pthread_mutex_t lock;
    uint8_t key[crypto_shorthash_KEYBYTES]; /* so that nobody can prepare collisions */
    uint64_t keep_ms;
    uint64_t newest_ms;
    size_t limit;
    size_t room; /* of ring and chains: a power of two, or 0 */
    size_t first, count;
    struct entry *ring;
    uint32_t *chains; /* the newest entry of each */
};

STATIC_ASSERT(crypto_shorthash_BYTES == sizeof(uint64_t), "a digest is a number");

struct salt_cache *salt_cache_new(size_t limit, uint64_t keep_ms)
{
    struct salt_cache *c = mem_new(struct salt_cache);

    assert(limit > 0 && limit <= RING_MAX);
    if (!c)
        return NULL;
    if (pthread_mutex_init(&c->lock, NULL) != 0) {
        mem_free(c);
        return NULL;
    }
    rnd_bytes(c->key, sizeof c->key);
    c->limit = limit;
    c->keep_ms = keep_ms;
    return c;
}

void salt_cache_free(struct salt_cache *c)
{
    if (!c)
        return;
    (void)pthread_mutex_destroy(&c->lock);
    mem_free(c->ring);
    mem_free(c->chains);
    mem_free(c);
}

static uint32_t *chain_of(struct salt_cache *c, uint64_t digest)
{
    return &c->chains[digest & (c->room - 1)];
}

static void link_newest(struct salt_cache *c, uint64_t digest, uint64_t arrived_ms)
{
    uint32_t at = (uint32_t)((c->first + c->count) & (c->room - 1));
    uint32_t *chain = chain_of(c, digest);

    c->ring[at] = (struct entry){.digest = digest, .arrived_ms = arrived_ms, .older = *chain};
    *chain = at;
    c->count++;
}

/* The oldest entry is the last of its chain. */
static void drop_oldest(struct salt_cache *c)
{
    uint32_t *link = chain_of(c, c->ring[c->first].digest);

    while (*link != c->first)
        link = &c->ring[*link].older;
    *link = NO_ENTRY;
    c->first = (c->first + 1) & (c->room - 1);
    c->count--;
}

static bool has(struct salt_cache *c, uint64_t digest)
{
    if (c->count == 0)
        return false;
    for (uint32_t at = *chain_of(c, digest); at != NO_ENTRY; at = c->ring[at].older)
        if (c->ring[at].digest == digest)
            return true;
    return false;
}

static int grow(struct salt_cache *c)
{
    struct salt_cache old = *c;
    size_t room = c->room ? 2 * c->room : RING_FIRST;
    struct entry *ring = mem_alloc_array(room, sizeof *ring);
    uint32_t *chains = mem_alloc_array(room, sizeof *chains);

    if (!ring || !chains) {
        mem_free(ring);
        mem_free(chains);
        return -ENOMEM;
    }
    memset(chains, 0xff, room * sizeof *chains);
    c->ring = ring;
    c->chains = chains;
    c->room = room;
    c->first = c->count = 0;
    for (size_t i = 0; i < old.count; i++) {
        const struct entry *e = &old.ring[(old.first + i) & (old.room - 1)];

        link_newest(c, e->digest, e->arrived_ms);
    }
    mem_free(old.ring);
    mem_free(old.chains);
    return 0;
}

static void expire(struct salt_cache *c)
{
    while (c->count && c->newest_ms - c->ring[c->first].arrived_ms > c->keep_ms)
        drop_oldest(c);
    if (c->count == 0 && c->room > RING_FIRST) {
        mem_free(take(c->ring));
        mem_free(take(c->chains));
        c->room = c->first = 0;
    }
}

static int add_locked(struct salt_cache *c, uint64_t digest, uint64_t now_ms)
{
    int r;

    /* Threads read the clock before they get the lock, so `now` may lie a little behind. */
    if (now_ms > c->newest_ms)
        c->newest_ms = now_ms;
    expire(c);
    if (has(c, digest))
        return -EEXIST;
    if (c->count >= c->limit)
        return -ENOBUFS;
    if (c->count == c->room && (r = grow(c)) < 0)
        return r;
    link_newest(c, digest, c->newest_ms);
    return 0;
}

int salt_cache_add(struct salt_cache *c, struct bytes salt, uint64_t now_ms)
{
    uint64_t digest;
    int r;

    (void)crypto_shorthash((uint8_t *)&digest, salt.ptr, salt.len, c->key);
    (void)pthread_mutex_lock(&c->lock);
    r = add_locked(c, digest, now_ms);
    (void)pthread_mutex_unlock(&c->lock);
    return r;
}

size_t salt_cache_count(struct salt_cache *c)
{
    size_t n;

    (void)pthread_mutex_lock(&c->lock);
    n = c->count;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

/* ---- salt_filter: two Bloom filters that take turns --------------------------------------- */

/*
 * With 2^22 bits for 140,000 salts, 20 probes give 0.6 wrong answers in a million in each
 * filter when it is full, and next to none before it is half full.
 */
#define FILTER_BITS ((uint64_t)1 << 22)
#define FILTER_PROBES 20

struct salt_filter {
    pthread_mutex_t lock;
    uint8_t key[crypto_shorthash_siphashx24_KEYBYTES];
    uint64_t *young, *old; /* NULL until used */
    size_t count; /* in `young` */
};

struct salt_filter *salt_filter_new(void)
{
    struct salt_filter *f = mem_new(struct salt_filter);

    if (!f)
        return NULL;
    if (pthread_mutex_init(&f->lock, NULL) != 0) {
        mem_free(f);
        return NULL;
    }
    rnd_bytes(f->key, sizeof f->key);
    return f;
}

void salt_filter_free(struct salt_filter *f)
{
    if (!f)
        return;
    (void)pthread_mutex_destroy(&f->lock);
    mem_free(f->young);
    mem_free(f->old);
    mem_free(f);
}

/* Probe i is at h[0] + i * h[1]: as good as independent hashes (Kirsch and Mitzenmacher). */
static uint64_t probe(const uint64_t h[2], uint64_t i)
{
    return (h[0] + i * (h[1] | 1)) & (FILTER_BITS - 1);
}

static bool filter_has(const uint64_t *bits, const uint64_t h[2])
{
    if (!bits)
        return false;
    for (uint64_t i = 0; i < FILTER_PROBES; i++) {
        uint64_t at = probe(h, i);

        if (!(bits[at / 64] >> (at % 64) & 1))
            return false;
    }
    return true;
}

/* The young filter becomes the old one when it is full, and what was old is forgotten. */
static int make_room(struct salt_filter *f)
{
    uint64_t *spare;

    if (f->young && f->count < SALT_FILTER_EACH)
        return 0;
    spare = f->young ? f->old : NULL;
    if (spare)
        memset(spare, 0, FILTER_BITS / 8);
    else
        spare = mem_alloc(FILTER_BITS / 8);
    if (!spare)
        return -ENOMEM;
    f->old = f->young;
    f->young = spare;
    f->count = 0;
    return 0;
}

static int filter_add(struct salt_filter *f, const uint64_t h[2])
{
    int r;

    if (filter_has(f->young, h) || filter_has(f->old, h))
        return -EEXIST;
    r = make_room(f);
    if (r < 0)
        return r;
    for (uint64_t i = 0; i < FILTER_PROBES; i++) {
        uint64_t at = probe(h, i);

        f->young[at / 64] |= (uint64_t)1 << (at % 64);
    }
    f->count++;
    return 0;
}

int salt_filter_add(struct salt_filter *f, struct bytes salt)
{
    uint64_t h[2];
    int r;

    (void)crypto_shorthash_siphashx24((uint8_t *)h, salt.ptr, salt.len, f->key);
    (void)pthread_mutex_lock(&f->lock);
    r = filter_add(f, h);
    (void)pthread_mutex_unlock(&f->lock);
    return r;
}
