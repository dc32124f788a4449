#include "test.h"

#include <errno.h>

#include "config/links/links.h"
#include "format/json.h"

static void check(const char *link, const char *json)
{
    struct node *n;
    struct error err;
    struct arena a;
    STRBUF out;

    arena_init(&a, 0);
    strbuf_init(&out, 1 << 16);
    assert_int_equal(link_read(&a, text_of(link), &n, &err), 0);
    json_write_node(n, &out);
    /* Compared without spaces and newlines. */
    size_t to = 0;
    for (size_t i = 0; i < out.len; i++) {
        if (out.ptr[i] != ' ' && out.ptr[i] != '\n')
            out.ptr[to++] = out.ptr[i];
    }
    out.ptr[to] = 0;
    assert_string_equal(out.ptr, json);
    arena_done(&a);
}

static void round_trip(const char *link)
{
    struct node *n;
    struct error err;
    struct arena a;
    STRBUF out;

    arena_init(&a, 0);
    strbuf_init(&out, 1 << 16);
    assert_int_equal(link_read(&a, text_of(link), &n, &err), 0);
    assert_int_equal(link_write(n, &out, &err), 0);
    assert_string_equal(out.ptr, link);
    arena_done(&a);
}

static void shadowsocks_links_are_read(void **state)
{
    (void)state;
    check("ss://YWVzLTI1Ni1nY206cHc@h:8388/?plugin=obfs-local%3Bobfs%3Dhttp#na%20me",
          "{\"type\":\"shadowsocks\",\"tag\":\"name\",\"server\":\"h\",\"server_port\":8388,\"method\":\"aes-256-gcm\","
          "\"password\":\"pw\",\"plugin\":\"obfs-local\",\"plugin_opts\":\"obfs=http\"}");
    check("ss://2022-blake3-aes-128-gcm:cHc%3D@[::1]:8388",
          "{\"type\":\"shadowsocks\",\"server\":\"::1\",\"server_port\":8388,\"method\":\"2022-blake3-aes-128-gcm\",\"password\":\"cHc=\"}");
    check("ss://YWVzLTI1Ni1nY206cHdAMS4yLjMuNDo4Mzg4#old",
          "{\"type\":\"shadowsocks\",\"tag\":\"old\",\"server\":\"1.2.3.4\",\"server_port\":8388,\"method\":\"aes-256-gcm\",\"password\":\"pw\"}");
}

static void socks_and_http_links_are_read(void **state)
{
    (void)state;
    check("socks5://u:p%40@h:1080#t",
          "{\"type\":\"socks\",\"tag\":\"t\",\"server\":\"h\",\"server_port\":1080,\"username\":\"u\",\"password\":\"p@\"}");
    check("socks://dTpw@h:1", "{\"type\":\"socks\",\"server\":\"h\",\"server_port\":1,\"username\":\"u\",\"password\":\"p\"}");
    check("socks4a://h:1", "{\"type\":\"socks\",\"server\":\"h\",\"server_port\":1,\"version\":\"4a\"}");
    check("https://h:443", "{\"type\":\"http\",\"server\":\"h\",\"server_port\":443,\"tls\":{\"enabled\":true}}");
}

static void links_survive_a_round_trip(void **state)
{
    (void)state;
    round_trip("ss://YWVzLTI1Ni1nY206cHc@h:8388/?plugin=obfs-local%3Bobfs%3Dhttp#na%20me");
    round_trip("ss://2022-blake3-aes-128-gcm:cHc%3D@[::1]:8388");
    round_trip("socks5://u:p%40@h:1080#t");
    round_trip("socks4://h:1");
    round_trip("https://u:p@h:443");
}

static void other_links_are_refused(void **state)
{
    static const char *const bad[] = {"", "x", "ss://", "ss://!!@h:1", "ss://YWVz@h:1", "socks5://h", "http://h:99999"};
    struct node *n;
    struct error err;
    struct arena a;

    (void)state;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(link_read(&a, text_of(bad[i]), &n, &err), -EINVAL);
    assert_int_equal(link_read(&a, TEXT("vmess://abc"), &n, &err), -ENOTSUP);
    assert_string_equal(err.text, "links of scheme 'vmess' are not carried yet");
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shadowsocks_links_are_read),
        cmocka_unit_test(socks_and_http_links_are_read),
        cmocka_unit_test(links_survive_a_round_trip),
        cmocka_unit_test(other_links_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
