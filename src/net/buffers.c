#include "net/buffers.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"

enum { KEPT = 16 }; /* free buffers that stay mapped: 576 KiB at most */

struct waiter {
    struct list link;
    struct event freed;
    void *buffer; /* what was handed over; NULL: memory ran out */
};

struct pool {
    void *free; /* linked through their first word */
    unsigned free_count;
    size_t used;
    size_t limit;
    struct list waiters;
};

static void pool_free(void *value)
{
    struct pool *p = value;

    while (p->free) {
        void *b = p->free;
        p->free = *(void **)b;
        (void)munmap(b, BUFFER_SIZE);
    }
    mem_free(p);
}

static struct pool *pool(void)
{
    struct loop_local *local = loop_local(LOOP_BUFFERS);

    if (!local->value) {
        struct pool *p = mem_new(struct pool);
        if (!p)
            return NULL;
        list_init(&p->waiters);
        *local = (struct loop_local){.value = p, .free = pool_free};
    }
    return local->value;
}


size_t buffers_in_use(void)
{
    struct pool *p = pool();

    return p ? p->used : 0;
}

static bool is_full(const struct pool *p)
{
    /* One buffer is always granted: a ceiling below that would stop everything. */
    return p->limit && p->used && p->used + BUFFER_SIZE > p->limit;
}

static void *obtain(struct pool *p)
{
    void *b = p->free;

    if (b) {
        p->free = *(void **)b;
        p->free_count--;
    } else {
        b = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (b == MAP_FAILED)
            return NULL;
    }
    p->used += BUFFER_SIZE;
    return b;
}

void *buffer_try_get(void)
{
    struct pool *p = pool();

    return !p || is_full(p) ? NULL : obtain(p);
}

void *buffer_get(int64_t deadline)
{
    struct pool *p = pool();

    if (!p)
        return NULL;
    if (!is_full(p))
        return obtain(p);
    struct waiter w = {0};
    list_add(&p->waiters, &w.link);
    int r = event_wait(&w.freed, deadline, "wait for buffer memory");
    list_remove(&w.link);
    return r < 0 ? NULL : w.buffer;
}

/* To the first in line, so that nobody who comes later takes it from them. */
static void hand_over(struct pool *p)
{
    while (!list_is_empty(&p->waiters) && !is_full(p)) {
        struct waiter *w = container_of(p->waiters.next, struct waiter, link);
        list_remove(&w->link);
        w->buffer = obtain(p);
        event_set(&w->freed);
    }
}

void buffers_set_limit(size_t bytes)
{
    struct pool *p = pool();

    if (!p)
        return;
    p->limit = bytes;
    hand_over(p);
}

void buffer_put(void *b)
{
    struct pool *p = pool();

    if (!b || !p)
        return;
    p->used -= BUFFER_SIZE;
    if (p->free_count < KEPT) {
        *(void **)b = p->free;
        p->free = b;
        p->free_count++;
    } else {
        (void)munmap(b, BUFFER_SIZE);
    }
    hand_over(p);
}

/* ---- what may be held for long -------------------------------------------------------------- */

static bool fits(const struct pool *p, size_t bytes)
{
    return !p->limit || p->used + bytes <= p->limit / 4 * 3;
}

void *buffer_lend(size_t *size)
{
    struct pool *p = pool();

    if (!p)
        return NULL;
    *size = fits(p, BUFFER_SIZE) ? BUFFER_SIZE : BUFFER_SMALL;
    return *size == BUFFER_SIZE ? obtain(p) : mem_resize(NULL, BUFFER_SMALL);
}

void buffer_settle(void *b, size_t size)
{
    if (size == BUFFER_SIZE)
        buffer_put(b);
    else
        mem_free(b);
}

bool buffers_charge(size_t bytes)
{
    struct pool *p = pool();

    if (!p || !fits(p, bytes))
        return false;
    p->used += bytes;
    return true;
}

void buffers_discharge(size_t bytes)
{
    struct pool *p = pool();

    if (!p)
        return;
    p->used -= bytes;
    hand_over(p);
}

bool buffers_have_limit(void)
{
    struct pool *p = pool();

    return p && p->limit;
}
