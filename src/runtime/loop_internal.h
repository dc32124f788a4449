/* What co.c, group.c and loop.c share. No other floor includes this. */
#ifndef WEIR_RUNTIME_LOOP_INTERNAL_H
#define WEIR_RUNTIME_LOOP_INTERNAL_H

#include "runtime/context.h"
#include "runtime/fiber.h"
#include "runtime/loop.h"
#include "runtime/stack.h"

struct co {
    struct list ready;  /* in loop.ready, or empty */
    struct list all;    /* in loop.all */
    struct list member; /* in group.members */
    struct context context;
    struct fiber fiber;
    struct stack *stack;
    struct group *group;
    void (*fn)(void *arg);
    void *arg;
    const char *name;
    const char *note;
    const char *where; /* NULL while running or ready */
    struct timer timer;
    int64_t deadline;  /* of the present wait */
    int64_t parked_at;
    bool has_timed_out;
    bool is_trimmed;   /* nothing ran since the stack was trimmed */
};

struct loop {
    struct list ready;
    struct list all;
    struct co *running;
    const char *busy_with;  /* its name; atomic, for the dump of another thread */
    struct context context; /* of the thread's own stack */
    struct fiber fiber;
    struct stack_cache stacks;
    struct timer_heap timers;
    struct timer sweep;
    struct group root;
    struct loop_local local[LOOP_SLOTS];
    const struct log *log;
    int64_t now;    /* clock_ms() as of the last event or switch */
    int64_t now_ns;
    uint64_t wakeups;
    unsigned index;
    unsigned coroutines;
    unsigned peak; /* most coroutines seen by a sweep since the heap was given back */
    int epoll;
    int wake;            /* eventfd */
    struct co *dead;     /* returned; its stack is freed by the loop */
    bool is_stopping;    /* only this thread */

    pthread_mutex_t lock; /* guards what is below */
    struct list messages;
    bool stop_asked;
};

/* Makes a parked coroutine run. */
void co_wake(struct co *co);
/* Parks the running coroutine until co_wake(). */
void co_park(int64_t deadline, const char *where);
/* Runs one ready coroutine until it parks or returns. */
void co_resume(struct loop *l, struct co *co);
struct loop *loop_current(void);
/* Reads the clock. */
void loop_tick(struct loop *l);

#endif
