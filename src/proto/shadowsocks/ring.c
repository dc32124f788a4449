#include "proto/shadowsocks/ring.h"

#include <errno.h>

#include "base/mem.h"
#include "base/rnd.h"

int ss_ring_init(struct ss_ring *ring, const struct ss_method *m, size_t users)
{
    *ring = (struct ss_ring){.method = m};
    map_init(&ring->by_hash);
    rnd_bytes(ring->seed, sizeof ring->seed);
    ring->count = max_of(users, (size_t)1);
    ring->has_identity = m->edition == SS_2022 && users;
    ring->users = mem_alloc_array(ring->count, sizeof *ring->users);
    return ring->users ? 0 : -ENOMEM;
}

int ss_ring_index(struct ss_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        struct ss_user *u = &ring->users[i];
        struct bytes hash = {u->hash, sizeof u->hash};
        ss_key_hash(ring->method, &u->key, u->hash);
        if (map_get(&ring->by_hash, hash))
            return -EEXIST;
        int r = map_put(&ring->by_hash, hash, u);
        if (r < 0)
            return r;
    }
    return 0;
}

void ss_ring_done(struct ss_ring *ring)
{
    for (size_t i = 0; ring->users && i < ring->count; i++)
        mem_free(ring->users[i].name);
    if (ring->users)
        mem_wipe(ring->users, ring->count * sizeof *ring->users);
    mem_free(ring->users);
    map_done(&ring->by_hash);
    mem_wipe(ring, sizeof *ring);
}

const struct ss_user *ss_ring_find(const struct ss_ring *ring, const uint8_t *hash)
{
    return map_get(&ring->by_hash, (struct bytes){hash, SS_IDENTITY});
}

static uint32_t *recent_of(struct ss_ring *ring, const struct addr *source)
{
    struct bytes ip = addr_ip(source);

    return &ring->recent[siphash13(ring->seed, ip.ptr, ip.len) % SS_RECENT];
}

const struct ss_user *ss_ring_try(struct ss_ring *ring, const struct addr *source, ss_try_fn *try, void *arg)
{
    uint32_t *recent = recent_of(ring, source);
    uint32_t last = __atomic_load_n(recent, __ATOMIC_RELAXED);

    if (last && try(arg, &ring->users[last - 1].key))
        return &ring->users[last - 1];
    for (uint32_t i = 0; i < ring->count; i++) {
        if (i + 1 == last || !try(arg, &ring->users[i].key))
            continue;
        __atomic_store_n(recent, i + 1, __ATOMIC_RELAXED);
        return &ring->users[i];
    }
    return NULL;
}
