#include "test.h"

#include <errno.h>

#include "format/http1.h"

static ssize_t request(struct http1_head *h, const char *s)
{
    *h = (struct http1_head){0};
    return http1_read_request(h, s, strlen(s));
}

static ssize_t response(struct http1_head *h, const char *s)
{
    *h = (struct http1_head){0};
    return http1_read_response(h, s, strlen(s));
}

static void the_four_forms_of_target_are_told_apart(void **state)
{
    static const struct {
        const char *line;
        enum http1_form form;
    } cases[] = {
        {"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", HTTP1_ORIGIN},
        {"GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n", HTTP1_ABSOLUTE},
        {"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", HTTP1_AUTHORITY},
        {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", HTTP1_ASTERISK},
    };
    struct http1_head h;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(request(&h, cases[i].line), strlen(cases[i].line));
        assert_int_equal(h.form, cases[i].form);
        assert_int_equal(h.minor, 1);
    }
}

static void fields_are_views_without_blanks(void **state)
{
    struct http1_head h;

    (void)state;
    assert_true(request(&h, "GET / HTTP/1.1\r\nHost:  x.test \t\r\nA:\r\naccept: */*\r\n\r\n") > 0);
    assert_int_equal(h.count, 3);
    assert_true(text_is(http1_get(&h, "HOST"), "x.test"));
    assert_true(text_is(http1_name(&h, 2), "accept"));
    assert_int_equal(http1_get(&h, "a").len, 0);
    assert_non_null(http1_get(&h, "a").ptr);
    assert_null(http1_get(&h, "b").ptr);
}

static void one_octet_at_a_time_gives_the_same(void **state)
{
    static const char text[] = "\r\nGET /path HTTP/1.0\r\nHost: a\r\nX: y\r\n\r\nbody";
    size_t end = sizeof(text) - 1 - 4;
    struct http1_head h = {0};
    char copy[sizeof(text)];

    (void)state;
    for (size_t n = 0; n < end; n++) {
        memcpy(copy, text, n);
        assert_int_equal(http1_read_request(&h, copy, n), 0);
    }
    assert_int_equal(http1_read_request(&h, text, sizeof(text) - 1), end);
    assert_true(text_is(h.target, "/path"));
    assert_true(text_is(http1_get(&h, "x"), "y"));
    assert_int_equal(h.minor, 0);
}

static void a_moved_buffer_is_followed(void **state)
{
    char one[] = "GET /path HTTP/1.1\r\nHost: a\r\n\r\n", two[sizeof(one)];
    struct http1_head h;

    (void)state;
    assert_true(request(&h, one) > 0);
    memcpy(two, one, sizeof(one));
    memset(one, 0, sizeof(one));
    http1_rebase(&h, two);
    assert_true(text_is(h.method, "GET") && text_is(h.target, "/path"));
    assert_true(text_is(http1_get(&h, "host"), "a"));
}

