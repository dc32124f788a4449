#include "runtime/co.h"

#include <errno.h>

#include "runtime/loop_internal.h"

enum { STUCK_MS = 100 };

struct co *co_self(void)
{
    struct loop *l = loop_current();

    return l ? l->running : NULL;
}

/* For calls that make sense in a coroutine only. */
static struct co *running(void)
{
    return loop_current()->running;
}

struct group *co_group(void)
{
    return running()->group;
}

void co_set_note(const char *note)
{
    running()->note = note;
}

void co_wake(struct co *co)
{
    if (list_is_empty(&co->ready))
        list_add(&loop_current()->ready, &co->ready);
}

/* ---- birth, death, switching ------------------------------------------------------------- */

static void leave(struct loop *l, struct co *co, bool is_last)
{
    fiber_leave(&co->fiber, &l->fiber, is_last);
    (void)context_switch(&co->context, &l->context, NULL);
    fiber_enter(&co->fiber, &l->fiber);
}

static void entry(void *arg)
{
    struct co *co = arg;
    struct loop *l = loop_current();

    fiber_enter(&co->fiber, &l->fiber);
    co->fn(co->arg);
    l->dead = co;
    leave(l, co, true);
    abort(); /* a coroutine that returned is never resumed */
}

static void bury(struct loop *l, struct co *co)
{
    struct group *g = co->group;
    struct stack *stack = co->stack;

    timer_stop(&l->timers, &co->timer);
    list_remove(&co->all);
    list_remove(&co->member);
    list_remove(&co->ready);
    fiber_dead(&co->fiber);
    stack_put(&l->stacks, stack);
    l->coroutines--;
    if (--g->count == 0)
        event_set(&g->emptied);
}

static void report_stuck(struct loop *l, const struct co *co, int64_t ns)
{
    log_warn(l->log, "worker %u: coroutine '%s' ran %d ms without a pause", l->index, co->name,
             (int)(ns / 1000000));
}

void co_resume(struct loop *l, struct co *co)
{
    int64_t started = l->now_ns;

    l->running = co;
    __atomic_store_n(&l->busy_with, co->name, __ATOMIC_RELAXED);
    co->where = NULL;
    co->is_trimmed = false;
    fiber_leave(&l->fiber, &co->fiber, false);
    (void)context_switch(&l->context, &co->context, co);
    fiber_enter(&l->fiber, NULL);
    l->running = NULL;
    __atomic_store_n(&l->busy_with, NULL, __ATOMIC_RELAXED);
    loop_tick(l);
    if (unlikely(l->now_ns - started > (int64_t)STUCK_MS * 1000000))
        report_stuck(l, co, l->now_ns - started);
    if (l->dead) {
        bury(l, l->dead);
        l->dead = NULL;
    }
}

static void on_deadline(struct timer *t)
{
    struct co *co = container_of(t, struct co, timer);
    struct loop *l = loop_current();

    if (!co->where || co->deadline == NEVER)
        return;
    if (co->deadline > l->now) {
        /* The wait in which it was armed is over; this one ends later. */
        (void)timer_set(&l->timers, t, co->deadline);
        return;
    }
    co->has_timed_out = true;
    co_wake(co);
}

int co_spawn(struct group *g, const char *name, void (*fn)(void *arg), void *arg)
{
    struct loop *l = loop_current();

    if (g->is_cancelled)
        return -ECANCELED;
    struct stack *stack = stack_get(&l->stacks);
    if (!stack)
        return -ENOMEM;
    struct co *co = (struct co *)(void *)(((uintptr_t)stack->top - sizeof *co) & ~(uintptr_t)63);
    size_t room = (size_t)((char *)co - stack->low);
    fiber_clean(stack->low, stack->top);
    *co = (struct co){.stack = stack, .group = g, .fn = fn, .arg = arg, .name = name,
                      .timer.fire = on_deadline, .deadline = NEVER};
    fiber_born(&co->fiber, stack->low, room);
    context_make(&co->context, co, room, entry);
    list_init(&co->ready);
    list_add(&l->all, &co->all);
    list_add(&g->members, &co->member);
    g->count++;
    l->coroutines++;
    co_wake(co);
    return 0;
}

