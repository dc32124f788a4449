#include "test.h"

#include <errno.h>

#include "base/rnd.h"
#include "layer/obfs/http.h"
#include "layer/obfs/obfs.h"
#include "layer/obfs/tls.h"
#include "net/buffers.h"
#include "worker.h"

enum { PIPE = 300000 };

static const enum obfs_mode modes[] = {OBFS_HTTP, OBFS_TLS};

static void expect(struct stream *s, const uint8_t *want, size_t n)
{
    uint8_t got[4096];

    while (n) {
        ssize_t r = stream_read(s, got, min_of(n, sizeof got));
        check(r > 0);
        check(memcmp(got, want, (size_t)r) == 0);
        want += r;
        n -= (size_t)r;
    }
}

static void carry(void)
{
    static uint8_t data[100000];

    rnd_bytes(data, sizeof data);
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stream *end[2];
        check_int(stream_pair(PIPE, end), 0);
        struct stream *client = obfs_client(end[0], modes[i], TEXT("example.com"), 8388);
        struct stream *server = obfs_server(end[1], modes[i]);
        check(client && server);
        check(client->flags & STREAM_HOLDS_HEADER);
        check_int(stream_write(client, data, 5000), 0);
        expect(server, data, 5000);
        check_int(stream_write(server, data, sizeof data), 0);
        expect(client, data, sizeof data);
        check_int(stream_write(client, data, sizeof data), 0);
        expect(server, data, sizeof data);
        check_int(buffers_in_use(), 0);
        check_int(!!(client->flags & STREAM_TRANSPARENT), modes[i] == OBFS_HTTP);
        check_int(!!(server->flags & STREAM_TRANSPARENT), modes[i] == OBFS_HTTP);
        check_int(stream_shutdown(client), 0);
        check_int(stream_read(server, data, 1), 0);
        stream_close(client);
        stream_close(server);
    }
}

static void both_modes_carry_both_ways(void **state)
{
    (void)state;
    on_worker(carry);
}

static void say(void *arg)
{
    struct stream **s = arg;
    uint8_t raw[4096];
    ssize_t n;

    /* One octet at a time from one pair to the other. */
    while ((n = stream_read(s[0], raw, 1)) > 0)
        check_int(stream_write(s[1], raw, 1), 0);
    check_int(stream_shutdown(s[1]), 0);
}

static void slowly(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stream *a[2], *b[2];
        struct group g;
        uint8_t data[3000];
        check_int(stream_pair(PIPE, a), 0);
        check_int(stream_pair(1, b), 0);
        struct stream *client = obfs_client(a[0], modes[i], TEXT("example.com"), 80);
        struct stream *server = obfs_server(b[1], modes[i]);
        struct stream *way[] = {a[1], b[0]};
        rnd_bytes(data, sizeof data);
        check_int(stream_write(client, data, sizeof data), 0);
        check_int(stream_shutdown(client), 0);
        group_init(&g, co_group());
        check_int(co_spawn(&g, "say", say, way), 0);
        expect(server, data, sizeof data);
        check_int(stream_read(server, data, 1), 0);
        group_wait(&g);
        group_done(&g);
        stream_close(client);
        stream_close(server);
        stream_close(a[1]);
        stream_close(b[0]);
        check_int(buffers_in_use(), 0);
    }
}

static void start_may_come_octet_by_octet(void **state)
{
    (void)state;
    on_worker(slowly);
}

static void garbage(void)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        struct stream *end[2];
        uint8_t junk[300], got[10];
        memset(junk, 'x', sizeof junk);
        check_int(stream_pair(PIPE, end), 0);
        struct stream *server = obfs_server(end[1], modes[i]);
        check_int(stream_write(end[0], junk, sizeof junk), 0);
        check_int(stream_read(server, got, sizeof got), -EPROTO);
        stream_close(server);
        stream_close(end[0]);
        check_int(buffers_in_use(), 0);
    }
}

static void garbage_is_refused(void **state)
{
    (void)state;
    on_worker(garbage);
}

static void request_looks_like_an_upgrade(void **state)
{
    uint8_t out[OBFS_HTTP_WRITE + 1] = {0};
    struct writer w = writer_of(out, OBFS_HTTP_WRITE);

    (void)state;
    obfs_http_request(&w, TEXT("example.com"), 8388, 42);
    assert_false(w.failed);
    struct bytes b = {out, writer_len(&w)};
    assert_int_equal(obfs_http_head(b, true), b.len);
    assert_non_null(strstr((char *)out, "GET / HTTP/1.1\r\nHost: example.com:8388\r\n"));
    assert_non_null(strstr((char *)out, "Content-Length: 42\r\n\r\n"));
    for (size_t i = 0; i < b.len; i++)
        assert_int_equal(obfs_http_head((struct bytes){out, i}, true), 0);
    assert_int_equal(obfs_http_head(b, false), -EPROTO);
}

static void head_without_upgrade_is_refused(void **state)
{
    static const char plain[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char post[] = "POST / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    static const char good[] = "GET /x HTTP/1.1\r\nHost: a\r\nUPGRADE:  WebSocket\r\n\r\nrest";

    (void)state;
    assert_int_equal(obfs_http_head(text_bytes(TEXT(plain)), true), -EPROTO);
    assert_int_equal(obfs_http_head(text_bytes(TEXT(post)), true), -EPROTO);
    assert_int_equal(obfs_http_head(text_bytes(TEXT(good)), true), sizeof good - 1 - 4);
}

static void hello_has_the_places_of_simple_obfs(void **state)
{
    uint8_t out[2048];
    struct writer w = writer_of(out, sizeof out);
    struct obfs_tls_start start;

    (void)state;
    obfs_tls_hello(&w, TEXT("example.com"), text_bytes(TEXT("payload")), 1700000000);
    assert_false(w.failed);
    /* 212 octets and the two variable parts behind the record's head. */
    assert_int_equal(writer_len(&w), 5 + 212 + 11 + 7);
    assert_int_equal(out[3] << 8 | out[4], 212 + 11 + 7);
    assert_int_equal(obfs_tls_read_hello(out, &start), 0);
    assert_int_equal(start.ticket, 7);
    assert_int_equal(start.rest, writer_len(&w) - OBFS_TLS_HELLO - 7);
    assert_memory_equal(out + OBFS_TLS_HELLO, "payload", 7);
    w = writer_of(out, sizeof out);
    obfs_tls_answer(&w, start.session, 1700000000);
    assert_int_equal(writer_len(&w), OBFS_TLS_ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_modes_carry_both_ways),
        cmocka_unit_test(start_may_come_octet_by_octet),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(request_looks_like_an_upgrade),
        cmocka_unit_test(head_without_upgrade_is_refused),
        cmocka_unit_test(hello_has_the_places_of_simple_obfs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
