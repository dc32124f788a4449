#include "proto/fake.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"
#include "proto/socks/socks.h"

static struct fake_server server;

static struct outbound *make(struct socks_outbound_options *o, struct dialer *dialer)
{
    struct outbound_setup setup = {.tag = "out", .options = o, .dialer = dialer};
    struct outbound *out = NULL;
    struct error err;

    if (!o->server.len) {
        o->server = TEXT("192.0.2.9");
        o->server_port = 1080;
    }
    check_int(socks_protocol.outbound_new(&setup, &out, &err), 0);
    return out;
}

/* An open that runs beside the test, which plays the server. */
struct opening {
    struct group group;
    struct outbound *outbound;
    struct session *session;
    struct stream *stream;
    struct packet *packet;
    struct error err;
    int result;
    bool is_packet;
};

static void run(void *arg)
{
    struct opening *o = arg;

    o->result = o->is_packet ? outbound_open_packet(o->outbound, o->session, &o->packet, &o->err)
                             : outbound_open(o->outbound, o->session, &o->stream, &o->err);
}

static void start(struct opening *o, struct outbound *out, const char *dest, bool is_packet)
{
    *o = (struct opening){.outbound = out, .result = 1, .is_packet = is_packet};
    o->session = session_new(NULL, is_packet ? NETWORK_UDP : NETWORK_TCP, &(struct addr){0});
    check(o->session && dest_parse(text_of(dest), &o->session->dest) == 0);
    group_init(&o->group, co_group());
    check_int(co_spawn(&o->group, "open", run, o), 0);
    check_int(co_yield(), 0);
}

/* The watcher of a UDP path stays in the group. */
static int finish(struct opening *o)
{
    for (int i = 0; i < 5000 && o->result > 0; i++)
        check_int(co_sleep(1), 0);
    return o->result;
}

static void stop(struct opening *o)
{
    stream_close(take(o->stream));
    packet_close(take(o->packet));
    group_wait(&o->group);
    group_done(&o->group);
    session_free(o->session);
}

static void open_with(struct opening *o, struct socks_outbound_options options, const char *dest)
{
    fake_server_init(&server);
    start(o, make(&options, &server.dialer), dest, false);
}

static void close_all(struct opening *o)
{
    stop(o);
    stream_close(take(server.end));
    o->outbound->ops->free(o->outbound);
}

#define ANSWER5 "\5\0\0\1\12\0\0\1\20\341"

static void version5(void)
{
    struct opening o;

    open_with(&o, (struct socks_outbound_options){0}, "x:80");
    check(strcmp(server.dest, "192.0.2.9:1080") == 0);
    expect_bytes(server.end, "\5\1\0", 3);
    say_bytes(server.end, "\5\0", 2);
    expect_bytes(server.end, "\5\1\0\3\1x\0\120", 8);
    say_bytes(server.end, ANSWER5 "banner", 16);
    check_int(finish(&o), 0);
    expect(o.stream, "banner");
    say(o.stream, "hello");
    expect(server.end, "hello");
    close_all(&o);
}

static void slow_answer(void)
{
    static const char answer[] = "\5\0\0\4\40\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\120";
    struct opening o;

    open_with(&o, (struct socks_outbound_options){0}, "[::1]:80");
    expect_bytes(server.end, "\5\1\0", 3);
    say_slowly(server.end, "\5\0", 2);
    expect_bytes(server.end, "\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\120", 22);
    say_slowly(server.end, answer, sizeof answer - 1);
    check_int(finish(&o), 0);
    close_all(&o);
}

static void password(void)
{
    struct opening o;
    const struct socks_outbound_options options = {.username = TEXT("me"), .password = TEXT("pw")};

    open_with(&o, options, "x:80");
    expect_bytes(server.end, "\5\2\0\2", 4);
    say_bytes(server.end, "\5\2", 2);
    expect_bytes(server.end, "\1\2me\2pw", 7);
    say_bytes(server.end, "\1\0", 2);
    expect_bytes(server.end, "\5\1\0\3\1x\0\120", 8);
    say_bytes(server.end, ANSWER5, 10);
    check_int(finish(&o), 0);
    close_all(&o);
}

