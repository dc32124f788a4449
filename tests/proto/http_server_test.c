#include "proto/fake.h"

#include "net/buffers.h"
#include "proto/http/http.h"

static struct fake_router router;

static struct inbound *make(struct user_option *users, size_t count)
{
    struct users_options o = {.users = {.at = users, .len = count}, .udp = true};
    struct inbound_setup setup = {.tag = "in", .options = &o, .router = &router.router};
    struct inbound *in = NULL;
    struct error err;

    fake_router_init(&router);
    check_int(http_protocol.inbound_new(&setup, &in, &err), 0);
    return in;
}

static void unmake(struct inbound *in)
{
    fake_router_done(&router);
    in->ops->free(in);
    check_int(buffers_in_use(), 0);
}

/* Lets the server go on until it has opened connection number n (from 1). */
static struct stream *far(unsigned n)
{
    for (int i = 0; i < 1000 && router.opens < n; i++)
        check_int(co_yield(), 0);
    check(router.opens >= n && router.far[n - 1]);
    return router.far[n - 1];
}

static void expect_status(struct stream *s, const char *status)
{
    char head[2048];

    read_head(s, head, sizeof head);
    if (strncmp(head + 9, status, 3) != 0)
        (void)fprintf(stderr, "got: %s\n", head);
    check(strncmp(head + 9, status, 3) == 0);
}

static struct user_option alice = {.username = {"alice", 5}, .password = {"secret", 6}};

/* ---- CONNECT ---- */

static void connect_early(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\nearly");
    expect(v.client, "HTTP/1.1 200 Connection established\r\n\r\n");
    check(strcmp(router.dest[0], "[2001:db8::1]:443") == 0);
    expect(far(1), "early");
    say(far(1), "late");
    expect(v.client, "late");
    check_int(buffers_in_use(), 0);
    served_close(&v);
    unmake(in);
}

static void connect_slowly(void)
{
    static const char request[] = "CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443\r\n\r\n";
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say_slowly(v.client, request, sizeof request - 1);
    expect(v.client, "HTTP/1.1 200 Connection established\r\n\r\n");
    served_close(&v);
    unmake(in);
}

