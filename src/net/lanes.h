/*
 * The driver of a relay between two sides that cannot be joined in the kernel: one coroutine
 * watches both directions; while data is there, a direction runs in a coroutine of its own
 * and borrows its buffer. So a write that waits in one direction never stops the other, and
 * an idle relay is one parked coroutine without a buffer. Inside net/ only.
 */
#ifndef WEIR_NET_LANES_H
#define WEIR_NET_LANES_H

#include "runtime/loop.h"

struct lane {
    /* Carries what is there: 1 for more may come, 0 at the end, negative on failure. May park. */
    int (*burst)(struct lane *l);
    /* Set when burst() is worth another try. */
    struct event *(*readable)(struct lane *l);
    /* Owned by the driver. */
    struct event *changed;
    int result;
    bool is_running;
    bool has_ended;
};

struct lane_limits {
    int64_t idle_ms;       /* 0: none */
    int64_t half_ms;       /* once one direction has ended */
    int64_t *last_activity; /* loop_now() of the last byte; the bursts keep it */
};

/* Runs both until both ended (0), one failed, or idle (-ETIMEDOUT). Parks. */
int lanes_run(struct lane *lane[2], const struct lane_limits *limits) CHECKED;

#endif
