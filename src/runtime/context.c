#include "runtime/context.h"

#include <stdint.h>
#include <string.h>

#include "base/attr.h"

#if defined WEIR_BOOST_CONTEXT

/* The C symbols of libboost_context; its header is C++. */
struct transfer {
    void *from;
    void *arg;
};
struct transfer jump_fcontext(void *to, void *arg);
void *make_fcontext(void *top, size_t size, void (*entry)(struct transfer));

struct handover {
    struct context *from;     /* where the continued side stores what it came from */
    void (*entry)(void *arg); /* what a first run runs */
    void *arg;
};

static void start(struct transfer t)
{
    struct handover first = *(struct handover *)t.arg;

    first.from->sp = t.from;
    first.entry(first.arg);
}

void context_make(struct context *c, void *top, size_t size, void (*entry)(void *arg))
{
    c->sp = make_fcontext(top, size, start);
    c->entry = entry;
}

void *context_switch(struct context *from, struct context *to, void *arg)
{
    struct handover mine = {.from = from, .entry = to->entry, .arg = arg};
    struct transfer t = jump_fcontext(to->sp, &mine);
    struct handover back = *(struct handover *)t.arg;

    back.from->sp = t.from;
    return back.arg;
}

#elif defined __x86_64__

void context_start(void);

void context_make(struct context *c, void *top, size_t size, void (*entry)(void *arg))
{
    /* 16-aligned when context_start runs, so that its call enters as the ABI wants. */
    uint64_t *sp = (uint64_t *)((uintptr_t)top & ~(uintptr_t)15) - 8;
    uint32_t mxcsr = 0x1f80, x87 = 0x037f; /* the ABI's initial values */

    (void)size;
    memset(sp, 0, 8 * sizeof *sp);
    sp[0] = (uint64_t)x87 << 32 | mxcsr;
    sp[5] = (uint64_t)(uintptr_t)entry; /* rbx */
    sp[7] = (uint64_t)(uintptr_t)context_start;
    c->sp = sp;
}

#elif defined __aarch64__

void context_start(void);

void context_make(struct context *c, void *top, size_t size, void (*entry)(void *arg))
{
    uint64_t *sp = (uint64_t *)((uintptr_t)top & ~(uintptr_t)15) - 22;

    (void)size;
    memset(sp, 0, 22 * sizeof *sp);
    sp[0] = (uint64_t)(uintptr_t)entry; /* x19 */
    sp[11] = (uint64_t)(uintptr_t)context_start; /* x30 */
    c->sp = sp;
}

#else
#error "no context switch for this processor: configure with -Dboost_context=true"
#endif
