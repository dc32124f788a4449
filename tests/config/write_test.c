#include "test.h"

#include <unistd.h>

#include "config/write.h"
#include "said.h"

/* The model of `text`, written in `to`. */
static void written(const char *text, enum dialect to, struct strbuf *out, struct strbuf *said)
{
    struct loaded l;
    struct diag d;

    load(&l, text, false);
    assert_int_equal(l.result, 0);
    diag_init(&d);
    assert_int_equal(config_write(&l.model, to, out, &d), 0);
    for (const struct diag_entry *e = d.first; e; e = e->next)
        strbuf_addf(said, "%u: %.*s\n", e->line, TEXT_ARG(e->message));
    diag_done(&d);
    unload(&l);
}

static const char MIHOMO[] =
    "mixed-port: 7890\n"
    "proxies: [{name: a, type: ss, server: h, port: 1, cipher: c, password: p}]\n"
    "proxy-groups: [{name: g, type: fallback, proxies: [a, DIRECT]}]\n"
    "rules: ['DOMAIN-SUFFIX,a.org,g', 'AND,((DOMAIN,x),(NOT,((DST-PORT,1/2)))),REJECT', 'IN-PORT,5,a', 'MATCH,g']\n";

static void mihomo_becomes_singbox(void **state)
{
    struct loaded l;
    STRBUF out;
    STRBUF said;

    (void)state;
    strbuf_init(&out, 1 << 20);
    strbuf_init(&said, 1 << 20);
    written(MIHOMO, DIALECT_SINGBOX, &out, &said);
    assert_string_equal(said.ptr, "3: the group 'g' becomes a urltest: sing-box has no fallback group\n"
                                  "4: IN-PORT in a rule has no counterpart in sing-box: left out\n");
    load(&l, out.ptr, false);
    assert_said(&l, "");
    assert_text(l.model.final, "g");
    assert_int_equal(l.model.rules.at[0].rules.len, 2);
    assert_int_equal(outbound_named(&l, "g")->group->outbounds.len, 2);
    unload(&l);
}

static void writing_and_reading_again_changes_nothing(void **state)
{
    static const char SINGBOX[] =
        "{\"inbounds\":[{\"type\":\"mixed\",\"tag\":\"i\",\"listen\":\"::1\",\"listen_port\":5}],\"outbounds\":["
        "{\"type\":\"socks\",\"tag\":\"s\",\"server\":\"h\",\"server_port\":1,\"connect_timeout\":\"3s\"},"
        "{\"type\":\"selector\",\"tag\":\"g\",\"outbounds\":[\"s\"],\"default\":\"s\"}],\"route\":{\"rules\":["
        "{\"action\":\"sniff\",\"timeout\":\"1s\"},{\"domain\":[\"a\",\"b\"],\"ip_cidr\":\"10.0.0.0/8\",\"port_range\":\"5:9\",\"outbound\":\"s\"},"
        "{\"type\":\"logical\",\"mode\":\"or\",\"rules\":[{\"port\":1},{\"network\":\"udp\",\"invert\":true}],\"action\":\"reject\"}],"
        "\"final\":\"g\"}}";
    static const char *const texts[] = {MIHOMO, SINGBOX};

    (void)state;
    for (int i = 0; i < 2; i++) {
        enum dialect d = i ? DIALECT_SINGBOX : DIALECT_MIHOMO;
        STRBUF first;
        STRBUF second;
        STRBUF said;
        strbuf_init(&first, 1 << 20);
        strbuf_init(&second, 1 << 20);
        strbuf_init(&said, 1 << 20);
        written(texts[i], d, &first, &said);
        written(first.ptr, d, &second, &said);
        assert_string_equal(first.ptr, second.ptr);
        assert_int_equal(said.len, 0);
    }
}

static void singbox_rules_become_lines(void **state)
{
    STRBUF out;
    STRBUF said;

    (void)state;
    strbuf_init(&out, 1 << 20);
    strbuf_init(&said, 1 << 20);
    written("{\"outbounds\":[{\"type\":\"direct\",\"tag\":\"d\"}],\"route\":{\"rules\":["
            "{\"domain\":[\"a\",\"b\"],\"outbound\":\"d\"},{\"domain\":\"c\",\"port\":[1,2],\"outbound\":\"d\"},"
            "{\"protocol\":\"tls\",\"outbound\":\"d\"},{\"action\":\"sniff\"}]}}",
            DIALECT_MIHOMO, &out, &said);
    assert_non_null(strstr(out.ptr, "DOMAIN,a,d\"\n"));
    assert_non_null(strstr(out.ptr, "DOMAIN,b,d\"\n"));
    assert_non_null(strstr(out.ptr, "AND,((DOMAIN,c),(OR,((DST-PORT,1),(DST-PORT,2)))),d\"\n"));
    assert_non_null(strstr(out.ptr, "MATCH,d\"\n"));
    assert_string_equal(said.ptr, "1: protocol in a rule has no counterpart in mihomo: left out\n"
                                  "1: the action sniff has no counterpart in mihomo: left out\n");
}

static void formatting_keeps_comments(void **state)
{
    struct config_source s = {.name = TEXT("t"), .text = TEXT("{// why\n\"log\":{},}")};
    struct diag d;
    STRBUF out;

    (void)state;
    strbuf_init(&out, 1 << 20);
    diag_init(&d);
    assert_int_equal(config_format(&s, &out, &d), 0);
    assert_string_equal(out.ptr, "{\n  // why\n  \"log\": {}\n}\n");
    s.text = TEXT("a: b # c\n");
    assert_int_equal(config_format(&s, &out, &d), -ENOTSUP);
    diag_done(&d);
}

static void files_and_directories_are_loaded(void **state)
{
    char dir[] = "/tmp/weir-config-XXXXXX";
    char path[100];
    const char *paths[] = {dir};
    struct config_files f;
    struct error err;

    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(config_load(paths, 1, &f, &err), -ENOENT);
    for (int i = 2; i > 0; i--) {
        (void)snprintf(path, sizeof path, "%s/%d.json", dir, i);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fprintf(file, "{\"n\":%d}", i) > 0);
        assert_int_equal(fclose(file), 0);
    }
    assert_int_equal(config_load(paths, 1, &f, &err), 0);
    assert_int_equal(f.sources.len, 2);
    assert_text(f.sources.at[0].text, "{\"n\":1}");
    config_files_done(&f);
    for (int i = 2; i > 0; i--) {
        (void)snprintf(path, sizeof path, "%s/%d.json", dir, i);
        (void)!unlink(path);
    }
    (void)!rmdir(dir);
    assert_int_equal(config_load(paths, 1, &f, &err), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mihomo_becomes_singbox),
        cmocka_unit_test(writing_and_reading_again_changes_nothing),
        cmocka_unit_test(singbox_rules_become_lines),
        cmocka_unit_test(formatting_keeps_comments),
        cmocka_unit_test(files_and_directories_are_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
