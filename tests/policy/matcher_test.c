#include "test.h"

#include <errno.h>

#include "base/rnd.h"
#include "policy/matcher.h"
#include "rules.h"

static const struct inbound_ops mixed_ops = {.type = "mixed"};
static struct inbound mixed_in = {.ops = &mixed_ops, .tag = "mixed-in"};

static struct session flow_to(const char *to)
{
    return (struct session){.dest = dest(to), .source = address("192.168.1.9", 50000),
                            .local = address("192.168.1.1", 7890), .inbound = &mixed_in};
}

struct answer {
    enum match match;
    uint32_t rule;
};

static struct answer ask_from(const struct rule_spec *rules, size_t n, bool mihomo, struct session *s, uint32_t from)
{
    CLEANUP(matcher_cleanup) struct matcher *m = NULL;
    CLEANUP(subject_done) struct subject u;
    struct answer a = {.rule = RULE_NONE};
    struct error err = {0};

    subject_init(&u, s);
    if (matcher_new(rules, n, mihomo, &m, NULL, &err) < 0)
        fail_msg("%s", err.text);
    a.match = matcher_find(m, &u, from, &a.rule);
    return a;
}

static enum match ask(const struct rule_spec *rule, struct session *s)
{
    return ask_from(rule, 1, true, s, 0).match;
}

static bool has(const struct rule_spec *rule, const char *to)
{
    struct session s = flow_to(to);

    return ask(rule, &s) == MATCH_YES;
}

/* ---- items ------------------------------------------------------------------------------- */

static void domains_match_whole_names(void **state)
{
    const struct rule_spec r = {.domain = TEXTS("a.org", "b.org")};

    (void)state;
    assert_true(has(&r, "a.org:1"));
    assert_true(has(&r, "B.ORG:1"));
    assert_true(has(&r, "b.org.:1"));
    assert_false(has(&r, "x.a.org:1"));
    assert_false(has(&r, "192.0.2.1:1"));
}

static void suffixes_match_at_labels(void **state)
{
    const struct rule_spec r = {.domain_suffix = TEXTS("a.org", ".b.org")};

    (void)state;
    assert_true(has(&r, "a.org:1"));
    assert_true(has(&r, "x.y.a.org:1"));
    assert_false(has(&r, "xa.org:1"));
    assert_false(has(&r, "b.org:1"));
    assert_true(has(&r, "x.b.org:1"));
}

static void keywords_match_anywhere_in_the_name(void **state)
{
    const struct rule_spec r = {.domain_keyword = TEXTS("GooG")};

    (void)state;
    assert_true(has(&r, "www.google.com:1"));
    assert_false(has(&r, "www.gogle.com:1"));
}

static void regexes_search_the_lower_case_name(void **state)
{
    const struct rule_spec r = {.domain_regex = TEXTS("^ads?\\d+\\.")};

    (void)state;
    assert_true(has(&r, "AD7.example.org:1"));
    assert_false(has(&r, "x.ad7.example.org:1"));
}

static void a_regex_that_explodes_gives_up(void **state)
{
    const struct rule_spec r = {.domain_regex = TEXTS("^(a+)+$")};
    char to[DEST_NAME + 8];

    (void)state;
    memset(to, 'a', 200);
    (void)snprintf(to + 200, 8, "b:1");
    assert_false(has(&r, to));
}

static void a_broken_regex_is_named(void **state)
{
    const struct rule_spec rules[] = {{.match_all = true}, {.line = TEXT("DOMAIN-REGEX,(,A"), .domain_regex = TEXTS("(")}};
    struct matcher *m;
    struct error err;
    size_t bad = 99;

    (void)state;
    assert_int_equal(matcher_new(rules, 2, true, &m, &bad, &err), -EINVAL);
    assert_int_equal(bad, 1);
    assert_non_null(strstr(err.text, "DOMAIN-REGEX,(,A"));
}

