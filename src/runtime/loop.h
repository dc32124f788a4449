/*
 * The loop of one worker thread: runs ready coroutines, then waits for descriptors (epoll,
 * edge triggered), timers and messages from other threads.
 */
#ifndef WEIR_RUNTIME_LOOP_H
#define WEIR_RUNTIME_LOOP_H

#include <pthread.h>

#include "base/error.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "runtime/co.h"
#include "runtime/timer.h"

/* ---- descriptors ------------------------------------------------------------------------- */

/*
 * A descriptor in the loop. `may_read` is a hint: false when a read would surely find nothing,
 * so that the system call can be saved; whoever got EAGAIN or less than it asked for clears it
 * through watch_drained().
 */
struct watch {
    int fd;
    bool may_read;
    bool has_hup;      /* the peer closed its side or the socket failed */
    bool has_writable; /* the loop tells when it can be written */
    struct event readable;
    struct event writable;
};

enum watch_kind {
    WATCH_READ,   /* edge triggered; writing is added by watch_writable() when a write has to wait */
    WATCH_BOTH,   /* from the start: a socket that is connecting */
    WATCH_LISTEN, /* level triggered: `readable` is set again while something is left */
};

/* Puts a non-blocking descriptor into this worker's loop; the watch stays where it is. */
int watch_init(struct watch *w, int fd, enum watch_kind kind) CHECKED;
/* Of a WATCH_LISTEN: whether it is looked at. While nobody accepts, what waits would keep the loop awake. */
int watch_listen(struct watch *w, bool is_looked_at);
/* Parks until the descriptor may be written. */
int watch_writable(struct watch *w, int64_t deadline, const char *where) CHECKED;
/* The event for event_wait_any(), or NULL with *failure set. */
struct event *watch_writable_event(struct watch *w, int *failure);
/* Out of the loop, then closes the descriptor. */
void watch_close(struct watch *w);
/* Out of the loop; the descriptor stays open and is returned. */
int watch_release(struct watch *w);
static inline void watch_drained(struct watch *w)
{
    w->may_read = w->has_hup;
}

/* ---- the loop ---------------------------------------------------------------------------- */

struct message {
    struct list link;
    void (*run)(struct message *m); /* on the receiving loop's own stack; must not park */
};

/* The loop of this thread; NULL elsewhere. */
struct loop *loop_self(void);
/* clock_ms() as of the last wake-up: free of cost. */
int64_t loop_now(void);
/* Index of this worker in its set. */
unsigned loop_index(void);
/* The group above all others of this worker. */
struct group *loop_group(struct loop *l);
int loop_timer_set(struct timer *t, int64_t at) CHECKED;
void loop_timer_stop(struct timer *t);

struct loop *loop_new(unsigned index, const struct log *log, struct error *err);
/* From any thread: wakes the loop and runs the message there. Owned by the loop until it ran. */
void loop_post(struct loop *l, struct message *m);
/* Runs on the calling thread until loop_stop() was called and every coroutine has returned. */
void loop_run(struct loop *l);
/* From any thread: cancels the loop's group; loop_run() returns once all have returned. */
void loop_stop(struct loop *l);
void loop_free(struct loop *l);

/* Room that belongs to the worker and is set up by a floor below: the buffer pool, the scratch area. */
enum loop_slot { LOOP_BUFFERS, LOOP_PIPES, LOOP_BATCHES, LOOP_SCRATCH, LOOP_SLOTS };
struct loop_local {
    void *value;
    void (*free)(void *value); /* when the loop ends */
};
struct loop_local *loop_local(enum loop_slot slot);

/* One line per coroutine: name, where it waits, since when, its note. */
void loop_dump(struct loop *l, struct strbuf *out);
/* For a worker that does not answer: the name of the coroutine that runs, or NULL. */
const char *loop_busy_with(const struct loop *l);
/* Figures for the status line and tests. */
struct loop_stats {
    unsigned coroutines;
    unsigned stacks;
    uint64_t wakeups;
};
struct loop_stats loop_stats(const struct loop *l);

#endif
