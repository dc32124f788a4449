#include "test.h"

#include "said.h"

#define DIRECT "{\"type\":\"direct\",\"tag\":\"d\"}"

static void tags_are_used_once(void **state)
{
    (void)state;
    assert_says("{\"outbounds\":[" DIRECT "," DIRECT "]}", false,
                "1:66: error: outbounds[1]: the tag 'd' is used twice\n");
    assert_says("{\"inbounds\":[{\"type\":\"mixed\",\"tag\":\"i\",\"listen_port\":1},{\"type\":\"mixed\",\"tag\":\"i\",\"listen_port\":2}]}",
                false, "1:79: error: inbounds[1]: the tag 'i' is used twice\n");
}

static void references_have_to_exist(void **state)
{
    (void)state;
    assert_says("{\"outbounds\":[" DIRECT "],\"route\":{\"final\":\"x\"}}", false,
                "1:61: error: route.final: there is no outbound 'x'\n");
    assert_says("{\"outbounds\":[{\"type\":\"selector\",\"tag\":\"g\",\"outbounds\":[\"x\"]}]}", false,
                "1:57: error: outbounds[0].outbounds[0]: there is no outbound 'x'\n");
    assert_says("{\"outbounds\":[{\"type\":\"direct\",\"tag\":\"d\",\"detour\":\"x\"}]}", false,
                "1:51: error: outbounds[0].detour: there is no outbound 'x'\n");
    assert_says("{\"outbounds\":[{\"type\":\"direct\",\"tag\":\"d\",\"domain_resolver\":\"x\"}]}", false,
                "1:60: error: outbounds[0].domain_resolver: there is no DNS server 'x'\n");
}

static void circles_are_named(void **state)
{
    (void)state;
    assert_says("{\"outbounds\":[{\"type\":\"socks\",\"tag\":\"a\",\"server\":\"h\",\"server_port\":1,\"detour\":\"g\"},"
                "{\"type\":\"selector\",\"tag\":\"g\",\"outbounds\":[\"a\"]}]}",
                false, "1:15: error: outbounds go round in a circle: a -> g -> a\n");
    assert_says("{\"outbounds\":[{\"type\":\"selector\",\"tag\":\"g\",\"outbounds\":[\"g\"]}]}", false,
                "1:15: error: outbounds go round in a circle: g -> g\n");
    assert_says("rules: ['SUB-RULE,(NETWORK,tcp),a']\nsub-rules: {a: ['SUB-RULE,(NETWORK,tcp),b'], b: ['SUB-RULE,(NETWORK,tcp),a']}\n",
                false,
                "2:17: error: sub-rules 'a' lead back to themselves\n2:50: error: sub-rules 'b' lead back to themselves\n");
}

static void a_long_chain_is_no_circle(void **state)
{
    struct loaded l;
    STRBUF text;

    (void)state;
    strbuf_init(&text, 1 << 24);
    strbuf_add_text(&text, TEXT("{\"outbounds\":[{\"type\":\"direct\",\"tag\":\"o0\"}"));
    for (int i = 1; i < 20000; i++)
        strbuf_addf(&text, ",{\"type\":\"direct\",\"tag\":\"o%d\",\"detour\":\"o%d\"}", i, i - 1);
    strbuf_add_text(&text, TEXT("]}"));
    load(&l, text.ptr, false);
    assert_said(&l, "");
    unload(&l);
}

static void a_port_is_listened_on_once(void **state)
{
    (void)state;
    assert_says("{\"inbounds\":[{\"type\":\"mixed\",\"tag\":\"a\",\"listen_port\":1},\n{\"type\":\"socks\",\"tag\":\"b\",\"listen_port\":1}]}",
                false, "2:1: error: inbound 'b' listens on 127.0.0.1:1 like 'a'\n");
    assert_says("{\"inbounds\":[{\"type\":\"direct\",\"tag\":\"a\",\"listen_port\":1,\"network\":\"tcp\"},\n{\"type\":\"direct\",\"tag\":\"b\",\"listen_port\":1,\"network\":\"udp\"}]}",
                false, "");
}

