#include "test.h"

#include "base/rnd.h"
#include "crypto/window.h"

static void each_number_is_taken_once_in_any_order(void **state)
{
    static const uint64_t order[] = {0, 1, 5, 3, 2, 4, 70, 64, 63, 65, 6, 200, 199};
    struct window w = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        assert_true(window_allows(&w, order[i]));
        assert_true(window_add(&w, order[i]));
        for (size_t j = 0; j <= i; j++) {
            assert_false(window_allows(&w, order[j]));
            assert_false(window_add(&w, order[j]));
        }
    }
}

static void asking_does_not_mark(void **state)
{
    struct window w = {0};

    (void)state;
    assert_true(window_allows(&w, 9000));
    assert_true(window_allows(&w, 9000));
    assert_int_equal(w.newest, 0);
}

static void the_oldest_in_the_window_is_taken_and_the_next_older_is_not(void **state)
{
    (void)state;
    for (uint64_t newest = 5000; newest < 5200; newest++) {
        struct window w = {0};

        assert_true(window_add(&w, newest));
        assert_true(window_add(&w, newest - WINDOW_SIZE + 1));
        assert_false(window_add(&w, newest - WINDOW_SIZE + 1));
        assert_false(window_add(&w, newest - WINDOW_SIZE));
        assert_false(window_add(&w, 0));
    }
}

static void a_jump_forgets_only_what_is_too_old(void **state)
{
    struct window w = {0};

    (void)state;
    for (uint64_t n = 0; n < 3000; n++)
        assert_true(window_add(&w, n));
    assert_true(window_add(&w, 3000 + 500));
    for (uint64_t n = 3500 - WINDOW_SIZE + 1; n < 3000; n++)
        assert_false(window_allows(&w, n));
    for (uint64_t n = 3000; n < 3500; n++)
        assert_true(window_add(&w, n));
    assert_true(window_add(&w, UINT64_MAX));
    assert_false(window_add(&w, UINT64_MAX));
    assert_false(window_add(&w, 3499));
    for (uint64_t n = UINT64_MAX - WINDOW_SIZE + 1; n < UINT64_MAX; n++)
        assert_true(window_add(&w, n));
}

static void it_agrees_with_a_plain_table(void **state)
{
    static uint8_t seen[60000];
    struct window w = {0};
    uint64_t newest = 0;

    (void)state;
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 200000; i++) {
        uint64_t low = newest > 3000 ? newest - 3000 : 0;
        uint64_t n = low + rnd_below(i % 50 ? newest - low + 3 : newest - low + 900);
        bool expected;

        if (n >= sizeof seen)
            break;
        expected = !seen[n] && (n > newest || newest - n < WINDOW_SIZE);
        assert_int_equal(window_add(&w, n), expected);
        seen[n] |= expected;
        newest = n > newest ? n : newest;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_is_taken_once_in_any_order),
        cmocka_unit_test(asking_does_not_mark),
        cmocka_unit_test(the_oldest_in_the_window_is_taken_and_the_next_older_is_not),
        cmocka_unit_test(a_jump_forgets_only_what_is_too_old),
        cmocka_unit_test(it_agrees_with_a_plain_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
