#include "test.h"

#include <string.h>

#include "layer/tls/tickets.h"

static void a_key_seals_for_its_time_and_opens_for_three(void **state)
{
    struct ticket_key first, second, found;
    struct tickets t;
    const int64_t start = 1000000, step = TICKET_ROTATE_S;

    (void)state;
    tickets_init(&t);
    tickets_seal_key(&t, start, &first);
    tickets_seal_key(&t, start + step - 1, &second);
    assert_memory_equal(first.name, second.name, sizeof first.name);
    assert_int_equal(tickets_open_key(&t, start, first.name, &found), 1);
    assert_memory_equal(first.cipher, found.cipher, sizeof first.cipher);
    tickets_seal_key(&t, start + step, &second);
    assert_memory_not_equal(first.name, second.name, sizeof first.name);
    assert_int_equal(tickets_open_key(&t, start + step, first.name, &found), 2);
    assert_int_equal(tickets_open_key(&t, start + 3 * step - 1, first.name, &found), 2);
    assert_int_equal(tickets_open_key(&t, start + 3 * step, first.name, &found), 0);
    tickets_done(&t);
}

static void a_clock_that_jumps_makes_new_keys(void **state)
{
    struct ticket_key first, found;
    struct tickets t;

    (void)state;
    tickets_init(&t);
    tickets_seal_key(&t, 1000000, &first);
    assert_int_equal(tickets_open_key(&t, 1000000000, first.name, &found), 0);
    tickets_seal_key(&t, 1000000000, &found);
    assert_memory_not_equal(first.name, found.name, sizeof first.name);
    tickets_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_seals_for_its_time_and_opens_for_three),
        cmocka_unit_test(a_clock_that_jumps_makes_new_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