void co_park(int64_t deadline, const char *where)
{
    struct loop *l = loop_current();
    struct co *co = l->running;

    co->where = where;
    co->parked_at = l->now;
    co->deadline = deadline;
    /* An earlier timer is left alone and re-armed when it fires: most waits end before. */
    if (deadline != NEVER && (!co->timer.place || co->timer.at > deadline) &&
        timer_set(&l->timers, &co->timer, deadline) < 0) {
        /* Without memory for a timer, a wait that could last for ever must not begin. */
        co->has_timed_out = true;
        co_wake(co);
    }
    leave(l, co, false);
}

/* ---- waiting ----------------------------------------------------------------------------- */

static int64_t effective_deadline(const struct co *co, int64_t deadline)
{
    for (const struct group *g = co->group; g; g = g->parent)
        deadline = min_of(deadline, g->deadline);
    return deadline;
}

void event_set(struct event *e)
{
    e->is_set = true;
    if (e->waiter)
        co_wake(e->waiter);
}

static int first_set(struct event *const *events, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (events[i]->is_set) {
            events[i]->is_set = false;
            return (int)i;
        }
    }
    return -EAGAIN;
}

int event_wait_any(struct event *const *events, unsigned n, int64_t deadline, const char *where)
{
    struct co *co = running();
    int found = -EAGAIN;

    if (co->group->is_cancelled)
        return -ECANCELED;
    deadline = effective_deadline(co, deadline);
    while ((found = first_set(events, n)) < 0) {
        if (co->group->is_cancelled) {
            found = -ECANCELED;
            break;
        }
        if (co->has_timed_out || deadline <= loop_now()) {
            found = -ETIMEDOUT;
            break;
        }
        for (unsigned i = 0; i < n; i++)
            events[i]->waiter = co;
        co_park(deadline, where);
    }
    for (unsigned i = 0; i < n; i++) {
        if (events[i]->waiter == co)
            events[i]->waiter = NULL;
    }
    co->has_timed_out = false;
    return found;
}

int event_wait(struct event *e, int64_t deadline, const char *where)
{
    int r = event_wait_any(&e, 1, deadline, where);

    return r < 0 ? r : 0;
}

void event_wait_through(struct event *e, const char *where)
{
    struct co *co = running();

    while (!e->is_set) {
        e->waiter = co;
        co_park(NEVER, where);
    }
    e->waiter = NULL;
    e->is_set = false;
    co->has_timed_out = false;
}

int co_yield(void)
{
    struct co *co = running();

    if (co->group->is_cancelled)
        return -ECANCELED;
    co_wake(co);
    co_park(NEVER, "yield");
    return co->group->is_cancelled ? -ECANCELED : 0;
}

int co_sleep(int64_t ms)
{
    struct event never = {0};
    int r = event_wait(&never, loop_now() + ms, "sleep");

    /* The group's own deadline also ends a sleep, but then it is not over. */
    return r == -ETIMEDOUT && effective_deadline(running(), NEVER) > loop_now() ? 0 : r;
}

/* ---- groups ------------------------------------------------------------------------------ */

void group_init(struct group *g, struct group *parent)
{
    *g = (struct group){.parent = parent, .deadline = NEVER};
    list_init(&g->members);
    list_init(&g->groups);
    list_init(&g->link);
    if (parent) {
        list_add(&parent->groups, &g->link);
        g->is_cancelled = parent->is_cancelled;
    }
}

void group_cancel(struct group *g)
{
    g->is_cancelled = true;
    list_each(m, &g->members) {
        struct co *co = container_of(m, struct co, member);
        if (co->where)
            co_wake(co);
    }
    list_each(m, &g->groups)
        group_cancel(container_of(m, struct group, link));
}

/* Members that wait already look at it again. */
static void shorten_waits(struct group *g, int64_t deadline)
{
    list_each(m, &g->members) {
        struct co *co = container_of(m, struct co, member);
        if (co->where && co->deadline > deadline) {
            co->deadline = deadline;
            (void)timer_set(&loop_current()->timers, &co->timer, deadline);
        }
    }
    list_each(m, &g->groups)
        shorten_waits(container_of(m, struct group, link), deadline);
}

void group_set_deadline(struct group *g, int64_t deadline)
{
    /* Groups below keep their own, so that lifting this one lifts it for them, too. */
    g->deadline = deadline;
    shorten_waits(g, deadline);
}

void group_wait(struct group *g)
{
    while (g->count > 0) {
        g->emptied.is_set = false;
        event_wait_through(&g->emptied, "wait for group");
    }
}

void group_done(struct group *g)
{
    group_cancel(g);
    group_wait(g);
    list_remove(&g->link);
}