static void refused(void)
{
    static const struct {
        const char *said;
        size_t len;
        int result;
        const char *words;
    } cases[] = {
        {"\5\0\5\5\0\1\0\0\0\0\0\0", 12, -ECONNREFUSED, "server refused: connection refused"},
        {"\5\0\5\2\0\1\0\0\0\0\0\0", 12, -EACCES, "server refused"},
        {"\5\0\5\4\0\3\0\0\0", 9, -EHOSTUNREACH, "server refused"},
        {"\5\0\5\5", 4, -ECONNREFUSED, "server refused"},
        {"\5\0\5", 3, -ECONNRESET, "closed the connection"},
        {"\5\0", 2, -ECONNRESET, "closed the connection"},
        {"", 0, -ECONNRESET, "closed the connection"},
        {"\5\377", 2, -EKEYREJECTED, "wants authentication"},
        {"\5\2", 2, -EKEYREJECTED, "not offered"},
        {"\5\1", 2, -EKEYREJECTED, "not offered"},
        {"HTTP/1.1 400", 12, -EPROTO, "not SOCKS"},
        {"\5\0HTTP/1.1 400", 14, -EPROTO, "not SOCKS"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct opening o;
        open_with(&o, (struct socks_outbound_options){0}, "x:80");
        if (cases[i].len)
            say_bytes(server.end, cases[i].said, cases[i].len);
        check_int(stream_shutdown(server.end), 0);
        check_int(finish(&o), cases[i].result);
        if (!strstr(o.err.text, cases[i].words))
            (void)fprintf(stderr, "%s\n", o.err.text);
        check(strstr(o.err.text, cases[i].words) && strstr(o.err.text, "outbound 'out' (socks)"));
        close_all(&o);
    }
}

static void wrong_password(void)
{
    struct opening o;
    const struct socks_outbound_options options = {.username = TEXT("me"), .password = TEXT("pw")};

    open_with(&o, options, "x:80");
    say_bytes(server.end, "\5\2\1\1", 4);
    check_int(finish(&o), -EKEYREJECTED);
    close_all(&o);
}

static void version4a(void)
{
    struct opening o;
    const struct socks_outbound_options options = {.version = SOCKS_V4A, .username = TEXT("me")};

    open_with(&o, options, "x.y:80");
    expect_bytes(server.end, "\4\1\0\120\0\0\0\1me\0x.y", 15);
    say_bytes(server.end, "\0", 1);
    say_bytes(server.end, "\132\0\0\0\0\0\0early", 12);
    check_int(finish(&o), 0);
    expect(o.stream, "early");
    close_all(&o);

    open_with(&o, options, "[::1]:80");
    check_int(finish(&o), -EAFNOSUPPORT);
    close_all(&o);
}

static int lookup(struct resolver *r, struct text name, enum ip_strategy strategy, struct addr_list *out,
                  struct error *err)
{
    (void)r;
    (void)err;
    check_int(strategy, IP_V4_ONLY);
    check(text_is(name, "x.y"));
    out->count = 1;
    out->at[0] = addr_v4(0xc0000207, 0);
    return 0;
}

static void version4(void)
{
    static const struct resolver_ops ops = {.lookup = lookup};
    struct resolver resolver = {.ops = &ops};
    struct socks_outbound_options options = {.version = SOCKS_V4};
    struct opening o;

    fake_server_init(&server);
    server.dialer.resolver = &resolver;
    start(&o, make(&options, &server.dialer), "x.y:80", false);
    check(!outbound_has_packet(o.outbound));
    expect_bytes(server.end, "\4\1\0\120\300\0\2\7\0", 9);
    say_bytes(server.end, "\0\133\0\0\0\0\0\0", 8);
    check_int(finish(&o), -ECONNREFUSED);
    close_all(&o);
}

static void dial_fails(void)
{
    struct socks_outbound_options options = {0};
    struct opening o;

    fake_server_init(&server);
    server.result = -EHOSTUNREACH;
    start(&o, make(&options, &server.dialer), "x:80", false);
    check_int(finish(&o), -EHOSTUNREACH);
    close_all(&o);
}

/* ---- UDP, over real sockets ---- */

struct relay {
    int listener;
    int udp;
    struct addr tcp_at;
    struct addr udp_at;
    struct stream *control;
};

static int bound_socket(int type, struct addr *a)
{
    socklen_t len = sizeof *a;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *a = addr_v4(0x7f000001, 0);
    check(fd >= 0 && bind(fd, &a->sa, addr_len(a)) == 0 && getsockname(fd, &a->sa, &len) == 0);
    return fd;
}

static void relay_open(struct relay *r, struct opening *o, bool says_zero)
{
    static struct dialer dialer;
    struct socks_outbound_options options = {.server = TEXT("127.0.0.1")};
    uint8_t answer[10] = {5, 0, 0, 1, 127, 0, 0, 1};
    int fd = -1;

    r->listener = bound_socket(SOCK_STREAM, &r->tcp_at);
    r->udp = bound_socket(SOCK_DGRAM, &r->udp_at);
    check_int(listen(r->listener, 1), 0);
    options.server_port = addr_port(&r->tcp_at);
    start(o, make(&options, &dialer), "192.0.2.1:53", true);
    for (int i = 0; i < 100 && fd < 0; i++) {
        check_int(co_sleep(1), 0);
        fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    check_int(socket_stream(fd, false, &r->control), 0);
    expect_bytes(r->control, "\5\1\0", 3);
    say_bytes(r->control, "\5\0", 2);
    expect_bytes(r->control, "\5\3\0\1\0\0\0\0\0\0", 10);
    if (says_zero)
        memset(answer + 4, 0, 4);
    answer[8] = (uint8_t)(addr_port(&r->udp_at) >> 8);
    answer[9] = (uint8_t)addr_port(&r->udp_at);
    say_bytes(r->control, answer, sizeof answer);
    check_int(finish(o), 0);
}

static void relay_close(struct relay *r, struct opening *o)
{
    stop(o);
    stream_close(take(r->control));
    close(r->listener);
    close(r->udp);
    o->outbound->ops->free(o->outbound);
}

#define DATAGRAM "\0\0\0\1\300\0\2\1\0\65hello"

static void send_hello(struct opening *o)
{
    struct batch *b = batch_get();

    check(b != NULL);
    b->at[0].ptr = batch_room(b, 5);
    memcpy(b->at[0].ptr, "hello", 5);
    b->at[0].len = 5;
    b->at[0].peer = o->session->dest;
    b->count = 1;
    check_int(packet_send(o->packet, b), 0);
    batch_put(b);
}

static ssize_t receive_udp(int fd, char *got, size_t size, struct addr *from)
{
    socklen_t len = sizeof *from;
    ssize_t n = -1;

    for (int i = 0; i < 100 && n < 0; i++) {
        check_int(co_sleep(1), 0);
        n = recvfrom(fd, got, size, 0, &from->sa, &len);
    }
    return n;
}

static void udp(void)
{
    struct relay r;
    struct opening o;
    struct addr from = {0};
    char got[64];

    for (int zero = 0; zero < 2; zero++) {
        relay_open(&r, &o, zero != 0);
        send_hello(&o);
        check_int(receive_udp(r.udp, got, sizeof got, &from), 15);
        check(memcmp(got, DATAGRAM, 15) == 0);
        /* rubbish and fragments are dropped */
        check_int(sendto(r.udp, "x", 1, 0, &from.sa, addr_len(&from)), 1);
        check_int(sendto(r.udp, "\0\0\1\1\1\2\3\4\0\65hello", 15, 0, &from.sa, addr_len(&from)), 15);
        check_int(sendto(r.udp, DATAGRAM, 15, 0, &from.sa, addr_len(&from)), 15);
        struct batch *b = batch_get();
        check(b != NULL);
        check_int(packet_receive(o.packet, b, loop_now() + 5000), 1);
        check(b->at[0].len == 5 && memcmp(b->at[0].ptr, "hello", 5) == 0);
        check(dest_eq(&b->at[0].peer, &o.session->dest));
        batch_put(b);
        relay_close(&r, &o);
    }
}

static void udp_control(void)
{
    struct relay r;
    struct opening o;
    struct batch *b = batch_get();

    check(b != NULL);
    relay_open(&r, &o, false);
    stream_close(take(r.control));
    check_int(packet_receive(o.packet, b, loop_now() + 5000), -EPIPE);
    b->count = 1;
    check_int(packet_send(o.packet, b), -EPIPE);
    batch_put(b);
    relay_close(&r, &o);
}

#define TEST(name, body)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }

TEST(names_go_to_the_server_and_early_bytes_are_kept, version5)
TEST(an_answer_may_come_octet_by_octet, slow_answer)
TEST(a_password_is_given_when_asked_for, password)
TEST(refusals_and_rubbish_have_their_own_errors, refused)
TEST(a_refused_password_is_an_error, wrong_password)
TEST(socks4a_carries_names_but_no_ipv6, version4a)
TEST(socks4_resolves_names_itself, version4)
TEST(a_failed_dial_is_passed_on, dial_fails)
TEST(udp_is_wrapped_and_unwrapped, udp)
TEST(the_end_of_the_tcp_connection_ends_the_path, udp_control)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_to_the_server_and_early_bytes_are_kept),
        cmocka_unit_test(an_answer_may_come_octet_by_octet),
        cmocka_unit_test(a_password_is_given_when_asked_for),
        cmocka_unit_test(refusals_and_rubbish_have_their_own_errors),
        cmocka_unit_test(a_refused_password_is_an_error),
        cmocka_unit_test(socks4a_carries_names_but_no_ipv6),
        cmocka_unit_test(socks4_resolves_names_itself),
        cmocka_unit_test(a_failed_dial_is_passed_on),
        cmocka_unit_test(udp_is_wrapped_and_unwrapped),
        cmocka_unit_test(the_end_of_the_tcp_connection_ends_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