static void an_open_proxy_is_warned_of(void **state)
{
    (void)state;
    assert_says("{\"inbounds\":[{\"type\":\"socks\",\"tag\":\"a\",\"listen\":\"0.0.0.0\",\"listen_port\":1}]}", false,
                "1:49: warning: inbounds[0]: listens on 0.0.0.0 without users: an open proxy\n");
    assert_says("{\"inbounds\":[{\"type\":\"socks\",\"tag\":\"a\",\"listen\":\"0.0.0.0\",\"listen_port\":1,\"users\":[{\"username\":\"u\",\"password\":\"p\"}]}]}",
                false, "");
}

static void the_dialect_is_found_by_content(void **state)
{
    struct config_options o = {.format = CONFIG_MIHOMO, .registry = fake_registry};
    struct config_source s = {.name = TEXT("t"), .text = TEXT("{\"inbounds\":[]}")};
    struct loaded l;

    (void)state;
    load(&l, "{\"mixed-port\": 1}", false);
    assert_int_equal(l.model.dialect, DIALECT_MIHOMO);
    assert_int_equal(l.result, 0);
    unload(&l);
    assert_says("outbounds:\n- {type: direct, tag: d}\n", false,
                "1:1: warning: this looks like a sing-box configuration in YAML, and is read so; sing-box itself reads JSON only\n");
    assert_says("a: b\n", false, "1:1: error: this is no configuration that weir knows\n");
    diag_init(&l.diag);
    assert_int_equal(config_read(&s, 1, &o, &l.model, &l.diag), -EINVAL);
    assert_text(l.diag.first->message, "this looks like a sing-box configuration, and is to be read as one of mihomo");
    model_done(&l.model);
    diag_done(&l.diag);
}

static void what_is_no_configuration_is_refused(void **state)
{
    static const char *const bad[] = {"", "   \n", "null", "[1]", "\"x\"", "{", "{\"inbounds\":{}}", "{\"inbounds\":[1]}",
                                      "{\"outbounds\":[{}]}", "{\"route\":1}", "proxies: 5", "rules: {a: b}", "listeners: [x]",
                                      "proxy-groups: [x]", "tunnels: [x]", "hosts: 3", "\xff\xfe{\0"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct loaded l;
        load(&l, bad[i], false);
        assert_int_equal(l.result, -EINVAL);
        assert_true(l.diag.errors > 0);
        unload(&l);
    }
}

#ifdef WEIR_FAILING_ALLOC
static void every_allocation_may_fail(void **state)
{
    static const char *const texts[] = {
        "{\"inbounds\":[{\"type\":\"mixed\",\"tag\":\"i\",\"listen_port\":1,\"sniff\":true}],\"outbounds\":[{\"type\":\"vmess\",\"tag\":\"v\"},"
        "{\"type\":\"selector\",\"tag\":\"g\",\"outbounds\":[\"v\"]}],\"route\":{\"rule_set\":[{\"tag\":\"s\",\"rules\":[{\"domain\":\"a\"}]}],"
        "\"rules\":[{\"rule_set\":\"s\",\"outbound\":\"g\"}]}}",
        "mixed-port: 1\nproxies: [{name: a, type: socks5, server: h, port: 1}]\nproxy-groups: [{name: g, type: select, include-all: true, filter: a}]\n"
        "rules: ['AND,((DOMAIN,a),(NETWORK,tcp)),g']\nhosts: {a: 1.1.1.1}\ntunnels: ['tcp,127.0.0.1:2,h:1']\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        for (long n = 1; n < 100000; n++) {
            struct loaded l = {0};
            const char *const one[] = {texts[i]};
            mem_fail_at(n);
            load_all(&l, one, 1, true);
            bool failed = mem_has_failed();
            mem_fail_at(0);
            assert_true(l.result == 0 || l.result == -ENOMEM || l.result == -EINVAL);
            unload(&l);
            if (!failed)
                break;
        }
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_used_once),
        cmocka_unit_test(references_have_to_exist),
        cmocka_unit_test(circles_are_named),
        cmocka_unit_test(a_long_chain_is_no_circle),
        cmocka_unit_test(a_port_is_listened_on_once),
        cmocka_unit_test(an_open_proxy_is_warned_of),
        cmocka_unit_test(the_dialect_is_found_by_content),
        cmocka_unit_test(what_is_no_configuration_is_refused),
#ifdef WEIR_FAILING_ALLOC
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
