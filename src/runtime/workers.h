/* A set of worker threads, one loop each, and a few threads for work that blocks. */
#ifndef WEIR_RUNTIME_WORKERS_H
#define WEIR_RUNTIME_WORKERS_H

#include "runtime/loop.h"

struct workers;

enum { WORKERS_MAX = 64 };

/* `count` 0: one per processor this process may use. Threads start at once. */
struct workers *workers_new(unsigned count, const struct log *log, struct error *err);
unsigned workers_count(const struct workers *w);
struct loop *workers_loop(struct workers *w, unsigned index);
/*
 * Runs fn(arg) as a coroutine on the worker and returns what it returned. Called from outside,
 * never from a worker. -ECANCELED when the workers are stopping.
 */
int workers_call(struct workers *w, unsigned index, int (*fn)(void *arg), void *arg);
/* Cancels everything, waits for every coroutine and joins the threads. */
void workers_free(struct workers *w);

/*
 * Runs fn(arg) on a thread of its own kind, for files and other calls that block; parks the calling coroutine,
 * also when it is cancelled meanwhile. 0, -ECANCELED (not started) or -ENOMEM/-EAGAIN (no thread).
 */
int blocking_run(void (*fn)(void *arg), void *arg) CHECKED;

/* Dumps all workers; one that does not answer within a second is named with what it runs. */
void workers_dump(struct workers *w, struct strbuf *out);

#endif
