#include "test.h"

#include "runtime/timer.h"

struct counted {
    struct timer timer;
    int *order;
    int *count;
    int64_t was_due;
};

static void fire(struct timer *t)
{
    struct counted *c = container_of(t, struct counted, timer);

    assert_int_equal(t->place, 0);
    c->was_due = ++*c->count;
}

static void hundred_thousand_fire_in_order(void **state)
{
    enum { N = 100000 };
    struct timer_heap h = {0};
    int count = 0;
    struct counted *c = calloc(N, sizeof *c);
    uint32_t x = 1;

    (void)state;
    assert_non_null(c);
    for (int i = 0; i < N; i++) {
        x = x * 1664525 + 1013904223;
        c[i].timer.fire = fire;
        c[i].count = &count;
        assert_int_equal(timer_set(&h, &c[i].timer, x >> 12), 0);
    }
    for (int i = 0; i < N; i += 3) {
        x = x * 1664525 + 1013904223;
        assert_int_equal(timer_set(&h, &c[i].timer, x >> 12), 0);
    }
    for (int i = 1; i < N; i += 3)
        timer_stop(&h, &c[i].timer);
    int64_t last = -1;
    while (timer_next(&h) != NEVER) {
        assert_true(timer_next(&h) >= last);
        last = timer_next(&h);
        timer_run(&h, last);
    }
    assert_int_equal(count, N - (N - 1 + 2) / 3);
    free(c);
    timer_heap_done(&h);
}

static void stopping_twice_is_harmless(void **state)
{
    struct timer_heap h = {0};
    struct timer t = {.fire = fire};

    (void)state;
    assert_int_equal(timer_set(&h, &t, 5), 0);
    timer_stop(&h, &t);
    timer_stop(&h, &t);
    assert_int_equal(timer_next(&h), NEVER);
    timer_heap_done(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundred_thousand_fire_in_order),
        cmocka_unit_test(stopping_twice_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
