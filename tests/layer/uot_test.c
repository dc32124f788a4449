#include "test.h"

#include <errno.h>

#include "layer/uot/frame.h"
#include "layer/uot/uot.h"
#include "net/buffers.h"
#include "worker.h"

static struct dest parsed(const char *s)
{
    struct dest d;

    check_int(dest_parse(text_of(s), &d), 0);
    return d;
}

static void put(struct batch *b, const void *p, size_t n, const char *peer)
{
    uint8_t *room = batch_room(b, n);

    check(room != NULL);
    if (n)
        memcpy(room, p, n);
    b->at[b->count++] = (struct datagram){.ptr = room, .len = n, .peer = parsed(peer)};
}

static void send_one(struct packet *p, const void *payload, size_t n, const char *peer)
{
    struct batch *b = batch_get();

    check(b != NULL);
    put(b, payload, n, peer);
    check_int(packet_send(p, b), 0);
    batch_put(b);
}

static void expect_one(struct packet *p, const void *want, size_t n, const char *peer)
{
    struct batch *b = batch_get();
    struct dest d = parsed(peer);

    check(b != NULL);
    check_int(packet_receive(p, b, NEVER), 1);
    check_int(b->at[0].len, n);
    check(memcmp(b->at[0].ptr, want, n) == 0);
    check(dest_eq(&b->at[0].peer, &d));
    batch_put(b);
}

static void magic_names_are_known(void **state)
{
    struct dest v1 = uot_magic(UOT_V1), v2 = uot_magic(UOT_V2), other = parsed("example.com:443");

    (void)state;
    assert_int_equal(uot_is_magic(&v1), UOT_V1);
    assert_int_equal(uot_is_magic(&v2), UOT_V2);
    assert_int_equal(uot_is_magic(&other), UOT_NONE);
    other = parsed("192.0.2.1:53");
    assert_int_equal(uot_is_magic(&other), UOT_NONE);
}

static void carry(enum uot_version version)
{
    static uint8_t large[60000];
    struct stream *end[2];
    struct packet *client, *server;
    struct dest first = parsed("192.0.2.1:53"), seen;

    check_int(stream_pair(200000, end), 0);
    check_int(uot_client(end[0], version, &first, &client), 0);
    send_one(client, "query", 5, "192.0.2.1:53");
    check_int(uot_server(end[1], version, &seen, &server), 0);
    check(dest_eq(&seen, &first));
    expect_one(server, "query", 5, "192.0.2.1:53");
    send_one(server, "answer", 6, "[2001:db8::1]:53");
    expect_one(client, "answer", 6, "[2001:db8::1]:53");
    send_one(client, "", 0, "example.com:5353");
    expect_one(server, "", 0, "example.com:5353");
    memset(large, 7, sizeof large);
    send_one(client, large, sizeof large, "192.0.2.2:9");
    expect_one(server, large, sizeof large, "192.0.2.2:9");
    check_int(buffers_in_use(), 0);
    packet_close(client);
    struct batch *b = batch_get();
    check_int(packet_receive(server, b, NEVER), -EPIPE);
    batch_put(b);
    packet_close(server);
}

static void carry_both(void)
{
    carry(UOT_V1);
    carry(UOT_V2);
}

static void both_versions_carry_datagrams(void **state)
{
    (void)state;
    on_worker(carry_both);
}

static void connected(void)
{
    struct stream *end[2];
    struct packet *server;
    struct dest seen;
    uint8_t wire[64];

    check_int(stream_pair(4096, end), 0);
    struct writer w = writer_of(wire, sizeof wire);
    struct dest d = parsed("192.0.2.9:7");
    uot_request_write(&w, true, &d);
    write_u16(&w, 3);
    write_bytes(&w, "abc", 3);
    check_int(stream_write(end[0], wire, writer_len(&w)), 0);
    check_int(uot_server(end[1], UOT_V2, &seen, &server), 0);
    expect_one(server, "abc", 3, "192.0.2.9:7");
    send_one(server, "xyz!", 4, "192.0.2.9:7");
    check_int(stream_read_full(end[0], wire, 6), 0);
    check(memcmp(wire, "\0\4xyz!", 6) == 0);
    packet_close(server);
    stream_close(end[0]);
}

static void connect_mode_has_no_addresses(void **state)
{
    (void)state;
    on_worker(connected);
}

static void request_and_frame_have_their_octets(void **state)
{
    uint8_t out[64];
    char hex[2 * sizeof out + 1];
    struct writer w = writer_of(out, sizeof out);
    struct dest d;

    (void)state;
    assert_int_equal(dest_parse(TEXT("192.0.2.1:53"), &d), 0);
    uot_request_write(&w, false, &d);
    hex_encode(out, writer_len(&w), hex);
    assert_string_equal(hex, "0001c00002010035");
}

static void garbage(void)
{
    struct stream *end[2];
    struct packet *server;
    struct dest seen;

    check_int(stream_pair(4096, end), 0);
    check_int(stream_write(end[0], "\0\x7f garbage", 9), 0);
    check_int(uot_server(end[1], UOT_V2, &seen, &server), -EPROTO);
    stream_close(end[0]);
    check_int(stream_pair(4096, end), 0);
    check_int(stream_write(end[0], "\0\1\300", 3), 0);
    check_int(stream_shutdown(end[0]), 0);
    check_int(uot_server(end[1], UOT_V2, &seen, &server), -EPIPE);
    stream_close(end[0]);
    check_int(buffers_in_use(), 0);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    on_worker(garbage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(magic_names_are_known),
        cmocka_unit_test(both_versions_carry_datagrams),
        cmocka_unit_test(connect_mode_has_no_addresses),
        cmocka_unit_test(request_and_frame_have_their_octets),
        cmocka_unit_test(bad_requests_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