static void wildcards_have_stars_and_question_marks(void **state)
{
    (void)state;
    assert_true(wildcard_matches(TEXT("*.a.org"), TEXT("x.y.a.org")));
    assert_false(wildcard_matches(TEXT("*.a.org"), TEXT("a.org")));
    assert_true(wildcard_matches(TEXT("a?c.*"), TEXT("abc.org")));
    assert_false(wildcard_matches(TEXT("a?c.org"), TEXT("ac.org")));
    assert_true(wildcard_matches(TEXT("*"), TEXT("")));
    assert_true(wildcard_matches(TEXT("*a*b*"), TEXT("xxaxxbxx")));
    assert_false(wildcard_matches(TEXT(""), TEXT("a")));
    const struct rule_spec r = {.domain_wildcard = TEXTS("*.GO?gle.com")};
    assert_true(has(&r, "www.google.com:1"));
}

static void addresses_match_by_prefix(void **state)
{
    const struct rule_spec r = {.ip_cidr = CIDRS(cidr("10.0.0.0/8"), cidr("2001:db8::/32"))};

    (void)state;
    assert_true(has(&r, "10.255.0.1:1"));
    assert_true(has(&r, "[2001:db8::7]:1"));
    assert_true(has(&r, "[::ffff:10.1.1.1]:1"));
    assert_false(has(&r, "11.0.0.1:1"));
}

static void private_and_version_are_of_the_destination(void **state)
{
    const struct rule_spec priv = {.ip_is_private = true}, v4 = {.ip_version = 4}, v6 = {.ip_version = 6};

    (void)state;
    assert_true(has(&priv, "192.168.7.7:1"));
    assert_false(has(&priv, "8.8.8.8:1"));
    assert_true(has(&v4, "8.8.8.8:1"));
    assert_false(has(&v6, "8.8.8.8:1"));
    assert_true(has(&v6, "[2001:db8::]:1"));
    assert_false(has(&v4, "a.org:1"));
}

static void sources_are_matched_by_address_and_port(void **state)
{
    struct session s = flow_to("a.org:1");

    (void)state;
    assert_int_equal(ask(&(struct rule_spec){.source_ip_cidr = CIDRS(cidr("192.168.1.0/24"))}, &s), MATCH_YES);
    assert_int_equal(ask(&(struct rule_spec){.source_ip_cidr = CIDRS(cidr("192.168.2.0/24"))}, &s), MATCH_NO);
    assert_int_equal(ask(&(struct rule_spec){.source_ip_is_private = true}, &s), MATCH_YES);
    assert_int_equal(ask(&(struct rule_spec){.source_port = PORTS({50000, 50000})}, &s), MATCH_YES);
    assert_int_equal(ask(&(struct rule_spec){.source_port = PORTS({50001, 65535})}, &s), MATCH_NO);
    assert_int_equal(ask(&(struct rule_spec){.inbound_port = PORTS({7890, 7890})}, &s), MATCH_YES);
}

static void port_ranges_include_both_ends(void **state)
{
    const struct rule_spec r = {.port = PORTS({1000, 2000}, {0, 0}, {65535, 65535})};

    (void)state;
    assert_false(has(&r, "a.org:999"));
    assert_true(has(&r, "a.org:1000"));
    assert_true(has(&r, "a.org:2000"));
    assert_false(has(&r, "a.org:2001"));
    assert_true(has(&r, "a.org:0"));
    assert_true(has(&r, "a.org:65535"));
    assert_false(has(&r, "a.org:65534"));
}

