#include "test.h"

#include <errno.h>

#include "net/proxy_protocol.h"
#include "worker.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static struct addr source, dest;

static int parse(struct text t)
{
    source = dest = (struct addr){0};
    return proxy_header_parse((const uint8_t *)t.ptr, t.len, &source, &dest);
}

/* Whole, it is taken; cut anywhere it wants more; more behind it is left alone. */
static void expect(struct text t, const char *want)
{
    char out[ADDR_TEXT], more[600];
    size_t used = t.len;

    for (size_t n = 0; n < used; n++)
        assert_int_equal(parse(text_sub(t, 0, n)), 0);
    memcpy(more, t.ptr, t.len);
    memcpy(more + t.len, "\r\nmore", 6);
    assert_int_equal(parse((struct text){.ptr = more, .len = t.len + 6}), used);
    assert_int_equal(parse(t), used);
    if (!want) {
        assert_false(addr_is_set(&source) || addr_is_set(&dest));
        return;
    }
    assert_string_equal(addr_print(&source, out), want);
    assert_true(addr_is_set(&dest));
}

static void version_1_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    expect(TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n"), "192.0.2.1:1234");
    expect(TEXT("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n"), "[2001:db8::1]:65535");
    expect(TEXT("PROXY UNKNOWN\r\n"), NULL);
    expect(TEXT("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), NULL);
}

static void version_2_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    expect(TEXT(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\x04\xd2\0\x50"), "192.0.2.1:1234");
    expect(TEXT(SIGNATURE "\x21\x11\0\x10\xc0\0\2\1\xc0\0\2\2\x04\xd2\0\x50\x04\0\1x"), "192.0.2.1:1234");
    expect(TEXT(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2"),
           "[2001:db8::1]:1");
    expect(TEXT(SIGNATURE "\x20\0\0\0"), NULL);
    expect(TEXT(SIGNATURE "\x20\x11\0\2ab"), NULL);     /* LOCAL: whatever follows is skipped */
    expect(TEXT(SIGNATURE "\x21\0\0\0"), NULL);         /* unspecified */
    expect(TEXT(SIGNATURE "\x21\x31\0\3abc"), NULL);    /* UNIX */
}

static void what_is_no_header_is_refused(void **state)
{
    static const struct text c[] = {
        TEXT("G"), TEXT("GET / HTTP/1.1\r\n"), TEXT("PROXX "), TEXT("\r\n\r\n\1"), TEXT("\r\r"), TEXT("proxy TCP4"),
        TEXT("PROXY \r\n"), TEXT("PROXY TCP4\r\n"), TEXT("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n"),
        TEXT("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n"), TEXT("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n"),
        TEXT("PROXY TCP4 1.1.1.1 2.2.2.2 x 2\r\n"), TEXT("PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n"),
        TEXT("PROXY TCP4 1.1.1.1 2.2.2 1 2\r\n"), TEXT("PROXY TCP4 ::1 ::1 1 2\r\n"),
        TEXT("PROXY TCP6 1.1.1.1 ::1 1 2\r\n"), TEXT("PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n"),
        TEXT("PROXY UNKNOWNX\r\n"), TEXT("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n"),
        TEXT(SIGNATURE "\x11\x11\0\0"), TEXT(SIGNATURE "\x22\x11\0\0"), TEXT(SIGNATURE "\x21\x11\xff\xff"),
        TEXT(SIGNATURE "\x21\x11\0\x0b" "abcdefghijk"), TEXT(SIGNATURE "\x21\x21\0\0"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        assert_int_equal(parse(c[i]), -EPROTO);
        assert_false(addr_is_set(&source) || addr_is_set(&dest));
    }
}

static void a_line_without_end_is_refused_at_its_limit(void **state)
{
    char line[120];

    (void)state;
    memset(line, 'a', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    assert_int_equal(parse((struct text){.ptr = line, .len = 106}), 0);
    assert_int_equal(parse((struct text){.ptr = line, .len = 107}), -EPROTO);
    memcpy(line + 105, "\r\n", 2);
    assert_int_equal(parse((struct text){.ptr = line, .len = 120}), 107);
    memcpy(line + 105, "a\r\n", 3);
    assert_int_equal(parse((struct text){.ptr = line, .len = 120}), -EPROTO);
}

static struct addr at(const char *ip, uint16_t port)
{
    struct addr a;

    assert_int_equal(addr_parse(text_of(ip), port, &a), 0);
    return a;
}

static void what_is_written_reads_as_the_same(void **state)
{
    uint8_t out[PROXY_HEADER_MAX];

    (void)state;
    for (int version = 1; version <= 2; version++) {
        for (int v6 = 0; v6 < 2; v6++) {
            struct addr a = at(v6 ? "2001:db8::1" : "10.0.0.1", 1), b = at(v6 ? "::1" : "10.0.0.2", 65535);
            int n = proxy_header_write(version, &a, &b, out, sizeof out);
            assert_true(n > 0);
            assert_int_equal(parse((struct text){.ptr = (char *)out, .len = (size_t)n}), n);
            assert_true(addr_eq(&source, &a) && addr_eq(&dest, &b));
            assert_int_equal(proxy_header_write(version, &a, &b, out, (size_t)n - 1), -EINVAL);
        }
        /* Families that differ, or none, cannot be written. */
        struct addr a = at("10.0.0.1", 1), b = at("::1", 2), none = {0};
        int n = proxy_header_write(version, &a, &b, out, sizeof out);
        assert_int_equal(parse((struct text){.ptr = (char *)out, .len = (size_t)n}), n);
        assert_false(addr_is_set(&source));
        assert_true(proxy_header_write(version, &none, &none, out, sizeof out) > 0);
    }
}

static void a_scope_does_not_leave_this_machine(void **state)
{
    uint8_t out[PROXY_HEADER_MAX];
    struct addr a = at("fe80::1%5", 1), b = at("fe80::2%5", 2);

    (void)state;
    int n = proxy_header_write(1, &a, &b, out, sizeof out);
    assert_int_equal(n, 32);
    assert_memory_equal(out, "PROXY TCP6 fe80::1 fe80::2 1 2\r\n", 32);
}

/* ---- from a stream ----------------------------------------------------------------------- */

static void feed(void *arg)
{
    static const char header[] = "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nHello";
    struct stream *s = arg;

    for (size_t i = 0; i < sizeof header - 1; i++) {
        check_int(stream_write(s, header + i, 1), 0);
        check_int(co_yield(), 0);
    }
    check_int(stream_shutdown(s), 0);
}

static void body_accept(void)
{
    struct stream *end[2];
    struct error err;
    struct group g;
    char buf[8] = "";

    check_int(stream_pair(100, end), 0);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "feed", feed, end[0]), 0);
    check_int(proxy_header_accept(&end[1], &source, &dest, &err), 0);
    check_int(addr_port(&source), 1);
    check_int(stream_read_full(end[1], buf, 5), 0);
    check(strcmp(buf, "Hello") == 0);
    check_int(stream_read(end[1], buf, 1), 0);
    group_done(&g);
    stream_close(end[0]);
    stream_close(end[1]);

    /* What came behind the header in one piece is not lost. */
    check_int(stream_pair(100, end), 0);
    check_int(stream_write(end[0], "PROXY UNKNOWN\r\nabc", 18), 0);
    check_int(proxy_header_accept(&end[1], &source, &dest, &err), 0);
    check_int(stream_read_full(end[1], buf, 3), 0);
    check(memcmp(buf, "abc", 3) == 0);
    stream_close(end[0]);
    stream_close(end[1]);
}

static void what_follows_a_header_is_read_after_it(void **state)
{
    (void)state;
    on_worker(body_accept);
}

static void body_refused(void)
{
    struct stream *end[2];
    struct error err;

    check_int(stream_pair(100, end), 0);
    check_int(stream_write(end[0], "GET / HTTP/1.1\r\n", 16), 0);
    check_int(proxy_header_accept(&end[1], &source, &dest, &err), -EPROTO);
    check(strstr(err.text, "PROXY") != NULL);
    stream_close(end[0]);
    stream_close(end[1]);

    check_int(stream_pair(100, end), 0);
    check_int(stream_write(end[0], "PROXY ", 6), 0);
    stream_set_deadline(end[1], loop_now() + 2);
    check_int(proxy_header_accept(&end[1], &source, &dest, &err), -ETIMEDOUT);
    stream_set_deadline(end[1], NEVER);
    check_int(stream_shutdown(end[0]), 0);
    check_int(proxy_header_accept(&end[1], &source, &dest, &err), -EPIPE);
    stream_close(end[0]);
    stream_close(end[1]);
}

static void a_stream_without_a_header_is_refused_with_the_reason(void **state)
{
    (void)state;
    on_worker(body_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_is_read_whole_or_not_at_all),
        cmocka_unit_test(version_2_is_read_whole_or_not_at_all),
        cmocka_unit_test(what_is_no_header_is_refused),
        cmocka_unit_test(a_line_without_end_is_refused_at_its_limit),
        cmocka_unit_test(what_is_written_reads_as_the_same),
        cmocka_unit_test(a_scope_does_not_leave_this_machine),
        cmocka_unit_test(what_follows_a_header_is_read_after_it),
        cmocka_unit_test(a_stream_without_a_header_is_refused_with_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
