/*
 * What an object that all workers share has on each worker: an outbound's connections that wait for
 * reuse, the coroutines that serve them. A part is made when a worker first asks for it.
 *
 * A part ends when its worker leaves (locals_leave), when the shared object goes (locals_free), or with
 * its worker, whichever comes first: its group is cancelled, its coroutines return, then done() is called.
 */
#ifndef WEIR_LAYER_LOCALS_H
#define WEIR_LAYER_LOCALS_H

#include "runtime/loop.h"

struct locals;

/* The first member of the part. */
struct local {
    struct group group; /* for coroutines that outlive the flow which started them */
    struct list link;
    struct locals *of;
    struct loop *loop;
    struct message message;
    struct event end;
    struct event *gone;
    bool is_posted;
};

/* `size` octets each, zeroed but for the first member. `done` (may be NULL) frees what a part holds, on its worker. */
struct locals *locals_new(size_t size, void (*done)(struct local *l)) CHECKED;
/* This worker's part; made now if there is none. NULL: no memory, or the worker is stopping. */
struct local *locals_get(struct locals *l);
/* Ends this worker's part, if there is one. Parks until it is gone. Accepts NULL. */
void locals_leave(struct locals *l);
/* Any thread. Parts that are left end soon after. Accepts NULL. */
void locals_free(struct locals *l);

#endif
