/* Watches, messages, timers, stacks, what an onlooker sees. */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/chan.h"
#include "runtime/stack.h"
#include "runtime/loop_internal.h"
#include "worker.h"

static void pair_of(int fd[2])
{
    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
}

/* ---- watches ----------------------------------------------------------------------------- */

static void body_edge(void)
{
    struct watch w;
    int fd[2];
    char c[2];

    pair_of(fd);
    check_int(watch_init(&w, fd[0], WATCH_READ), 0);
    check(!w.may_read);
    check_int(write(fd[1], "ab", 2), 2);
    check_int(event_wait(&w.readable, NEVER, "test"), 0);
    check(w.may_read);
    check_int(read(fd[0], c, 1), 1);
    /* A byte is left, but there was no new edge. */
    check_int(event_wait(&w.readable, loop_now() + 5, "test"), -ETIMEDOUT);
    check_int(write(fd[1], "c", 1), 1);
    check_int(event_wait(&w.readable, NEVER, "test"), 0);
    check_int(read(fd[0], c, 2), 2);
    watch_drained(&w);
    check(!w.may_read);
    check_int(close(fd[1]), 0);
    check_int(event_wait(&w.readable, NEVER, "test"), 0);
    check(w.has_hup);
    watch_drained(&w);
    check(w.may_read); /* the end is still to be read */
    watch_close(&w);
    watch_close(&w);
}

static void an_edge_is_told_once_and_a_hang_up_stays(void **state)
{
    (void)state;
    on_worker(body_edge);
}

static void body_level(void)
{
    struct watch w;
    int fd[2];
    char c;

    pair_of(fd);
    check_int(watch_init(&w, fd[0], WATCH_LISTEN), 0);
    check_int(write(fd[1], "ab", 2), 2);
    for (int i = 0; i < 2; i++) {
        check_int(event_wait(&w.readable, NEVER, "test"), 0);
        check_int(read(fd[0], &c, 1), 1);
    }
    /* The loop may have looked before the second byte was read. */
    if (event_wait(&w.readable, loop_now() + 5, "test") == 0)
        check_int(event_wait(&w.readable, loop_now() + 5, "test"), -ETIMEDOUT);
    check_int(write(fd[1], "c", 1), 1);
    check_int(event_wait(&w.readable, NEVER, "test"), 0);
    /* Nobody accepts: what waits does not keep the loop awake. */
    check_int(watch_listen(&w, false), 0);
    check_int(co_yield(), 0);
    uint64_t before = loop_stats(loop_self()).wakeups;
    check_int(co_sleep(10), 0);
    check(loop_stats(loop_self()).wakeups - before < 10);
    w.readable.is_set = false;
    check_int(watch_listen(&w, true), 0);
    check_int(event_wait(&w.readable, NEVER, "test"), 0);
    check_int(watch_release(&w), fd[0]);
    check_int(close(fd[0]), 0);
    check_int(close(fd[1]), 0);
}

static void a_listener_is_told_of_as_long_as_something_waits(void **state)
{
    (void)state;
    on_worker(body_level);
}

static void fill(int fd)
{
    static const char much[65536];

    while (write(fd, much, sizeof much) > 0)
        ;
    check_int(errno, EAGAIN);
}

static void drain(int fd)
{
    char much[4096];

    while (read(fd, much, sizeof much) > 0)
        ;
}

static void body_writable(void)
{
    struct watch w;
    int fd[2];

    pair_of(fd);
    check_int(watch_init(&w, fd[0], WATCH_READ), 0);
    for (int round = 0; round < 3; round++) {
        fill(fd[0]);
        /* The first wait may see an old edge; after it nothing comes until there is room. */
        (void)!watch_writable(&w, loop_now() + 2, "test");
        fill(fd[0]);
        check_int(watch_writable(&w, loop_now() + 5, "test"), -ETIMEDOUT);
        drain(fd[1]);
        check_int(watch_writable(&w, NEVER, "test"), 0);
        check_int(write(fd[0], "a", 1), 1);
    }
    watch_close(&w);
    check_int(close(fd[1]), 0);
}

static void a_full_socket_is_writable_once_it_was_read(void **state)
{
    (void)state;
    on_worker(body_writable);
}

static void body_bad_watch(void)
{
    struct watch w;

    check_int(watch_init(&w, -1, WATCH_READ), -EBADF);
    int failure = 0;
    check(watch_writable_event(&w, &failure) == NULL);
    check_int(failure, -EBADF);
    check_int(watch_writable(&w, NEVER, "test"), -EBADF);
}

static void a_watch_without_descriptor_fails(void **state)
{
    (void)state;
    on_worker(body_bad_watch);
}

/* ---- messages ---------------------------------------------------------------------------- */

enum { THREADS = 4, MESSAGES = 500 };

