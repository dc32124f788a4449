#include "base/arena.h"

#include <string.h>

#include "base/mem.h"

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    _Alignas(16) uint8_t room[];
};

enum { BLOCK = 16 * 1024 - 64 };

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_done(struct arena *a)
{
    while (a->head) {
        struct arena_block *b = a->head;
        a->head = b->next;
        mem_free(b);
    }
    a->total = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (!a->head || a->head->size - a->head->used < size) {
        size_t left = a->max ? a->max - a->total : SIZE_MAX;
        if (size > left)
            return NULL;
        /* The last block takes what the ceiling leaves. */
        size_t room = min_of(max_of(size, (size_t)BLOCK), left);
        struct arena_block *b = mem_alloc(sizeof *b + room);
        if (!b)
            return NULL;
        b->size = room;
        b->next = a->head;
        a->head = b;
        a->total += room;
    }
    void *p = a->head->room + a->head->used;
    a->head->used += size;
    return p;
}

struct text arena_text(struct arena *a, struct text t)
{
    char *p = arena_alloc(a, t.len + 1);

    if (!p)
        return (struct text){0};
    if (t.len)
        memcpy(p, t.ptr, t.len);
    return (struct text){.ptr = p, .len = t.len};
}
