#include "proto/fake.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"
#include "proto/socks/socks.h"

static struct fake_router router;

static struct inbound *make(struct user_option *users, size_t count)
{
    struct users_options o = {.users = {.at = users, .len = count}, .udp = true};
    struct inbound_setup setup = {.tag = "in", .options = &o, .router = &router.router};
    struct inbound *in = NULL;
    struct error err;

    fake_router_init(&router);
    check_int(socks_protocol.inbound_new(&setup, &in, &err), 0);
    return in;
}

static void unmake(struct inbound *in)
{
    fake_router_done(&router);
    in->ops->free(in);
}

static struct user_option alice = {.username = {"alice", 5}, .password = {"secret", 6}};
static struct user_option nobody = {.username = {"bob", 3}, .password = {"", 0}};

#define REQUEST5 "\5\1\0\3\1x\0\120"  /* x:80 */
#define GRANTED5 "\5\0\0\1\12\0\0\1\20\341" /* 10.0.0.1:4321 */

static void talk(struct served *v, unsigned opened)
{
    check(router.far[opened] != NULL);
    say(v->client, "up");
    expect(router.far[opened], "up");
    say(router.far[opened], "down");
    expect(v->client, "down");
}

static void connect5(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, "\5\1\0", 3);
    expect_bytes(v.client, "\5\0", 2);
    say_bytes(v.client, REQUEST5, 8);
    expect_bytes(v.client, GRANTED5, 10);
    check(strcmp(router.dest[0], "x:80") == 0);
    talk(&v, 0);
    served_close(&v);
    check_int(router.ends, 1);
    unmake(in);
}

static void pipelined(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, "\5\1\0" REQUEST5 "early", 16);
    expect_bytes(v.client, "\5\0" GRANTED5, 12);
    expect(router.far[0], "early");
    talk(&v, 0);
    served_close(&v);
    unmake(in);
}

static void slow(void)
{
    struct inbound *in = make(&alice, 1);
    struct served v;

    served_open(&v, in);
    say_slowly(v.client, "\5\2\0\2\1\5alice\6secret" REQUEST5, 4 + 14 + 8);
    expect_bytes(v.client, "\5\2\1\0" GRANTED5, 14);
    check(strcmp(router.user, "alice") == 0);
    talk(&v, 0);
    served_close(&v);
    unmake(in);
}

static void wrong_password(void)
{
    struct inbound *in = make(&alice, 1);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, "\5\2\0\2\1\5alice\6secreT" REQUEST5, 4 + 14 + 8);
    expect_bytes(v.client, "\5\2\1\1", 4);
    expect_end(v.client);
    check_int(router.opens, 0);
    served_close(&v);
    unmake(in);
}

static void no_method(void)
{
    struct inbound *in = make(&alice, 1);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, "\5\1\0", 3);
    expect_bytes(v.client, "\5\377", 2);
    expect_end(v.client);
    served_close(&v);
    unmake(in);
}

static void any_password(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, "\5\1\2\1\1a\1b" REQUEST5, 3 + 5 + 8);
    expect_bytes(v.client, "\5\2\1\0" GRANTED5, 14);
    check(router.user[0] == 0);
    served_close(&v);
    unmake(in);
}

static void refusals(void)
{
    static const struct {
        int result;
        uint8_t code;
    } cases[] = {{-ECONNREFUSED, 5}, {-EHOSTUNREACH, 4}, {-ENETUNREACH, 3}, {-ETIMEDOUT, 6}, {-EACCES, 2}, {-EIO, 1}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct inbound *in = make(NULL, 0);
        const uint8_t want[12] = {5, 0, 5, cases[i].code, 0, 1};
        struct served v;
        router.result = cases[i].result;
        served_open(&v, in);
        say_bytes(v.client, "\5\1\0" REQUEST5, 11);
        expect_bytes(v.client, want, sizeof want);
        expect_end(v.client);
        served_close(&v);
        check_int(router.last_end, cases[i].result);
        unmake(in);
    }
}

static void bad_requests(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        uint8_t code;
    } cases[] = {{"\5\2\0\1\1\2\3\4\0\120", 10, 7}, {"\5\1\0\2\1\2\3\4\0\120", 10, 8}, {"\5\1\0\3\0\0\120", 7, 1}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct inbound *in = make(NULL, 0);
        const uint8_t want[12] = {5, 0, 5, cases[i].code, 0, 1};
        struct served v;
        served_open(&v, in);
        say_bytes(v.client, "\5\1\0", 3);
        say_bytes(v.client, cases[i].bytes, cases[i].len);
        expect_bytes(v.client, want, sizeof want);
        expect_end(v.client);
        check_int(router.opens, 0);
        served_close(&v);
        unmake(in);
    }
}