static void what_two_programs_could_read_differently_is_refused(void **state)
{
    static const char *const bad[] = {
        "GET / HTTP/1.1\nHost: x\n\n",                                /* bare LF */
        "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",                    /* bare CR */
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",                         /* blank before the colon */
        "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",               /* obs-fold */
        "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",               /* two hosts */
        "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",                   /* no name */
        "GET / HTTP/1.1\r\nHost: x\r\nA(: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nnocolon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\x01\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",                                     /* origin form, no host */
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / http/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.10\r\nHost: x\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET x HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",                  /* two empty lines */
        "GET /\r\nHost: x\r\n\r\n",
    };
    struct http1_head h;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (request(&h, bad[i]) != -EBADMSG)
            fail_msg("accepted: %s", bad[i]);
    }
    *(&h) = (struct http1_head){0};
    assert_int_equal(http1_read_request(&h, "GET /\0 HTTP/1.1\r\n\r\n", 19), -EBADMSG);
    assert_int_equal(request(&h, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"), -EPROTONOSUPPORT);
}

static void connect_without_host_is_taken(void **state)
{
    struct http1_head h;

    (void)state;
    assert_true(request(&h, "CONNECT [::1]:443 HTTP/1.1\r\n\r\n") > 0);
    assert_true(text_is(h.target, "[::1]:443"));
}

static void limits_hold(void **state)
{
    static char big[HTTP1_HEAD_MAX + 64];
    struct http1_head h = {0};
    size_t n = (size_t)snprintf(big, sizeof(big), "GET / HTTP/1.1\r\nHost: x\r\n");

    (void)state;
    for (int i = 0; i < HTTP1_HEADERS_MAX; i++)
        n += (size_t)snprintf(big + n, sizeof(big) - n, "a%d: b\r\n", i);
    memcpy(big + n, "\r\n", 3);
    assert_int_equal(http1_read_request(&h, big, n + 2), -EMSGSIZE);
    memset(big, 'a', sizeof(big));
    memcpy(big, "GET /", 5);
    h = (struct http1_head){0};
    assert_int_equal(http1_read_request(&h, big, HTTP1_HEAD_MAX), 0);
    assert_int_equal(http1_read_request(&h, big, HTTP1_HEAD_MAX + 1), -EMSGSIZE);
}

static void status_lines_are_read(void **state)
{
    struct http1_head h;

    (void)state;
    assert_true(response(&h, "HTTP/1.1 200 Connection established\r\n\r\n") > 0);
    assert_int_equal(h.status, 200);
    assert_true(text_is(h.reason, "Connection established"));
    assert_true(response(&h, "HTTP/1.0 204\r\n\r\n") > 0);
    assert_int_equal(h.minor, 0);
    assert_true(response(&h, "HTTP/1.1 404 \r\nA: b\r\n\r\n") > 0);
    assert_int_equal(response(&h, "HTTP/1.1 99 x\r\n\r\n"), -EBADMSG);
    assert_int_equal(response(&h, "HTTP/1.1 2000\r\n\r\n"), -EBADMSG);
    assert_int_equal(response(&h, "HTTP/1.1  200\r\n\r\n"), -EBADMSG);
    assert_int_equal(response(&h, "ICY 200 OK\r\n\r\n"), -EBADMSG);
    assert_int_equal(response(&h, "HTTP/2.0 200 OK\r\n\r\n"), -EPROTONOSUPPORT);
}

struct framing_case {
    const char *fields;
    int result;
    enum http1_body body;
    bool keep_alive;
};

static void a_request_has_one_framing(void **state)
{
    static const struct framing_case cases[] = {
        {"", 0, HTTP1_BODY_NONE, true},
        {"Content-Length: 0\r\n", 0, HTTP1_BODY_NONE, true},
        {"Content-Length: 5\r\nConnection: foo, Close\r\n", 0, HTTP1_BODY_LENGTH, false},
        {"Transfer-Encoding: chunked\r\n", 0, HTTP1_BODY_CHUNKED, true},
        {"Transfer-Encoding: gzip, Chunked\r\n", 0, HTTP1_BODY_CHUNKED, true},
        {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 0, HTTP1_BODY_CHUNKED, true},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", -EBADMSG, 0, 0},
        {"Content-Length: 5, 5\r\n", -EBADMSG, 0, 0},
        {"Content-Length: +5\r\n", -EBADMSG, 0, 0},
        {"Content-Length: -1\r\n", -EBADMSG, 0, 0},
        {"Content-Length: 0x5\r\n", -EBADMSG, 0, 0},
        {"Content-Length:\r\n", -EBADMSG, 0, 0},
        {"Content-Length: 99999999999999999999\r\n", -EBADMSG, 0, 0},
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", -EBADMSG, 0, 0},
        {"Transfer-Encoding: chunked, gzip\r\n", -EBADMSG, 0, 0},
        {"Transfer-Encoding: chunked, chunked\r\n", -EBADMSG, 0, 0},
        {"Transfer-Encoding: identity\r\n", -EBADMSG, 0, 0},
        {"Transfer-Encoding:\r\n", -EBADMSG, 0, 0},
        {"Transfer-Encoding: \"chunked\"\r\n", -EBADMSG, 0, 0},
        {"Transfer-Encoding: chunked;a=b\r\n", -EBADMSG, 0, 0},
    };
    char text[256];
    struct http1_framing f;
    struct http1_head h;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n", cases[i].fields);
        assert_true(request(&h, text) > 0);
        if (http1_request_framing(&h, &f) != cases[i].result)
            fail_msg("wrong result: %s", cases[i].fields);
        if (cases[i].result == 0) {
            assert_int_equal(f.body, cases[i].body);
            assert_int_equal(f.keep_alive, cases[i].keep_alive);
        }
    }
}

