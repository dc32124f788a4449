#include "test.h"

#include <errno.h>

#include "policy/hosts.h"

static struct hosts *h;
static struct addr_list found;

static int fresh(void **state)
{
    (void)state;
    h = hosts_new();
    return h ? 0 : -1;
}

static int done(void **state)
{
    (void)state;
    hosts_free(h);
    return 0;
}

static void add(const char *pattern, uint8_t last)
{
    struct addr a = addr_v4(0x0a000000u | last, 0);

    assert_int_equal(hosts_add(h, text_of(pattern), &a, 1), 0);
}

/* The last octet of what the name leads to, or 0. */
static int find(const char *name)
{
    struct text t = text_of(name);

    return hosts_find(h, &t, &found) == 1 ? addr_ip(&found.at[0]).ptr[3] : 0;
}

static void a_plain_name_is_that_name_in_any_case(void **state)
{
    (void)state;
    add("Example.Org.", 1);
    assert_int_equal(find("example.org"), 1);
    assert_int_equal(find("EXAMPLE.org."), 1);
    assert_int_equal(find("www.example.org"), 0);
    assert_int_equal(find("xexample.org"), 0);
}

static void a_star_is_one_label(void **state)
{
    (void)state;
    add("*.a.org", 1);
    add("b.*.net", 2);
    assert_int_equal(find("x.a.org"), 1);
    assert_int_equal(find("x.y.a.org"), 0);
    assert_int_equal(find("a.org"), 0);
    assert_int_equal(find("b.x.net"), 2);
    assert_int_equal(find("c.x.net"), 0);
    assert_int_equal(find("b.x.net.x"), 0);
    assert_int_equal(find("b.x"), 0);
}

static void a_dot_is_everything_below(void **state)
{
    (void)state;
    add(".a.org", 1);
    assert_int_equal(find("x.a.org"), 1);
    assert_int_equal(find("x.y.a.org"), 1);
    assert_int_equal(find("a.org"), 0);
}

static void a_plus_is_the_name_and_everything_below(void **state)
{
    (void)state;
    add("+.a.org", 1);
    assert_int_equal(find("a.org"), 1);
    assert_int_equal(find("x.y.a.org"), 1);
    assert_int_equal(find("ba.org"), 0);
}

static void the_narrowest_form_wins(void **state)
{
    (void)state;
    add("+.org", 1);
    add("+.a.org", 2);
    add("*.a.org", 3);
    add("x.a.org", 4);
    assert_int_equal(find("x.a.org"), 4);
    assert_int_equal(find("y.a.org"), 3);
    assert_int_equal(find("z.y.a.org"), 2);
    assert_int_equal(find("b.org"), 1);
}

static void entries_of_one_name_add_up(void **state)
{
    (void)state;
    add("a.org", 1);
    add("a.org", 2);
    assert_int_equal(find("a.org"), 1);
    assert_int_equal(found.count, 2);
    for (int i = 0; i < 40; i++)
        add("a.org", 3);
    (void)find("a.org");
    assert_int_equal(found.count, RESOLVED_MAX);
}

static void an_alias_leads_on_also_outside(void **state)
{
    struct text name = TEXT("w.org");

    (void)state;
    add("a.org", 1);
    assert_int_equal(hosts_add_alias(h, TEXT("v.org"), TEXT("A.org")), 0);
    assert_int_equal(hosts_add_alias(h, TEXT("w.org"), TEXT("elsewhere.net")), 0);
    assert_int_equal(hosts_add_alias(h, TEXT("*.w.org"), TEXT("10.0.0.7")), 0);
    assert_int_equal(find("v.org"), 1);
    assert_int_equal(find("x.w.org"), 7);
    assert_int_equal(hosts_find(h, &name, &found), 0);
    assert_true(text_is(name, "elsewhere.net"));
}

static void aliases_in_a_circle_are_refused(void **state)
{
    struct text name = TEXT("a.org");

    (void)state;
    assert_int_equal(hosts_add_alias(h, TEXT("a.org"), TEXT("b.org")), 0);
    assert_int_equal(hosts_add_alias(h, TEXT("b.org"), TEXT("a.org")), 0);
    assert_int_equal(hosts_find(h, &name, &found), -ELOOP);
}

static void what_is_no_pattern_is_refused(void **state)
{
    static const char *const bad[] = {"", "a..b", "a.+.b", "a*.org", "a b.org", "x.*y"};
    struct addr a = addr_v4(1, 0);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(hosts_add(h, text_of(bad[i]), &a, 1), -EINVAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)
    const struct CMUnitTest tests[] = {
        T(a_plain_name_is_that_name_in_any_case), T(a_star_is_one_label), T(a_dot_is_everything_below),
        T(a_plus_is_the_name_and_everything_below), T(the_narrowest_form_wins), T(entries_of_one_name_add_up),
        T(an_alias_leads_on_also_outside), T(aliases_in_a_circle_are_refused), T(what_is_no_pattern_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
