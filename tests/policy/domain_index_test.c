#include "test.h"

#include <errno.h>

#include "policy/domain_index.h"

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

static struct domain_item item(const char *name, uint32_t rule, enum domain_kind kind)
{
    return (struct domain_item){text_of(name), rule, kind};
}

static uint32_t find(const struct domain_index *x, const char *name, uint32_t from)
{
    return domain_index_find(x, text_of(name), from, RULE_NONE);
}

static void build(struct domain_index *x, const struct domain_item *items, size_t n)
{
    size_t bad = 0;

    assert_int_equal(domain_index_build(x, &arena, items, n, &bad), 0);
}

static void kinds_differ_in_what_they_cover(void **state)
{
    const struct domain_item items[] = {item("exact.org", 0, DOMAIN_EXACT), item("both.org", 1, DOMAIN_SUFFIX),
                                        item("below.org", 2, DOMAIN_BELOW)};
    struct domain_index x;

    (void)state;
    build(&x, items, ARRAY_LEN(items));
    assert_int_equal(find(&x, "exact.org", 0), 0);
    assert_int_equal(find(&x, "www.exact.org", 0), RULE_NONE);
    assert_int_equal(find(&x, "both.org", 0), 1);
    assert_int_equal(find(&x, "a.b.both.org", 0), 1);
    assert_int_equal(find(&x, "notboth.org", 0), RULE_NONE);
    assert_int_equal(find(&x, "below.org", 0), RULE_NONE);
    assert_int_equal(find(&x, "x.below.org", 0), 2);
    assert_int_equal(find(&x, "", 0), RULE_NONE);
    assert_int_equal(find(&x, ".", 0), RULE_NONE);
}

static void the_lowest_rule_wins_not_the_longest_name(void **state)
{
    const struct domain_item items[] = {item("a.b.org", 5, DOMAIN_EXACT), item("org", 3, DOMAIN_SUFFIX),
                                        item("b.org", 4, DOMAIN_SUFFIX), item("b.org", 9, DOMAIN_SUFFIX)};
    struct domain_index x;

    (void)state;
    build(&x, items, ARRAY_LEN(items));
    assert_int_equal(find(&x, "a.b.org", 0), 3);
    assert_int_equal(find(&x, "a.b.org", 4), 4);
    assert_int_equal(find(&x, "a.b.org", 5), 5);
    assert_int_equal(find(&x, "a.b.org", 6), 9);
    assert_int_equal(find(&x, "a.b.org", 10), RULE_NONE);
    assert_int_equal(domain_index_find(&x, TEXT("a.b.org"), 4, 4), RULE_NONE);
}

static void case_and_a_final_dot_do_not_count(void **state)
{
    const struct domain_item items[] = {item("ExAmple.ORG.", 0, DOMAIN_SUFFIX)};
    struct domain_index x;

    (void)state;
    build(&x, items, 1);
    assert_int_equal(find(&x, "www.example.org", 0), 0);
}

static void a_leading_dot_means_below(void **state)
{
    (void)state;
    assert_int_equal(domain_item_of_suffix(TEXT(".a"), 1).kind, DOMAIN_BELOW);
    assert_int_equal(domain_item_of_suffix(TEXT("a"), 1).kind, DOMAIN_SUFFIX);
    assert_int_equal(domain_item_of_suffix(TEXT(".a"), 1).name.len, 1);
}

static void empty_and_endless_names_are_refused(void **state)
{
    char text[300];
    struct domain_index x;
    size_t bad = 99;

    (void)state;
    memset(text, 'a', sizeof text);
    const struct domain_item empty[] = {item("ok", 0, DOMAIN_EXACT), item("", 1, DOMAIN_EXACT)};
    const struct domain_item endless[] = {{{text, 256}, 0, DOMAIN_SUFFIX}};
    assert_int_equal(domain_index_build(&x, &arena, empty, 2, &bad), -EINVAL);
    assert_int_equal(bad, 1);
    assert_int_equal(domain_index_build(&x, &arena, endless, 1, &bad), -EINVAL);
}

static void many_names_are_all_found(void **state)
{
    enum { COUNT = 5000 };
    static struct domain_item items[COUNT];
    static char names[COUNT][24];
    struct domain_index x;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%u.example", i * 7919u);
        items[i] = item(names[i], i, i % 2 ? DOMAIN_EXACT : DOMAIN_SUFFIX);
    }
    build(&x, items, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(find(&x, names[i], 0), i);
    assert_int_equal(find(&x, "example", 0), RULE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_differ_in_what_they_cover),
        cmocka_unit_test(the_lowest_rule_wins_not_the_longest_name),
        cmocka_unit_test(case_and_a_final_dot_do_not_count),
        cmocka_unit_test(a_leading_dot_means_below),
        cmocka_unit_test(empty_and_endless_names_are_refused),
        cmocka_unit_test(many_names_are_all_found),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
