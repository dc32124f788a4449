#include "runtime/timer.h"

static void put(struct timer_heap *h, size_t i, struct timer *t)
{
    h->timers.at[i] = t;
    t->place = i + 1;
}

static void sift_up(struct timer_heap *h, size_t i)
{
    struct timer *t = h->timers.at[i];

    while (i > 0) {
        size_t parent = (i - 1) / 4;
        if (h->timers.at[parent]->at <= t->at)
            break;
        put(h, i, h->timers.at[parent]);
        i = parent;
    }
    put(h, i, t);
}

static void sift_down(struct timer_heap *h, size_t i)
{
    struct timer *t = h->timers.at[i];

    for (;;) {
        size_t first = 4 * i + 1, least = i;
        int64_t at = t->at;
        for (size_t c = first; c < first + 4 && c < h->timers.len; c++) {
            if (h->timers.at[c]->at < at) {
                least = c;
                at = h->timers.at[c]->at;
            }
        }
        if (least == i)
            break;
        put(h, i, h->timers.at[least]);
        i = least;
    }
    put(h, i, t);
}

int timer_set(struct timer_heap *h, struct timer *t, int64_t at)
{
    if (t->place) {
        int64_t old = t->at;
        t->at = at;
        if (at < old)
            sift_up(h, t->place - 1);
        else
            sift_down(h, t->place - 1);
        return 0;
    }
    t->at = at;
    int r = vec_push(&h->timers, t);
    if (r < 0)
        return r;
    sift_up(h, h->timers.len - 1);
    return 0;
}

void timer_stop(struct timer_heap *h, struct timer *t)
{
    if (!t->place)
        return;
    size_t i = t->place - 1;
    struct timer *last = h->timers.at[--h->timers.len];
    t->place = 0;
    if (last == t)
        return;
    put(h, i, last);
    sift_up(h, i);
    sift_down(h, last->place - 1);
}

int64_t timer_next(const struct timer_heap *h)
{
    return h->timers.len ? h->timers.at[0]->at : NEVER;
}

void timer_run(struct timer_heap *h, int64_t now)
{
    while (h->timers.len && h->timers.at[0]->at <= now) {
        struct timer *t = h->timers.at[0];
        timer_stop(h, t);
        t->fire(t);
    }
}

void timer_heap_done(struct timer_heap *h)
{
    vec_done(&h->timers);
}