struct counted {
    struct message message;
    unsigned *count;
    struct event *done;
};

static void count(struct message *m)
{
    struct counted *c = container_of(m, struct counted, message);

    check(co_self() == NULL);
    if (++*c->count == THREADS * MESSAGES)
        event_set(c->done);
}

struct poster {
    struct loop *loop;
    struct counted at[MESSAGES];
};

static void *post_all(void *arg)
{
    struct poster *p = arg;

    for (int i = 0; i < MESSAGES; i++)
        loop_post(p->loop, &p->at[i].message);
    return NULL;
}

static void body_messages(void)
{
    struct poster *p = mem_alloc_array(THREADS, sizeof *p);
    pthread_t thread[THREADS];
    struct event done = {0};
    unsigned counted = 0;

    check(p != NULL);
    for (int i = 0; i < THREADS; i++) {
        p[i].loop = loop_self();
        for (int k = 0; k < MESSAGES; k++)
            p[i].at[k] = (struct counted){.message.run = count, .count = &counted, .done = &done};
        check_int(pthread_create(&thread[i], NULL, post_all, &p[i]), 0);
    }
    check_int(event_wait(&done, NEVER, "messages"), 0);
    for (int i = 0; i < THREADS; i++)
        check_int(pthread_join(thread[i], NULL), 0);
    check_int(counted, THREADS * MESSAGES);
    mem_free(p);
}

static void every_message_of_every_thread_arrives(void **state)
{
    (void)state;
    on_worker(body_messages);
}

/* ---- timers ------------------------------------------------------------------------------ */

struct ticking {
    struct timer timer;
    struct event *done;
    int64_t at;
    int fired;
};

static void tick(struct timer *t)
{
    struct ticking *k = container_of(t, struct ticking, timer);

    k->at = loop_now();
    k->fired++;
    event_set(k->done);
}

static void body_timers(void)
{
    struct event done = {0};
    struct ticking t = {.timer.fire = tick, .done = &done}, stopped = t;
    int64_t now = loop_now();

    check_int(loop_timer_set(&stopped.timer, now + 1), 0);
    check_int(loop_timer_set(&t.timer, now + 1000), 0);
    check_int(loop_timer_set(&t.timer, now + 8), 0);
    loop_timer_stop(&stopped.timer);
    loop_timer_stop(&stopped.timer);
    check_int(event_wait(&done, now + 2000, "timer"), 0);
    check(t.at >= now + 8);
    check_int(t.fired, 1);
    check_int(stopped.fired, 0);
    /* What is due already fires at the next turn. */
    check_int(loop_timer_set(&t.timer, now), 0);
    check_int(event_wait(&done, now + 2000, "timer"), 0);
    check_int(t.fired, 2);
}

static void a_timer_fires_once_and_not_before_its_time(void **state)
{
    (void)state;
    on_worker(body_timers);
}

static void wait_long(void *arg)
{
    struct event never = {0};

    *(int *)arg = event_wait(&never, loop_now() + 20000, "test");
}

static void body_lifted(void)
{
    struct group g, below;
    int r = 0;

    group_init(&g, co_group());
    group_init(&below, &g);
    group_set_deadline(&g, loop_now() + 1);
    check_int(co_sleep(3), 0);
    group_set_deadline(&g, NEVER);
    check_int(co_spawn(&below, "waits", wait_long, &r), 0);
    check_int(co_sleep(3), 0);
    check_int(below.count, 1);
    group_set_deadline(&g, loop_now());
    group_wait(&below);
    check_int(r, -ETIMEDOUT);
    group_done(&below);
    group_done(&g);
}

static void a_group_deadline_that_is_lifted_is_lifted_below_too(void **state)
{
    (void)state;
    on_worker(body_lifted);
}

/* ---- channels ---------------------------------------------------------------------------- */

static void body_chan(void)
{
    struct chan c;
    struct {
        char x[3];
    } v;

    check_int(chan_init(&c, 3, 3), 0);
    check_int(chan_try_receive(&c, &v), -EAGAIN);
    /* Round the ring several times. */
    for (int i = 0; i < 10; i++) {
        check_int(chan_try_send(&c, "ab"), 0);
        check_int(chan_try_send(&c, "cd"), 0);
        check_int(chan_try_receive(&c, &v), 0);
        check(strcmp(v.x, "ab") == 0);
        check_int(chan_try_receive(&c, &v), 0);
        check(strcmp(v.x, "cd") == 0);
    }
    for (int i = 0; i < 3; i++)
        check_int(chan_try_send(&c, "ef"), 0);
    check_int(chan_try_send(&c, "gh"), -EAGAIN);
    check_int(chan_send(&c, "gh", loop_now() + 2), -ETIMEDOUT);
    chan_close(&c);
    check_int(chan_send(&c, "gh", NEVER), -EPIPE);
    for (int i = 0; i < 3; i++)
        check_int(chan_receive(&c, &v, NEVER), 0);
    check_int(chan_receive(&c, &v, NEVER), -EPIPE);
    chan_done(&c);
}

