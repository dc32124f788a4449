#include "runtime/stack.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/fiber.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
#if defined HAS_ASAN || defined HAS_TSAN
    STACK_SIZE = 256 * 1024,
#else
    STACK_SIZE = 64 * 1024,
#endif
    PER_SLAB = 32,
    PAGE = 4096,
    RED_ZONE = 256,
    COLOURS = 8,      /* stack tops start at different cache lines: measured, see docs/runtime.md */
    COLOUR_STEP = 128,
};

struct stack_slab {
    struct stack_slab *next;
    char *base;
    struct stack stacks[PER_SLAB];
};

static int add_guard(struct stack_cache *c, char *at)
{
    if (!c->no_guard_install) {
        if (madvise(at, PAGE, MADV_GUARD_INSTALL) == 0)
            return 0;
        c->no_guard_install = true;
    }
    return mprotect(at, PAGE, PROT_NONE);
}

static bool add_slab(struct stack_cache *c)
{
    struct stack_slab *slab = mem_new(struct stack_slab);
    const size_t size = (size_t)STACK_SIZE * PER_SLAB;

    if (!slab)
        return false;
    slab->base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                      -1, 0);
    if (slab->base == MAP_FAILED) {
        mem_free(slab);
        return false;
    }
    for (unsigned i = 0; i < PER_SLAB; i++) {
        if (add_guard(c, slab->base + (size_t)i * STACK_SIZE) != 0) {
            (void)munmap(slab->base, size);
            mem_free(slab);
            return false;
        }
    }
    for (unsigned i = PER_SLAB; i-- > 0;) {
        char *base = slab->base + (size_t)i * STACK_SIZE;
        slab->stacks[i] = (struct stack){
            .next = c->cold,
            .low = base + PAGE,
            .top = base + STACK_SIZE - (size_t)(i % COLOURS) * COLOUR_STEP,
        };
        c->cold = &slab->stacks[i];
    }
    c->cold_count += PER_SLAB;
    c->count += PER_SLAB;
    slab->next = c->slabs;
    c->slabs = slab;
    return true;
}

void stack_cache_done(struct stack_cache *c)
{
    while (c->slabs) {
        struct stack_slab *slab = c->slabs;
        c->slabs = slab->next;
        /* What is mapped here next must not inherit AddressSanitizer's redzones. */
        fiber_clean(slab->base, slab->base + (size_t)STACK_SIZE * PER_SLAB);
        (void)munmap(slab->base, (size_t)STACK_SIZE * PER_SLAB);
        mem_free(slab);
    }
    *c = (struct stack_cache){0};
}

static struct stack *pop(struct stack **list, unsigned *count)
{
    struct stack *s = *list;

    *list = s->next;
    (*count)--;
    return s;
}

static void push(struct stack **list, unsigned *count, struct stack *s)
{
    s->next = *list;
    *list = s;
    (*count)++;
}

struct stack *stack_get(struct stack_cache *c)
{
    if (c->hot)
        return pop(&c->hot, &c->hot_count);
    if (!c->cold && !add_slab(c))
        return NULL;
    return pop(&c->cold, &c->cold_count);
}

void stack_put(struct stack_cache *c, struct stack *s)
{
    if (c->hot_count < STACKS_HOT) {
        push(&c->hot, &c->hot_count, s);
        return;
    }
    uintptr_t last = ((uintptr_t)s->top + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
    (void)madvise(s->low, last - (uintptr_t)s->low, MADV_DONTNEED);
    push(&c->cold, &c->cold_count, s);
}

void stack_trim(const struct stack *s, void *sp)
{
    uintptr_t end = ((uintptr_t)sp - RED_ZONE) & ~(uintptr_t)(PAGE - 1);

    if (end > (uintptr_t)s->low)
        (void)madvise(s->low, end - (uintptr_t)s->low, MADV_DONTNEED);
}
