#include "test.h"

#include <errno.h>

#include "format/quic_initial.h"
#include "format/quic_seal.h"
#include "format/quic_vectors.h"
#include "format/tls_hello.h"

static struct quic_initial q;
static uint8_t datagram[1500];

static size_t load(const char *hex)
{
    ssize_t n = hex_decode(text_of(hex), datagram, sizeof(datagram));

    assert_int_equal(n, 1200);
    memset(&q, 0, sizeof(q));
    return (size_t)n;
}

static void assert_hex(const uint8_t *p, size_t n, const char *hex)
{
    char text[129];

    hex_encode(p, n, text);
    assert_string_equal(text, hex);
}

static void the_keys_of_both_versions_are_the_published_ones(void **state)
{
    static const uint8_t cid[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08};
    struct bytes id = {cid, sizeof(cid)};
    struct quic_keys k;

    (void)state;
    assert_int_equal(quic_initial_keys(1, id, &k), 0);
    assert_hex(k.key, 16, "1f369613dd76d5467730efcbe3b1a22d");
    assert_hex(k.iv, 12, "fa044b2f42a3fd3b46fb255c");
    assert_hex(k.hp, 16, "9f50449e04a0e810283a1e9933adedd2");
    assert_int_equal(quic_initial_keys(0x6b3343cf, id, &k), 0);
    assert_hex(k.key, 16, "8b1a0bc121284290a29e0971b5cd045d");
    assert_hex(k.iv, 12, "91f73e2351d8fa91660e909f");
    assert_hex(k.hp, 16, "45b95e15235d6f45a6b19cbcb0294ba9");
    assert_int_equal(quic_initial_keys(2, id, &k), -EPROTONOSUPPORT);
}

static void assert_opens(const char *hex)
{
    struct tls_hello hello;
    size_t n = load(hex);

    assert_int_equal(quic_initial_feed(&q, datagram, n), 241);
    assert_int_equal(tls_hello_read(quic_initial_crypto(&q), &hello), 241);
    assert_true(text_is(hello.sni, "example.com"));
    /* The same again changes nothing. */
    assert_int_equal(quic_initial_feed(&q, datagram, n), 241);
}

static void the_published_packets_open(void **state)
{
    (void)state;
    assert_opens(quic_v1_initial);
    assert_opens(quic_v2_initial);
}

static void a_changed_or_cut_packet_does_not_open(void **state)
{
    size_t n = load(quic_v1_initial);
    struct bytes none;

    (void)state;
    for (size_t i = 0; i < n; i += 7) {
        datagram[i] ^= 0x40;
        assert_true(quic_initial_feed(&q, datagram, n) < 0);
        datagram[i] ^= 0x40;
    }
    for (size_t cut = 0; cut < n; cut += 5)
        assert_int_equal(quic_initial_feed(&q, datagram, cut), -EPROTO);
    none = quic_initial_crypto(&q);
    assert_int_equal(none.len, 0);
    assert_int_equal(quic_initial_feed(&q, datagram, n), 241);
}

static void other_versions_are_told_apart_from_no_quic(void **state)
{
    size_t n = load(quic_v1_initial);

    (void)state;
    datagram[1] = 0xff;
    assert_int_equal(quic_initial_feed(&q, datagram, n), -EPROTONOSUPPORT);
    datagram[0] = 0x40; /* short header */
    assert_int_equal(quic_initial_feed(&q, datagram, n), -EPROTO);
    assert_int_equal(quic_initial_feed(&q, "hello", 5), -EPROTO);
    assert_int_equal(quic_initial_feed(&q, NULL, 0), -EPROTO);
}

static void what_shares_the_datagram_does_no_harm(void **state)
{
    size_t n = load(quic_v1_initial);

    (void)state;
    memset(datagram + n, 0, 100);
    assert_int_equal(quic_initial_feed(&q, datagram, n + 100), 241);
}

