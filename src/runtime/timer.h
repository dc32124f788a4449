/* Timers of one loop: a 4-ary heap of embedded members. Times are clock_ms(). */
#ifndef WEIR_RUNTIME_TIMER_H
#define WEIR_RUNTIME_TIMER_H

#include "base/clock.h"
#include "base/vec.h"

struct timer {
    int64_t at;
    size_t place; /* 1 + index in the heap; 0: not armed */
    void (*fire)(struct timer *t); /* runs on the loop's own stack and must not park */
};

struct timer_heap {
    VEC(struct timer *) timers;
};

/* Arms or moves. 0 or -ENOMEM; moving an armed timer cannot fail. */
int timer_set(struct timer_heap *h, struct timer *t, int64_t at) CHECKED;
void timer_stop(struct timer_heap *h, struct timer *t);
/* When the first is due, or NEVER. */
int64_t timer_next(const struct timer_heap *h);
/* Fires all that are due; each is unarmed before its function runs. */
void timer_run(struct timer_heap *h, int64_t now);
void timer_heap_done(struct timer_heap *h);

#endif
