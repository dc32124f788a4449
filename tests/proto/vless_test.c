#include "fake.h"

#include "proto/vless/client.h"
#include "proto/vless/options.h"
#include "proto/vless/server.h"
#include "proto/vless/wire.h"

#define ID "\xde\x30\x5d\x54\x75\xb4\x43\x1b\xad\xb2\xeb\x6b\x9e\x54\x60\x14"
#define ID_TEXT "de305d54-75b4-431b-adb2-eb6b9e546014"
/* To example.org:443 by TCP. */
#define TO_EXAMPLE "\x01\x01\xbb\x02\x0b" "example.org"
static const char request[] = "\0" ID "\0" TO_EXAMPLE;
enum { REQUEST = sizeof request - 1 };

/* ---- the server ---- */

static struct inbound *server(struct fake_router *router, bool has_fallback)
{
    struct vless_user_option user = {.name = TEXT("ann"), .uuid = TEXT(ID_TEXT)};
    struct fallback_option web = {.xver = 0};
    struct vless_inbound_options o = {.users = {&user, 1}, .fallbacks = {&web, has_fallback}};
    struct inbound_setup setup = {.tag = "in", .options = &o, .router = &router->router};
    struct inbound *in = NULL;

    check_int(dest_parse(TEXT("127.0.0.1:81"), &web.dest), 0);
    fake_router_init(router);
    check_int(vless_inbound_new(&setup, &in, NULL), 0);
    return in;
}

static void request_opens(void)
{
    struct fake_router router;
    struct inbound *in = server(&router, false);
    struct served v;

    served_open(&v, in);
    say_slowly(v.client, request, REQUEST);
    say(v.client, "ping");
    check_int(co_sleep(1), 0);
    check_int(router.opens, 1);
    check(strcmp(router.dest[0], "example.org:443") == 0);
    check(strcmp(router.user, "ann") == 0);
    expect(router.far[0], "ping");
    say(router.far[0], "pong");
    expect_bytes(v.client, "\0\0pong", 6);
    fake_router_done(&router);
    served_close(&v);
    in->ops->free(in);
}

static void request_in_any_pieces_opens(void **state)
{
    (void)state;
    on_worker(request_opens);
}

/* Whatever was sent reaches the web server, whole. */
static void expect_at_fallback(const void *sent, size_t n)
{
    struct fake_router router;
    struct inbound *in = server(&router, true);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, sent, n);
    check_int(stream_shutdown(v.client), 0);
    check_int(co_sleep(1), 0);
    check_int(router.opens, 1);
    check(strcmp(router.dest[0], "127.0.0.1:81") == 0);
    expect_bytes(router.far[0], sent, n);
    say(router.far[0], "HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(v.client, "HTTP/1.1 400 Bad Request\r\n\r\n");
    fake_router_done(&router);
    served_close(&v);
    in->ops->free(in);
}

static void strangers(void)
{
    char bad[REQUEST];

    expect_at_fallback("GET / HTTP/1.1\r\n\r\n", 18);
    for (size_t n = 1; n < REQUEST; n++)
        expect_at_fallback(request, n);
    for (size_t i = 0; i < VLESS_ID_END; i++) {
        memcpy(bad, request, sizeof bad);
        bad[i] ^= 1;
        expect_at_fallback(bad, sizeof bad);
    }
}

static void strangers_meet_the_web_server(void **state)
{
    (void)state;
    on_worker(strangers);
}

static void silence(void)
{
    struct fake_router router;
    struct inbound *in = server(&router, false);
    struct served v;

    served_open(&v, in);
    say(v.client, "GET / HTTP/1.1\r\n\r\n");
    say(v.client, "more");
    check_int(stream_shutdown(v.client), 0);
    expect_end(v.client);
    check_int(router.opens, 0);
    served_close(&v);
    in->ops->free(in);
}

static void without_a_fallback_nothing_is_said(void **state)
{
    (void)state;
    on_worker(silence);
}

static void server_udp(void)
{
    static const char udp[] = "\0" ID "\0\x02\0\x35\x01\x08\x08\x08\x08" "\0\x03" "abc" "\0\x02" "de";
    struct fake_router router;
    struct inbound *in = server(&router, false);
    struct served v;

    served_open(&v, in);
    say_slowly(v.client, udp, sizeof udp - 1);
    expect_bytes(v.client, "\0\0" "\0\x03" "abc" "\0\x02" "de", 11);
    check(strcmp(router.dest[0], "8.8.8.8:53") == 0);
    check_int(router.datagrams, 2);
    served_close(&v);
    in->ops->free(in);
}

