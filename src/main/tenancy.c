#include "main/tenancy.h"

#include "base/mem.h"
#include "runtime/loop.h"

struct tenancy {
    struct generation *generation;
    struct group accepting;
    struct group sessions;
};

static int start_inbound(struct tenancy *t, size_t i, unsigned worker, struct admission *admission, struct error *err)
{
    struct generation *g = t->generation;
    const struct model_inbound *m = &g->model.inbounds.at[i];
    size_t slot = worker * g->inbound_count + i;
    struct acceptor_setup setup = {
        .inbound = g->inbounds[i],
        .listen = &m->listen,
        .tcp_fd = g->tcp_fd[slot],
        .udp_fd = g->udp_fd[slot],
        .is_lan_refused = g->model.dialect == DIALECT_MIHOMO && !m->allow_lan,
        .admission = admission,
        .accepting = &t->accepting,
        .sessions = &t->sessions,
    };

    return acceptor_start(&setup, err);
}

/* Outbounds may dial through each other: while one ends what it kept on this worker, all the others are still there. */
static void leave_outbounds(const struct generation *g)
{
    for (size_t i = 0; i < g->outbound_count; i++) {
        if (g->outbounds[i]->ops->leave)
            g->outbounds[i]->ops->leave(g->outbounds[i]);
    }
}

static void tenancy_free(struct tenancy *t)
{
    group_done(&t->sessions);
    leave_outbounds(t->generation);
    generation_unref(t->generation);
    mem_free(t);
}

struct tenancy *tenancy_new(struct generation *g, unsigned worker, struct admission *admission, struct error *err)
{
    struct tenancy *t = mem_new(struct tenancy);

    if (!t) {
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    generation_ref(g);
    t->generation = g;
    group_init(&t->accepting, loop_group(loop_self()));
    group_init(&t->sessions, loop_group(loop_self()));
    for (size_t i = 0; i < g->inbound_count; i++) {
        if (start_inbound(t, i, worker, admission, err) < 0) {
            tenancy_close(t);
            tenancy_free(t);
            return NULL;
        }
    }
    return t;
}

void tenancy_close(struct tenancy *t)
{
    group_done(&t->accepting);
}

static void drain(void *arg)
{
    struct tenancy *t = arg;

    group_wait(&t->sessions);
    tenancy_free(t);
}

void tenancy_leave(struct tenancy *t)
{
    if (co_spawn(loop_group(loop_self()), "drain", drain, t) < 0) {
        /* No memory for a coroutine, or the worker is stopping: the sessions are cut instead. */
        tenancy_free(t);
    }
}

unsigned tenancy_sessions(const struct tenancy *t)
{
    return t->sessions.count;
}