/* Cut off anywhere, the connection ends and nothing is dialled. */
static void truncations(void)
{
    static const char all[] = "\5\2\0\2\1\5alice\6secret" REQUEST5;

    for (size_t n = 0; n < 4 + 14 + 8; n++) {
        struct inbound *in = make(&alice, 1);
        struct served v;
        served_open(&v, in);
        if (n)
            say_bytes(v.client, all, n);
        check_int(stream_shutdown(v.client), 0);
        char got[8];
        while (stream_read(v.client, got, sizeof got) > 0)
            ;
        check_int(router.opens, 0);
        served_close(&v);
        unmake(in);
    }
}

static void late(void)
{
    struct inbound *in = make(NULL, 0);
    struct stream *pair[2];
    struct served v = {0};

    check_int(stream_pair(1000, pair), 0);
    stream_set_deadline(pair[1], loop_now() + 20);
    served_start(&v, in, pair[0], pair[1]);
    say_bytes(v.client, "\5", 1);
    expect_end(v.client);
    served_close(&v);
    unmake(in);
}

static void connect4(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, "\4\1\0\120\300\0\2\1me\0early", 16);
    expect_bytes(v.client, "\0\132\20\341\12\0\0\1", 8);
    check(strcmp(router.dest[0], "192.0.2.1:80") == 0);
    expect(router.far[0], "early");
    talk(&v, 0);
    served_close(&v);
    unmake(in);
}

static void connect4a(void)
{
    struct inbound *in = make(&nobody, 1);
    struct served v;

    served_open(&v, in);
    say_slowly(v.client, "\4\1\0\120\0\0\0\1bob\0x.y", 16);
    expect_bytes(v.client, "\0\132\20\341\12\0\0\1", 8);
    check(strcmp(router.dest[0], "x.y:80") == 0 && strcmp(router.user, "bob") == 0);
    served_close(&v);
    served_open(&v, in);
    say_bytes(v.client, "\4\1\0\120\0\0\0\1eve\0x.y", 16);
    expect_bytes(v.client, "\0\135\0\0\0\0\0\0", 8);
    expect_end(v.client);
    served_close(&v);
    served_open(&v, in);
    say_bytes(v.client, "\4\2\0\120\0\0\0\1bob\0x.y", 16);
    expect_bytes(v.client, "\0\133\0\0\0\0\0\0", 8);
    expect_end(v.client);
    served_close(&v);
    unmake(in);
}

/* ---- UDP ---- */

static int listen_tcp(struct addr *a)
{
    socklen_t len = sizeof *a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *a = addr_v4(0x7f000001, 0);
    check(fd >= 0 && bind(fd, &a->sa, addr_len(a)) == 0 && listen(fd, 1) == 0);
    check_int(getsockname(fd, &a->sa, &len), 0);
    return fd;
}

static void tcp_pair(struct stream **client, struct stream **accepted)
{
    const struct dial_options none = {0};
    struct addr a;
    int listener = listen_tcp(&a);

    check_int(socket_connect(&a, &none, loop_now() + 5000, client), 0);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    check(fd >= 0);
    check_int(socket_stream(fd, false, accepted), 0);
    close(listener);
}