static void a_channel_gives_what_was_put_in_and_then_its_end(void **state)
{
    (void)state;
    on_worker(body_chan);
}

struct receiver {
    struct chan *chan;
    int result;
};

static void receive(void *arg)
{
    struct receiver *r = arg;
    int v;

    r->result = chan_receive(r->chan, &v, NEVER);
}

static void body_chan_waits(void)
{
    struct chan c;
    struct receiver r = {.chan = &c};
    struct group g;

    check_int(chan_init(&c, 1, sizeof(int)), 0);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "receiver", receive, &r), 0);
    check_int(co_yield(), 0);
    chan_close(&c);
    group_wait(&g);
    check_int(r.result, -EPIPE);
    c.is_closed = false;
    check_int(co_spawn(&g, "receiver", receive, &r), 0);
    check_int(co_yield(), 0);
    group_done(&g);
    check_int(r.result, -ECANCELED);
    chan_done(&c);
}

static void who_waits_at_a_channel_is_woken_by_close_and_cancel(void **state)
{
    (void)state;
    on_worker(body_chan_waits);
}

/* ---- stacks ------------------------------------------------------------------------------ */

static unsigned resident(const struct stack *s)
{
    unsigned char map[256] = {0};
    uintptr_t end = ((uintptr_t)s->top + 4095) & ~(uintptr_t)4095;
    size_t pages = (end - (uintptr_t)s->low) / 4096;
    unsigned n = 0;

    assert_true(pages <= sizeof map);
    assert_int_equal(mincore(s->low, pages * 4096, map), 0);
    for (size_t i = 0; i < pages; i++)
        n += map[i] & 1;
    return n;
}

static void touch(struct stack *s)
{
    memset(s->low, 1, (size_t)(s->top - s->low));
}

static void free_stacks_beyond_the_hot_ones_hold_no_pages(void **state)
{
    enum { MANY = STACKS_HOT + 40 };
    struct stack_cache c = {0};
    struct stack *s[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        s[i] = stack_get(&c);
        assert_non_null(s[i]);
        touch(s[i]);
        assert_true(resident(s[i]) > 8);
    }
    for (int i = 0; i < MANY; i++)
        stack_put(&c, s[i]);
    assert_int_equal(c.hot_count, STACKS_HOT);
    assert_int_equal(c.hot_count + c.cold_count, c.count);
    for (int i = 0; i < MANY; i++)
        assert_true(i < STACKS_HOT ? resident(s[i]) > 8 : resident(s[i]) == 0);
    /* The newest hot one is used again first. */
    assert_ptr_equal(stack_get(&c), s[STACKS_HOT - 1]);
    stack_cache_done(&c);
    assert_int_equal(c.count, 0);
}

static void trimming_keeps_what_lies_above_the_stack_pointer(void **state)
{
    struct stack_cache c = {0};
    struct stack *s = stack_get(&c);

    (void)state;
    assert_non_null(s);
    touch(s);
    unsigned before = resident(s);
    char *sp = s->top - 5000;
    stack_trim(s, sp);
    assert_true(resident(s) < before && resident(s) <= 3);
    for (const char *p = sp - 128; p < s->top; p++)
        assert_int_equal(*p, 1);
    /* Nothing to give back: the pointer is at the bottom. */
    stack_trim(s, s->low + 10);
    stack_put(&c, s);
    stack_cache_done(&c);
}

static void use_much(void *arg)
{
    volatile char room[30000];
    struct event never = {0};

    for (size_t i = 0; i < sizeof room; i += 1000)
        room[i] = 1;
    (void)arg;
    (void)!event_wait(&never, NEVER, "test");
    (void)room[0];
}

static void dive_and_wait(void *arg)
{
    struct event never = {0};

    (void)arg;
    (void)!co_sleep(200); /* so that it parks when a sweep is under way, and nothing runs afterwards */
    (void)!event_wait(&never, NEVER, "test");
}

static void body_trim(void)
{
    struct group g;

    group_init(&g, co_group());
    check_int(co_spawn(&g, "much", use_much, NULL), 0);
    check_int(co_spawn(&g, "late", dive_and_wait, NULL), 0);
    check_int(co_sleep(800), 0);
    list_each(m, &g.members)
        check(container_of(m, struct co, member)->is_trimmed);
    group_done(&g);
}

static void who_parks_for_long_is_trimmed_also_when_nothing_else_runs(void **state)
{
    (void)state;
    on_worker(body_trim);
}

/* ---- looking in -------------------------------------------------------------------------- */

struct told {
    pthread_mutex_t lock;
    unsigned lines;
    char last[400];
};

