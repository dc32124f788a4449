#include "test.h"

#include <string.h>

#include "format/json.h"
#include "layer/tls/tls.h"

struct holder {
    struct tls_client_options client;
    struct tls_server_options server;
};
OPTION_TABLE(struct holder, client_table) = {
    OPT_TLS_CLIENT(struct holder, client),
    OPTION_END,
};
OPTION_TABLE(struct holder, server_table) = {
    OPT_TLS_SERVER(struct holder, server),
    OPTION_END,
};

static struct {
    struct document doc;
    struct diag diag;
    struct arena arena;
    struct holder out;
    struct strbuf said;
} t;

static int set_up(void **state)
{
    (void)state;
    diag_init(&t.diag);
    arena_init(&t.arena, 0);
    strbuf_init(&t.said, 1 << 16);
    t.out = (struct holder){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    document_done(&t.doc);
    diag_done(&t.diag);
    arena_done(&t.arena);
    strbuf_done(&t.said);
    return 0;
}

/* Reads, checks, and keeps what was said. */
static int read_as(enum dialect dialect, bool is_server, const char *text)
{
    struct option_reader r = {.arena = &t.arena, .diag = &t.diag, .dialect = dialect};

    assert_int_equal(json_read(&t.doc, TEXT("test"), text_of(text), &t.diag), 0);
    int result = options_read(is_server ? server_table : client_table, t.doc.root, &t.out, &r);
    if (result == 0)
        result = is_server ? tls_server_check(&t.out.server, t.doc.root, &r) : tls_client_check(&t.out.client, t.doc.root, &r);
    diag_print(&t.diag, false, &t.said);
    return result;
}

static void assert_said(const char *words)
{
    if (!t.said.ptr || !strstr(t.said.ptr, words))
        fail_msg("'%s' lacks '%s'", t.said.ptr ? t.said.ptr : "", words);
}

static void sing_box_nests(void **state)
{
    (void)state;
    assert_int_equal(read_as(DIALECT_SINGBOX, false,
                             "{\"tls\": {\"enabled\": true, \"server_name\": \"a.test\", \"insecure\": true, \"alpn\": \"h2\","
                             "\"min_version\": \"1.2\", \"max_version\": \"1.3\", \"certificate\": [\"one\", \"two\"],"
                             "\"utls\": {\"enabled\": false}, \"ech\": {\"enabled\": false}}}"), 0);
    assert_true(tls_client_is_on(&t.out.client));
    assert_true(t.out.client.insecure);
    assert_int_equal(t.out.client.min_version, 0x0303);
    assert_int_equal(t.out.client.max_version, 0x0304);
    assert_int_equal(t.out.client.alpn.len, 1);
    assert_int_equal(t.out.client.authority.lines.len, 2);
}

static void mihomo_is_flat(void **state)
{
    (void)state;
    assert_int_equal(read_as(DIALECT_MIHOMO, false,
                             "{\"tls\": true, \"servername\": \"a.test\", \"skip-cert-verify\": 1, \"alpn\": [\"h2\", \"http/1.1\"],"
                             "\"certificate\": \"-----BEGIN CERTIFICATE-----\", \"private-key\": \"./key.pem\","
                             "\"client-fingerprint\": \"none\"}"), 0);
    assert_true(t.out.client.enabled);
    assert_true(text_is(t.out.client.server_name, "a.test"));
    assert_int_equal(t.out.client.certificate.lines.len, 1);
    assert_true(text_is(t.out.client.key.path, "./key.pem"));
}

static void mihomos_certificate_switches_a_listener_on(void **state)
{
    (void)state;
    assert_int_equal(read_as(DIALECT_MIHOMO, true,
                             "{\"certificate\": \"./c.pem\", \"private-key\": \"./k.pem\", \"client-auth-type\": \"request\"}"), 0);
    assert_true(tls_server_is_on(&t.out.server));
    assert_int_equal(t.out.server.client_auth, TLS_AUTH_REQUEST);
}

static void off_is_off(void **state)
{
    (void)state;
    assert_int_equal(read_as(DIALECT_MIHOMO, false, "{\"client-fingerprint\": \"chrome\", \"sni\": \"a\"}"), 0);
    assert_false(tls_client_is_on(&t.out.client));
}

static void a_converted_listener_stays_on(void **state)
{
    (void)state;
    assert_int_equal(read_as(DIALECT_MIHOMO, true, "{\"certificate\": \"./c.pem\", \"private-key\": \"./k.pem\"}"), 0);
    struct node *map = node_new(&t.arena, NODE_MAP);
    assert_int_equal(options_write(server_table, DIALECT_SINGBOX, &t.out, &t.arena, map), 0);
    const struct node *tls = node_get(map, "tls");
    assert_non_null(tls);
    assert_true(node_get(tls, "enabled")->boolean);
    assert_true(text_is(node_text(node_get(tls, "certificate_path")), "./c.pem"));
    assert_true(text_is(node_text(node_get(tls, "key_path")), "./k.pem"));
    map = node_new(&t.arena, NODE_MAP);
    assert_int_equal(options_write(server_table, DIALECT_MIHOMO, &t.out, &t.arena, map), 0);
    assert_true(text_is(node_text(node_get(map, "certificate")), "./c.pem"));
}

static void expect_refused(enum dialect dialect, bool is_server, const char *text, const char *words)
{
    (void)tear_down(NULL);
    (void)set_up(NULL);
    assert_true(read_as(dialect, is_server, text) < 0);
    assert_said(words);
}

static void shaped_hellos_are_refused_by_name(void **state)
{
    (void)state;
    expect_refused(DIALECT_SINGBOX, false, "{\"tls\": {\"enabled\": true, \"utls\": {\"enabled\": true}}}", "tls.utls: is not supported");
    expect_refused(DIALECT_SINGBOX, false, "{\"tls\": {\"enabled\": true, \"ech\": {\"enabled\": true}}}", "tls.ech: is not supported");
    expect_refused(DIALECT_SINGBOX, false, "{\"tls\": {\"enabled\": true, \"reality\": {\"enabled\": true}}}", "tls.reality: is not");
    expect_refused(DIALECT_SINGBOX, false, "{\"tls\": {\"enabled\": true, \"fragment\": true}}", "tls.fragment: is not");
    expect_refused(DIALECT_MIHOMO, false, "{\"tls\": true, \"client-fingerprint\": \"chrome\"}", "client-fingerprint: is not supported");
    expect_refused(DIALECT_MIHOMO, false, "{\"tls\": true, \"reality-opts\": {\"public-key\": \"x\"}}", "reality-opts: is not");
    expect_refused(DIALECT_MIHOMO, true, "{\"certificate\": \"c\", \"private-key\": \"k\", \"ech-key\": \"x\"}", "ech-key: is not");
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    expect_refused(DIALECT_SINGBOX, false, "{\"tls\": {\"enabled\": true, \"min_version\": \"1.4\"}}", "tls.min_version: is \"1.4\"");
    expect_refused(DIALECT_SINGBOX, false, "{\"tls\": {\"enabled\": true, \"max_version\": \"1.1\"}}", "older than min_version");
    expect_refused(DIALECT_SINGBOX, false, "{\"tls\": {\"certificate_public_key_sha256\": \"AAAA\"}}", "expected base64 of 32 octets");
    expect_refused(DIALECT_SINGBOX, false, "{\"tls\": {\"enabled\": true, \"client_certificate_path\": \"x\"}}", "belong together");
    expect_refused(DIALECT_MIHOMO, false, "{\"tls\": true, \"fingerprint\": \"chrome\"}", "64 hex digits");
    expect_refused(DIALECT_SINGBOX, true, "{\"tls\": {\"enabled\": true}}", "needs a certificate");
    expect_refused(DIALECT_SINGBOX, true, "{\"tls\": {\"enabled\": true, \"certificate_path\": \"x\"}}", "belong together");
}

#define TEST_(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_(sing_box_nests),
        TEST_(mihomo_is_flat),
        TEST_(mihomos_certificate_switches_a_listener_on),
        TEST_(off_is_off),
        TEST_(a_converted_listener_stays_on),
        TEST_(shaped_hellos_are_refused_by_name),
        TEST_(nonsense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
