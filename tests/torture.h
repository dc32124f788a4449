/*
 * Torture by a failing allocator: a body runs again and again, and in run n the n-th allocation
 * fails, until a run needs fewer. Each failure must come back as an error; a crash ends the test, a leak is
 * AddressSanitizer's to report (preset asan).
 */
#ifndef WEIR_TESTS_TORTURE_H
#define WEIR_TESTS_TORTURE_H

#include "test.h"

#include "base/mem.h"

enum { TORTURE_MAX = 100000 };

enum torture_rule {
    FAILS,    /* without that memory the body cannot succeed */
    MAY_PASS, /* it may also do without: a buffer less, a line of log lost */
};

#ifdef WEIR_FAILING_ALLOC

#define torture_requires()

/* The allocations of this thread. Returns how many there were. */
static inline long torture(int (*body)(void *arg), void *arg, enum torture_rule rule)
{
    for (long n = 1; n < TORTURE_MAX; n++) {
        mem_fail_at(n);
        int r = body(arg);
        bool has_failed = mem_has_failed();
        mem_fail_at(0);
        if (!has_failed) {
            if (r < 0)
                fail_msg("fails (%d) although every allocation succeeds", r);
            return n - 1;
        }
        if (r >= 0 && rule == FAILS)
            fail_msg("allocation %ld failed, and nobody noticed", n);
    }
    fail_msg("no end of allocations");
    return 0;
}

/* The allocations of all threads, which the body waits for. */
static inline long torture_everywhere(int (*body)(void *arg), void *arg)
{
    for (long n = 1; n < TORTURE_MAX; n++) {
        mem_fail_anywhere_at(n);
        int r = body(arg);
        bool has_failed = mem_has_failed_anywhere();
        mem_fail_anywhere_at(0);
        if (!has_failed) {
            if (r < 0)
                fail_msg("fails (%d) although every allocation succeeds", r);
            return n - 1;
        }
    }
    fail_msg("no end of allocations");
    return 0;
}

#else

#define torture_requires() skip()

static inline long torture(int (*body)(void *arg), void *arg, enum torture_rule rule)
{
    (void)rule;
    return body(arg);
}

static inline long torture_everywhere(int (*body)(void *arg), void *arg)
{
    return body(arg);
}

#endif

#endif