static void network_inbound_user_and_protocol_are_items(void **state)
{
    struct session s = flow_to("a.org:1");

    (void)state;
    s.network = NETWORK_UDP;
    s.user = "ann";
    (void)text_copy(TEXT("quic"), s.protocol, sizeof s.protocol);
    assert_int_equal(ask(&(struct rule_spec){.network = TEXTS("udp")}, &s), MATCH_YES);
    assert_int_equal(ask(&(struct rule_spec){.network = TEXTS("tcp")}, &s), MATCH_NO);
    assert_int_equal(ask(&(struct rule_spec){.network = TEXTS("icmp")}, &s), MATCH_NO);
    assert_int_equal(ask(&(struct rule_spec){.inbound = TEXTS("x", "mixed-in")}, &s), MATCH_YES);
    assert_int_equal(ask(&(struct rule_spec){.inbound_type = TEXTS("socks")}, &s), MATCH_NO);
    assert_int_equal(ask(&(struct rule_spec){.inbound_type = TEXTS("mixed")}, &s), MATCH_YES);
    assert_int_equal(ask(&(struct rule_spec){.auth_user = TEXTS("ann")}, &s), MATCH_YES);
    assert_int_equal(ask(&(struct rule_spec){.protocol = TEXTS("quic")}, &s), MATCH_YES);
    s.user = NULL;
    s.inbound = NULL;
    s.protocol[0] = 0;
    assert_int_equal(ask(&(struct rule_spec){.auth_user = TEXTS("ann")}, &s), MATCH_NO);
    assert_int_equal(ask(&(struct rule_spec){.inbound = TEXTS("mixed-in")}, &s), MATCH_NO);
    assert_int_equal(ask(&(struct rule_spec){.protocol = TEXTS("quic")}, &s), MATCH_NO);
}

static void an_item_that_is_not_carried_is_refused(void **state)
{
    const struct rule_spec r = {.client = TEXTS("chromium")};
    struct matcher *m;
    struct error err;

    (void)state;
    assert_int_equal(matcher_new(&r, 1, false, &m, NULL, &err), -EINVAL);
    assert_non_null(strstr(err.text, "client"));
}

/* ---- how items go together --------------------------------------------------------------- */

static void names_and_addresses_form_one_or_group(void **state)
{
    const struct rule_spec r = {.domain = TEXTS("a.org"), .domain_keyword = TEXTS("key"),
                                .ip_cidr = CIDRS(cidr("10.0.0.0/8")), .port = PORTS({443, 443})};

    (void)state;
    assert_true(has(&r, "a.org:443"));
    assert_true(has(&r, "monkey.net:443"));
    assert_true(has(&r, "10.0.0.1:443"));
    assert_false(has(&r, "a.org:80"));
    assert_false(has(&r, "11.0.0.1:443"));
}

static void other_items_must_all_agree(void **state)
{
    const struct rule_spec r = {.source_ip_cidr = CIDRS(cidr("192.168.1.0/24")), .source_port = PORTS({1, 2}),
                                .network = TEXTS("tcp")};
    struct session s = flow_to("a.org:1");

    (void)state;
    assert_int_equal(ask(&r, &s), MATCH_NO);
    s.source = address("192.168.1.9", 2);
    assert_int_equal(ask(&r, &s), MATCH_YES);
    s.network = NETWORK_UDP;
    assert_int_equal(ask(&r, &s), MATCH_NO);
}

static void invert_flips_the_whole_rule(void **state)
{
    const struct rule_spec r = {.invert = true, .domain_suffix = TEXTS("a.org"), .port = PORTS({443, 443})};

    (void)state;
    assert_false(has(&r, "x.a.org:443"));
    assert_true(has(&r, "x.a.org:80"));
    assert_true(has(&r, "b.org:443"));
}

static void a_rule_without_items_matches_everything(void **state)
{
    const struct rule_spec r = {.action = RULE_SNIFF};

    (void)state;
    assert_true(has(&r, "a.org:1"));
}

