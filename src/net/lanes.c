#include "net/lanes.h"

#include <errno.h>

static void run_burst(void *arg)
{
    struct lane *l = arg;

    l->result = l->burst(l);
    l->is_running = false;
    l->has_ended = l->result == 0;
    event_set(l->changed);
}

static int start(struct group *g, struct lane *l)
{
    l->is_running = true;
    int r = co_spawn(g, "relay burst", run_burst, l);
    if (r < 0)
        l->is_running = false;
    return r;
}

/* A failure of either side, or 1 while there is something left to do, or 0. */
static int state(struct lane *const lane[2])
{
    for (int i = 0; i < 2; i++) {
        if (!lane[i]->is_running && lane[i]->result < 0)
            return lane[i]->result;
    }
    return lane[0]->has_ended && lane[1]->has_ended ? 0 : 1;
}

static int64_t deadline_of(struct lane *const lane[2], const struct lane_limits *limits)
{
    bool is_half = lane[0]->has_ended || lane[1]->has_ended;
    int64_t idle = is_half && limits->half_ms ? limits->half_ms : limits->idle_ms;

    return idle ? *limits->last_activity + idle : NEVER;
}

static int drive(struct group *g, struct lane *const lane[2], struct event *changed, const struct lane_limits *limits)
{
    for (;;) {
        struct event *events[3] = {changed};
        struct lane *of[3] = {NULL};
        unsigned n = 1;

        int r = state(lane);
        if (r <= 0)
            return r;
        for (int i = 0; i < 2; i++) {
            if (lane[i]->is_running || lane[i]->has_ended)
                continue;
            of[n] = lane[i];
            events[n++] = lane[i]->readable(lane[i]);
        }
        int64_t until = deadline_of(lane, limits);
        r = event_wait_any(events, n, until, "relay");
        /* A burst may have moved the time. If none did, it was a group's deadline that passed. */
        if (r == -ETIMEDOUT && deadline_of(lane, limits) != until)
            continue;
        if (r < 0)
            return r;
        if (of[r] && (r = start(g, of[r])) < 0)
            return r;
    }
}

int lanes_run(struct lane *lane[2], const struct lane_limits *limits)
{
    struct event changed = {0};
    struct group g;

    group_init(&g, co_group());
    for (int i = 0; i < 2; i++) {
        lane[i]->changed = &changed;
        lane[i]->result = 1;
    }
    int r = drive(&g, lane, &changed, limits);
    group_done(&g);
    return r;
}
