/* Tells sanitizers and valgrind about our stacks. Without them, every function here is empty. */
#ifndef WEIR_RUNTIME_FIBER_H
#define WEIR_RUNTIME_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#if defined __SANITIZE_ADDRESS__
#define HAS_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#if defined __SANITIZE_THREAD__
#define HAS_TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef HAS_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef WEIR_VALGRIND
#include <valgrind/valgrind.h>
#endif

/* What one stack, a coroutine's or a thread's own, is known by. */
struct fiber {
    const void *low;
    size_t size;
    void *fake;  /* ASan's second stack */
    void *tsan;
    unsigned valgrind;
};

static inline void fiber_adopt_thread(UNUSED struct fiber *f)
{
#ifdef HAS_TSAN
    f->tsan = __tsan_get_current_fiber();
#endif
}

/* Before a stack is used again: what ended in the middle leaves its redzones behind. */
static inline void fiber_clean(UNUSED char *low, UNUSED char *top)
{
#ifdef HAS_ASAN
    __asan_unpoison_memory_region(low, (size_t)(top - low));
#endif
}

static inline void fiber_born(UNUSED struct fiber *f, UNUSED void *low, UNUSED size_t size)
{
    f->low = low;
    f->size = size;
#ifdef HAS_ASAN
    __lsan_register_root_region(low, size);
#endif
#ifdef HAS_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
#ifdef WEIR_VALGRIND
    f->valgrind = (unsigned)VALGRIND_STACK_REGISTER(low, (char *)low + size);
#endif
}

static inline void fiber_dead(UNUSED struct fiber *f)
{
#ifdef HAS_ASAN
    __lsan_unregister_root_region(f->low, f->size);
#endif
#ifdef HAS_TSAN
    __tsan_destroy_fiber(f->tsan);
#endif
#ifdef WEIR_VALGRIND
    VALGRIND_STACK_DEREGISTER(f->valgrind);
#endif
}

/* Just before a switch; `is_last` when `from` will not run again. */
static inline void fiber_leave(UNUSED struct fiber *from, UNUSED struct fiber *to, UNUSED bool is_last)
{
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(is_last ? NULL : &from->fake, to->low, to->size);
#endif
#ifdef HAS_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
}

/* Just after a switch, on the stack of `self`; `from` learns its bounds when it is a thread's. */
static inline void fiber_enter(UNUSED struct fiber *self, UNUSED struct fiber *from)
{
#ifdef HAS_ASAN
    const void *low;
    size_t size;
    __sanitizer_finish_switch_fiber(self->fake, &low, &size);
    if (from) {
        from->low = low;
        from->size = size;
    }
#endif
}

#endif
