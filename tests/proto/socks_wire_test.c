#include "test.h"

#include <errno.h>
#include <string.h>

#include "proto/socks/wire.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

typedef ssize_t part_fn(const void *p, size_t n, struct socks_request *out);

/* All shorter inputs ask for more; a longer one leaves the rest alone. */
static void reads_whole_only(part_fn *fn, const uint8_t *p, size_t n, struct socks_request *out)
{
    uint8_t longer[600];

    for (size_t i = 0; i < n; i++)
        assert_int_equal(fn(p, i, out), 0);
    memcpy(longer, p, n);
    memset(longer + n, 0xee, sizeof longer - n);
    assert_int_equal(fn(longer, sizeof longer, out), n);
    assert_int_equal(fn(p, n, out), n);
}

static void socks4_requests_are_read(void **state)
{
    struct socks_request r = {0};
    char text[DEST_TEXT];

    (void)state;
    reads_whole_only(socks4_read_request, BYTES(4, 1, 0, 80, 192, 0, 2, 1, 'm', 'e', 0), &r);
    assert_string_equal(dest_print(&r.dest, text), "192.0.2.1:80");
    assert_int_equal(r.command, SOCKS_CONNECT);
    assert_true(text_is(r.user, "me"));
}

static void socks4a_requests_have_a_name(void **state)
{
    struct socks_request r = {0};
    char text[DEST_TEXT];

    (void)state;
    reads_whole_only(socks4_read_request, BYTES(4, 1, 1, 187, 0, 0, 0, 9, 0, 'a', '.', 'b', 0), &r);
    assert_string_equal(dest_print(&r.dest, text), "a.b:443");
    assert_int_equal(r.user.len, 0);
}

static void socks4_texts_are_bounded(void **state)
{
    struct socks_request r = {0};
    uint8_t p[600] = {4, 1, 0, 80, 1, 2, 3, 4};

    (void)state;
    memset(p + 8, 'x', sizeof p - 8);
    assert_int_equal(socks4_read_request(p, 8 + 255, &r), 0);
    assert_int_equal(socks4_read_request(p, 8 + 256, &r), -EINVAL);
    p[8 + 255] = 0;
    assert_int_equal(socks4_read_request(p, sizeof p, &r), 8 + 256);
    assert_int_equal(socks4_read_request(BYTES(5, 1), &r), -EINVAL);
    assert_int_equal(socks4_read_request(BYTES(4, 1, 0, 80, 0, 0, 0, 1, 0, 0), &r), -EINVAL);
}

static void greetings_tell_the_methods(void **state)
{
    struct socks_request r = {0};

    (void)state;
    reads_whole_only(socks5_read_greeting, BYTES(5, 3, 1, 2, 0x80), &r);
    assert_true(r.offers_password && !r.offers_no_auth);
    reads_whole_only(socks5_read_greeting, BYTES(5, 1, 0), &r);
    assert_true(!r.offers_password && r.offers_no_auth);
    assert_int_equal(socks5_read_greeting(BYTES(5, 0), &r), 2);
    assert_true(!r.offers_password && !r.offers_no_auth);
    assert_int_equal(socks5_read_greeting(BYTES(6), &r), -EINVAL);
}

static void passwords_are_read(void **state)
{
    struct socks_request r = {0};

    (void)state;
    reads_whole_only(socks5_read_auth, BYTES(1, 2, 'm', 'e', 3, 'a', 'b', 'c'), &r);
    assert_true(text_is(r.user, "me") && text_is(r.password, "abc"));
    reads_whole_only(socks5_read_auth, BYTES(1, 0, 0), &r);
    assert_int_equal(socks5_read_auth(BYTES(5), &r), -EINVAL);
}

