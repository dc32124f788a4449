#include "proto/fake.h"

#include "proto/http/http.h"

static struct fake_server server;

struct opening {
    struct group group;
    struct outbound *outbound;
    struct session *session;
    struct stream *stream;
    struct error err;
    int result;
};

static void run(void *arg)
{
    struct opening *o = arg;

    o->result = outbound_open(o->outbound, o->session, &o->stream, &o->err);
}

static int make(struct http_outbound_options options, struct outbound **out, struct error *err)
{
    struct outbound_setup setup = {.tag = "out", .options = &options, .dialer = &server.dialer};

    fake_server_init(&server);
    options.server = TEXT("proxy.test");
    options.server_port = 3128;
    return http_protocol.outbound_new(&setup, out, err);
}

static void start(struct opening *o, struct http_outbound_options options, const char *dest)
{
    *o = (struct opening){.result = 1};
    check_int(make(options, &o->outbound, &o->err), 0);
    o->session = session_new(NULL, NETWORK_TCP, &(struct addr){0});
    check(o->session && dest_parse(text_of(dest), &o->session->dest) == 0);
    group_init(&o->group, co_group());
    check_int(co_spawn(&o->group, "open", run, o), 0);
    check_int(co_yield(), 0);
}

static int finish(struct opening *o)
{
    group_wait(&o->group);
    group_done(&o->group);
    return o->result;
}

static void stop(struct opening *o)
{
    stream_close(take(o->stream));
    stream_close(take(server.end));
    session_free(o->session);
    o->outbound->ops->free(o->outbound);
}

static void plain(void)
{
    struct opening o;

    start(&o, (struct http_outbound_options){0}, "[2001:db8::1]:443");
    check(strcmp(server.dest, "proxy.test:3128") == 0);
    expect(server.end, "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n"
                       "Proxy-Connection: keep-alive\r\n\r\n");
    say_slowly(server.end, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 Fine\r\nX: y\r\n\r\n", 52);
    say(server.end, "early");
    check_int(finish(&o), 0);
    expect(o.stream, "early");
    say(o.stream, "hello");
    expect(server.end, "hello");
    stop(&o);
}

static void early(void)
{
    struct opening o;

    start(&o, (struct http_outbound_options){0}, "x:443");
    say(server.end, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly");
    check_int(finish(&o), 0);
    expect(o.stream, "early");
    stop(&o);
}

static void extras(void)
{
    struct text_pair pairs[] = {{TEXT("X-A"), TEXT("1")}, {TEXT("X-A"), TEXT("2")}};
    struct opening o;
    const struct http_outbound_options options = {
        .username = TEXT("alice"), .password = TEXT("secret"), .path = TEXT("/p"), .headers = {pairs, 2}};

    start(&o, options, "x:443");
    expect(server.end, "CONNECT /p HTTP/1.1\r\nHost: x:443\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n"
                       "Proxy-Connection: keep-alive\r\nX-A: 1\r\nX-A: 2\r\n\r\n");
    say(server.end, "HTTP/1.1 200 OK\r\n\r\n");
    check_int(finish(&o), 0);
    stop(&o);
}

static void host(void)
{
    struct text_pair pairs[] = {{TEXT("host"), TEXT("cover.test")}};
    struct outbound *out = NULL;
    struct error err;
    struct opening o;

    start(&o, (struct http_outbound_options){.headers = {pairs, 1}}, "x:443");
    expect(server.end, "CONNECT x:443 HTTP/1.1\r\nHost: cover.test\r\nProxy-Connection: keep-alive\r\n\r\n");
    say(server.end, "HTTP/1.1 200 OK\r\n\r\n");
    check_int(finish(&o), 0);
    stop(&o);
    check_int(make((struct http_outbound_options){.headers = {pairs, 1}, .path = TEXT("/")}, &out, &err), -EINVAL);
    check_int(make((struct http_outbound_options){.path = TEXT("/a b\r\n")}, &out, &err), -EINVAL);
    check_int(make((struct http_outbound_options){.username = TEXT("a:b")}, &out, &err), -EINVAL);
}

static void refused(void)
{
    static const struct {
        const char *said;
        int result;
    } cases[] = {
        {"HTTP/1.1 407 No\r\n\r\n", -EKEYREJECTED}, {"HTTP/1.1 403 No\r\n\r\n", -EACCES},
        {"HTTP/1.1 502 No\r\n\r\n", -EHOSTUNREACH}, {"HTTP/1.1 504 No\r\n\r\n", -ETIMEDOUT},
        {"HTTP/1.1 500 No\r\n\r\n", -EREMOTEIO},    {"HTTP/1.1 302 No\r\n\r\n", -EREMOTEIO},
        {"\5\0", -EPROTO},                          {"HTTP/1.1 200 O", -ECONNRESET},
        {"", -ECONNRESET},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct opening o;
        start(&o, (struct http_outbound_options){0}, "x:443");
        say(server.end, cases[i].said);
        check_int(stream_shutdown(server.end), 0);
        check_int(finish(&o), cases[i].result);
        stop(&o);
    }
}

static void endless(void)
{
    char much[1000];
    struct opening o;

    start(&o, (struct http_outbound_options){0}, "x:443");
    memset(much, 'x', sizeof much);
    say(server.end, "HTTP/1.1 200 OK\r\nX: ");
    for (int i = 0; i < 10; i++)
        say_bytes(server.end, much, sizeof much);
    check_int(finish(&o), -EPROTO);
    stop(&o);
}

#define TEST(name, body)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }

TEST(connect_names_the_destination_twice, plain)
TEST(a_length_in_a_successful_answer_means_nothing, early)
TEST(path_headers_and_password_are_sent, extras)
TEST(host_may_be_another_but_not_with_a_path, host)
TEST(refusals_have_their_own_errors, refused)
TEST(an_answer_has_its_limit, endless)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_names_the_destination_twice),
        cmocka_unit_test(a_length_in_a_successful_answer_means_nothing),
        cmocka_unit_test(path_headers_and_password_are_sent),
        cmocka_unit_test(host_may_be_another_but_not_with_a_path),
        cmocka_unit_test(refusals_have_their_own_errors),
        cmocka_unit_test(an_answer_has_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