static void logical_rules_combine(void **state)
{
    const struct rule_spec both = {.kind = RULE_AND,
                                   .rules = RULES({.domain_suffix = TEXTS("a.org")}, {.port = PORTS({443, 443})})};
    const struct rule_spec either = {.kind = RULE_OR,
                                     .rules = RULES({.domain_suffix = TEXTS("a.org")}, {.port = PORTS({443, 443})})};
    const struct rule_spec neither = {.kind = RULE_OR, .invert = true,
                                      .rules = RULES({.domain_suffix = TEXTS("a.org")}, {.port = PORTS({443, 443})})};
    const struct rule_spec nested = {.kind = RULE_AND, .rules = RULES(both, {.network = TEXTS("tcp"), .invert = true})};

    (void)state;
    assert_true(has(&both, "a.org:443"));
    assert_false(has(&both, "a.org:80"));
    assert_true(has(&either, "a.org:80"));
    assert_true(has(&either, "b.org:443"));
    assert_false(has(&either, "b.org:80"));
    assert_true(has(&neither, "b.org:80"));
    assert_false(has(&neither, "b.org:443"));
    assert_false(has(&nested, "a.org:443"));
}

static void logical_rules_have_a_depth(void **state)
{
    struct rule_spec deep[40] = {{.domain = TEXTS("a.org")}};
    struct matcher *m;
    struct error err;

    (void)state;
    for (size_t i = 1; i < ARRAY_LEN(deep); i++) {
        deep[i].kind = RULE_AND;
        deep[i].rules.at = &deep[i - 1];
        deep[i].rules.len = 1;
    }
    assert_true(has(&deep[RULE_DEPTH_MAX], "a.org:1"));
    assert_int_equal(matcher_new(&deep[RULE_DEPTH_MAX + 1], 1, true, &m, NULL, &err), -EINVAL);
    assert_int_equal(matcher_new(&(struct rule_spec){.kind = RULE_OR}, 1, true, &m, NULL, &err), -EINVAL);
}

static void the_sniffed_name_goes_before_the_destination(void **state)
{
    const struct rule_spec a = {.domain = TEXTS("a.org")}, ip = {.ip_cidr = CIDRS(cidr("10.0.0.0/8"))};
    struct session s = flow_to("10.0.0.1:443");

    (void)state;
    s.sniffed = dest("a.org:443");
    assert_int_equal(ask(&a, &s), MATCH_YES);
    assert_int_equal(ask(&ip, &s), MATCH_YES);
    s = flow_to("a.org:443");
    s.sniffed = dest("b.org:443");
    assert_int_equal(ask(&a, &s), MATCH_NO);
}

/* ---- addresses of names ------------------------------------------------------------------ */

static void an_address_rule_asks_for_a_names_address(void **state)
{
    const struct rule_spec rules[] = {{.domain = TEXTS("other.org")}, {.ip_cidr = CIDRS(cidr("10.0.0.0/8"))},
                                      {.domain = TEXTS("a.org")}};
    struct session s = flow_to("a.org:1");

    (void)state;
    struct answer a = ask_from(rules, 3, true, &s, 0);
    assert_int_equal(a.match, MATCH_UNKNOWN);
    assert_int_equal(a.rule, 1);
    s.resolved[s.resolved_count++] = address("10.1.1.1", 0);
    a = ask_from(rules, 3, true, &s, 1);
    assert_int_equal(a.match, MATCH_YES);
    assert_int_equal(a.rule, 1);
    s.resolved[0] = address("11.1.1.1", 0);
    a = ask_from(rules, 3, true, &s, 1);
    assert_int_equal(a.rule, 2);
}

static void a_name_that_matches_before_is_not_resolved(void **state)
{
    const struct rule_spec rules[] = {{.domain = TEXTS("a.org")}, {.ip_cidr = CIDRS(cidr("10.0.0.0/8"))}};
    struct session s = flow_to("a.org:1");

    (void)state;
    assert_int_equal(ask_from(rules, 2, true, &s, 0).match, MATCH_YES);
}

static void no_resolve_rules_use_what_is_known_already(void **state)
{
    const struct rule_spec rules[] = {{.ip_cidr = CIDRS(cidr("10.0.0.0/8")), .no_resolve = true}};
    struct session s = flow_to("a.org:1");

    (void)state;
    assert_int_equal(ask_from(rules, 1, true, &s, 0).match, MATCH_NO);
    s.resolved[s.resolved_count++] = address("10.1.1.1", 0);
    assert_int_equal(ask_from(rules, 1, true, &s, 0).match, MATCH_YES);
}

