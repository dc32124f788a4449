#include "fake.h"

#include "proto/trojan/client.h"
#include "proto/trojan/options.h"
#include "proto/trojan/server.h"
#include "proto/trojan/wire.h"

/* SHA-224 of "pw"; to example.org:443. */
#define KEY "bebeef056d2fc0c96fbdd3372c8b766a0d3b5bac45cc56a4f15235cd"
static const char request[] = KEY "\r\n\x01\x03\x0b" "example.org\x01\xbb\r\n";
enum { REQUEST = sizeof request - 1 };

static struct inbound *server(struct fake_router *router, bool has_fallback)
{
    struct trojan_user_option users[] = {{.name = TEXT("ann"), .password = TEXT("pw")},
                                         {.name = TEXT("bob"), .password = TEXT("other")}};
    struct fallback_option web = {0};
    struct trojan_inbound_options o = {.users = {users, 2}, .fallback = has_fallback ? &web : NULL};
    struct inbound_setup setup = {.tag = "in", .options = &o, .router = &router->router};
    struct inbound *in = NULL;

    check_int(dest_parse(TEXT("127.0.0.1:81"), &web.dest), 0);
    fake_router_init(router);
    check_int(trojan_inbound_new(&setup, &in, NULL), 0);
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
    check(strcmp(router.dest[0], "example.org:443") == 0);
    check(strcmp(router.user, "ann") == 0);
    expect(router.far[0], "ping");
    say(router.far[0], "pong");
    expect(v.client, "pong");
    fake_router_done(&router);
    served_close(&v);
    in->ops->free(in);
}

static void request_in_any_pieces_opens(void **state)
{
    (void)state;
    on_worker(request_opens);
}

static void expect_at_fallback(const void *sent, size_t n, bool has_ended)
{
    struct fake_router router;
    struct inbound *in = server(&router, true);
    struct served v;

    served_open(&v, in);
    say_bytes(v.client, sent, n);
    if (has_ended)
        check_int(stream_shutdown(v.client), 0);
    check_int(co_sleep(1), 0);
    check_int(router.opens, 1);
    check(strcmp(router.dest[0], "127.0.0.1:81") == 0);
    check(router.user[0] == 0);
    expect_bytes(router.far[0], sent, n);
    fake_router_done(&router);
    served_close(&v);
    in->ops->free(in);
}

static void strangers(void)
{
    char bad[REQUEST];

    /* At once: the web server's answer is as quick as its own. */
    expect_at_fallback("G", 1, false);
    expect_at_fallback("GET / HTTP/1.1\r\n\r\n", 18, false);
    for (size_t n = 1; n < REQUEST; n++)
        expect_at_fallback(request, n, true);
    for (size_t i = 0; i < TROJAN_KEY + 3; i++) {
        memcpy(bad, request, sizeof bad);
        bad[i] ^= i < TROJAN_KEY ? 1 : 0x40;
        expect_at_fallback(bad, sizeof bad, false);
    }
}

static void strangers_meet_the_web_server_at_once(void **state)
{
    (void)state;
    on_worker(strangers);
}

static void server_udp(void)
{
    static const char udp[] = KEY "\r\n\x03\x01\0\0\0\0\0\0\r\n" "\x01\x08\x08\x08\x08\0\x35\0\x03\r\nabc"
                              "\x03\x03" "a.b\0\x35\0\x02\r\nde";
    struct fake_router router;
    struct inbound *in = server(&router, false);
    struct served v;

    served_open(&v, in);
    say_slowly(v.client, udp, sizeof udp - 1);
    expect_bytes(v.client, "\x01\x08\x08\x08\x08\0\x35\0\x03\r\nabc" "\x03\x03" "a.b\0\x35\0\x02\r\nde", 14 + 13);
    served_close(&v);
    in->ops->free(in);
}

static void datagrams_have_addresses_each(void **state)
{
    (void)state;
    on_worker(server_udp);
}

static void client_tcp(void)
{
    struct trojan_outbound_options options = {.server = TEXT("192.0.2.1"), .server_port = 443, .password = TEXT("pw")};
    struct fake_server far;
    struct outbound_setup setup = {.tag = "out", .options = &options, .dialer = &far.dialer};
    struct outbound *o = NULL;
    struct session s = {0};
    struct stream *stream;

    fake_server_init(&far);
    check_int(trojan_outbound_new(&setup, &o, NULL), 0);
    check_int(dest_parse(TEXT("example.org:443"), &s.dest), 0);
    check_int(o->ops->open(o, &s, &stream, NULL), 0);
    check(stream->flags & STREAM_HOLDS_HEADER);
    say(stream, "ping");
    check(stream->flags & STREAM_TRANSPARENT);
    expect_bytes(far.end, request, REQUEST);
    expect(far.end, "ping");
    say(far.end, "pong");
    expect(stream, "pong");
    stream_close(stream);
    stream_close(far.end);
    o->ops->free(o);
}

static void request_and_first_payload_leave_together(void **state)
{
    (void)state;
    on_worker(client_tcp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_in_any_pieces_opens),
        cmocka_unit_test(strangers_meet_the_web_server_at_once),
        cmocka_unit_test(datagrams_have_addresses_each),
        cmocka_unit_test(request_and_first_payload_leave_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
