#include "test.h"

#include <errno.h>

#include "format/json.h"
#include "proto/shadowsocks/method.h"
#include "proto/shadowsocks/options.h"

/* A map read by one of the tables, with what was said about it. */
struct reading {
    struct document doc;
    struct arena arena;
    struct diag diag;
    struct option_reader reader;
    int result;
};

static void read_with(struct reading *r, enum dialect dialect, const char *text, const struct option *table, void *out,
                      int (*check)(const void *, const struct node *, struct option_reader *))
{
    *r = (struct reading){0};
    arena_init(&r->arena, 1 << 20);
    diag_init(&r->diag);
    r->reader = (struct option_reader){.arena = &r->arena, .diag = &r->diag, .dialect = dialect};
    assert_int_equal(json_read(&r->doc, TEXT("test"), text_of(text), &r->diag), 0);
    r->result = options_read(table, r->doc.root, out, &r->reader);
    if (r->result == 0)
        r->result = check(out, r->doc.root, &r->reader);
}

static void read_done(struct reading *r)
{
    document_done(&r->doc);
    diag_done(&r->diag);
    arena_done(&r->arena);
}

static void assert_said(const struct reading *r, const char *words)
{
    assert_int_equal(r->result, -EINVAL);
    assert_non_null(r->diag.first);
    if (!strstr(r->diag.first->message.ptr, words))
        fail_msg("said: %.*s", TEXT_ARG(r->diag.first->message));
    assert_true(r->diag.first->line > 0);
}

static void outbound_reads_alike_in_both_dialects(void **state)
{
    struct ss_outbound_options a, b;
    struct reading r;

    (void)state;
    read_with(&r, DIALECT_SINGBOX,
              "{\"server\": \"h\", \"server_port\": 9, \"method\": \"aes-128-gcm\", \"password\": \"p\","
              " \"plugin\": \"obfs-local\", \"plugin_opts\": \"obfs=tls;obfs-host=a.test\","
              " \"udp_over_tcp\": {\"enabled\": true, \"version\": 1}, \"multiplex\": {\"enabled\": false}}",
              ss_outbound_table, &a, ss_outbound_check);
    assert_int_equal(r.result, 0);
    assert_true(network_has_udp(&a.network));
    assert_int_equal(a.method, SS_AES_128_GCM);
    assert_int_equal(a.plugin, SS_PLUGIN_OBFS);
    assert_int_equal(a.obfs.mode, OBFS_TLS);
    assert_true(text_is(a.obfs.host, "a.test"));
    assert_true(a.udp_over_tcp.enabled);
    assert_int_equal(a.udp_over_tcp.version, 1);
    read_done(&r);
    read_with(&r, DIALECT_MIHOMO,
              "{\"server\": \"h\", \"port\": 9, \"cipher\": \"aes-128-gcm\", \"password\": \"p\", \"udp\": true,"
              " \"plugin\": \"obfs\", \"plugin-opts\": {\"mode\": \"tls\", \"host\": \"a.test\"}, \"udp-over-tcp\": true}",
              ss_outbound_table, &b, ss_outbound_check);
    assert_int_equal(r.result, 0);
    assert_true(network_has_udp(&b.network));
    assert_int_equal(b.obfs.mode, OBFS_TLS);
    assert_int_equal(b.plugin, SS_PLUGIN_OBFS);
    assert_true(b.udp_over_tcp.enabled);
    assert_int_equal(b.udp_over_tcp.version, 1);
    read_done(&r);
}

static void what_weir_lacks_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{\"server\": \"h\", \"server_port\": 9, \"method\": \"rc4-md5\", \"password\": \"p\"}", "'rc4-md5'"},
        {"{\"server\": \"h\", \"server_port\": 9, \"method\": \"aes-128-ctr\", \"password\": \"p\"}", "'aes-128-ctr'"},
        {"{\"server\": \"h\", \"server_port\": 9, \"method\": \"aes-128-gcm\", \"password\": \"p\","
         " \"plugin\": \"v2ray-plugin\"}",
         "'v2ray-plugin'"},
        {"{\"server\": \"h\", \"server_port\": 9, \"method\": \"aes-128-gcm\", \"password\": \"p\","
         " \"multiplex\": {\"enabled\": true}}",
         "not supported"},
        {"{\"server\": \"h\", \"server_port\": 9, \"method\": \"2022-blake3-aes-128-gcm\", \"password\": \"AAAA\"}",
         "3 octets"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ss_outbound_options o;
        struct reading r;
        read_with(&r, DIALECT_SINGBOX, cases[i].text, ss_outbound_table, &o, ss_outbound_check);
        assert_said(&r, cases[i].words);
        read_done(&r);
    }
}

static void inbound_checks_its_users(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{\"method\": \"2022-blake3-aes-128-gcm\", \"password\": \"AAAAAAAAAAAAAAAAAAAAAA==\","
         " \"users\": [{\"name\": \"a\", \"password\": \"AAAA\"}]}",
         "3 octets"},
        {"{\"method\": \"2022-blake3-chacha20-poly1305\", \"password\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
         " \"users\": [{\"name\": \"a\", \"password\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}]}",
         "no identity headers"},
        {"{\"method\": \"none\", \"users\": [{\"name\": \"a\", \"password\": \"b\"}]}", "cannot tell users apart"},
        {"{\"method\": \"aes-128-gcm\"}", "needs a password"},
        {"{\"method\": \"aes-128-gcm\", \"password\": \"a\","
         " \"destinations\": [{\"password\": \"b\", \"server\": \"c\", \"server_port\": 1}]}",
         "relay needs"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ss_inbound_options o;
        struct reading r;
        read_with(&r, DIALECT_SINGBOX, cases[i].text, ss_inbound_table, &o, ss_inbound_check);
        assert_said(&r, cases[i].words);
        read_done(&r);
    }
}

static void listener_of_mihomo_has_simple_obfs(void **state)
{
    struct ss_inbound_options o;
    struct reading r;

    (void)state;
    read_with(&r, DIALECT_MIHOMO,
              "{\"cipher\": \"aes-128-gcm\", \"password\": \"p\", \"simple-obfs\": {\"enable\": true, \"mode\": \"http\"},"
              " \"kcp-tun\": {\"enable\": false}}",
              ss_inbound_table, &o, ss_inbound_check);
    assert_int_equal(r.result, 0);
    assert_int_equal(o.obfs.mode, OBFS_HTTP);
    assert_true(o.udp);
    read_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outbound_reads_alike_in_both_dialects),
        cmocka_unit_test(what_weir_lacks_is_refused_by_name),
        cmocka_unit_test(inbound_checks_its_users),
        cmocka_unit_test(listener_of_mihomo_has_simple_obfs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
