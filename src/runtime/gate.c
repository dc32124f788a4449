#include "runtime/gate.h"

struct waiter {
    struct list link;
    struct event opened;
};

void gate_init(struct gate *g, unsigned limit)
{
    *g = (struct gate){.limit = limit};
    list_init(&g->waiting);
}

int gate_enter(struct gate *g, int64_t deadline)
{
    while (g->limit && g->inside >= g->limit) {
        struct waiter w = {0};
        list_add(&g->waiting, &w.link);
        int r = event_wait(&w.opened, deadline, "wait at gate");
        list_remove(&w.link);
        if (r < 0)
            return r;
    }
    g->inside++;
    return 0;
}

void gate_leave(struct gate *g)
{
    g->inside--;
    /* Several may leave before the first that was woken runs: each leaves room for one more. */
    list_each(l, &g->waiting) {
        struct waiter *w = container_of(l, struct waiter, link);
        if (!w->opened.is_set) {
            event_set(&w->opened);
            return;
        }
    }
}
