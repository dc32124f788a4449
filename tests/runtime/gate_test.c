#include "test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_leave_at_once_let_two_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
