#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "net/packet.h"

/*
 * Room for a full batch of Ethernet-sized datagrams, or for one of the largest; pages are touched
 * only as far as they are used.
 */
enum {
    ROOM = BATCH_MAX * (1536 + DATAGRAM_HEADROOM + DATAGRAM_TAILROOM) + 4096,
    KEPT = 2,
};

struct holder {
    struct batch batch;
    struct holder *next;
};

struct batches {
    struct holder *free;
    unsigned count;
};

static void holder_free(struct holder *h)
{
    (void)munmap(h, sizeof *h + ROOM);
}

static void batches_free(void *value)
{
    struct batches *b = value;

    while (b->free) {
        struct holder *h = b->free;
        b->free = h->next;
        holder_free(h);
    }
    mem_free(b);
}

static struct batches *batches(void)
{
    struct loop_local *local = loop_local(LOOP_BATCHES);

    if (!local->value)
        *local = (struct loop_local){.value = mem_new(struct batches), .free = batches_free};
    return local->value;
}

struct batch *batch_get(void)
{
    struct batches *cache = batches();

    if (!cache) {
        loop_local(LOOP_BATCHES)->free = NULL;
        return NULL;
    }
    struct holder *h = cache->free;
    if (h) {
        cache->free = h->next;
        cache->count--;
    } else {
        h = mmap(NULL, sizeof *h + ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (h == MAP_FAILED)
            return NULL;
        h->batch.room = (uint8_t *)(h + 1);
        h->batch.size = ROOM;
    }
    h->batch.count = 0;
    h->batch.used = 0;
    return &h->batch;
}

void batch_put(struct batch *b)
{
    struct batches *cache = batches();

    if (!b)
        return;
    struct holder *h = container_of(b, struct holder, batch);
    if (!cache || cache->count >= KEPT) {
        holder_free(h);
        return;
    }
    h->next = cache->free;
    cache->free = h;
    cache->count++;
}

uint8_t *batch_room(struct batch *b, size_t len)
{
    size_t need = DATAGRAM_HEADROOM + len + DATAGRAM_TAILROOM;

    if (b->count >= BATCH_MAX || len > DATAGRAM_MAX || b->size - b->used < need)
        return NULL;
    uint8_t *p = b->room + b->used + DATAGRAM_HEADROOM;
    b->used += (need + 15) & ~(size_t)15;
    if (b->used > b->size)
        b->used = b->size;
    return p;
}
