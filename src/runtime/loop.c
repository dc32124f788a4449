#include "runtime/loop.h"

#include <errno.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "runtime/loop_internal.h"

enum {
    EVENTS = 128,     /* taken per epoll_wait */
    ROUNDS = 4,       /* of ready coroutines before descriptors are looked at again */
    SWEEP_MS = 300,   /* how often stacks of long-parked coroutines are trimmed */
    PARKED_MS = 200,  /* what "long" means */
    CROWD = 256,      /* coroutines; when three of four of so many have left, the heap is given back */
};

static _Thread_local struct loop *current;

struct loop *loop_current(void)
{
    return current;
}

void loop_tick(struct loop *l)
{
    l->now_ns = clock_ns();
    l->now = l->now_ns / 1000000;
}

struct loop *loop_self(void)
{
    return current;
}

int64_t loop_now(void)
{
    return current->now;
}

unsigned loop_index(void)
{
    return current->index;
}

struct group *loop_group(struct loop *l)
{
    return &l->root;
}

struct loop_local *loop_local(enum loop_slot slot)
{
    return &current->local[slot];
}

int loop_timer_set(struct timer *t, int64_t at)
{
    return timer_set(&current->timers, t, at);
}

void loop_timer_stop(struct timer *t)
{
    timer_stop(&current->timers, t);
}

/* ---- descriptors ------------------------------------------------------------------------- */

static int control(struct watch *w, int operation, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};

    return epoll_ctl(current->epoll, operation, w->fd, &ev) < 0 ? -errno : 0;
}

int watch_init(struct watch *w, int fd, enum watch_kind kind)
{
    static const uint32_t events[] = {
        [WATCH_READ] = EPOLLIN | EPOLLRDHUP | EPOLLET,
        [WATCH_BOTH] = EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET,
        [WATCH_LISTEN] = EPOLLIN,
    };

    *w = (struct watch){.fd = fd, .has_writable = kind == WATCH_BOTH};
    return control(w, EPOLL_CTL_ADD, events[kind]);
}

int watch_listen(struct watch *w, bool is_looked_at)
{
    return control(w, EPOLL_CTL_MOD, is_looked_at ? EPOLLIN : 0);
}

struct event *watch_writable_event(struct watch *w, int *failure)
{
    if (!w->has_writable) {
        /* The kernel reports at once if there is room by now. */
        *failure = control(w, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP | EPOLLOUT | EPOLLET);
        if (*failure < 0)
            return NULL;
        w->has_writable = true;
    }
    return &w->writable;
}

int watch_writable(struct watch *w, int64_t deadline, const char *where)
{
    int failure = 0;
    struct event *e = watch_writable_event(w, &failure);

    return e ? event_wait(e, deadline, where) : failure;
}

int watch_release(struct watch *w)
{
    int fd = w->fd;

    (void)epoll_ctl(current->epoll, EPOLL_CTL_DEL, fd, NULL);
    w->fd = -1;
    return fd;
}

void watch_close(struct watch *w)
{
    /* The last close takes a descriptor out of epoll; nobody else holds a copy of ours. */
    if (w->fd >= 0)
        (void)close(w->fd);
    w->fd = -1;
}

static void dispatch(struct watch *w, uint32_t events)
{
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        w->has_hup = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        w->may_read = true;
        event_set(&w->readable);
    }
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        event_set(&w->writable);
}

/* ---- messages ---------------------------------------------------------------------------- */

static void wake(struct loop *l)
{
    uint64_t one = 1;

    /* A full counter means that a wake-up is pending already. */
    (void)!write(l->wake, &one, sizeof one);
}

void loop_post(struct loop *l, struct message *m)
{
    pthread_mutex_lock(&l->lock);
    list_init(&m->link);
    list_add(&l->messages, &m->link);
    pthread_mutex_unlock(&l->lock);
    wake(l);
}

void loop_stop(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    l->stop_asked = true;
    pthread_mutex_unlock(&l->lock);
    wake(l);
}

static void run_messages(struct loop *l)
{
    struct list batch;
    uint64_t count;

    (void)!read(l->wake, &count, sizeof count);
    list_init(&batch);
    pthread_mutex_lock(&l->lock);
    list_move_all(&batch, &l->messages);
    bool stop = l->stop_asked;
    pthread_mutex_unlock(&l->lock);
    while (!list_is_empty(&batch)) {
        struct message *m = container_of(batch.next, struct message, link);
        list_remove(&m->link);
        m->run(m);
    }
    if (stop && !l->is_stopping) {
        l->is_stopping = true;
        group_cancel(&l->root);
    }
}

/* ---- running ----------------------------------------------------------------------------- */

