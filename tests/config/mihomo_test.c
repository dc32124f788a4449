#include "test.h"

#include "said.h"

#define NODES "proxies: [{name: a, type: socks5, server: h, port: 1}, {name: b, type: http, server: h, port: 2}]\n"

static void ports_listen_on_this_machine_unless_lan_is_allowed(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, "mixed-port: '7890'\nport: 0\n", false);
    assert_said(&l, "");
    assert_int_equal(l.model.inbounds.len, 1);
    assert_true(addr_is_loopback(&l.model.inbounds.at[0].listen.addr));
    unload(&l);
    assert_says("mixed-port: 7890\nallow-lan: true\n", false,
                "1:13: warning: mixed-port: listens on :: without users: an open proxy\n");
    load(&l, "socks_port: 7890\nallow_lan: true\nbind-address: 192.0.2.1\nauthentication: ['u:p']\n", false);
    assert_said(&l, "");
    assert_false(addr_is_loopback(&l.model.inbounds.at[0].listen.addr));
    assert_int_equal(((struct fake_in *)l.model.inbounds.at[0].options)->users.len, 1);
    unload(&l);
}

static void a_listener_that_anyone_could_use_stays_on_this_machine(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         "listeners:\n"
         "  - {name: a, type: socks, port: 1}\n"
         "  - {name: b, type: socks, port: 2, users: [{username: u, password: p}]}\n"
         "  - {name: c, type: socks, port: 3, listen: 192.168.0.1}\n",
         false);
    assert_said(&l, "2:5: warning: listeners[0]: has no listen and no users: it listens on 127.0.0.1 only\n");
    assert_true(addr_is_loopback(&l.model.inbounds.at[0].listen.addr));
    assert_true(addr_is_unspecified(&l.model.inbounds.at[1].listen.addr));
    assert_false(addr_is_loopback(&l.model.inbounds.at[2].listen.addr));
    unload(&l);
}

static void groups_choose_by_name(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         NODES "proxy-groups:\n"
               "- {name: x, type: url-test, include-all: true, filter: '^a|zz', exclude-filter: q}\n"
               "- {name: y, type: fallback, proxies: [x, b], interval: 10, timeout: 2000}\n"
               "- {name: z, type: load-balance, strategy: round-robin, include-all-proxies: true, exclude-type: http}\n"
               "- {name: e, type: select, include-all: true, filter: none}\n",
         false);
    assert_said(&l, "");
    assert_int_equal(outbound_named(&l, "x")->group->outbounds.len, 1);
    assert_text(outbound_named(&l, "x")->group->outbounds.at[0], "a");
    assert_int_equal(outbound_named(&l, "y")->group->interval_ms, 10000);
    assert_int_equal(outbound_named(&l, "y")->group->timeout_ms, 2000);
    assert_true(outbound_named(&l, "y")->group->lazy);
    assert_int_equal(outbound_named(&l, "z")->group->outbounds.len, 1);
    assert_int_equal(outbound_named(&l, "z")->group->strategy, BALANCE_ROUND_ROBIN);
    assert_text(outbound_named(&l, "e")->group->outbounds.at[0], "COMPATIBLE");
    assert_int_equal(outbound_named(&l, "GLOBAL")->group->outbounds.len, 8);
    unload(&l);
}

static void a_relay_group_is_refused_with_its_replacement(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, NODES "proxy-groups: [{name: r, type: relay, proxies: [a, b]}]\n", false);
    assert_said(&l, "2:32: error: proxy-groups[0]: groups of type 'relay' are refused\n");
    assert_text(l.diag.first->hint, "write 'dialer-proxy' at each proxy: relay groups were removed from mihomo");
    unload(&l);
}

