#include "test.h"

#include "format/detect.h"
#include "format/quic_vectors.h"

typedef enum detect_answer detector(struct bytes in, struct detected *out);

static uint8_t raw[2048], scratch[TLS_HELLO_MAX];
static struct quic_initial quic;

static enum detect_answer via_tls(struct bytes in, struct detected *out)
{
    return detect_tls(in, scratch, out);
}

static enum detect_answer via_quic(struct bytes in, struct detected *out)
{
    memset(&quic, 0, sizeof(quic));
    return detect_quic(&quic, in, out);
}

static struct bytes unhex(const char *hex)
{
    ssize_t n = hex_decode(text_of(hex), raw, sizeof(raw));

    assert_true(n > 0);
    return (struct bytes){raw, (size_t)n};
}

static struct bytes octets(const char *s)
{
    return text_bytes(text_of(s));
}

/* Every beginning asks for more, the whole says yes. */
static void assert_grows(detector *detect, struct bytes in, const char *protocol, const char *domain)
{
    struct detected d = {0};

    for (size_t n = 0; n < in.len; n++)
        assert_int_equal(detect((struct bytes){in.ptr, n}, &d), DETECT_MORE);
    assert_int_equal(detect(in, &d), DETECT_YES);
    assert_string_equal(d.protocol, protocol);
    assert_true(text_is(detected_domain(&d), domain));
}

static void http_gives_its_host(void **state)
{
    (void)state;
    assert_grows(detect_http, octets("GET / HTTP/1.1\r\nA: b\r\nhost: WWW.Example.org.:8080\r\n"), "http", "www.example.org");
    assert_grows(detect_http, octets("POST / HTTP/1.0\r\n\r\n"), "http", "");
    assert_grows(detect_http, octets("CONNECT a:1 HTTP/1.1\r\nHost: 192.0.2.1:80\r\n"), "http", "");
    assert_grows(detect_http, octets("GET / HTTP/1.1\r\nHost: [::1]:80\r\n"), "http", "");
    assert_grows(detect_http, octets("GET / HTTP/1.1\r\nHost: a b\r\n"), "http", "");
}

static void http_is_waited_for_only_so_long(void **state)
{
    static char big[DETECT_HTTP_MAX];
    struct detected d;

    (void)state;
    memset(big, 'a', sizeof(big));
    memcpy(big, "GET /", 5);
    assert_int_equal(detect_http((struct bytes){(uint8_t *)big, sizeof(big) - 1}, &d), DETECT_MORE);
    assert_int_equal(detect_http((struct bytes){(uint8_t *)big, sizeof(big)}, &d), DETECT_NO);
    memcpy(big, "GET / HTTP/1.1\r\nX: ", 19);
    assert_int_equal(detect_http((struct bytes){(uint8_t *)big, sizeof(big)}, &d), DETECT_YES);
}

static void tls_gives_its_name(void **state)
{
    (void)state;
    assert_grows(via_tls,
                 unhex("1603010053"
                       "0100004f0303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f000004002f0035"
                       "0100002200000010000e00000b6578616d706c652e636f6d000a000400020017000b00020100"),
                 "tls", "example.com");
}

static void quic_gives_its_name(void **state)
{
    struct detected d;
    struct bytes in = unhex(quic_v1_initial);

    (void)state;
    assert_int_equal(via_quic(in, &d), DETECT_YES);
    assert_string_equal(d.protocol, "quic");
    assert_true(text_is(detected_domain(&d), "example.com"));
    in.len--;
    assert_int_equal(via_quic(in, &d), DETECT_NO);
}

static void ssh_gives_its_program(void **state)
{
    struct detected d;

    (void)state;
    assert_grows(detect_ssh, octets("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "ssh", "");
    assert_int_equal(detect_ssh(octets("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), &d), DETECT_YES);
    assert_true(text_is(detected_client(&d), "OpenSSH_9.2p1"));
    assert_int_equal(detect_ssh(octets("SSH-1.5-x\r\n"), &d), DETECT_NO);
}

static void other_streams_are_known_by_their_start(void **state)
{
    (void)state;
    assert_grows(detect_bittorrent, octets("\x13" "BitTorrent protocol"), "bittorrent", "");
    assert_grows(detect_rdp, unhex("030000130ee000000000000100080003000000"), "rdp", "");
    assert_grows(detect_dns_stream, unhex("0018" "123401000001000000000000" "016104746573740000010001"), "dns", "a.test");
}

static void dns_queries_give_their_name(void **state)
{
    struct detected d;
    struct bytes in = unhex("123401000001000000000000" "0141047465737400001c0001");

    (void)state;
    assert_int_equal(detect_dns(in, &d), DETECT_YES);
    assert_true(text_is(detected_domain(&d), "a.test"));
    assert_int_equal(detect_dns((struct bytes){in.ptr, in.len - 1}, &d), DETECT_NO);
    raw[2] |= 0x80; /* an answer */
    assert_int_equal(detect_dns(in, &d), DETECT_NO);
}

static void other_datagrams_are_known_by_their_header(void **state)
{
    static const struct {
        detector *detect;
        const char *hex, *protocol;
    } cases[] = {
        {detect_stun, "000100002112a442000102030405060708090a0b", "stun"},
        {detect_dtls, "16fefd0000000000000000000401020304", "dtls"},
        {detect_ntp, "e30006ec0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000", "ntp"},
        {detect_bittorrent_udp, "4100abcd00000000000000000004000000010000", "bittorrent"},
        {detect_bittorrent_udp, "00000417271019800000000012345678", "bittorrent"},
    };
    struct detected d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bytes in = unhex(cases[i].hex);
        assert_int_equal(cases[i].detect(in, &d), DETECT_YES);
        assert_string_equal(d.protocol, cases[i].protocol);
        assert_int_equal(cases[i].detect((struct bytes){in.ptr, in.len - 1}, &d), DETECT_NO);
        assert_int_equal(cases[i].detect((struct bytes){0}, &d), DETECT_NO);
    }
    assert_int_equal(detect_bittorrent_udp(octets("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"), &d), DETECT_YES);
}

static void nobody_claims_random_octets(void **state)
{
    static const char *const streams[] = {"hello there, this is nothing known", "\x05\x01\x00 and more octets of it",
                                          "GETTING / HTTP/1.1\r\n", "GET / FTP/1\r\n"};
    static detector *const all[] = {detect_http, via_tls, detect_ssh, detect_bittorrent, detect_rdp, detect_dns_stream,
                                    via_quic, detect_dns, detect_stun, detect_dtls, detect_ntp, detect_bittorrent_udp};
    struct detected d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        for (size_t j = 0; j < ARRAY_LEN(all); j++)
            assert_int_equal(all[j](octets(streams[i]), &d), DETECT_NO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_gives_its_host),
        cmocka_unit_test(http_is_waited_for_only_so_long),
        cmocka_unit_test(tls_gives_its_name),
        cmocka_unit_test(quic_gives_its_name),
        cmocka_unit_test(ssh_gives_its_program),
        cmocka_unit_test(other_streams_are_known_by_their_start),
        cmocka_unit_test(dns_queries_give_their_name),
        cmocka_unit_test(other_datagrams_are_known_by_their_header),
        cmocka_unit_test(nobody_claims_random_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
