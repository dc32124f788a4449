#include "test.h"

#include <errno.h>

#include "format/url.h"

#define assert_text(t, s)                                                                          \
    do {                                                                                           \
        assert_int_equal((t).len, sizeof(s) - 1);                                                  \
        assert_memory_equal((t).ptr, s, sizeof(s) - 1);                                            \
    } while (0)

static void all_parts_are_found(void **state)
{
    struct url u;

    (void)state;
    assert_int_equal(url_split(TEXT("https://us%20er:pa:ss@Example.com:8443/a/b?x=1&y=%2F#na me"), &u), 0);
    assert_text(u.scheme, "https");
    assert_text(u.user, "us%20er");
    assert_text(u.password, "pa:ss");
    assert_text(u.userinfo, "us%20er:pa:ss");
    assert_text(u.host, "Example.com");
    assert_int_equal(u.port, 8443);
    assert_text(u.path, "/a/b");
    assert_text(u.query, "x=1&y=%2F");
    assert_text(u.fragment, "na me");
    assert_true(u.has_authority && u.has_userinfo && u.has_password && u.has_query && !u.is_ipv6);
}

static void missing_parts_are_empty(void **state)
{
    struct url u;

    (void)state;
    assert_int_equal(url_split(TEXT("socks5://h"), &u), 0);
    assert_text(u.host, "h");
    assert_int_equal(u.port, 0);
    assert_true(u.path.len == 0 && u.query.len == 0 && u.fragment.len == 0 && !u.has_userinfo);
    assert_int_equal(url_split(TEXT("urn:a:b"), &u), 0);
    assert_false(u.has_authority);
    assert_text(u.path, "a:b");
    assert_int_equal(url_split(TEXT("http://h:/?"), &u), 0);
    assert_true(u.has_query && u.port == 0);
}

static void ipv6_literals_lose_their_brackets(void **state)
{
    struct url u;

    (void)state;
    assert_int_equal(url_split(TEXT("http://[2001:db8::1]:81/"), &u), 0);
    assert_true(u.is_ipv6);
    assert_text(u.host, "2001:db8::1");
    assert_int_equal(u.port, 81);
    assert_int_equal(url_split(TEXT("http://[fe80::1%25eth0]"), &u), 0);
    assert_text(u.host, "fe80::1%25eth0");
    assert_int_equal(url_split(TEXT("http://[::1"), &u), -EINVAL);
    assert_int_equal(url_split(TEXT("http://[::1]x"), &u), -EINVAL);
    assert_int_equal(url_split(TEXT("http://[example]"), &u), -EINVAL);
    assert_int_equal(url_split(TEXT("http://::1/"), &u), -EINVAL);
}

static void bad_urls_are_refused(void **state)
{
    static const char *const bad[] = {"", "x", "://h", "1a://h", "http://h:65536/", "http://h:8x/", "http://a b/", "http://a\nb/",
                                      "http://a%41/", "http://a^b/", "http://h:1-2/", "http://h/a b", "http://h:-1"};
    struct url u;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(url_split(text_of(bad[i]), &u), -EINVAL);
}

static void port_lists_are_for_those_who_ask(void **state)
{
    struct url u;

    (void)state;
    assert_int_equal(url_split_ports(TEXT("hysteria2://pw@h:443,8000-9000/?a=b"), &u), 0);
    assert_text(u.port_text, "443,8000-9000");
    assert_int_equal(u.port, 443);
    assert_int_equal(url_split_ports(TEXT("hysteria2://pw@h:,1/"), &u), -EINVAL);
}

static void decoding_checks_escapes_and_room(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(url_decode(TEXT("a%2fb+c"), true, out, sizeof(out)), 5);
    assert_memory_equal(out, "a/b c", 5);
    assert_int_equal(url_decode(TEXT("a+"), false, out, sizeof(out)), 2);
    assert_memory_equal(out, "a+", 2);
    assert_int_equal(url_decode(TEXT("%2"), false, out, sizeof(out)), -EINVAL);
    assert_int_equal(url_decode(TEXT("%zz"), false, out, sizeof(out)), -EINVAL);
    assert_int_equal(url_decode(TEXT("123456789"), false, out, sizeof(out)), -ENOSPC);
}

static void what_was_encoded_decodes_to_itself(void **state)
{
    char all[256], coded[768], back[256];

    (void)state;
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    ssize_t n = url_encode((struct text){all, 256}, coded, sizeof(coded));
    assert_true(n > 256);
    assert_int_equal(url_decode((struct text){coded, (size_t)n}, true, back, sizeof(back)), 256);
    assert_memory_equal(all, back, 256);
    assert_int_equal(url_encode(TEXT("  "), coded, 5), -ENOSPC);
}

static void parameters_come_in_order(void **state)
{
    struct text q = TEXT("a=1&&b&c==x&a=2"), value;
    struct url_param p;

    (void)state;
    assert_true(url_param_find(q, "a", &value));
    assert_text(value, "1");
    assert_false(url_param_find(q, "d", &value));
    assert_true(url_param_next(&q, &p));
    assert_true(url_param_next(&q, &p));
    assert_text(p.name, "b");
    assert_int_equal(p.value.len, 0);
    assert_true(url_param_next(&q, &p));
    assert_text(p.value, "=x");
    assert_true(url_param_next(&q, &p));
    assert_false(url_param_next(&q, &p));
}

static void a_scheme_is_cut_from_what_is_no_url(void **state)
{
    struct text scheme, rest;

    (void)state;
    assert_int_equal(url_scheme(TEXT("vmess://eyJ2Ijoi+/=="), &scheme, &rest), 0);
    assert_text(scheme, "vmess");
    assert_text(rest, "eyJ2Ijoi+/==");
    assert_int_equal(url_scheme(TEXT("//x"), &scheme, &rest), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_parts_are_found),
        cmocka_unit_test(missing_parts_are_empty),
        cmocka_unit_test(ipv6_literals_lose_their_brackets),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(port_lists_are_for_those_who_ask),
        cmocka_unit_test(decoding_checks_escapes_and_room),
        cmocka_unit_test(what_was_encoded_decodes_to_itself),
        cmocka_unit_test(parameters_come_in_order),
        cmocka_unit_test(a_scheme_is_cut_from_what_is_no_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
