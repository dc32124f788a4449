/* Runs a test's body as a coroutine on a worker thread of its own. */
#ifndef WEIR_TESTS_WORKER_H
#define WEIR_TESTS_WORKER_H

#include "test.h"

#include "runtime/workers.h"

static inline int run_body(void *arg)
{
    union {
        void (*fn)(void);
        void *p;
    } u = {.p = arg};

    u.fn();
    return 0;
}

/*
 * cmocka's failures jump, which must not happen on a coroutine's stack: inside the body use
 * check(), which ends the process with a message.
 */
static inline void on_worker(void (*body)(void))
{
    struct error err;
    struct workers *w = workers_new(1, NULL, &err);

    assert_non_null(w);
    union {
        void (*fn)(void);
        void *p;
    } u = {.fn = body};
    assert_int_equal(workers_call(w, 0, run_body, u.p), 0);
    workers_free(w);
}

#define check(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #cond);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)
#define check_int(got, want)                                                                       \
    do {                                                                                           \
        long got_ = (long)(got), want_ = (long)(want);                                             \
        if (got_ != want_) {                                                                       \
            (void)fprintf(stderr, "%s:%d: %s is %ld, expected %ld\n", __FILE__, __LINE__, #got,    \
                          got_, want_);                                                            \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