static void socks5_requests_are_read(void **state)
{
    struct socks_request r = {0};
    char text[DEST_TEXT];

    (void)state;
    reads_whole_only(socks5_read_request, BYTES(5, 1, 0, 1, 192, 0, 2, 1, 0, 80), &r);
    assert_string_equal(dest_print(&r.dest, text), "192.0.2.1:80");
    reads_whole_only(socks5_read_request, BYTES(5, 3, 0, 3, 3, 'a', '.', 'b', 1, 187), &r);
    assert_string_equal(dest_print(&r.dest, text), "a.b:443");
    assert_int_equal(r.command, SOCKS_UDP_ASSOCIATE);
    reads_whole_only(socks5_read_request,
                     BYTES(5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80), &r);
    assert_string_equal(dest_print(&r.dest, text), "[2001:db8::1]:80");
    assert_int_equal(socks5_read_request(BYTES(5, 1, 0, 2, 0, 0, 0, 0, 0, 0), &r), -EAFNOSUPPORT);
    assert_int_equal(socks5_read_request(BYTES(5, 1, 0, 3, 0, 0, 80), &r), -EINVAL);
    assert_int_equal(socks5_read_request(BYTES(4, 1, 0), &r), -EINVAL);
}

static void what_a_client_writes_a_server_reads(void **state)
{
    uint8_t room[SOCKS_HANDSHAKE_MAX];
    struct writer w = writer_of(room, sizeof room);
    struct socks_request r = {0};
    struct dest d = {0};

    (void)state;
    assert_int_equal(dest_set_host(&d, TEXT("example.org"), 443), 0);
    socks5_write_greeting(&w, true);
    assert_int_equal(socks5_read_greeting(room, writer_len(&w), &r), writer_len(&w));
    assert_true(r.offers_no_auth && r.offers_password);
    w = writer_of(room, sizeof room);
    socks5_write_auth(&w, TEXT("user"), TEXT("pass"));
    assert_int_equal(socks5_read_auth(room, writer_len(&w), &r), writer_len(&w));
    assert_true(text_is(r.user, "user") && text_is(r.password, "pass"));
    w = writer_of(room, sizeof room);
    socks5_write_request(&w, SOCKS_CONNECT, &d);
    assert_int_equal(socks5_read_request(room, writer_len(&w), &r), writer_len(&w));
    assert_true(dest_eq(&r.dest, &d));
    w = writer_of(room, sizeof room);
    socks4_write_request(&w, &d, TEXT("me"), true);
    assert_false(w.failed);
    assert_int_equal(socks4_read_request(room, writer_len(&w), &r), writer_len(&w));
    assert_true(dest_eq(&r.dest, &d));
}

static void what_cannot_be_said_fails(void **state)
{
    uint8_t room[SOCKS_HANDSHAKE_MAX];
    char much[256] = {0};
    struct dest d = {0};

    (void)state;
    memset(much, 'x', sizeof much);
    struct writer w = writer_of(room, sizeof room);
    socks5_write_auth(&w, (struct text){much, 256}, TEXT(""));
    assert_true(w.failed);
    w = writer_of(room, sizeof room);
    socks5_write_auth(&w, TEXT(""), TEXT("x"));
    assert_true(w.failed);
    assert_int_equal(dest_parse(TEXT("[::1]:80"), &d), 0);
    w = writer_of(room, sizeof room);
    socks4_write_request(&w, &d, TEXT(""), true);
    assert_true(w.failed);
    assert_int_equal(dest_parse(TEXT("a.b:80"), &d), 0);
    w = writer_of(room, sizeof room);
    socks4_write_request(&w, &d, TEXT(""), false);
    assert_true(w.failed);
    w = writer_of(room, sizeof room);
    socks4_write_request(&w, &d, (struct text){"a\0b", 3}, true);
    assert_true(w.failed);
}

static void replies_come_back(void **state)
{
    static const int results[] = {0, -EREMOTEIO, -EACCES, -ENETUNREACH, -EHOSTUNREACH, -ECONNREFUSED, -ETIMEDOUT,
                                  -EOPNOTSUPP, -EAFNOSUPPORT};
    struct addr bound = addr_v4(0xc0000201, 1080);
    uint8_t room[SOCKS5_REQUEST_MAX];
    struct dest got;
    int result;

    (void)state;
    for (uint8_t i = 0; i < ARRAY_LEN(results); i++) {
        struct writer w = writer_of(room, sizeof room);
        socks5_write_reply(&w, results[i], &bound);
        assert_int_equal(room[1], i);
        for (size_t n = 0; n < SOCKS5_REPLY_IPV4; n++)
            assert_int_equal(socks5_read_reply(room, n, &result, &got), 0);
        assert_int_equal(socks5_read_reply(room, sizeof room, &result, &got), SOCKS5_REPLY_IPV4);
        assert_int_equal(result, results[i]);
        assert_int_equal(got.port, 1080);
    }
    assert_int_equal(socks5_code(-EIO), 1);
    assert_int_equal(socks5_code(-ENOENT), 4);
    assert_int_equal(socks5_code(-EPERM), 2);
    assert_int_equal(socks5_result(99), -EREMOTEIO);
}

