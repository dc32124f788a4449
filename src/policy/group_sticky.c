#include <errno.h>

#include "base/list.h"
#include "base/mem.h"
#include "policy/group_internal.h"

struct sticky_entry {
    struct list link; /* the least recently used first */
    uint64_t key;
    int64_t until;
    int member;
};

struct sticky {
    pthread_mutex_t lock;
    struct map map;
    struct list used;
    unsigned count;
    struct sticky_entry entries[STICKY_MAX];
};

struct sticky *sticky_new(void)
{
    struct sticky *t = mem_new(struct sticky);

    if (!t)
        return NULL;
    (void)pthread_mutex_init(&t->lock, NULL);
    map_init(&t->map);
    list_init(&t->used);
    return t;
}

void sticky_free(struct sticky *t)
{
    if (!t)
        return;
    map_done(&t->map);
    (void)pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

static struct bytes key_bytes(const uint64_t *key)
{
    return (struct bytes){.ptr = (const uint8_t *)key, .len = sizeof *key};
}

static void touch(struct sticky *t, struct sticky_entry *e, int64_t now)
{
    e->until = now + STICKY_MS;
    list_remove(&e->link);
    list_add(&t->used, &e->link);
}

int sticky_get(struct sticky *t, uint64_t key, int64_t now)
{
    int member = NO_MEMBER;

    pthread_mutex_lock(&t->lock);
    struct sticky_entry *e = map_get(&t->map, key_bytes(&key));
    if (e && e->until > now) {
        touch(t, e, now);
        member = e->member;
    }
    pthread_mutex_unlock(&t->lock);
    return member;
}

/* A new entry: an unused one, or the one that was idle longest. */
static struct sticky_entry *entry_for(struct sticky *t, uint64_t key)
{
    struct sticky_entry *e;

    if (t->count < STICKY_MAX) {
        e = &t->entries[t->count++];
        list_init(&e->link);
    } else {
        e = container_of(t->used.next, struct sticky_entry, link);
        (void)map_remove(&t->map, key_bytes(&e->key));
    }
    e->key = key;
    /* Without memory the entry is not found again, and is reused in its turn. */
    (void)!map_put(&t->map, key_bytes(&e->key), e);
    return e;
}

void sticky_put(struct sticky *t, uint64_t key, int member, int64_t now)
{
    pthread_mutex_lock(&t->lock);
    struct sticky_entry *e = map_get(&t->map, key_bytes(&key));
    if (!e)
        e = entry_for(t, key);
    e->member = member;
    touch(t, e, now);
    pthread_mutex_unlock(&t->lock);
}