static void old_requests_close_unless_they_say_otherwise(void **state)
{
    struct http1_framing f;
    struct http1_head h;

    (void)state;
    assert_true(request(&h, "GET / HTTP/1.0\r\n\r\n") > 0);
    assert_int_equal(http1_request_framing(&h, &f), 0);
    assert_false(f.keep_alive);
    assert_true(request(&h, "GET / HTTP/1.0\r\nProxy-Connection: Keep-Alive\r\n\r\n") > 0);
    assert_int_equal(http1_request_framing(&h, &f), 0);
    assert_true(f.keep_alive);
    assert_true(request(&h, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") > 0);
    assert_int_equal(http1_request_framing(&h, &f), -EBADMSG);
    assert_true(request(&h, "CONNECT a:1 HTTP/1.1\r\n\r\n") > 0);
    assert_int_equal(http1_request_framing(&h, &f), 0);
    assert_int_equal(f.body, HTTP1_BODY_TUNNEL);
    assert_true(request(&h, "CONNECT a:1 HTTP/1.1\r\nContent-Length: 4\r\n\r\n") > 0);
    assert_int_equal(http1_request_framing(&h, &f), -EBADMSG);
}

static void a_response_is_framed_by_its_request_and_status(void **state)
{
    static const struct {
        const char *method, *text;
        enum http1_body body;
        bool keep_alive;
    } cases[] = {
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_LENGTH, true},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP1_BODY_NONE, true},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP1_BODY_CHUNKED, true},
        {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", HTTP1_BODY_CLOSE, false},
        {"GET", "HTTP/1.1 200 OK\r\n\r\n", HTTP1_BODY_CLOSE, false},
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_NONE, true},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_NONE, true},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", HTTP1_BODY_NONE, true},
        {"GET", "HTTP/1.1 100 Continue\r\n\r\n", HTTP1_BODY_NONE, true},
        {"GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", HTTP1_BODY_TUNNEL, false},
        {"CONNECT", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_TUNNEL, false},
        {"CONNECT", "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\n", HTTP1_BODY_LENGTH, true},
    };
    struct http1_framing f;
    struct http1_head h;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(response(&h, cases[i].text) > 0);
        assert_int_equal(http1_response_framing(&h, text_of(cases[i].method), &f), 0);
        assert_int_equal(f.body, cases[i].body);
        assert_int_equal(f.keep_alive, cases[i].keep_alive);
    }
    assert_true(response(&h, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n") > 0);
    assert_int_equal(http1_response_framing(&h, TEXT("GET"), &f), -EBADMSG);
}

static void nominated_fields_end_here_but_host_does_not(void **state)
{
    struct http1_hops hops;
    struct http1_head h;

    (void)state;
    assert_true(request(&h, "GET / HTTP/1.1\r\nHost: x\r\nConnection: X-Mine, host\r\nconnection: Other\r\n\r\n") > 0);
    assert_int_equal(http1_hops_of(&h, &hops), 0);
    assert_true(http1_is_hop(&hops, TEXT("x-mine")) && http1_is_hop(&hops, TEXT("other")));
    assert_true(http1_is_hop(&hops, TEXT("Proxy-Authorization")) && http1_is_hop(&hops, TEXT("TE")));
    assert_false(http1_is_hop(&hops, TEXT("Host")));
    assert_false(http1_is_hop(&hops, TEXT("Transfer-Encoding")));
    assert_false(http1_is_hop(&hops, TEXT("Accept")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_four_forms_of_target_are_told_apart),
        cmocka_unit_test(fields_are_views_without_blanks),
        cmocka_unit_test(one_octet_at_a_time_gives_the_same),
        cmocka_unit_test(a_moved_buffer_is_followed),
        cmocka_unit_test(what_two_programs_could_read_differently_is_refused),
        cmocka_unit_test(connect_without_host_is_taken),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(status_lines_are_read),
        cmocka_unit_test(a_request_has_one_framing),
        cmocka_unit_test(old_requests_close_unless_they_say_otherwise),
        cmocka_unit_test(a_response_is_framed_by_its_request_and_status),
        cmocka_unit_test(nominated_fields_end_here_but_host_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