static int udp_socket(void)
{
    struct addr a = addr_v4(0x7f000001, 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct timeval t = {.tv_sec = 0, .tv_usec = 20000};

    check(fd >= 0 && bind(fd, &a.sa, addr_len(&a)) == 0);
    check_int(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
    return fd;
}

static ssize_t ask_udp(int fd, const struct addr *to, const void *p, size_t n, char *got, size_t size)
{
    check_int(sendto(fd, p, n, 0, &to->sa, addr_len(to)), n);
    for (int i = 0; i < 20; i++) {
        check_int(co_sleep(1), 0);
        ssize_t r = recv(fd, got, size, MSG_DONTWAIT);
        if (r >= 0)
            return r;
    }
    return -1;
}

static struct addr associate(struct served *v)
{
    uint8_t reply[10];

    say_bytes(v->client, "\5\1\0\5\3\0\1\0\0\0\0\0\0", 13);
    expect_bytes(v->client, "\5\0", 2);
    check_int(stream_read_full(v->client, reply, sizeof reply), 0);
    check(memcmp(reply, "\5\0\0\1\177\0\0\1", 8) == 0);
    return addr_v4(0x7f000001, (uint16_t)(reply[8] << 8 | reply[9]));
}

#define UDP_HELLO "\0\0\0\1\300\0\2\1\0\65hello"

static void udp(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v = {.source = addr_v4(0x7f000001, 5555)};
    struct stream *client, *accepted;
    char got[64];

    tcp_pair(&client, &accepted);
    served_start(&v, in, client, accepted);
    struct addr relay = associate(&v);
    int own = udp_socket(), other = udp_socket();
    check_int(ask_udp(own, &relay, UDP_HELLO, 15, got, sizeof got), 15);
    check(memcmp(got, UDP_HELLO, 15) == 0);
    check(strcmp(router.dest[0], "192.0.2.1:53") == 0);
    /* another port, a fragment, rubbish */
    check_int(ask_udp(other, &relay, UDP_HELLO, 15, got, sizeof got), -1);
    check_int(ask_udp(own, &relay, "\0\0\1\1\300\0\2\1\0\65hello", 15, got, sizeof got), -1);
    check_int(ask_udp(own, &relay, "\0\0", 2, got, sizeof got), -1);
    check_int(ask_udp(own, &relay, UDP_HELLO, 15, got, sizeof got), 15);
    check_int(router.datagrams, 2);
    /* the end of the TCP connection is the end of all */
    check_int(stream_shutdown(v.client), 0);
    expect_end(v.client);
    served_close(&v);
    check_int(router.ends, 1);
    close(own);
    close(other);
    unmake(in);
}

static void udp_foreign(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v = {.source = addr_v4(0x7f000002, 5555)};
    struct stream *client, *accepted;
    char got[64];

    tcp_pair(&client, &accepted);
    served_start(&v, in, client, accepted);
    struct addr relay = associate(&v);
    int fd = udp_socket();
    check_int(ask_udp(fd, &relay, UDP_HELLO, 15, got, sizeof got), -1);
    check_int(router.opens, 0);
    served_close(&v);
    close(fd);
    unmake(in);
}

static void udp_without_socket(void)
{
    struct inbound *in = make(NULL, 0);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, "\5\1\0\5\3\0\1\0\0\0\0\0\0", 13);
    expect_bytes(v.client, "\5\0\5\7\0\1\0\0\0\0\0\0", 12);
    expect_end(v.client);
    served_close(&v);
    unmake(in);
}

#define TEST(name, body)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }

TEST(connect_is_answered_when_the_far_side_is_open, connect5)
TEST(a_client_may_send_everything_at_once, pipelined)
TEST(octets_may_come_one_by_one, slow)
TEST(a_wrong_password_is_refused, wrong_password)
TEST(without_a_common_method_nothing_is_served, no_method)
TEST(without_users_any_password_is_right, any_password)
TEST(failed_dials_are_answered_with_their_code, refusals)
TEST(bind_and_unknown_addresses_are_refused, bad_requests)
TEST(a_request_cut_off_anywhere_dials_nothing, truncations)
TEST(a_slow_client_is_closed_at_the_deadline, late)
TEST(socks4_connects, connect4)
TEST(socks4a_users_have_no_password, connect4a)
TEST(udp_flows_while_the_tcp_connection_stands, udp)
TEST(udp_from_another_host_is_dropped, udp_foreign)
TEST(udp_needs_an_ip_below, udp_without_socket)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_is_answered_when_the_far_side_is_open),
        cmocka_unit_test(a_client_may_send_everything_at_once),
        cmocka_unit_test(octets_may_come_one_by_one),
        cmocka_unit_test(a_wrong_password_is_refused),
        cmocka_unit_test(without_a_common_method_nothing_is_served),
        cmocka_unit_test(without_users_any_password_is_right),
        cmocka_unit_test(failed_dials_are_answered_with_their_code),
        cmocka_unit_test(bind_and_unknown_addresses_are_refused),
        cmocka_unit_test(a_request_cut_off_anywhere_dials_nothing),
        cmocka_unit_test(a_slow_client_is_closed_at_the_deadline),
        cmocka_unit_test(socks4_connects),
        cmocka_unit_test(socks4a_users_have_no_password),
        cmocka_unit_test(udp_flows_while_the_tcp_connection_stands),
        cmocka_unit_test(udp_from_another_host_is_dropped),
        cmocka_unit_test(udp_needs_an_ip_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