static void tell(void *arg, enum log_level level, struct text line)
{
    struct told *t = arg;

    (void)level;
    pthread_mutex_lock(&t->lock);
    t->lines++;
    (void)text_copy(line, t->last, sizeof t->last);
    pthread_mutex_unlock(&t->lock);
}

static void spin(int64_t ms)
{
    int64_t until = clock_ms() + ms;

    while (clock_ms() < until)
        ;
}

static void hog(void *arg)
{
    (void)arg;
    spin(120);
    (void)!co_yield();
    spin(20);
}

static int run_hog(void *arg)
{
    struct group g;

    (void)arg;
    group_init(&g, co_group());
    check_int(co_spawn(&g, "hog", hog, NULL), 0);
    group_wait(&g);
    group_done(&g);
    return 0;
}

static void who_runs_over_100_ms_is_reported_once(void **state)
{
    struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct log log = {.level = LOG_WARN, .sink = tell, .arg = &told};
    struct error err;
    struct workers *w = workers_new(1, &log, &err);

    (void)state;
    assert_non_null(w);
    assert_int_equal(workers_call(w, 0, run_hog, NULL), 0);
    workers_free(w);
    assert_int_equal(told.lines, 1);
    assert_non_null(strstr(told.last, "'hog'"));
}

static bool may_end;

static int stay_busy(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&may_end, __ATOMIC_ACQUIRE))
        ;
    return 0;
}

static void *call_busy(void *arg)
{
    assert_int_equal(workers_call(arg, 0, stay_busy, NULL), 0);
    return NULL;
}

static void a_busy_worker_is_named_in_the_dump_with_what_it_runs(void **state)
{
    struct error err;
    struct workers *w = workers_new(2, NULL, &err);
    pthread_t thread;
    STRBUF b;

    (void)state;
    assert_non_null(w);
    strbuf_init(&b, 10000);
    __atomic_store_n(&may_end, false, __ATOMIC_RELEASE);
    assert_int_equal(pthread_create(&thread, NULL, call_busy, w), 0);
    while (!loop_busy_with(workers_loop(w, 0)))
        ;
    workers_dump(w, &b);
    __atomic_store_n(&may_end, true, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    workers_free(w);
    assert_non_null(strstr(b.ptr, "worker 0: no answer, busy in 'call'"));
    assert_non_null(strstr(b.ptr, "worker 1: 0 coroutines"));
}

/* ---- blocking work ----------------------------------------------------------------------- */

struct work {
    struct event started; /* on the worker */
    int result;
    bool has_run; /* written by the thread */
};

static void work_slowly(void *arg)
{
    struct work *k = arg;

    (void)usleep(10000);
    k->has_run = true;
}

static void do_work(void *arg)
{
    struct work *k = arg;

    k->result = blocking_run(work_slowly, k);
    check(k->result < 0 || k->has_run);
}

static void body_blocking(void)
{
    struct work k = {.result = 1};
    struct group g;

    group_init(&g, co_group());
    check_int(co_spawn(&g, "work", do_work, &k), 0);
    check_int(co_yield(), 0);
    check(!k.has_run);
    group_done(&g); /* cancels; the thread works on the coroutine's memory, so this waits */
    check_int(k.result, 0);
    check(k.has_run);
    /* Not even started when cancelled before. */
    k = (struct work){.result = 1};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "work", do_work, &k), 0);
    group_done(&g);
    check_int(k.result, -ECANCELED);
    check(!k.has_run);
}

static void cancelled_blocking_work_is_waited_for(void **state)
{
    (void)state;
    on_worker(body_blocking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edge_is_told_once_and_a_hang_up_stays),
        cmocka_unit_test(a_listener_is_told_of_as_long_as_something_waits),
        cmocka_unit_test(a_full_socket_is_writable_once_it_was_read),
        cmocka_unit_test(a_watch_without_descriptor_fails),
        cmocka_unit_test(every_message_of_every_thread_arrives),
        cmocka_unit_test(a_timer_fires_once_and_not_before_its_time),
        cmocka_unit_test(a_group_deadline_that_is_lifted_is_lifted_below_too),
        cmocka_unit_test(a_channel_gives_what_was_put_in_and_then_its_end),
        cmocka_unit_test(who_waits_at_a_channel_is_woken_by_close_and_cancel),
        cmocka_unit_test(free_stacks_beyond_the_hot_ones_hold_no_pages),
        cmocka_unit_test(trimming_keeps_what_lies_above_the_stack_pointer),
        cmocka_unit_test(who_parks_for_long_is_trimmed_also_when_nothing_else_runs),
        cmocka_unit_test(who_runs_over_100_ms_is_reported_once),
        cmocka_unit_test(a_busy_worker_is_named_in_the_dump_with_what_it_runs),
        cmocka_unit_test(cancelled_blocking_work_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
