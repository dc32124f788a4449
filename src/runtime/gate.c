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
    if (!g->limit || g->inside < g->limit) {
        g->inside++;
        return 0;
    }
    struct waiter w = {0};
    list_add(&g->waiting, &w.link);
    int r = event_wait(&w.opened, deadline, "wait at gate");
    list_remove(&w.link);
    return r;
}

void gate_leave(struct gate *g)
{
    if (list_is_empty(&g->waiting)) {
        g->inside--;
        return;
    }
    /* The place goes to the first in line and is never free meanwhile: nobody gets in before it. */
    struct waiter *w = container_of(g->waiting.next, struct waiter, link);
    list_remove(&w->link);
    event_set(&w->opened);
}
