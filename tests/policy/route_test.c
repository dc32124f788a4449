#include "test.h"

#include <errno.h>

#include "rules.h"

#include "fakes.h"

static struct fakes fakes;

static int set_up(void **state)
{
    (void)state;
    fakes_init(&fakes);
    return 0;
}

static int try_new(const struct rule_list *lists, size_t n, struct route_table **out, struct error *err)
{
    const struct route_source source = {.lists = lists, .count = n, .addresses_resolve = true, .outbound = find_fake,
                                        .arg = &fakes};

    return route_table_new(&source, out, err);
}

static struct route_table *table_of(const struct rule_list *lists, size_t n)
{
    struct route_table *t = NULL;
    struct error err;

    if (try_new(lists, n, &t, &err) < 0)
        fail_msg("%s", err.text);
    return t;
}

/* The texts of the rules that a walk stops at, joined by spaces; '?' before one that wants an address. */
static const char *walked(const struct route_table *t, const char *to, uint32_t list)
{
    static char out[256];
    struct session s = {.dest = dest(to)};
    CLEANUP(subject_done) struct subject u;
    struct walk w;
    enum walk_step step;

    out[0] = 0;
    subject_init(&u, &s);
    walk_start(&w, t, &u, list);
    while ((step = walk_next(&w)) != STEP_END) {
        size_t n = strlen(out);
        (void)snprintf(out + n, sizeof out - n, "%s%s%s", n ? " " : "", step == STEP_RESOLVE ? "?" : "",
                       route_rule_text(t, w.rule));
        u.was_asked = true;
        subject_refresh(&u);
    }
    return out;
}

static void a_walk_goes_on_after_rules_that_are_not_final(void **state)
{
    const struct rule_list lists[] = {
        {.rules = RULES({.line = TEXT("sniff"), .action = RULE_SNIFF},
                        {.line = TEXT("no"), .domain = TEXTS("b.org"), .outbound = TEXT("A")},
                        {.line = TEXT("yes"), .domain = TEXTS("a.org"), .outbound = TEXT("A")},
                        {.line = TEXT("all"), .outbound = TEXT("B")})}};
    CLEANUP(route_table_cleanup) struct route_table *t = table_of(lists, 1);

    (void)state;
    assert_string_equal(walked(t, "a.org:1", 0), "sniff yes all");
}

static void a_sub_rule_comes_back_when_nothing_matched(void **state)
{
    const struct rule_list lists[] = {
        {.rules = RULES({.line = TEXT("jump"), .network = TEXTS("tcp"), .action = RULE_SUB_RULE, .sub_rule = TEXT("s")},
                        {.line = TEXT("after"), .outbound = TEXT("A")})},
        {.name = TEXT("s"), .rules = RULES({.line = TEXT("in"), .domain = TEXTS("a.org"), .outbound = TEXT("B")})}};
    CLEANUP(route_table_cleanup) struct route_table *t = table_of(lists, 2);

    (void)state;
    assert_string_equal(walked(t, "a.org:1", 0), "in after");
    assert_string_equal(walked(t, "b.org:1", 0), "after");
    assert_string_equal(walked(t, "a.org:1", 1), "in");
    assert_int_equal(route_table_list(t, TEXT("s")), 1);
    assert_int_equal(route_table_list(t, TEXT("x")), -ENOENT);
}

static void an_address_is_asked_for_once(void **state)
{
    const struct rule_list lists[] = {
        {.rules = RULES({.line = TEXT("ip1"), .ip_cidr = CIDRS(cidr("10.0.0.0/8")), .outbound = TEXT("A")},
                        {.line = TEXT("ip2"), .ip_cidr = CIDRS(cidr("11.0.0.0/8")), .outbound = TEXT("A")},
                        {.line = TEXT("all"), .outbound = TEXT("A")})}};
    CLEANUP(route_table_cleanup) struct route_table *t = table_of(lists, 1);

    (void)state;
    assert_string_equal(walked(t, "a.org:1", 0), "?ip1 all");
    assert_string_equal(walked(t, "11.1.1.1:1", 0), "ip2 all");
}

static void sub_rules_in_a_circle_are_refused(void **state)
{
    const struct rule_list circle[] = {
        {.rules = RULES({.action = RULE_SUB_RULE, .sub_rule = TEXT("a")})},
        {.name = TEXT("a"), .rules = RULES({.action = RULE_SUB_RULE, .sub_rule = TEXT("b")})},
        {.name = TEXT("b"), .rules = RULES({.action = RULE_SUB_RULE, .sub_rule = TEXT("a")})}};
    struct rule_spec jumps[20] = {0};
    struct rule_list deep[21] = {0};
    char names[21][4];
    struct route_table *t;
    struct error err;

    (void)state;
    assert_int_equal(try_new(circle, 3, &t, &err), -ELOOP);
    for (size_t i = 0; i < ARRAY_LEN(deep); i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        deep[i].name = text_of(names[i]);
        if (i == 0)
            continue;
        jumps[i - 1] = (struct rule_spec){.action = RULE_SUB_RULE, .sub_rule = text_of(names[i])};
        deep[i - 1].rules.at = &jumps[i - 1];
        deep[i - 1].rules.len = 1;
    }
    assert_int_equal(try_new(deep, ARRAY_LEN(deep), &t, &err), -ELOOP);
}

