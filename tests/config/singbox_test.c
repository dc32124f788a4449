#include "test.h"

#include "said.h"

static void a_small_file_becomes_a_model(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         "{\"log\":{\"level\":\"debug\"},\n"
         " \"inbounds\":[{\"type\":\"mixed\",\"tag\":\"in\",\"listen\":\"127.0.0.1\",\"listen_port\":7890}],\n"
         " \"outbounds\":[{\"type\":\"socks\",\"tag\":\"p\",\"server\":\"h\",\"server_port\":1080,\n"
         "   \"connect_timeout\":\"2s\",\"routing_mark\":\"0x10\",\"domain_resolver\":{\"server\":\"d\",\"strategy\":\"ipv4_only\"}}],\n"
         " \"dns\":{\"servers\":[{\"type\":\"local\",\"tag\":\"d\"}]},\n"
         " \"route\":{\"rules\":[{\"action\":\"sniff\"},{\"domain_suffix\":\"a.org\",\"port_range\":[\":80\",\"100:200\"],\"outbound\":\"p\"}]}}",
         false);
    assert_said(&l, "");
    assert_int_equal(l.result, 0);
    assert_int_equal(l.model.log.level, LOG_DEBUG);
    assert_int_equal(addr_port(&l.model.inbounds.at[0].listen.addr), 7890);
    const struct model_outbound *p = outbound_named(&l, "p");
    assert_int_equal(p->dial.connect_timeout_ms, 2000);
    assert_int_equal(p->dial.mark, 16);
    assert_int_equal(p->dial.strategy, IP_V4_ONLY);
    assert_text(l.model.final, "p");
    const struct rule_spec *rule = &l.model.rules.at[0].rules.at[1];
    assert_text(rule->domain_suffix.at[0], "a.org");
    assert_int_equal(rule->port.len, 2);
    assert_int_equal(rule->port.at[1].last, 200);
    assert_text(rule->outbound, "p");
    unload(&l);
}

static void what_is_not_carried_is_named_with_its_place(void **state)
{
    (void)state;
    assert_says("{\"inbounds\":[{\"type\":\"tun\"}]}", false, "1:22: error: inbounds[0]: type 'tun' is not carried yet\n");
    assert_says("{\"inbounds\":[{\"type\":\"tun\"}]}", true,
                "1:22: warning: inbounds[0]: type 'tun' is not carried yet: the inbound is left out\n");
    assert_says("{\"endpoints\":[{\"type\":\"wireguard\",\"tag\":\"w\"}]}", false,
                "1:23: error: endpoints[0]: type 'wireguard' is not carried yet\n");
    assert_says("{\"services\":[{\"type\":\"derp\"}],\"inbounds\":[]}", false,
                "1:22: error: services[0]: type 'derp' is not carried yet\n");
    assert_says("{\"dns\":{\"servers\":[{\"type\":\"https\",\"tag\":\"d\",\"server\":\"1.1.1.1\"}]},\"inbounds\":[]}", false,
                "1:28: error: dns.servers[0]: type 'https' is not carried yet\n");
    assert_says("{\"route\":{\"rules\":[{\"action\":\"hijack-dns\",\"protocol\":\"dns\"}]}}", false,
                "1:30: error: route.rules[0]: action 'hijack-dns' is not carried yet\n");
    assert_says("{\"ntp\":{\"enabled\":true},\"route\":{}}", false, "1:8: error: ntp: is not carried yet\n");
    assert_says("{\"ntp\":{\"enabled\":false},\"route\":{}}", false, "");
}

static void unknown_names_are_errors(void **state)
{
    (void)state;
    assert_says("{\"inbounds\":[{\"type\":\"mixd\"}]}", false, "1:22: error: inbounds[0].type: there is no type 'mixd'\n");
    assert_says("{\"route\":{\"rules\":[{\"domain_sufix\":\"a\",\"action\":\"reject\"}]}}", false,
                "1:21: error: route.rules[0].domain_sufix: unknown key, expected one that this object has\n");
    assert_says("{\"route\":{\"rules\":[{\"action\":\"rejct\"}]}}", false,
                "1:30: error: route.rules[0].action: there is no action 'rejct'\n");
}

