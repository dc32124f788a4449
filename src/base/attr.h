/* Attributes by name, so that no other file spells a compiler's words. */
#ifndef WEIR_BASE_ATTR_H
#define WEIR_BASE_ATTR_H

#include "base/banned.h"

/* gcc does not accept "(void)f()" as an answer to this attribute; clang watches for both. */
#ifdef __clang__
#define CHECKED __attribute__((warn_unused_result))
#else
#define CHECKED
#endif
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))
#define NOINLINE __attribute__((noinline))
#define NORETURN __attribute__((noreturn))
#define FALLTHROUGH __attribute__((fallthrough))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define PURE __attribute__((pure))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define STATIC_ASSERT(cond, text) _Static_assert(cond, text)

#define container_of(ptr, type, member)                                                            \
    ((type *)(void *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

/* Gives the pointer away: the cleanup attribute then sees NULL. */
#define take(p)                                                                                    \
    (__extension__({                                                                               \
        __typeof__(p) took_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        took_;                                                                                     \
    }))

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define PICK_(a, op, b, x, y)                                                                      \
    (__extension__({                                                                               \
        __typeof__(a) x = (a);                                                                     \
        __typeof__(b) y = (b);                                                                     \
        x op y ? x : y;                                                                            \
    }))
/* Each argument is evaluated once; they may be nested. */
#define min_of(a, b) PICK_(a, <, b, PASTE(min_a_, __COUNTER__), PASTE(min_b_, __COUNTER__))
#define max_of(a, b) PICK_(a, >, b, PASTE(max_a_, __COUNTER__), PASTE(max_b_, __COUNTER__))

/* Defines `name_cleanup(type *p)` for CLEANUP(), from a function that accepts NULL. */
#define DEFINE_CLEANUP(name, type, fn)                                                             \
    static inline void name##_cleanup(type *p)                                                     \
    {                                                                                              \
        fn(*p);                                                                                    \
    }

#endif