static void singbox_address_rules_never_ask(void **state)
{
    const struct rule_spec rules[] = {{.ip_cidr = CIDRS(cidr("10.0.0.0/8"))}, {.ip_is_private = true}};
    struct session s = flow_to("a.org:1");

    (void)state;
    assert_int_equal(ask_from(rules, 2, false, &s, 0).match, MATCH_NO);
}

static void logical_rules_ask_only_when_it_matters(void **state)
{
    const struct rule_spec ip = {.ip_cidr = CIDRS(cidr("10.0.0.0/8"))};
    const struct rule_spec udp_and_ip = {.kind = RULE_AND, .rules = RULES(ip, {.network = TEXTS("udp")})};
    const struct rule_spec tcp_or_ip = {.kind = RULE_OR, .rules = RULES(ip, {.network = TEXTS("tcp")})};
    const struct rule_spec not_ip = {.kind = RULE_AND, .invert = true, .rules = RULES(ip)};
    const struct rule_spec private_and_port = {.ip_is_private = true, .port = PORTS({80, 80})};
    struct session s = flow_to("a.org:1");

    (void)state;
    assert_int_equal(ask(&udp_and_ip, &s), MATCH_NO);
    assert_int_equal(ask(&tcp_or_ip, &s), MATCH_YES);
    assert_int_equal(ask(&not_ip, &s), MATCH_UNKNOWN);
    assert_int_equal(ask(&private_and_port, &s), MATCH_NO);
    s.network = NETWORK_UDP;
    assert_int_equal(ask(&udp_and_ip, &s), MATCH_UNKNOWN);
    assert_int_equal(ask(&tcp_or_ip, &s), MATCH_UNKNOWN);
}

/* ---- the whole list ---------------------------------------------------------------------- */

static void the_first_rule_of_the_list_wins(void **state)
{
    const struct rule_spec rules[] = {{.domain_keyword = TEXTS("zzz")},
                                      {.port = PORTS({25, 25})},
                                      {.domain_suffix = TEXTS("a.org")},
                                      {.domain_keyword = TEXTS("a")},
                                      {.domain = TEXTS("x.a.org")},
                                      {.source_ip_cidr = CIDRS(cidr("192.168.0.0/16"))},
                                      {.match_all = true}};
    struct session s = flow_to("x.a.org:1");

    (void)state;
    const uint32_t expected[] = {2, 2, 2, 3, 4, 5, 6};
    for (uint32_t from = 0; from < ARRAY_LEN(expected); from++) {
        struct answer a = ask_from(rules, ARRAY_LEN(rules), true, &s, from);
        assert_int_equal(a.match, MATCH_YES);
        assert_int_equal(a.rule, expected[from]);
    }
    assert_int_equal(ask_from(rules, ARRAY_LEN(rules), true, &s, 7).match, MATCH_NO);
    assert_int_equal(ask_from(rules, 0, true, &s, 0).match, MATCH_NO);
}