static void connect_fails(void)
{
    static const struct {
        int result;
        const char *status;
    } cases[] = {{-ECONNREFUSED, "502"}, {-EACCES, "403"}, {-ETIMEDOUT, "504"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct inbound *in = make(NULL, 0);
        struct served v;
        router.result = cases[i].result;
        served_open(&v, in);
        say(v.client, "CONNECT a.b:443 HTTP/1.1\r\n\r\n");
        expect_status(v.client, cases[i].status);
        served_close(&v);
        served_open(&v, in);
        say(v.client, "GET http://a.b/ HTTP/1.1\r\nHost: a.b\r\n\r\n");
        expect_status(v.client, cases[i].status);
        served_close(&v);
        check_int(router.ends, 2);
        unmake(in);
    }
}

static void authentication(void)
{
    struct inbound *in = make(&alice, 1);
    struct served v;
    char head[1024];

    served_open(&v, in);
    say(v.client, "CONNECT a.b:443 HTTP/1.1\r\n\r\n");
    read_head(v.client, head, sizeof head);
    check(strstr(head, "407 ") && strstr(head, "Proxy-Authenticate: Basic realm="));
    expect(v.client, "Proxy Authentication Required: a user name and password are needed\n");
    /* the connection stays for a second try: wrong, then right (alice:secret) */
    say(v.client, "CONNECT a.b:443 HTTP/1.1\r\nProxy-Authorization: Basic YWxpY2U6d3Jvbmc=\r\n\r\n");
    expect_status(v.client, "407");
    expect(v.client, "Proxy Authentication Required: a user name and password are needed\n");
    say(v.client, "CONNECT a.b:443 HTTP/1.1\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n");
    expect_status(v.client, "200");
    check(strcmp(router.user, "alice") == 0);
    served_close(&v);
    unmake(in);
}

static void bad_requests(void)
{
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
        {"GET http://a/ HTTP/1.1\nHost: a\n\n", "400"},
        {"rubbish\r\n\r\n", "400"},
        {"GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
        {"GET http://a/ HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
        {"POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
        {"CONNECT a HTTP/1.1\r\n\r\n", "400"},
        {"CONNECT a:0 HTTP/1.1\r\n\r\n", "400"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct inbound *in = make(NULL, 0);
        struct served v;
        served_open(&v, in);
        say(v.client, cases[i].request);
        expect_status(v.client, cases[i].status);
        check_int(stream_shutdown(v.client), 0);
        served_close(&v);
        check_int(router.opens, 0);
        unmake(in);
    }
}

static void long_head(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;
    size_t n = 40000;
    char *much = mem_alloc(n);

    check(much != NULL);
    memset(much, 'x', n);
    served_open(&v, in);
    say(v.client, "GET http://a/ HTTP/1.1\r\nX: ");
    say_bytes(v.client, much, n);
    expect_status(v.client, "431");
    check_int(stream_shutdown(v.client), 0);
    served_close(&v);
    mem_free(much);
    unmake(in);
}

static void truncations(void)
{
    static const char all[] = "POST http://a.b/ HTTP/1.1\r\nHost: a.b\r\nContent-Length: 3\r\n\r\nabc";

    for (size_t n = 0; n < sizeof all - 1; n++) {
        struct inbound *in = make(NULL, 0);
        struct served v;
        char got[256];
        served_open(&v, in);
        if (n)
            say_bytes(v.client, all, n);
        check_int(stream_shutdown(v.client), 0);
        while (stream_read(v.client, got, sizeof got) > 0)
            ;
        served_close(&v);
        check_int(router.opens, router.ends);
        unmake(in);
    }
}

/* ---- plain requests ---- */

#define GET_A "GET http://a.b/1 HTTP/1.1\r\nHost: a.b\r\nProxy-Connection: keep-alive\r\n\r\n"
#define OK_3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
#define OK_3_KEPT "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n"

static void answer_get(struct served *v, struct stream *origin, const char *body)
{
    expect(origin, "GET /1 HTTP/1.1\r\nHost: a.b\r\n\r\n");
    say(origin, OK_3);
    say(origin, body);
    expect(v->client, OK_3_KEPT);
    expect(v->client, body);
}

static void reuse(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    for (int i = 0; i < 3; i++) {
        say(v.client, GET_A);
        answer_get(&v, far(1), "abc");
    }
    check_int(router.opens, 1);
    check_int(co_yield(), 0);
    check_int(buffers_in_use(), 0);
    /* another host: another connection, and the first one ends */
    say(v.client, "GET http://c.d:81/ HTTP/1.1\r\nHost: c.d\r\n\r\n");
    expect(far(2), "GET / HTTP/1.1\r\nHost: c.d:81\r\n\r\n");
    check(strcmp(router.dest[1], "c.d:81") == 0);
    expect_end(router.far[0]);
    say(far(2), "HTTP/1.1 204 None\r\n\r\n");
    expect_status(v.client, "204");
    /* and CONNECT on the same connection */
    say(v.client, "CONNECT e.f:443 HTTP/1.1\r\n\r\n");
    expect_status(v.client, "200");
    check(strcmp(router.dest[2], "e.f:443") == 0);
    served_close(&v);
    check_int(router.ends, 3);
    unmake(in);
}

static void pipelined(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, GET_A GET_A GET_A);
    for (int i = 0; i < 3; i++)
        answer_get(&v, far(1), "abc");
    served_close(&v);
    unmake(in);
}

/* The origin closed the kept connection: a safe request is sent again on a new one. */
static void stale(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, GET_A);
    answer_get(&v, far(1), "abc");
    say(v.client, GET_A);
    expect(far(1), "GET /1 HTTP/1.1\r\nHost: a.b\r\n\r\n");
    stream_close(take(router.far[0]));
    answer_get(&v, far(2), "def");
    /* closed while idle */
    stream_close(take(router.far[1]));
    say(v.client, GET_A);
    answer_get(&v, far(3), "ghi");
    served_close(&v);
    unmake(in);
}

static void bodies(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "POST http://a.b/ HTTP/1.1\r\nHost: a.b\r\nContent-Length: 6\r\n\r\nabc");
    expect(far(1), "POST / HTTP/1.1\r\nHost: a.b\r\nContent-Length: 6\r\n\r\nabc");
    say(v.client, "def" "POST http://a.b/ HTTP/1.1\r\nHost: a.b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n");
    expect(far(1), "def");
    say(far(1), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n");
    expect(v.client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n2\r\nxy\r\n");
    say(far(1), "0\r\nA: b\r\n\r\n");
    expect(v.client, "0\r\nA: b\r\n\r\n");
    expect(far(1), "POST / HTTP/1.1\r\nHost: a.b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n");
    say(v.client, "abc\r\n0\r\n\r\n" GET_A);
    expect(far(1), "abc\r\n0\r\n\r\n");
    say(far(1), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    expect(v.client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
    answer_get(&v, far(1), "abc");
    served_close(&v);
    unmake(in);
}

static void head_and_not_modified(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "HEAD http://a.b/ HTTP/1.1\r\nHost: a.b\r\n\r\n");
    expect(far(1), "HEAD / HTTP/1.1\r\nHost: a.b\r\n\r\n");
    say(far(1), "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    expect(v.client, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: keep-alive\r\n\r\n");
    say(v.client, GET_A);
    expect(far(1), "GET /1 HTTP/1.1\r\nHost: a.b\r\n\r\n");
    say(far(1), "HTTP/1.1 304 Same\r\nContent-Length: 99\r\n\r\n");
    expect(v.client, "HTTP/1.1 304 Same\r\nContent-Length: 99\r\nConnection: keep-alive\r\n\r\n");
    say(v.client, GET_A);
    answer_get(&v, far(1), "abc");
    served_close(&v);
    unmake(in);
}

static void until_close(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, GET_A);
    expect(far(1), "GET /1 HTTP/1.1\r\nHost: a.b\r\n\r\n");
    say(far(1), "HTTP/1.1 200 OK\r\n\r\nall of ");
    expect(v.client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of ");
    say(far(1), "it");
    stream_close(take(router.far[0]));
    expect(v.client, "it");
    expect_end(v.client);
    served_close(&v);
    unmake(in);
}

static void old_client(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "GET http://a.b/1 HTTP/1.0\r\n\r\n");
    expect(far(1), "GET /1 HTTP/1.0\r\nHost: a.b\r\n\r\n");
    say(far(1), "HTTP/1.1 102 Wait\r\n\r\n" OK_3 "abc");
    expect(v.client, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
    expect_end(v.client);
    served_close(&v);
    unmake(in);
}

static void continues(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "PUT http://a.b/ HTTP/1.1\r\nHost: a.b\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    expect(far(1), "PUT / HTTP/1.1\r\nHost: a.b\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    say(far(1), "HTTP/1.1 100 Continue\r\n\r\n");
    expect(v.client, "HTTP/1.1 100 Continue\r\n\r\n");
    say(v.client, "abc");
    expect(far(1), "abc");
    say(far(1), OK_3 "xyz");
    expect(v.client, OK_3_KEPT "xyz");
    say(v.client, GET_A);
    answer_get(&v, far(1), "abc");
    served_close(&v);
    unmake(in);
}

/* The origin answers without waiting for the body: the client is told to go. */
static void early_answer(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "PUT http://a.b/ HTTP/1.1\r\nHost: a.b\r\nContent-Length: 100\r\n\r\nab");
    expect(far(1), "PUT / HTTP/1.1\r\nHost: a.b\r\nContent-Length: 100\r\n\r\nab");
    say(far(1), "HTTP/1.1 413 Too Much\r\nContent-Length: 0\r\n\r\n");
    expect(v.client, "HTTP/1.1 413 Too Much\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    expect_end(v.client);
    expect_end(router.far[0]);
    served_close(&v);
    unmake(in);
}

static void broken_chunks(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "PUT http://a.b/ HTTP/1.1\r\nHost: a.b\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect(far(1), "PUT / HTTP/1.1\r\nHost: a.b\r\nTransfer-Encoding: chunked\r\n\r\n");
    say(v.client, "zz\r\n");
    expect_end(v.client);
    expect_end(router.far[0]);
    served_close(&v);
    unmake(in);
}

static void client_leaves(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "PUT http://a.b/ HTTP/1.1\r\nHost: a.b\r\nContent-Length: 100\r\n\r\nab");
    expect(far(1), "PUT / HTTP/1.1\r\nHost: a.b\r\nContent-Length: 100\r\n\r\nab");
    stream_close(take(v.client));
    expect_end(router.far[0]);
    served_close(&v);
    unmake(in);
}

static void bad_answers(void)
{
    static const char *const cases[] = {"rubbish\r\n\r\n", "", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 101 X\r\nUpgrade: y\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct inbound *in = make(NULL, 0);
        struct served v;
        served_open(&v, in);
        say(v.client, GET_A);
        expect(far(1), "GET /1 HTTP/1.1\r\nHost: a.b\r\n\r\n");
        if (cases[i][0])
            say(far(1), cases[i]);
        stream_close(take(router.far[0]));
        expect_status(v.client, "502");
        check_int(stream_shutdown(v.client), 0);
        served_close(&v);
        unmake(in);
    }
}

static void cut_answer(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, GET_A);
    expect(far(1), "GET /1 HTTP/1.1\r\nHost: a.b\r\n\r\n");
    say(far(1), OK_3 "a");
    stream_close(take(router.far[0]));
    expect(v.client, OK_3_KEPT "a");
    expect_end(v.client);
    served_close(&v);
    unmake(in);
}

static void upgrade(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say(v.client, "GET http://a.b/ws HTTP/1.1\r\nHost: a.b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly");
    expect(far(1), "GET /ws HTTP/1.1\r\nHost: a.b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    say(far(1), "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe");
    expect(v.client, "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe");
    expect(far(1), "early");
    say(v.client, "ping");
    expect(far(1), "ping");
    say(far(1), "pong");
    expect(v.client, "pong");
    check_int(buffers_in_use(), 0);
    served_close(&v);
    check_int(router.ends, 1);
    unmake(in);
}

struct pusher {
    struct stream *to;
    size_t n;
};

static void push(void *arg)
{
    struct pusher *p = arg;
    char block[1000];

    memset(block, 'x', sizeof block);
    for (size_t left = p->n; left; left -= sizeof block)
        say_bytes(p->to, block, sizeof block);
}

/* Both bodies at once, each far larger than all buffers between. */
static void both_ways(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;
    struct group g;
    char got[1000];

    served_open(&v, in);
    say(v.client, "POST http://a.b/ HTTP/1.1\r\nHost: a.b\r\nContent-Length: 1000000\r\n\r\n");
    expect(far(1), "POST / HTTP/1.1\r\nHost: a.b\r\nContent-Length: 1000000\r\n\r\n");
    say(far(1), "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    expect_status(v.client, "200");
    struct pusher up = {v.client, 1000000}, down = {far(1), 1000000};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "up", push, &up), 0);
    check_int(co_spawn(&g, "down", push, &down), 0);
    for (int i = 0; i < 1000; i++) {
        check_int(stream_read_full(v.client, got, sizeof got), 0);
        check_int(stream_read_full(far(1), got, sizeof got), 0);
    }
    group_done(&g);
    served_close(&v);
    unmake(in);
}

#define TEST(name, body)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }

TEST(connect_passes_early_bytes_and_holds_no_buffer, connect_early)
TEST(octets_may_come_one_by_one, connect_slowly)
TEST(failed_dials_are_answered_with_their_status, connect_fails)
TEST(a_password_may_be_tried_again, authentication)
TEST(bad_requests_are_refused_and_dial_nothing, bad_requests)
TEST(a_head_has_its_limit, long_head)
TEST(a_request_cut_off_anywhere_ends_in_order, truncations)
TEST(an_upstream_is_used_again_for_the_same_host, reuse)
TEST(pipelined_requests_are_answered_in_order, pipelined)
TEST(a_safe_request_survives_a_stale_upstream, stale)
TEST(bodies_end_where_they_say, bodies)
TEST(answers_without_a_body_have_none, head_and_not_modified)
TEST(a_body_may_last_until_the_end, until_close)
TEST(an_old_client_gets_an_old_request, old_client)
TEST(interim_answers_pass, continues)
TEST(an_early_answer_ends_the_connection, early_answer)
TEST(broken_chunks_end_both_connections, broken_chunks)
TEST(a_client_that_leaves_ends_the_upstream, client_leaves)
TEST(bad_answers_become_502, bad_answers)
TEST(a_cut_answer_is_seen_as_cut, cut_answer)
TEST(websocket_passes, upgrade)
TEST(both_bodies_flow_at_once, both_ways)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_passes_early_bytes_and_holds_no_buffer),
        cmocka_unit_test(octets_may_come_one_by_one),
        cmocka_unit_test(failed_dials_are_answered_with_their_status),
        cmocka_unit_test(a_password_may_be_tried_again),
        cmocka_unit_test(bad_requests_are_refused_and_dial_nothing),
        cmocka_unit_test(a_head_has_its_limit),
        cmocka_unit_test(a_request_cut_off_anywhere_ends_in_order),
        cmocka_unit_test(an_upstream_is_used_again_for_the_same_host),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_safe_request_survives_a_stale_upstream),
        cmocka_unit_test(bodies_end_where_they_say),
        cmocka_unit_test(answers_without_a_body_have_none),
        cmocka_unit_test(a_body_may_last_until_the_end),
        cmocka_unit_test(an_old_client_gets_an_old_request),
        cmocka_unit_test(interim_answers_pass),
        cmocka_unit_test(an_early_answer_ends_the_connection),
        cmocka_unit_test(broken_chunks_end_both_connections),
        cmocka_unit_test(a_client_that_leaves_ends_the_upstream),
        cmocka_unit_test(bad_answers_become_502),
        cmocka_unit_test(a_cut_answer_is_seen_as_cut),
        cmocka_unit_test(websocket_passes),
        cmocka_unit_test(both_bodies_flow_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