static void datagrams_of_one_far_end_are_framed(void **state)
{
    (void)state;
    on_worker(server_udp);
}

static void server_packetaddr(void)
{
    static const char udp[] = "\0" ID "\0\x02\0\0\x02\x19" "sp.packet-addr.v2fly.arpa"
                              "\0\x0a" "\x01\x08\x08\x08\x08\0\x35" "abc";
    struct fake_router router;
    struct inbound *in = server(&router, false);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, udp, sizeof udp - 1);
    expect_bytes(v.client, "\0\0" "\0\x0a" "\x01\x08\x08\x08\x08\0\x35" "abc", 14);
    served_close(&v);
    in->ops->free(in);
}

static void packet_addresses_are_understood(void **state)
{
    (void)state;
    on_worker(server_packetaddr);
}

static void server_xudp(void)
{
    static const char udp[] = "\0" ID "\0\x03" "\0\x0c\0\0\x01\x01\x02\0\x35\x01\x08\x08\x08\x08" "\0\x03" "abc"
                              "\0\x0c\0\0\x02\x01\x02\0\x36\x01\x01\x01\x01\x01" "\0\x02" "de";
    struct fake_router router;
    struct inbound *in = server(&router, false);
    struct served v;

    served_open(&v, in);
    say_slowly(v.client, udp, sizeof udp - 1);
    expect_bytes(v.client, "\0\0" "\0\x0c\0\0\x02\x01\x02\0\x35\x01\x08\x08\x08\x08" "\0\x03" "abc"
                 "\0\x0c\0\0\x02\x01\x02\0\x36\x01\x01\x01\x01\x01" "\0\x02" "de", 2 + 19 + 18);
    check(strcmp(router.user, "ann") == 0);
    served_close(&v);
    in->ops->free(in);
}

static void xudp_answers_from_each_address(void **state)
{
    (void)state;
    on_worker(server_xudp);
}

/* ---- the client ---- */

static struct outbound *client(struct fake_server *far)
{
    struct vless_outbound_options o = {.server = TEXT("192.0.2.1"), .server_port = 443, .uuid = TEXT(ID_TEXT),
                                       .packets = {.encoding = PACKET_UNSAID}};
    struct outbound_setup setup = {.tag = "out", .options = &o, .dialer = &far->dialer};
    struct outbound *out = NULL;

    fake_server_init(far);
    check_int(vless_outbound_new(&setup, &out, NULL), 0);
    return out;
}

static void client_tcp(void)
{
    struct fake_server far;
    struct outbound *o = client(&far);
    struct session s = {0};
    struct stream *stream;
    char got[4];

    check_int(dest_parse(TEXT("example.org:443"), &s.dest), 0);
    check_int(o->ops->open(o, &s, &stream, NULL), 0);
    check(stream->flags & STREAM_HOLDS_HEADER);
    say(stream, "ping");
    expect_bytes(far.end, request, REQUEST);
    expect(far.end, "ping");
    say_slowly(far.end, "\0\x02xypong", 8);
    check_int(stream_read_full(stream, got, 4), 0);
    check(memcmp(got, "pong", 4) == 0);
    check(stream->flags & STREAM_TRANSPARENT);
    stream_close(stream);
    stream_close(far.end);
    o->ops->free(o);
}

static void request_and_first_payload_leave_together(void **state)
{
    (void)state;
    on_worker(client_tcp);
}

static void client_wrong_answer(void)
{
    struct fake_server far;
    struct outbound *o = client(&far);
    struct session s = {0};
    struct stream *stream;
    char got[4];

    check_int(dest_parse(TEXT("example.org:443"), &s.dest), 0);
    check_int(o->ops->open(o, &s, &stream, NULL), 0);
    say(far.end, "HTTP/1.1 400 Bad Request\r\n\r\n");
    check_int(stream_read(stream, got, 4), -EPROTO);
    stream_close(stream);
    stream_close(far.end);
    o->ops->free(o);
}

static void answer_of_another_protocol_fails(void **state)
{
    (void)state;
    on_worker(client_wrong_answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_in_any_pieces_opens),
        cmocka_unit_test(strangers_meet_the_web_server),
        cmocka_unit_test(without_a_fallback_nothing_is_said),
        cmocka_unit_test(datagrams_of_one_far_end_are_framed),
        cmocka_unit_test(packet_addresses_are_understood),
        cmocka_unit_test(xudp_answers_from_each_address),
        cmocka_unit_test(request_and_first_payload_leave_together),
        cmocka_unit_test(answer_of_another_protocol_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
