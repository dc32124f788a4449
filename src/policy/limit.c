/*
 * The hook that limits open flows. The total is one atomic; sources are counted in shards, each
 * with a mutex that is held for one look-up and never across a call that parks. Without a limit
 * per source no mutex is touched.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "base/mem.h"
#include "policy/hook.h"

enum { SHARDS = 32, SOURCE_KEY = 8 };

struct source_count {
    uint8_t key[SOURCE_KEY]; /* the IPv4 address and zeros, or a /64 */
    bool is_v6;              /* part of the key: it lies right behind */
    uint32_t open;
};

struct shard {
    pthread_mutex_t mutex;
    struct map counts;
};

struct limit {
    struct hook hook;
    uint32_t total;
    uint32_t per_source;
    atomic_uint open;
    struct shard shards[SHARDS];
};

static struct limit *limit_of(struct hook *h)
{
    return container_of(h, struct limit, hook);
}

static struct source_count count_of(const struct session *s)
{
    struct addr a = addr_unmap(s->source);
    struct bytes ip = addr_ip(&a);
    struct source_count c = {.is_v6 = ip.len == 16};

    if (ip.len)
        memcpy(c.key, ip.ptr, min_of(ip.len, sizeof c.key));
    return c;
}

static struct bytes key_of(const struct source_count *c)
{
    return (struct bytes){.ptr = c->key, .len = offsetof(struct source_count, is_v6) + 1};
}

static struct shard *shard_of(struct limit *l, const struct source_count *c)
{
    unsigned h = 0;

    for (size_t i = 0; i < sizeof c->key; i++)
        h = h * 31 + c->key[i];
    return &l->shards[h % SHARDS];
}

/* With the shard's mutex held. */
static int count_source(struct limit *l, struct shard *shard, const struct source_count *wanted)
{
    struct source_count *c = map_get(&shard->counts, key_of(wanted));

    if (!c) {
        c = mem_dup(wanted, sizeof *wanted);
        if (!c)
            return -ENOMEM;
        if (map_put(&shard->counts, key_of(c), c) < 0) {
            mem_free(c);
            return -ENOMEM;
        }
    }
    if (c->open >= l->per_source)
        return -EMFILE;
    c->open++;
    return 0;
}

static int accept_source(struct limit *l, const struct session *s, struct error *err)
{
    struct source_count wanted = count_of(s);
    struct shard *shard = shard_of(l, &wanted);
    char ip[ADDR_TEXT];

    (void)pthread_mutex_lock(&shard->mutex);
    int r = count_source(l, shard, &wanted);
    (void)pthread_mutex_unlock(&shard->mutex);
    if (r == -EMFILE)
        return error_set(err, r, "%s has %u flows open, which is the limit", addr_print_ip(&s->source, ip),
                         l->per_source);
    return r < 0 ? error_errno(err, r, "counting") : 0;
}

static void release_source(struct limit *l, const struct session *s)
{
    struct source_count wanted = count_of(s);
    struct shard *shard = shard_of(l, &wanted);

    (void)pthread_mutex_lock(&shard->mutex);
    struct source_count *c = map_get(&shard->counts, key_of(&wanted));
    if (c && --c->open == 0) {
        (void)map_remove(&shard->counts, key_of(c));
        mem_free(c);
    }
    (void)pthread_mutex_unlock(&shard->mutex);
}

static int limit_accept(struct hook *h, struct session *s, struct error *err)
{
    struct limit *l = limit_of(h);

    unsigned open = atomic_fetch_add_explicit(&l->open, 1, memory_order_relaxed);
    int r = l->total && open >= l->total ? error_set(err, -EMFILE, "%u flows are open, which is the limit", l->total) : 0;
    if (r == 0 && l->per_source)
        r = accept_source(l, s, err);
    if (r < 0)
        (void)atomic_fetch_sub_explicit(&l->open, 1, memory_order_relaxed);
    return r;
}

static void limit_close(struct hook *h, struct session *s, int result)
{
    struct limit *l = limit_of(h);

    (void)result;
    if (l->per_source)
        release_source(l, s);
    (void)atomic_fetch_sub_explicit(&l->open, 1, memory_order_relaxed);
}

static void limit_free(struct hook *h)
{
    struct limit *l = limit_of(h);

    for (size_t i = 0; i < SHARDS; i++) {
        map_each(slot, &l->shards[i].counts)
            mem_free(slot->value);
        map_done(&l->shards[i].counts);
        (void)pthread_mutex_destroy(&l->shards[i].mutex);
    }
    mem_free(l);
}

struct hook *limit_hook_new(uint32_t total, uint32_t per_source)
{
    static const struct hook_ops ops = {
        .name = "limit",
        .accept = limit_accept,
        .close = limit_close,
        .free = limit_free,
    };
    struct limit *l = mem_new(struct limit);

    if (!l)
        return NULL;
    l->hook.ops = &ops;
    l->total = total;
    l->per_source = per_source;
    for (size_t i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_init(&l->shards[i].mutex, NULL);
        map_init(&l->shards[i].counts);
    }
    return &l->hook;
}
