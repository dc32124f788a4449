#include "test.h"

#include <errno.h>
#include <pthread.h>

#include "base/mem.h"
#include "crypto/replay.h"

#define KEEP 60000

static struct bytes salt(uint64_t n, uint8_t out[32])
{
    memset(out, 0x5a, 32);
    memcpy(out, &n, sizeof n);
    return (struct bytes){out, 32};
}

static int add(struct salt_cache *c, uint64_t n, uint64_t now)
{
    uint8_t buf[32];

    return salt_cache_add(c, salt(n, buf), now);
}

static void a_salt_is_refused_until_it_is_too_old(void **state)
{
    struct salt_cache *c = salt_cache_new(100, KEEP);

    (void)state;
    assert_non_null(c);
    assert_int_equal(add(c, 1, 1000), 0);
    assert_int_equal(add(c, 1, 1000), -EEXIST);
    assert_int_equal(add(c, 1, 1000 + KEEP), -EEXIST);
    assert_int_equal(add(c, 1, 1001 + KEEP), 0);
    assert_int_equal(add(c, 1, 1002 + KEEP), -EEXIST);
    salt_cache_free(c);
}

static void at_its_limit_it_refuses_and_forgets_nothing(void **state)
{
    struct salt_cache *c = salt_cache_new(1000, KEEP);

    (void)state;
    assert_non_null(c);
    for (uint64_t n = 0; n < 1000; n++)
        assert_int_equal(add(c, n, n), 0);
    assert_int_equal(add(c, 5000, 1000), -ENOBUFS);
    for (uint64_t n = 0; n < 1000; n++)
        assert_int_equal(add(c, n, 1000), -EEXIST);
    assert_int_equal(salt_cache_count(c), 1000);
    /* The ten oldest have gone. */
    assert_int_equal(add(c, 5000, KEEP + 10), 0);
    assert_int_equal(salt_cache_count(c), 991);
    salt_cache_free(c);
}

/* Enough turns of the ring to meet every position of the chains. */
static void what_is_young_stays_while_the_ring_turns(void **state)
{
    struct salt_cache *c = salt_cache_new(700, KEEP);

    (void)state;
    assert_non_null(c);
    for (uint64_t n = 0; n < 10000; n++) {
        uint64_t now = n * 100; /* 601 are young at any time */

        assert_int_equal(add(c, n, now), 0);
        assert_int_equal(add(c, n > 600 ? n - 600 : 0, now), -EEXIST);
        assert_int_equal(salt_cache_count(c), n > 600 ? 601 : n + 1);
    }
    salt_cache_free(c);
}

static void a_clock_that_lags_a_little_does_no_harm(void **state)
{
    struct salt_cache *c = salt_cache_new(100, KEEP);

    (void)state;
    assert_non_null(c);
    assert_int_equal(add(c, 1, KEEP), 0);
    assert_int_equal(add(c, 2, KEEP - 50), 0);
    assert_int_equal(add(c, 1, 0), -EEXIST);
    assert_int_equal(add(c, 2, 2 * KEEP), -EEXIST);
    salt_cache_free(c);
}

static void salts_of_different_length_differ(void **state)
{
    struct salt_cache *c = salt_cache_new(100, KEEP);
    uint8_t zeros[32] = {0};

    (void)state;
    assert_non_null(c);
    assert_int_equal(salt_cache_add(c, (struct bytes){zeros, 16}, 1), 0);
    assert_int_equal(salt_cache_add(c, (struct bytes){zeros, 32}, 1), 0);
    assert_int_equal(salt_cache_add(c, (struct bytes){zeros, 16}, 1), -EEXIST);
    salt_cache_free(c);
}

#ifdef WEIR_FAILING_ALLOC
static void without_memory_a_salt_is_refused_and_nothing_is_lost(void **state)
{
    struct salt_cache *c = salt_cache_new(1000, KEEP);

    (void)state;
    assert_non_null(c);
    for (uint64_t n = 0; n < 64; n++)
        assert_int_equal(add(c, n, 1), 0);
    for (long call = 1; call <= 2; call++) {
        mem_fail_at(call);
        assert_int_equal(add(c, 64, 1), -ENOMEM);
        mem_fail_at(0);
        assert_int_equal(add(c, 63, 1), -EEXIST);
    }
    assert_int_equal(add(c, 64, 1), 0);
    assert_int_equal(add(c, 0, 1), -EEXIST);
    salt_cache_free(c);
}
#endif

struct racer {
    struct salt_cache *cache;
    int accepted;
};

static void *race(void *arg)
{
    struct racer *r = arg;

    for (uint64_t n = 0; n < 5000; n++)
        r->accepted += add(r->cache, n, n) == 0;
    return NULL;
}

static void two_threads_never_both_have_a_salt_accepted(void **state)
{
    struct salt_cache *c = salt_cache_new(10000, KEEP);
    struct racer racers[2] = {{c, 0}, {c, 0}};
    pthread_t threads[2];

    (void)state;
    assert_non_null(c);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(racers[0].accepted + racers[1].accepted, 5000);
    salt_cache_free(c);
}

static void the_filter_remembers_the_last_generation(void **state)
{
    struct salt_filter *f = salt_filter_new();
    uint64_t total = 2 * SALT_FILTER_EACH + SALT_FILTER_EACH / 2;
    unsigned wrong = 0;
    uint8_t buf[32];

    (void)state;
    assert_non_null(f);
    for (uint64_t n = 0; n < total; n++) {
        int r = salt_filter_add(f, salt(n, buf));

        assert_true(r == 0 || r == -EEXIST);
        wrong += r == -EEXIST;
    }
    assert_true(wrong < 10);
    for (uint64_t n = total - SALT_FILTER_EACH; n < total; n += 7)
        assert_int_equal(salt_filter_add(f, salt(n, buf)), -EEXIST);
    /* Bounded memory means that the first ones are forgotten. */
    assert_int_equal(salt_filter_add(f, salt(0, buf)), 0);
    salt_filter_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_salt_is_refused_until_it_is_too_old),
        cmocka_unit_test(at_its_limit_it_refuses_and_forgets_nothing),
        cmocka_unit_test(what_is_young_stays_while_the_ring_turns),
        cmocka_unit_test(a_clock_that_lags_a_little_does_no_harm),
        cmocka_unit_test(salts_of_different_length_differ),
#ifdef WEIR_FAILING_ALLOC
        cmocka_unit_test(without_memory_a_salt_is_refused_and_nothing_is_lost),
#endif
        cmocka_unit_test(two_threads_never_both_have_a_salt_accepted),
        cmocka_unit_test(the_filter_remembers_the_last_generation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