static void rule_lines_are_read(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         NODES "rules:\n"
               "- domain-suffix, a.org , a\n"
               "- IP-CIDR,10.0.0.0/8,b,no-resolve\n"
               "- IP-CIDR6,fc00::/7,b,src\n"
               "- DST-PORT,80/100-200,REJECT-DROP\n"
               "- DOMAIN-REGEX,^a{1,2}$,a\n"
               "- AND,((DOMAIN,x),(OR,((NETWORK,UDP),(NOT,((SRC-PORT,1)))))),REJECT\n"
               "- SUB-RULE,(IN-TYPE,SOCKS/HTTP),s\n"
               "- DOMAIN,nothing,PASS\n"
               "- GEOIP,LAN,DIRECT\n"
               "- MATCH,a\n"
               "sub-rules: {s: ['MATCH,b']}\n",
         false);
    assert_said(&l, "");
    const struct rule_spec *r = l.model.rules.at[0].rules.at;
    assert_int_equal(l.model.rules.at[0].rules.len, 9);
    assert_text(r[0].domain_suffix.at[0], "a.org");
    assert_text(r[0].outbound, "a");
    assert_true(r[1].no_resolve);
    assert_int_equal(r[2].source_ip_cidr.len, 1);
    assert_int_equal(r[3].port.len, 2);
    assert_int_equal(r[3].reject, REJECT_DROP);
    assert_text(r[4].domain_regex.at[0], "^a{1,2}$");
    assert_int_equal(r[5].kind, RULE_AND);
    assert_int_equal(r[5].rules.at[1].kind, RULE_OR);
    assert_true(r[5].rules.at[1].rules.at[1].invert);
    assert_int_equal(r[6].action, RULE_SUB_RULE);
    assert_text(r[6].sub_rule, "s");
    assert_text(r[6].inbound_type.at[0], "socks");
    assert_true(r[7].ip_is_private);
    assert_true(r[8].match_all);
    unload(&l);
}

static void wrong_rule_lines_are_named(void **state)
{
    (void)state;
    assert_says("rules:\n- DOMAN,a,DIRECT\n- DOMAIN,a\n- AND,((DOMAIN,a),DIRECT\n- IP-CIDR,x,DIRECT\n- NOT,((DOMAIN,a),(DOMAIN,b)),DIRECT\n"
                "- DOMAIN,a,nix\n- GEOSITE,cn,DIRECT\n",
                false,
                "2:3: error: rules[0]: there is no rule type 'DOMAN'\n"
                "3:3: error: rules[1]: DOMAIN: has no target\n"
                "4:3: error: rules[2]: AND: '((DOMAIN,a)' is not of the form ((TYPE,value),(TYPE,value))\n"
                "5:3: error: rules[3]: IP-CIDR: 'x' is no prefix such as 10.0.0.0/8\n"
                "6:3: error: rules[4]: NOT: has 2 rules, expected one\n"
                "8:3: error: rules[6]: rule type GEOSITE is not carried yet\n"
                "7:3: error: rules[5]: there is no outbound 'nix'\n");
}

static void deep_rules_are_refused(void **state)
{
    STRBUF line;
    struct loaded l;

    (void)state;
    strbuf_init(&line, 1 << 20);
    strbuf_add_text(&line, TEXT("rules: ['"));
    for (int i = 0; i < 100; i++)
        strbuf_add_text(&line, TEXT("NOT,(("));
    strbuf_add_text(&line, TEXT("DOMAIN,a"));
    for (int i = 0; i < 100; i++)
        strbuf_add_text(&line, TEXT("))"));
    strbuf_add_text(&line, TEXT(",DIRECT']"));
    load(&l, line.ptr, false);
    assert_said(&l, "1:9: error: rules[0]: rules stand inside each other more than 32 deep\n");
    unload(&l);
}

