/*
 * Coroutines: code that looks blocking and parks instead. A coroutine belongs to one worker
 * thread and to one group, and never changes either.
 *
 * A call that may park says so in its contract. After one, others have run: read shared state
 * again. Every such call returns -ECANCELED once the group was cancelled, and -ETIMEDOUT when
 * its deadline or the group's has passed; both go up at once.
 */
#ifndef WEIR_RUNTIME_CO_H
#define WEIR_RUNTIME_CO_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/list.h"

struct co;
struct loop;

/* ---- events ------------------------------------------------------------------------------ */

/* Something that one coroutine may wait for. Zeroed, it is not set. It stays set until waited for. */
struct event {
    struct co *waiter;
    bool is_set;
};

/* Same worker only, from a coroutine, a timer or the loop. */
void event_set(struct event *e);
/* May park. `where` is a literal for the dump of parked coroutines. Clears the event. */
int event_wait(struct event *e, int64_t deadline, const char *where) CHECKED;
/* As event_wait for the first of several (n <= 8); returns its index. */
int event_wait_any(struct event *const *events, unsigned n, int64_t deadline, const char *where) CHECKED;

/* Waits for as long as it takes, also when cancelled: for what works on the caller's memory. */
void event_wait_through(struct event *e, const char *where);

/* ---- groups ------------------------------------------------------------------------------ */

/*
 * The owner of coroutines: cancelling reaches all members and all groups below; the owner waits
 * until every member has returned. Same worker only.
 */
struct group {
    struct list members; /* co.member */
    struct list groups;  /* group.link */
    struct list link;
    struct group *parent;
    int64_t deadline;
    unsigned count;
    bool is_cancelled;
    struct event emptied;
};

/* `parent` may be NULL; the new group is cancelled with it and obeys its deadline. */
void group_init(struct group *g, struct group *parent);
/* Every blocking call of every member returns -ECANCELED, now and later. */
void group_cancel(struct group *g);
/* From now on, blocking calls of members return -ETIMEDOUT at `deadline` (clock_ms() scale). */
void group_set_deadline(struct group *g, int64_t deadline);
/* Parks until all members have returned, even if the caller itself is cancelled. */
void group_wait(struct group *g);
/* Cancels, waits, and takes the group out of its parent. */
void group_done(struct group *g);

/* ---- coroutines -------------------------------------------------------------------------- */

/*
 * Starts fn(arg) on this worker; it first runs when the caller parks. `name` is a literal.
 * 0, -ECANCELED (the group is), or -ENOMEM (no memory or no stack).
 */
int co_spawn(struct group *g, const char *name, void (*fn)(void *arg), void *arg) CHECKED;
/* The running coroutine, or NULL on a thread's own stack. */
struct co *co_self(void);
/* The group of the running coroutine. */
struct group *co_group(void);
/* Lets the others run. 0 or -ECANCELED. */
int co_yield(void) CHECKED;
int co_sleep(int64_t ms) CHECKED;
/* What the dump shows beside the name; a literal or memory that outlives the coroutine. */
void co_set_note(const char *note);

#endif
