#include "test.h"

#include <errno.h>
#include <string.h>

#include "proto/http/rewrite.h"

static void rewrites_to(const char *in, const char *out)
{
    char room[4096];
    struct writer w = writer_of(room, sizeof room);
    struct http1_head h = {0};
    struct http_target t;

    assert_int_equal(http1_read_request(&h, in, strlen(in)), strlen(in));
    assert_int_equal(http_target_read(&t, h.target), 0);
    http_rewrite_request(&w, &h, &t);
    assert_false(w.failed);
    room[writer_len(&w)] = 0;
    assert_string_equal(room, out);
}

static void answers_with(const char *in, bool keep_alive, const char *out)
{
    char room[4096];
    struct writer w = writer_of(room, sizeof room);
    struct http1_head h = {0};

    assert_int_equal(http1_read_response(&h, in, strlen(in)), strlen(in));
    http_rewrite_response(&w, &h, keep_alive);
    assert_false(w.failed);
    room[writer_len(&w)] = 0;
    assert_string_equal(room, out);
}

static void the_target_becomes_host_and_path(void **state)
{
    (void)state;
    rewrites_to("GET http://a.b/c?d=e HTTP/1.1\r\nHost: a.b\r\nAccept: *\r\n\r\n",
                "GET /c?d=e HTTP/1.1\r\nHost: a.b\r\nAccept: *\r\n\r\n");
    rewrites_to("GET http://a.b HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.b\r\n\r\n");
    rewrites_to("GET http://a.b?q HTTP/1.1\r\nHost: x\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: a.b\r\n\r\n");
    rewrites_to("OPTIONS http://a.b:81 HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a.b:81\r\n\r\n");
    rewrites_to("GET http://u:p@[::1]:81/#f HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nHost: [::1]:81\r\n\r\n");
    rewrites_to("GET HTTP://A.b/%7c|{} HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%7c|{} HTTP/1.1\r\nHost: A.b\r\n\r\n");
}

static void fields_of_this_hop_end_here(void **state)
{
    (void)state;
    rewrites_to("POST http://a.b/ HTTP/1.1\r\nHost: a.b\r\nProxy-Connection: keep-alive\r\nConnection: close, X-Mine\r\n"
                "X-Mine: 1\r\nTE: trailers\r\nKeep-Alive: 5\r\nProxy-Authorization: Basic eDp5\r\nAuthorization: z\r\n"
                "Transfer-Encoding: chunked\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a.b\r\nAuthorization: z\r\nTransfer-Encoding: chunked\r\n\r\n");
    answers_with("HTTP/1.1 200 Fine\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n", true,
                 "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
    answers_with("HTTP/1.0 404 No\r\n\r\n", false, "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n");
    answers_with("HTTP/1.1 100 Continue\r\n\r\n", true, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void upgrades_pass(void **state)
{
    (void)state;
    rewrites_to("GET http://a.b/ HTTP/1.1\r\nHost: a.b\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a.b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    rewrites_to("GET http://a.b/ HTTP/1.1\r\nHost: a.b\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                "HTTP2-Settings: AA\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a.b\r\n\r\n");
    answers_with("HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false,
                 "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

static void targets_without_a_host_are_refused(void **state)
{
    static const struct {
        const char *target;
        int result;
    } cases[] = {{"/x", -EINVAL}, {"http:///x", -EINVAL}, {"http://:80/", -EINVAL}, {"http://a:99999/", -EINVAL},
                 {"https://a/", -EPROTONOSUPPORT}, {"*", -EINVAL}, {"http://[::1/", -EINVAL}, {"ftp://a/", -EPROTONOSUPPORT}};
    struct http_target t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(http_target_read(&t, text_of(cases[i].target)), cases[i].result);
}

static void pages_are_complete_messages(void **state)
{
    static const unsigned statuses[] = {400, 403, 407, 408, 431, 501, 502, 503, 504, 505};
    char room[HTTP_PAGE_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct writer w = writer_of(room, sizeof room);
        struct http1_head h = {0};
        struct http1_framing f;
        http_write_page(&w, &(struct http_page){.status = statuses[i], .words = "why", .keep_alive = true});
        assert_false(w.failed);
        ssize_t head = http1_read_response(&h, room, writer_len(&w));
        assert_true(head > 0);
        assert_int_equal(h.status, statuses[i]);
        assert_int_equal(http1_response_framing(&h, TEXT("GET"), &f), 0);
        assert_int_equal(f.length, writer_len(&w) - (size_t)head);
        assert_int_equal(http1_get(&h, "proxy-authenticate").len != 0, statuses[i] == 407);
    }
}

static void failures_have_their_status(void **state)
{
    (void)state;
    assert_int_equal(http_status_of(-EACCES), 403);
    assert_int_equal(http_status_of(-ETIMEDOUT), 504);
    assert_int_equal(http_status_of(-ECONNREFUSED), 502);
    assert_int_equal(http_status_of(-EMFILE), 503);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_becomes_host_and_path),
        cmocka_unit_test(fields_of_this_hop_end_here),
        cmocka_unit_test(upgrades_pass),
        cmocka_unit_test(targets_without_a_host_are_refused),
        cmocka_unit_test(pages_are_complete_messages),
        cmocka_unit_test(failures_have_their_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
