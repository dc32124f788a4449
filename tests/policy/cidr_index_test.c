#include "test.h"

#include <errno.h>

#include "base/rnd.h"
#include "policy/cidr_index.h"
#include "rules.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static uint32_t find(const struct cidr_index *x, const char *ip, uint32_t from)
{
    struct addr a = address(ip, 0);

    return cidr_index_find(x, &a, from);
}

static void the_lowest_rule_wins_not_the_longest_prefix(void **state)
{
    const struct cidr_item items[] = {{cidr("10.1.2.0/24"), 7}, {cidr("10.0.0.0/8"), 2}, {cidr("0.0.0.0/0"), 9},
                                      {cidr("10.1.2.3"), 1},    {cidr("10.0.0.0/8"), 8}};
    struct cidr_index x;

    (void)state;
    assert_int_equal(cidr_index_build(&x, &arena, items, ARRAY_LEN(items)), 0);
    assert_int_equal(find(&x, "10.1.2.3", 0), 1);
    assert_int_equal(find(&x, "10.1.2.4", 0), 2);
    assert_int_equal(find(&x, "10.1.2.4", 3), 7);
    assert_int_equal(find(&x, "10.1.2.4", 8), 8);
    assert_int_equal(find(&x, "11.0.0.0", 0), 9);
    assert_int_equal(find(&x, "11.0.0.0", 10), RULE_NONE);
    assert_int_equal(find(&x, "2001:db8::", 0), RULE_NONE);
}

static void edges_of_a_prefix_belong_to_it(void **state)
{
    const struct cidr_item items[] = {{cidr("192.0.2.128/25"), 0}, {cidr("2001:db8:0:8000::/49"), 1},
                                      {cidr("2001:db8::ff80/121"), 2}};
    struct cidr_index x;

    (void)state;
    assert_int_equal(cidr_index_build(&x, &arena, items, ARRAY_LEN(items)), 0);
    assert_int_equal(find(&x, "192.0.2.127", 0), RULE_NONE);
    assert_int_equal(find(&x, "192.0.2.128", 0), 0);
    assert_int_equal(find(&x, "192.0.2.255", 0), 0);
    assert_int_equal(find(&x, "192.0.3.0", 0), RULE_NONE);
    assert_int_equal(find(&x, "2001:db8:0:7fff:ffff::", 0), RULE_NONE);
    assert_int_equal(find(&x, "2001:db8:0:8000::", 0), 1);
    assert_int_equal(find(&x, "2001:db8:0:ffff:ffff:ffff:ffff:ffff", 0), 1);
    assert_int_equal(find(&x, "2001:db8::ff7f", 0), RULE_NONE);
    assert_int_equal(find(&x, "2001:db8::ff80", 0), 2);
    assert_int_equal(find(&x, "2001:db8::ffff", 0), 2);
}

static void host_bits_in_a_prefix_are_ignored(void **state)
{
    const struct cidr_item items[] = {{cidr("10.9.8.7/8"), 0}, {cidr("2001:db8::1/32"), 1}};
    struct cidr_index x;

    (void)state;
    assert_int_equal(cidr_index_build(&x, &arena, items, ARRAY_LEN(items)), 0);
    assert_int_equal(find(&x, "10.200.0.1", 0), 0);
    assert_int_equal(find(&x, "2001:db8:ffff::", 0), 1);
}

static void a_mapped_prefix_is_ipv4(void **state)
{
    const struct cidr_item items[] = {{cidr("::ffff:192.0.2.0/120"), 4}};
    struct cidr_index x;

    (void)state;
    assert_int_equal(cidr_index_build(&x, &arena, items, 1), 0);
    assert_int_equal(find(&x, "192.0.2.77", 0), 4);
}

/* Against the plain way: cidr_has() one after the other. */
static void it_agrees_with_a_linear_search(void **state)
{
    enum { COUNT = 600 };
    static struct cidr_item items[COUNT];
    struct cidr_index x;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        bool is_v6 = i % 3 == 0;
        uint8_t ip[16] = {0x20, (uint8_t)rnd_below(3), (uint8_t)rnd_below(3), (uint8_t)rnd_below(4)};
        items[i] = (struct cidr_item){{addr_from_bytes(ip, is_v6 ? 16 : 4, 0), (uint8_t)rnd_below(is_v6 ? 40 : 33)}, i};
    }
    assert_int_equal(cidr_index_build(&x, &arena, items, COUNT), 0);
    for (int n = 0; n < 2000; n++) {
        uint8_t ip[16] = {0x20, (uint8_t)rnd_below(3), (uint8_t)rnd_below(3), (uint8_t)rnd_below(4)};
        struct addr a = addr_from_bytes(ip, n % 2 ? 16 : 4, 0);
        uint32_t from = (uint32_t)rnd_below(COUNT), expected = RULE_NONE;
        for (uint32_t i = COUNT; i-- > from;) {
            if (cidr_has(&items[i].cidr, &a))
                expected = i;
        }
        assert_int_equal(cidr_index_find(&x, &a, from), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lowest_rule_wins_not_the_longest_prefix),
        cmocka_unit_test(edges_of_a_prefix_belong_to_it),
        cmocka_unit_test(host_bits_in_a_prefix_are_ignored),
        cmocka_unit_test(a_mapped_prefix_is_ipv4),
        cmocka_unit_test(it_agrees_with_a_linear_search),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
