#include "test.h"

#include <errno.h>

#include "layer/frames.h"
#include "layer/packetaddr/packetaddr.h"
#include "worker.h"

/* | length 1 | payload |; a length of 0 is a frame without a datagram, 255 is wrong, 254 the end. */
static int read_frame(const struct frame_state *state, struct reader *r, struct frame *out)
{
    uint8_t n = read_u8(r);

    out->size = 1u + n;
    if (n >= 254)
        return n == 255 ? -EPROTO : -EPIPE;
    out->payload = read_bytes(r, n);
    out->peer = state->peer;
    out->is_datagram = n != 0;
    return !r->failed;
}

static void write_head(const struct frame_state *state, struct writer *w, const struct datagram *d)
{
    (void)state;
    w->failed = d->len > 253;
    write_u8(w, (uint8_t)d->len);
}

static const struct frame_rules rules = {.read = read_frame, .write_head = write_head};

static void put(struct batch *b, const void *p, size_t n)
{
    uint8_t *room = batch_room(b, n);

    check(room != NULL);
    memcpy(room, p, n);
    b->at[b->count++] = (struct datagram){.ptr = room, .len = n};
}

static void path(struct stream **far, struct packet **out)
{
    struct frame_state state = {.peer = {.port = 7}};
    struct stream *pair[2];

    check_int(stream_pair(4096, pair), 0);
    *far = pair[0];
    *out = frames_packet(pair[1], &rules, &state);
    check(*out != NULL);
}

static void several(void)
{
    struct stream *far;
    struct packet *p;
    struct batch *b = batch_get();
    uint8_t large[300] = {0}, got[16];

    path(&far, &p);
    put(b, "abc", 3);
    put(b, large, sizeof large); /* has no frame: is dropped alone */
    put(b, "de", 2);
    check_int(packet_send(p, b), 0);
    check_int(stream_read_full(far, got, 7), 0);
    check(memcmp(got, "\3abc\2de", 7) == 0);
    check_int(stream_write(far, "\0\3abc\0\2d", 8), 0);
    check_int(packet_receive(p, b, NEVER), 1);
    check(b->at[0].len == 3 && memcmp(b->at[0].ptr, "abc", 3) == 0 && b->at[0].peer.port == 7);
    check_int(p->ops->receive(p, b), -EAGAIN);
    check_int(stream_write(far, "e\376", 2), 0);
    check_int(packet_receive(p, b, NEVER), 1);
    check(b->at[0].len == 2 && memcmp(b->at[0].ptr, "de", 2) == 0);
    check_int(packet_receive(p, b, NEVER), -EPIPE);
    batch_put(b);
    packet_close(p);
    stream_close(far);
}

static void frames_come_and_go_in_batches(void **state)
{
    (void)state;
    on_worker(several);
}

static void wrong(void)
{
    struct stream *far;
    struct packet *p;
    struct batch *b = batch_get();

    path(&far, &p);
    check_int(stream_write(far, "\377", 1), 0);
    check_int(packet_receive(p, b, NEVER), -EPROTO);
    packet_close(p);
    stream_close(far);
    path(&far, &p);
    check_int(stream_write(far, "\5ab", 3), 0);
    stream_close(far);
    check_int(packet_receive(p, b, NEVER), -EPIPE);
    packet_close(p);
    batch_put(b);
}

static void a_wrong_or_cut_frame_ends_the_path(void **state)
{
    (void)state;
    on_worker(wrong);
}

static void packet_addresses_have_no_names(void **state)
{
    struct dest d;

    (void)state;
    assert_int_equal(packetaddr_read((const uint8_t *)"\1\1\2\3\4\0\x35x", 8, &d), 7);
    assert_int_equal(d.port, 53);
    assert_int_equal(packetaddr_read((const uint8_t *)"\0\3a.b\0\x35", 7, &d), -EPROTO);
    assert_int_equal(packetaddr_read((const uint8_t *)"\3\1\2\3\4\0\x35", 7, &d), -EPROTO);
    for (size_t n = 0; n < 7; n++)
        assert_int_equal(packetaddr_read((const uint8_t *)"\1\1\2\3\4\0\x35", n, &d), -EPROTO);
    d = packetaddr_magic();
    assert_true(packetaddr_is_magic(&d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_and_go_in_batches),
        cmocka_unit_test(a_wrong_or_cut_frame_ends_the_path),
        cmocka_unit_test(packet_addresses_have_no_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