/* Nothing may leave by a weaker way than the file says. */
static void what_led_to_a_left_out_outbound_is_refused(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         "{\"outbounds\":[{\"type\":\"vmess\",\"tag\":\"v\"},{\"type\":\"direct\",\"tag\":\"d\"},"
         "{\"type\":\"socks\",\"tag\":\"s\",\"server\":\"h\",\"server_port\":1,\"detour\":\"v\"},"
         "{\"type\":\"selector\",\"tag\":\"g\",\"outbounds\":[\"v\",\"s\"]},"
         "{\"type\":\"selector\",\"tag\":\"k\",\"outbounds\":[\"v\",\"d\"],\"default\":\"v\"}],"
         "\"route\":{\"rules\":[{\"port\":1,\"outbound\":\"v\"},{\"port\":2,\"outbound\":\"s\"},{\"port\":3,\"outbound\":\"g\"}]}}",
         true);
    assert_int_equal(l.result, 0);
    assert_null(outbound_named(&l, "v"));
    assert_null(outbound_named(&l, "s"));
    assert_int_equal(l.model.rules.at[0].rules.at[0].action, RULE_REJECT);
    assert_int_equal(l.model.rules.at[0].rules.at[1].action, RULE_REJECT);
    const struct group_spec *g = outbound_named(&l, "g")->group;
    assert_int_equal(g->outbounds.len, 1);
    assert_string_equal(outbound_named(&l, g->outbounds.at[0].ptr)->protocol->name, "block");
    const struct group_spec *k = outbound_named(&l, "k")->group;
    assert_int_equal(k->outbounds.len, 1);
    assert_text(k->outbounds.at[0], "d");
    assert_int_equal(k->chosen.len, 0);
    /* The first outbound, the default, was left out. */
    assert_string_equal(outbound_named(&l, l.model.final.ptr)->protocol->name, "block");
    unload(&l);
}

static void an_option_that_is_not_carried_takes_the_outbound_with_it(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         "{\"outbounds\":[{\"type\":\"http\",\"tag\":\"h\",\"server\":\"x\",\"server_port\":1,\"tls\":{\"enabled\":true}}],"
         "\"route\":{}}",
         true);
    assert_null(outbound_named(&l, "h"));
    assert_int_equal(l.result, 0);
    unload(&l);
}

static void old_keys_become_rules(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         "{\"inbounds\":[{\"type\":\"mixed\",\"tag\":\"in\",\"listen_port\":1,\"sniff\":true,"
         "\"domain_strategy\":\"prefer_ipv4\"}]}",
         false);
    assert_int_equal(l.result, 0);
    assert_int_equal(l.model.rules.at[0].rules.len, 2);
    assert_int_equal(l.model.rules.at[0].rules.at[0].action, RULE_SNIFF);
    assert_text(l.model.rules.at[0].rules.at[0].inbound.at[0], "in");
    assert_int_equal(l.model.rules.at[0].rules.at[1].strategy, IP_PREFER_V4);
    unload(&l);
}

static void inline_rule_sets_are_merged_into_the_rule(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         "{\"outbounds\":[{\"type\":\"direct\",\"tag\":\"d\"}],\"route\":{\"rule_set\":[{\"type\":\"inline\",\"tag\":\"s\",\"rules\":["
         "{\"domain\":\"a\"},{\"domain_suffix\":\"b\",\"invert\":true}]}],"
         "\"rules\":[{\"rule_set\":\"s\",\"network\":\"udp\",\"domain\":\"c\",\"invert\":true,\"outbound\":\"d\"}]}}",
         false);
    assert_said(&l, "");
    const struct rule_spec *rule = &l.model.rules.at[0].rules.at[0];
    assert_int_equal(rule->kind, RULE_OR);
    assert_true(rule->invert);
    assert_int_equal(rule->rules.len, 2);
    assert_int_equal(rule->rules.at[0].domain.len, 2);
    assert_false(rule->rules.at[0].invert);
    assert_text(rule->rules.at[0].network.at[0], "udp");
    assert_int_equal(rule->rules.at[1].kind, RULE_AND);
    assert_true(rule->rules.at[1].rules.at[1].invert);
    unload(&l);
}

static void several_files_are_merged(void **state)
{
    static const char *const texts[] = {
        "{\"log\":{\"level\":\"debug\"},\"outbounds\":[{\"type\":\"direct\",\"tag\":\"a\"}]}",
        "{\"log\":{\"level\":\"error\"},\"outbounds\":[{\"type\":\"direct\",\"tag\":\"b\"}]}"};
    struct loaded l;

    (void)state;
    load_all(&l, texts, 2, false);
    assert_said(&l, "");
    assert_int_equal(l.model.outbounds.len, 2);
    assert_int_equal(l.model.log.level, LOG_ERROR);
    unload(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_becomes_a_model),
        cmocka_unit_test(what_is_not_carried_is_named_with_its_place),
        cmocka_unit_test(unknown_names_are_errors),
        cmocka_unit_test(what_led_to_a_left_out_outbound_is_refused),
        cmocka_unit_test(an_option_that_is_not_carried_takes_the_outbound_with_it),
        cmocka_unit_test(old_keys_become_rules),
        cmocka_unit_test(inline_rule_sets_are_merged_into_the_rule),
        cmocka_unit_test(several_files_are_merged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