/* The index must answer as each rule alone does. */
static void the_index_agrees_with_rules_tried_one_by_one(void **state)
{
    static const char *const names[] = {"a.org", "b.org", "x.a.org", "org", "a.net", "y.x.a.org"};
    enum { COUNT = 130 };
    static struct rule_spec rules[COUNT];
    static struct text texts[COUNT];
    static struct cidr cidrs[COUNT];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        rules[i] = (struct rule_spec){0};
        texts[i] = text_of(names[rnd_below(ARRAY_LEN(names))]);
        uint8_t ip[4] = {10, (uint8_t)rnd_below(3), 0, 0};
        cidrs[i] = (struct cidr){addr_from_bytes(ip, 4, 0), (uint8_t)(8 + rnd_below(9))};
        struct text_list list = {.at = &texts[i], .len = 1};
        switch (rnd_below(5)) {
        case 0: rules[i].domain = list; break;
        case 1: rules[i].domain_suffix = list; break;
        case 2: rules[i].domain = list; rules[i].invert = rnd_below(20) == 0; rules[i].network = (struct text_list)TEXTS("udp"); break;
        case 3: rules[i].domain_suffix = list; rules[i].no_resolve = rnd_below(2); FALLTHROUGH;
        default: rules[i].ip_cidr.at = &cidrs[i]; rules[i].ip_cidr.len = 1; rules[i].no_resolve |= rnd_below(8) != 0;
        }
    }
    for (int n = 0; n < 60; n++) {
        char to[32];
        (void)snprintf(to, sizeof to, n % 2 ? "%s:1" : "10.%s:1", n % 2 ? names[rnd_below(ARRAY_LEN(names))] : "1.0.9");
        struct session s = flow_to(to);
        s.network = n % 4 ? NETWORK_TCP : NETWORK_UDP;
        uint32_t from = (uint32_t)rnd_below(COUNT), i = from;
        enum match one = MATCH_NO;
        while (i < COUNT && (one = ask(&rules[i], &s)) == MATCH_NO)
            i++;
        struct answer a = ask_from(rules, COUNT, true, &s, from);
        assert_int_equal(a.match, one);
        if (one != MATCH_NO)
            assert_int_equal(a.rule, i);
    }
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
#ifdef WEIR_FAILING_ALLOC
    const struct rule_spec rules[] = {{.domain = TEXTS("a.org")}, {.domain_regex = TEXTS("a")},
                                      {.ip_cidr = CIDRS(cidr("10.0.0.0/8")), .network = TEXTS("tcp")}};
    for (long n = 1;; n++) {
        struct matcher *m = NULL;
        struct error err;
        mem_fail_at(n);
        int r = matcher_new(rules, 3, true, &m, NULL, &err);
        bool has_failed = mem_has_failed();
        mem_fail_at(0);
        matcher_free(m);
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
        cmocka_unit_test(domains_match_whole_names),
        cmocka_unit_test(suffixes_match_at_labels),
        cmocka_unit_test(keywords_match_anywhere_in_the_name),
        cmocka_unit_test(regexes_search_the_lower_case_name),
        cmocka_unit_test(a_regex_that_explodes_gives_up),
        cmocka_unit_test(a_broken_regex_is_named),
        cmocka_unit_test(wildcards_have_stars_and_question_marks),
        cmocka_unit_test(addresses_match_by_prefix),
        cmocka_unit_test(private_and_version_are_of_the_destination),
        cmocka_unit_test(sources_are_matched_by_address_and_port),
        cmocka_unit_test(port_ranges_include_both_ends),
        cmocka_unit_test(network_inbound_user_and_protocol_are_items),
        cmocka_unit_test(an_item_that_is_not_carried_is_refused),
        cmocka_unit_test(names_and_addresses_form_one_or_group),
        cmocka_unit_test(other_items_must_all_agree),
        cmocka_unit_test(invert_flips_the_whole_rule),
        cmocka_unit_test(a_rule_without_items_matches_everything),
        cmocka_unit_test(logical_rules_combine),
        cmocka_unit_test(logical_rules_have_a_depth),
        cmocka_unit_test(the_sniffed_name_goes_before_the_destination),
        cmocka_unit_test(an_address_rule_asks_for_a_names_address),
        cmocka_unit_test(a_name_that_matches_before_is_not_resolved),
        cmocka_unit_test(no_resolve_rules_use_what_is_known_already),
        cmocka_unit_test(singbox_address_rules_never_ask),
        cmocka_unit_test(logical_rules_ask_only_when_it_matters),
        cmocka_unit_test(the_first_rule_of_the_list_wins),
        cmocka_unit_test(the_index_agrees_with_rules_tried_one_by_one),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
