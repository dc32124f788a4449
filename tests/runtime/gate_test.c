#include "test.h"

#include <errno.h>

#include "runtime/gate.h"
#include "worker.h"

static struct gate gate;
static unsigned entered;

static void enter(void *arg)
{
    (void)arg;
    check_int(gate_enter(&gate, NEVER), 0);
    entered++;
}

static void body_two_leave(void)
{
    struct group g;

    gate_init(&gate, 2);
    entered = 0;
    check_int(gate_enter(&gate, NEVER), 0);
    check_int(gate_enter(&gate, NEVER), 0);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "first", enter, NULL), 0);
    check_int(co_spawn(&g, "second", enter, NULL), 0);
    check_int(co_yield(), 0);
    check_int(entered, 0);
    /* Both before either of those that wait has run. */
    gate_leave(&gate);
    gate_leave(&gate);
    check_int(co_yield(), 0);
    check_int(co_yield(), 0);
    check_int(entered, 2);
    group_done(&g);
}

static void two_that_leave_at_once_let_two_in(void **state)
{
    (void)state;
    on_worker(body_two_leave);
}

static char order[8];

static void enter_as(void *arg)
{
    const char *name = arg;

    if (gate_enter(&gate, NEVER) < 0)
        return;
    check(strlen(order) < sizeof order - 1);
    order[strlen(order)] = *name;
}

static void body_line(void)
{
    static char names[] = "abc";
    struct group g;

    gate_init(&gate, 1);
    memset(order, 0, sizeof order);
    check_int(gate_enter(&gate, NEVER), 0);
    group_init(&g, co_group());
    for (int i = 0; i < 3; i++)
        check_int(co_spawn(&g, "enter", enter_as, &names[i]), 0);
    check_int(co_yield(), 0);
    gate_leave(&gate);
    /* The first in line has not run yet, but the place is its own. */
    check_int(gate_enter(&gate, loop_now() + 1), -ETIMEDOUT);
    check(strcmp(order, "a") == 0);
    gate_leave(&gate);
    check_int(co_yield(), 0);
    gate_leave(&gate);
    check_int(co_yield(), 0);
    check(strcmp(order, "abc") == 0);
    gate_leave(&gate);
    check_int(gate.inside, 0);
    group_done(&g);
}

static void nobody_overtakes_the_line(void **state)
{
    (void)state;
    on_worker(body_line);
}

static void body_cancelled(void)
{
    static char names[] = "ab";
    struct group gone, stays;

    gate_init(&gate, 1);
    memset(order, 0, sizeof order);
    check_int(gate_enter(&gate, NEVER), 0);
    group_init(&gone, co_group());
    group_init(&stays, co_group());
    check_int(co_spawn(&gone, "enter", enter_as, &names[0]), 0);
    check_int(co_spawn(&stays, "enter", enter_as, &names[1]), 0);
    check_int(co_yield(), 0);
    group_done(&gone);
    gate_leave(&gate);
    check_int(co_yield(), 0);
    check(strcmp(order, "b") == 0);
    check_int(gate.inside, 1);
    /* Given a place and cancelled before it ran: it is inside, and leaves as ever. */
    group_init(&gone, co_group());
    check_int(co_spawn(&gone, "enter", enter_as, &names[0]), 0);
    check_int(co_yield(), 0);
    gate_leave(&gate);
    group_done(&gone);
    check(strcmp(order, "ba") == 0);
    check_int(gate.inside, 1);
    gate_leave(&gate);
    check_int(gate.inside, 0);
    check(list_is_empty(&gate.waiting));
    group_done(&stays);
}

static void who_is_cancelled_in_line_takes_no_place(void **state)
{
    (void)state;
    on_worker(body_cancelled);
}

static void body_unlimited(void)
{
    gate_init(&gate, 0);
    for (int i = 0; i < 1000; i++)
        check_int(gate_enter(&gate, NEVER), 0);
    for (int i = 0; i < 1000; i++)
        gate_leave(&gate);
    check_int(gate.inside, 0);
}

static void limit_zero_is_none(void **state)
{
    (void)state;
    on_worker(body_unlimited);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_leave_at_once_let_two_in),
        cmocka_unit_test(nobody_overtakes_the_line),
        cmocka_unit_test(who_is_cancelled_in_line_takes_no_place),
        cmocka_unit_test(limit_zero_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