static void errors_name_the_place_and_the_rule(void **state)
{
    const struct source file = {.name = TEXT("home.yaml")};
    const struct rule_list unknown[] = {
        {.rules = RULES({.at = {.source = &file, .line = 12}, .line = TEXT("MATCH,nowhere"), .outbound = TEXT("nowhere")})}};
    const struct rule_list bad[] = {
        {.rules = RULES({.at = {.source = &file, .line = 7}, .domain_regex = TEXTS("["), .outbound = TEXT("A")})}};
    const struct rule_list list[] = {{.rules = RULES({.action = RULE_SUB_RULE, .sub_rule = TEXT("x")})}};
    const struct rule_list sniffer[] = {{.rules = RULES({.action = RULE_SNIFF, .sniffers = TEXTS("tls", "telepathy")})}};
    struct route_table *t;
    struct error err;

    (void)state;
    assert_int_equal(try_new(unknown, 1, &t, &err), -ENOENT);
    assert_string_equal(err.text, "home.yaml:12: rule 'MATCH,nowhere': there is no outbound 'nowhere'");
    assert_int_equal(try_new(bad, 1, &t, &err), -EINVAL);
    assert_non_null(strstr(err.text, "home.yaml:7"));
    assert_int_equal(try_new(list, 1, &t, &err), -ENOENT);
    assert_int_equal(try_new(sniffer, 1, &t, &err), -EINVAL);
    assert_non_null(strstr(err.text, "telepathy"));
}

static void rules_know_their_place(void **state)
{
    const struct source one = {.name = TEXT("one.json")}, two = {.name = TEXT("two.json")};
    const struct rule_list lists[] = {{.rules = RULES({.at = {.source = &one, .line = 3}, .outbound = TEXT("A")},
                                                      {.at = {.source = &two, .line = 4}, .outbound = TEXT("A")},
                                                      {.outbound = TEXT("A")})}};
    CLEANUP(route_table_cleanup) struct route_table *t = table_of(lists, 1);
    char place[64];

    (void)state;
    assert_string_equal(route_rule_place(t, (struct rule_id){0, 0}, place, sizeof place), "one.json:3");
    assert_string_equal(route_rule_place(t, (struct rule_id){0, 1}, place, sizeof place), "two.json:4");
    assert_string_equal(route_rule_place(t, (struct rule_id){0, 2}, place, sizeof place), "");
    assert_string_equal(route_rule_text(t, (struct rule_id){0, 2}), "rule[2]");
}

static void rejects_beyond_fifty_in_thirty_seconds_are_a_flood(void **state)
{
    struct reject_meter m = {0};

    (void)state;
    for (int i = 0; i < REJECT_BURST; i++)
        assert_false(reject_meter_is_flood(&m, 1000));
    assert_true(reject_meter_is_flood(&m, 29999));
    assert_true(reject_meter_is_flood(&m, 29999));
    assert_false(reject_meter_is_flood(&m, 30000));
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
#ifdef WEIR_FAILING_ALLOC
    const struct rule_list lists[] = {
        {.rules = RULES({.action = RULE_SUB_RULE, .sub_rule = TEXT("s")}, {.action = RULE_REJECT},
                        {.override = {.port = 5}, .outbound = TEXT("A")}, {.domain = TEXTS("a"), .outbound = TEXT("A")})},
        {.name = TEXT("s"), .rules = RULES({.outbound = TEXT("B")})}};
    for (long n = 1;; n++) {
        struct route_table *t = NULL;
        struct error err;
        mem_fail_at(n);
        int r = try_new(lists, 2, &t, &err);
        bool has_failed = mem_has_failed();
        mem_fail_at(0);
        route_table_free(t);
        if (!has_failed)
            break;
        assert_int_equal(r, -ENOMEM);
    }
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_goes_on_after_rules_that_are_not_final),
        cmocka_unit_test(a_sub_rule_comes_back_when_nothing_matched),
        cmocka_unit_test(an_address_is_asked_for_once),
        cmocka_unit_test(sub_rules_in_a_circle_are_refused),
        cmocka_unit_test(errors_name_the_place_and_the_rule),
        cmocka_unit_test(rules_know_their_place),
        cmocka_unit_test(rejects_beyond_fifty_in_thirty_seconds_are_a_flood),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