static void run_round(struct loop *l)
{
    struct list batch;

    /* Those that become ready meanwhile wait for the next round. */
    list_init(&batch);
    list_move_all(&batch, &l->ready);
    while (!list_is_empty(&batch)) {
        struct co *co = container_of(batch.next, struct co, ready);
        list_remove(&co->ready);
        co_resume(l, co);
    }
}

static void run_ready(struct loop *l)
{
    for (int i = 0; i < ROUNDS && !list_is_empty(&l->ready); i++)
        run_round(l);
}

/* A crowd that left keeps its memory in the allocator until it is asked. */
static void give_back_heap(struct loop *l)
{
    l->peak = max_of(l->peak, l->coroutines);
    if (l->peak < CROWD || l->coroutines > l->peak / 4)
        return;
    l->peak = l->coroutines;
    (void)malloc_trim(0);
}

/* Gives back the stack pages of coroutines that have been parked for a while. */
static void sweep(struct timer *t)
{
    struct loop *l = container_of(t, struct loop, sweep);

    give_back_heap(l);
    bool is_left = false;

    list_each(m, &l->all) {
        struct co *co = container_of(m, struct co, all);
        if (!co->where || co->is_trimmed)
            continue;
        if (l->now - co->parked_at < PARKED_MS) {
            is_left = true;
            continue;
        }
        stack_trim(co->stack, co->context.sp);
        co->is_trimmed = true;
    }
    /* Those that have not been parked for long yet: perhaps nothing else will run. */
    if (is_left)
        (void)timer_set(&l->timers, t, l->now + SWEEP_MS);
}

static void arm_sweep(struct loop *l)
{
    /* Armed only after something ran, so that an idle process sleeps. */
    if (!l->sweep.place && l->coroutines)
        (void)timer_set(&l->timers, &l->sweep, l->now + SWEEP_MS);
}

static int wait_ms(struct loop *l)
{
    int64_t next = timer_next(&l->timers);

    if (!list_is_empty(&l->ready))
        return 0;
    if (next == NEVER)
        return -1;
    return next <= l->now ? 0 : (int)min_of(next - l->now, (int64_t)3600 * 1000);
}

static void poll_once(struct loop *l)
{
    struct epoll_event events[EVENTS];

    int n = epoll_wait(l->epoll, events, EVENTS, wait_ms(l));
    loop_tick(l);
    l->wakeups++;
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == l)
            run_messages(l);
        else
            dispatch(events[i].data.ptr, events[i].events);
    }
    timer_run(&l->timers, l->now);
}

void loop_run(struct loop *l)
{
    current = l;
    fiber_adopt_thread(&l->fiber);
    loop_tick(l);
    while (!l->is_stopping || l->coroutines) {
        run_ready(l);
        if (l->is_stopping && !l->coroutines)
            break;
        poll_once(l);
        if (!list_is_empty(&l->ready))
            arm_sweep(l);
    }
    for (int i = LOOP_SLOTS - 1; i >= 0; i--) {
        if (l->local[i].free)
            l->local[i].free(l->local[i].value);
        l->local[i] = (struct loop_local){0};
    }
    current = NULL;
}

struct loop *loop_new(unsigned index, const struct log *log, struct error *err)
{
    struct loop *l = mem_new(struct loop);

    if (!l) {
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    list_init(&l->ready);
    list_init(&l->all);
    list_init(&l->messages);
    group_init(&l->root, NULL);
    l->sweep.fire = sweep;
    l->index = index;
    l->log = log;
    (void)pthread_mutex_init(&l->lock, NULL);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.ptr = l};
    if (l->epoll < 0 || l->wake < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev) < 0) {
        (void)error_errno(err, -errno, "event loop");
        loop_free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    if (l->epoll >= 0)
        (void)close(l->epoll);
    if (l->wake >= 0)
        (void)close(l->wake);
    stack_cache_done(&l->stacks);
    timer_heap_done(&l->timers);
    (void)pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

/* ---- looking in -------------------------------------------------------------------------- */

void loop_dump(struct loop *l, struct strbuf *out)
{
    strbuf_addf(out, "worker %u: %u coroutines, %u stacks (%u free)\n", l->index, l->coroutines, l->stacks.count,
                l->stacks.hot_count + l->stacks.cold_count);
    list_each(m, &l->all) {
        struct co *co = container_of(m, struct co, all);
        strbuf_addf(out, "  %-20s %-16s %6d ms  %s\n", co->name, co->where ? co->where : "(ready)",
                    co->where ? (int)(l->now - co->parked_at) : 0, co->note ? co->note : "");
    }
}

const char *loop_busy_with(const struct loop *l)
{
    /* From another thread: not through `running`, which may end and go away meanwhile. A name is a literal. */
    return __atomic_load_n(&l->busy_with, __ATOMIC_RELAXED);
}

struct loop_stats loop_stats(const struct loop *l)
{
    return (struct loop_stats){.coroutines = l->coroutines, .stacks = l->stacks.count, .wakeups = l->wakeups};
}
