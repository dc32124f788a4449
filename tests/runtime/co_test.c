#include "test.h"

#include "runtime/co.h"

#include <errno.h>
#include <unistd.h>

#include "runtime/chan.h"
#include "worker.h"

static int steps;

static void step(void *arg)
{
    steps = steps * 10 + *(int *)arg;
    check_int(co_yield(), 0);
    steps = steps * 10 + *(int *)arg;
}

static void body_order(void)
{
    struct group g;
    int one = 1, two = 2;

    steps = 0;
    group_init(&g, co_group());
    check_int(co_spawn(&g, "one", step, &one), 0);
    check_int(co_spawn(&g, "two", step, &two), 0);
    check_int(steps, 0);
    group_wait(&g);
    check_int(steps, 1212);
    group_done(&g);
}

static void coroutines_take_turns(void **state)
{
    (void)state;
    on_worker(body_order);
}

static struct event never;
static int seen;

static void wait_for_ever(void *arg)
{
    (void)arg;
    seen = event_wait(&never, NEVER, "test");
}

static void body_cancel(void)
{
    struct group outer, inner;

    never = (struct event){0};
    seen = 0;
    group_init(&outer, co_group());
    group_init(&inner, &outer);
    check_int(co_spawn(&inner, "waits", wait_for_ever, NULL), 0);
    check_int(co_yield(), 0);
    group_cancel(&outer);
    group_done(&inner);
    group_done(&outer);
    check_int(seen, -ECANCELED);
    check_int(co_spawn(&inner, "late", wait_for_ever, NULL), -ECANCELED);
}

static void cancelling_a_group_reaches_groups_below(void **state)
{
    (void)state;
    on_worker(body_cancel);
}

static void sleep_long(void *arg)
{
    *(int *)arg = co_sleep(60000);
}

static void body_deadline(void)
{
    struct group g;
    int result = 1;
    struct event e = {0};

    group_init(&g, co_group());
    check_int(co_spawn(&g, "sleeps", sleep_long, &result), 0);
    check_int(co_yield(), 0);
    group_set_deadline(&g, loop_now() + 5);
    group_wait(&g);
    check_int(result, -ETIMEDOUT);
    group_done(&g);

    check_int(event_wait(&e, loop_now() + 3, "test"), -ETIMEDOUT);
    /* The timer of the earlier wait must not end this one. */
    check_int(event_wait(&e, loop_now() + 2, "test"), -ETIMEDOUT);
    int64_t before = loop_now();
    check_int(co_sleep(20), 0);
    check(loop_now() - before >= 20);
}

static void deadlines_belong_to_waits_and_groups(void **state)
{
    (void)state;
    on_worker(body_deadline);
}

static struct event first, second;

static void set_second(void *arg)
{
    (void)arg;
    event_set(&second);
}

static void body_any(void)
{
    struct group g;
    struct event *events[] = {&first, &second};

    first = second = (struct event){0};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "sets", set_second, NULL), 0);
    check_int(event_wait_any(events, 2, NEVER, "test"), 1);
    check(!second.is_set && !first.waiter && !second.waiter);
    event_set(&first);
    check_int(event_wait_any(events, 2, NEVER, "test"), 0);
    group_done(&g);
}

static void waiting_for_several_tells_which(void **state)
{
    (void)state;
    on_worker(body_any);
}

static void produce(void *arg)
{
    struct chan *c = arg;

    for (int i = 0; i < 100; i++)
        check_int(chan_send(c, &i, NEVER), 0);
    chan_close(c);
}

static void body_chan(void)
{
    struct chan c;
    struct group g;
    int n, sum = 0, r;

    check_int(chan_init(&c, 3, sizeof n), 0);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "produces", produce, &c), 0);
    while ((r = chan_receive(&c, &n, NEVER)) == 0)
        sum += n;
    check_int(r, -EPIPE);
    check_int(sum, 4950);
    group_done(&g);
    chan_done(&c);
}

static void a_channel_blocks_at_its_bound_and_drains_after_close(void **state)
{
    (void)state;
    on_worker(body_chan);
}

static unsigned finished;

static void deep(void *arg)
{
    volatile char room[1500];

    (void)arg;
    memset((void *)(uintptr_t)room, 1, sizeof room);
    check_int(co_sleep(1), 0);
    finished++;
}

static void body_many(void)
{
    struct group g;

    finished = 0;
    group_init(&g, co_group());
    for (int i = 0; i < 10000; i++)
        check_int(co_spawn(&g, "many", deep, NULL), 0);
    check(loop_stats(loop_self()).coroutines == 10001);
    group_wait(&g);
    check_int(finished, 10000);
    group_done(&g);
    check(loop_stats(loop_self()).coroutines == 1);
}

static void ten_thousand_coroutines_come_and_go(void **state)
{
    (void)state;
    on_worker(body_many);
}

static void body_stops_mid_wait(void)
{
    static int result;

    (void)co_spawn(loop_group(loop_self()), "left behind", sleep_long, &result);
}

static void stopping_the_workers_unwinds_what_waits(void **state)
{
    (void)state;
    on_worker(body_stops_mid_wait);
}

static void slow_call(void *arg)
{
    (void)usleep(2000);
    *(int *)arg = 7;
}

static void body_blocking(void)
{
    int result = 0;

    check_int(blocking_run(slow_call, &result), 0);
    check_int(result, 7);
}

static void blocking_work_parks_its_caller(void **state)
{
    (void)state;
    on_worker(body_blocking);
}

static void body_dump(void)
{
    struct group g;
    struct strbuf out;

    strbuf_init(&out, 1 << 16);
    never = (struct event){0};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "waits here", wait_for_ever, NULL), 0);
    check_int(co_yield(), 0);
    loop_dump(loop_self(), &out);
    check(text_search(strbuf_text(&out), TEXT("waits here")) > 0);
    strbuf_done(&out);
    group_done(&g);
}

static void the_dump_names_every_coroutine(void **state)
{
    (void)state;
    on_worker(body_dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coroutines_take_turns),
        cmocka_unit_test(cancelling_a_group_reaches_groups_below),
        cmocka_unit_test(deadlines_belong_to_waits_and_groups),
        cmocka_unit_test(waiting_for_several_tells_which),
        cmocka_unit_test(a_channel_blocks_at_its_bound_and_drains_after_close),
        cmocka_unit_test(ten_thousand_coroutines_come_and_go),
        cmocka_unit_test(stopping_the_workers_unwinds_what_waits),
        cmocka_unit_test(blocking_work_parks_its_caller),
        cmocka_unit_test(the_dump_names_every_coroutine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