static void the_datagram_stays_as_it_was(void **state)
{
    static uint8_t copy[sizeof(datagram)];
    size_t n = load(quic_v1_initial);

    (void)state;
    memcpy(copy, datagram, n);
    assert_int_equal(quic_initial_feed(&q, datagram, n), 241);
    assert_memory_equal(copy, datagram, n);
}

static const uint8_t cid1[] = {1, 2, 3, 4, 5, 6, 7, 8}, cid2[] = {9, 9, 9};
static const struct bytes id1 = {cid1, sizeof(cid1)}, id2 = {cid2, sizeof(cid2)};

/* One CRYPTO frame in a packet of its own, sealed under keys_cid; what feeding it gives. */
static ssize_t feed_crypto(const char *text, uint16_t offset, struct bytes keys_cid, struct bytes cid)
{
    uint8_t frames[64] = {0};
    struct writer w = writer_of(frames, sizeof(frames));

    write_u8(&w, 1); /* PING, then ACK of 0 with ECN counts, then PADDING */
    write_be(&w, 0x03000000, 4);
    write_be(&w, 0x00000000, 4);
    write_u8(&w, 6);
    write_u16(&w, (uint16_t)(0x4000 | offset));
    write_u8(&w, (uint8_t)strlen(text));
    write_bytes(&w, text, strlen(text));
    size_t n = quic_seal((struct bytes){frames, sizeof(frames)}, (uint8_t)offset, keys_cid, cid,
                         (struct bytes){datagram, sizeof(datagram)});
    assert_true(n > 0);
    return quic_initial_feed(&q, datagram, n);
}

static void frames_in_any_order_are_put_in_place(void **state)
{
    (void)state;
    memset(&q, 0, sizeof(q));
    assert_int_equal(feed_crypto("ghi", 6, id1, id1), 0);
    assert_int_equal(feed_crypto("cdef", 2, id1, id1), 0);
    assert_int_equal(feed_crypto("XX", 6, id1, id1), 0); /* what came first stays */
    assert_int_equal(feed_crypto("abcd", 0, id1, id1), 9);
    assert_memory_equal(quic_initial_crypto(&q).ptr, "abcdefghi", 9);
}

static void first_keys_stay_until_a_retry(void **state)
{
    (void)state;
    memset(&q, 0, sizeof(q));
    assert_int_equal(feed_crypto("abc", 0, id1, id1), 3);
    /* The client took the server's connection id; its Initial keys are as before. */
    assert_int_equal(feed_crypto("def", 3, id1, id2), 6);
    /* After a Retry everything starts anew with keys of the new id. */
    assert_int_equal(feed_crypto("xy", 0, id2, id2), 2);
    assert_memory_equal(quic_initial_crypto(&q).ptr, "xy", 2);
}

static void crypto_beyond_the_limit_is_refused(void **state)
{
    static const uint8_t far[] = {6, 0x80, 0, 0x40, 0, 1, 'a', 0}, strange[] = {8, 0, 0, 0, 0, 0, 0, 0};
    size_t n = quic_seal((struct bytes){far, sizeof(far)}, 0, id1, id1, (struct bytes){datagram, sizeof(datagram)});

    (void)state;
    memset(&q, 0, sizeof(q));
    assert_int_equal(quic_initial_feed(&q, datagram, n), -EMSGSIZE);
    n = quic_seal((struct bytes){strange, sizeof(strange)}, 0, id1, id1, (struct bytes){datagram, sizeof(datagram)});
    assert_int_equal(quic_initial_feed(&q, datagram, n), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keys_of_both_versions_are_the_published_ones),
        cmocka_unit_test(the_published_packets_open),
        cmocka_unit_test(a_changed_or_cut_packet_does_not_open),
        cmocka_unit_test(other_versions_are_told_apart_from_no_quic),
        cmocka_unit_test(what_shares_the_datagram_does_no_harm),
        cmocka_unit_test(the_datagram_stays_as_it_was),
        cmocka_unit_test(frames_in_any_order_are_put_in_place),
        cmocka_unit_test(first_keys_stay_until_a_retry),
        cmocka_unit_test(crypto_beyond_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