static void replies_without_an_address_are_zeros(void **state)
{
    uint8_t room[SOCKS5_REQUEST_MAX];
    struct writer w = writer_of(room, sizeof room);
    struct addr none = {0};

    (void)state;
    socks5_write_reply(&w, -ECONNREFUSED, &none);
    assert_int_equal(writer_len(&w), SOCKS5_REPLY_IPV4);
    assert_memory_equal(room, ((const uint8_t[]){5, 5, 0, 1, 0, 0, 0, 0, 0, 0}), 10);
    w = writer_of(room, sizeof room);
    socks4_write_reply(&w, 0, NULL);
    assert_memory_equal(room, ((const uint8_t[]){0, 0x5a, 0, 0, 0, 0, 0, 0}), 8);
    w = writer_of(room, sizeof room);
    socks4_write_reply(&w, -EKEYREJECTED, NULL);
    assert_int_equal(room[1], 0x5d);
}

static void an_empty_name_in_a_reply_is_no_address(void **state)
{
    struct dest got;
    int result;

    (void)state;
    assert_int_equal(socks5_read_reply(BYTES(5, 5, 0, 3, 0, 0, 0), &result, &got), 7);
    assert_int_equal(result, -ECONNREFUSED);
    assert_int_equal(socks5_read_reply(BYTES(5, 5, 0, 3, 0, 0), &result, &got), 0);
    assert_int_equal(socks5_read_reply(BYTES(4, 5), &result, &got), -EINVAL);
}

static void socks4_replies_are_read(void **state)
{
    int result;

    (void)state;
    assert_int_equal(socks4_read_reply(BYTES(0, 0x5a, 0, 0, 0, 0, 0), &result), 0);
    assert_int_equal(socks4_read_reply(BYTES(0, 0x5a, 0, 0, 0, 0, 0, 0), &result), 8);
    assert_int_equal(result, 0);
    assert_int_equal(socks4_read_reply(BYTES(0, 0x5b, 0, 0, 0, 0, 0, 0), &result), 8);
    assert_int_equal(result, -ECONNREFUSED);
    assert_int_equal(socks4_read_reply(BYTES(0, 0x5d, 0, 0, 0, 0, 0, 0), &result), 8);
    assert_int_equal(result, -EKEYREJECTED);
    assert_int_equal(socks4_read_reply(BYTES(5), &result), -EINVAL);
}

static void datagram_headers_come_back(void **state)
{
    uint8_t room[SOCKS_UDP_HEADER_MAX];
    struct dest d = {0}, got;

    (void)state;
    assert_int_equal(dest_parse(TEXT("example.org:53"), &d), 0);
    struct writer w = writer_of(room, sizeof room);
    socks_udp_write(&w, &d);
    assert_int_equal(writer_len(&w), socks_udp_size(&d));
    assert_int_equal(socks_udp_read(room, sizeof room, &got), writer_len(&w));
    assert_true(dest_eq(&got, &d));
    for (size_t n = 0; n < writer_len(&w); n++)
        assert_int_equal(socks_udp_read(room, n, &got), -EINVAL);
    room[2] = 1;
    assert_int_equal(socks_udp_read(room, sizeof room, &got), -EOPNOTSUPP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(socks4_requests_are_read),
        cmocka_unit_test(socks4a_requests_have_a_name),
        cmocka_unit_test(socks4_texts_are_bounded),
        cmocka_unit_test(greetings_tell_the_methods),
        cmocka_unit_test(passwords_are_read),
        cmocka_unit_test(socks5_requests_are_read),
        cmocka_unit_test(what_a_client_writes_a_server_reads),
        cmocka_unit_test(what_cannot_be_said_fails),
        cmocka_unit_test(replies_come_back),
        cmocka_unit_test(replies_without_an_address_are_zeros),
        cmocka_unit_test(an_empty_name_in_a_reply_is_no_address),
        cmocka_unit_test(socks4_replies_are_read),
        cmocka_unit_test(datagram_headers_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