static void what_is_not_carried_is_named(void **state)
{
    (void)state;
    assert_says("tun: {enable: true}\nproxies: [{name: v, type: vmess}]\ntproxy-port: 5\ndns: {enable: true, nameserver: [system, 'tls://1.1.1.1']}\n"
                "proxy-providers: {p: {type: http, url: 'http://x'}}\n",
                false,
                "1:6: error: tun: is not carried yet\n"
                "4:42: error: dns.nameserver: DNS server 'tls://1.1.1.1' is not carried yet\n"
                "2:27: error: proxies[0]: type 'vmess' is not carried yet\n"
                "5:29: error: proxy-providers.p: proxy-provider of type 'http' is not carried yet\n"
                "3:14: error: tproxy-port: 'tproxy-port' is not carried yet\n");
    assert_says("tun: {enable: false}\ndns: {enable: false, nameserver: [1.1.1.1]}\nport: 1\n", false, "");
}

static void a_group_of_left_out_proxies_refuses(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, "proxies: [{name: v, type: vmess}]\nproxy-groups: [{name: g, type: select, include-all: true}]\n", true);
    assert_int_equal(l.result, 0);
    const struct group_spec *g = outbound_named(&l, "g")->group;
    assert_int_equal(g->outbounds.len, 1);
    assert_string_equal(outbound_named(&l, g->outbounds.at[0].ptr)->protocol->name, "block");
    unload(&l);
}

static void inline_providers_are_carried(void **state)
{
    struct loaded l;

    (void)state;
    load(&l,
         "proxy-providers: {p: {type: inline, payload: [{name: x, type: socks5, server: h, port: 1}]}}\n"
         "proxy-groups: [{name: g, type: select, use: [p]}]\n"
         "rule-providers:\n  d: {type: inline, behavior: domain, payload: ['+.a.org', b.org, '*.c.org']}\n"
         "  c: {type: inline, behavior: classical, payload: ['DOMAIN,z', 'RULE-SET,c']}\n"
         "rules: ['RULE-SET,d,g']\n",
         false);
    assert_said(&l, "");
    assert_text(outbound_named(&l, "g")->group->outbounds.at[0], "x");
    const struct rule_spec *r = l.model.rules.at[0].rules.at;
    assert_text(r->domain.at[0], "b.org");
    assert_text(r->domain_suffix.at[0], "a.org");
    assert_text(r->domain_regex.at[0], "^[^.]+\\.c\\.org$");
    unload(&l);
    assert_says("rule-providers: {c: {type: inline, behavior: classical, payload: ['RULE-SET,c']}}\nrules: ['RULE-SET,c,DIRECT']\n", false,
                "1:67: error: rules[0]: rule-provider 'c' contains itself\n");
}

static void tunnels_have_two_forms(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, NODES "tunnels:\n- tcp,127.0.0.1:5000,1.1.1.1:53,a\n- {network: [udp], address: '127.0.0.1:5000', target: 'h:1'}\n", false);
    assert_said(&l, "");
    assert_int_equal(l.model.inbounds.len, 2);
    assert_true(l.model.inbounds.at[0].tcp && !l.model.inbounds.at[0].udp);
    assert_true(l.model.inbounds.at[1].udp && !l.model.inbounds.at[1].tcp);
    assert_text(l.model.inbounds.at[0].outbound, "a");
    unload(&l);
}

static void unknown_keys_are_warnings(void **state)
{
    (void)state;
    assert_says("port: 1\nmixedport: 2\n", false, "2:1: warning: mixedport: unknown key, it is ignored\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_listen_on_this_machine_unless_lan_is_allowed),
        cmocka_unit_test(a_listener_that_anyone_could_use_stays_on_this_machine),
        cmocka_unit_test(groups_choose_by_name),
        cmocka_unit_test(a_relay_group_is_refused_with_its_replacement),
        cmocka_unit_test(rule_lines_are_read),
        cmocka_unit_test(wrong_rule_lines_are_named),
        cmocka_unit_test(deep_rules_are_refused),
        cmocka_unit_test(what_is_not_carried_is_named),
        cmocka_unit_test(a_group_of_left_out_proxies_refuses),
        cmocka_unit_test(inline_providers_are_carried),
        cmocka_unit_test(tunnels_have_two_forms),
        cmocka_unit_test(unknown_keys_are_warnings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
