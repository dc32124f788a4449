#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "policy/resolver_internal.h"

struct cached {
    struct list link; /* in cache.used */
    int64_t until;
    int result;
    unsigned count;
    struct addr *addrs;
    struct bytes key;
    uint8_t key_at[1 + DEST_NAME];
};

void resolver_cache_init(struct resolver_cache *c)
{
    (void)pthread_mutex_init(&c->lock, NULL);
    map_init(&c->map);
    list_init(&c->used);
    c->count = 0;
}

static void forget(struct resolver_cache *c, struct cached *e)
{
    (void)map_remove(&c->map, e->key);
    list_remove(&e->link);
    c->count--;
    mem_free(e->addrs);
    mem_free(e);
}

static void forget_all(struct resolver_cache *c)
{
    list_each(link, &c->used)
        forget(c, container_of(link, struct cached, link));
}

void resolver_cache_done(struct resolver_cache *c)
{
    forget_all(c);
    map_done(&c->map);
    (void)pthread_mutex_destroy(&c->lock);
}

void resolver_cache_flush(struct resolver_cache *c)
{
    pthread_mutex_lock(&c->lock);
    forget_all(c);
    pthread_mutex_unlock(&c->lock);
}

static struct bytes make_key(struct text name, enum question_kind kind, uint8_t out[1 + DEST_NAME])
{
    size_t n = min_of(name.len, (size_t)DEST_NAME);

    out[0] = (uint8_t)kind;
    memcpy(out + 1, name.ptr, n);
    return (struct bytes){.ptr = out, .len = 1 + n};
}

bool resolver_cache_get(struct resolver_cache *c, struct text name, enum question_kind kind, struct answer *out)
{
    uint8_t room[1 + DEST_NAME];
    int64_t now = clock_ms();
    bool found = false;

    pthread_mutex_lock(&c->lock);
    struct cached *e = map_get(&c->map, make_key(name, kind, room));
    if (e && e->until <= now) {
        forget(c, e);
    } else if (e) {
        list_remove(&e->link);
        list_add(&c->used, &e->link);
        *out = (struct answer){.is_known = true, .result = e->result, .count = e->count,
                               .ttl = (uint32_t)((e->until - now) / 1000)};
        if (e->count)
            memcpy(out->addrs, e->addrs, e->count * sizeof *e->addrs);
        found = true;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

static struct cached *cached_new(struct text name, enum question_kind kind, const struct answer *a)
{
    struct cached *e = mem_new(struct cached);

    if (!e)
        return NULL;
    e->addrs = a->count ? mem_dup(a->addrs, a->count * sizeof a->addrs[0]) : NULL;
    if (a->count && !e->addrs) {
        mem_free(e);
        return NULL;
    }
    e->key = make_key(name, kind, e->key_at);
    e->result = a->result;
    e->count = a->count;
    e->until = clock_ms() + (int64_t)a->ttl * 1000;
    return e;
}

void resolver_cache_put(struct resolver_cache *c, struct text name, enum question_kind kind, const struct answer *a)
{
    if (!a->is_known || a->ttl == 0 || (a->result != 0 && a->result != -ENOENT))
        return;
    struct cached *e = cached_new(name, kind, a);
    if (!e)
        return;
    pthread_mutex_lock(&c->lock);
    struct cached *old = map_get(&c->map, e->key);
    if (old)
        forget(c, old);
    while (c->count >= RESOLVER_CACHE)
        forget(c, container_of(c->used.next, struct cached, link));
    if (map_put(&c->map, e->key, e) < 0) {
        mem_free(e->addrs);
        mem_free(e);
    } else {
        list_add(&c->used, &e->link);
        c->count++;
    }
    pthread_mutex_unlock(&c->lock);
}
