#include "test.h"

#include <errno.h>

#include "format/socksaddr.h"

static const struct socksaddr_form *const forms[] = {&socksaddr_socks5, &socksaddr_vmess, &socksaddr_uot};

static struct dest parsed(const char *s)
{
    struct dest d;

    assert_int_equal(dest_parse(text_of(s), &d), 0);
    return d;
}

static void assert_wire(const char *dest, const struct socksaddr_form *form, const char *hex)
{
    struct dest d = parsed(dest);
    uint8_t out[SOCKSADDR_MAX];
    char text[2 * SOCKSADDR_MAX + 1];
    struct writer w = writer_of(out, sizeof(out));

    socksaddr_write(&w, form, &d);
    assert_false(w.failed);
    assert_int_equal(writer_len(&w), socksaddr_size(&d));
    hex_encode(out, writer_len(&w), text);
    assert_string_equal(text, hex);
}

static void each_form_has_its_octets(void **state)
{
    (void)state;
    assert_wire("192.0.2.1:80", &socksaddr_socks5, "01c00002010050");
    assert_wire("192.0.2.1:80", &socksaddr_vmess, "005001c0000201");
    assert_wire("192.0.2.1:80", &socksaddr_uot, "00c00002010050");
    assert_wire("[2001:db8::1]:443", &socksaddr_socks5, "0420010db800000000000000000000000101bb");
    assert_wire("[2001:db8::1]:443", &socksaddr_vmess, "01bb0320010db8000000000000000000000001");
    assert_wire("[2001:db8::1]:443", &socksaddr_uot, "0120010db800000000000000000000000101bb");
    assert_wire("a.test:443", &socksaddr_socks5, "0306612e7465737401bb");
    assert_wire("a.test:443", &socksaddr_vmess, "01bb0206612e74657374");
    assert_wire("a.test:443", &socksaddr_uot, "0206612e7465737401bb");
}

static void what_was_written_reads_back(void **state)
{
    static const char *const dests[] = {"192.0.2.1:1", "[2001:db8::1]:65535", "a.test:443", "x:0"};

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        for (size_t i = 0; i < ARRAY_LEN(dests); i++) {
            struct dest d = parsed(dests[i]), back;
            uint8_t out[SOCKSADDR_MAX + 3];
            struct writer w = writer_of(out, sizeof(out));
            socksaddr_write(&w, forms[f], &d);
            size_t n = writer_len(&w);
            struct reader r = reader_of(out, n + 3);
            assert_int_equal(socksaddr_read(&r, forms[f], &back), n);
            assert_int_equal(reader_left(&r), 3);
            assert_true(dest_eq(&d, &back));
        }
    }
}

static void a_cut_address_asks_for_more(void **state)
{
    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        struct dest d = parsed("example.test:443"), back;
        uint8_t out[SOCKSADDR_MAX];
        struct writer w = writer_of(out, sizeof(out));
        socksaddr_write(&w, forms[f], &d);
        for (size_t n = 0; n < writer_len(&w); n++) {
            struct reader r = reader_of(out, n);
            assert_int_equal(socksaddr_read(&r, forms[f], &back), 0);
            assert_int_equal(reader_left(&r), n);
        }
    }
}

static ssize_t read_hex(const char *hex, struct dest *out)
{
    uint8_t raw[300];
    ssize_t n = hex_decode(text_of(hex), raw, sizeof(raw));
    struct reader r = reader_of(raw, (size_t)n);

    return socksaddr_read(&r, &socksaddr_socks5, out);
}

static void bad_names_and_kinds_are_refused(void **state)
{
    struct dest d;

    (void)state;
    assert_int_equal(read_hex("02c00002010050", &d), -EAFNOSUPPORT);
    assert_int_equal(read_hex("03000050", &d), -EINVAL);
    assert_int_equal(read_hex("03036100620050", &d), -EINVAL);
    assert_int_equal(read_hex("03036120620050", &d), -EINVAL);
    assert_int_equal(read_hex("0303610a620050", &d), -EINVAL);
}

static void an_ip_literal_in_a_name_is_an_address(void **state)
{
    struct dest d;

    (void)state;
    assert_int_equal(read_hex("0309" "3139322e302e322e31" "0050", &d), 13);
    assert_false(dest_is_name(&d));
    struct dest same = parsed("192.0.2.1:80");
    assert_true(dest_eq(&d, &same));
}

static void no_room_fails_the_writer(void **state)
{
    struct dest d = parsed("a.test:443"), unset = {0};
    uint8_t out[9];
    struct writer w = writer_of(out, sizeof(out));

    (void)state;
    socksaddr_write(&w, &socksaddr_socks5, &d);
    assert_true(w.failed);
    w = writer_of(out, sizeof(out));
    socksaddr_write(&w, &socksaddr_socks5, &unset);
    assert_true(w.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_has_its_octets),
        cmocka_unit_test(what_was_written_reads_back),
        cmocka_unit_test(a_cut_address_asks_for_more),
        cmocka_unit_test(bad_names_and_kinds_are_refused),
        cmocka_unit_test(an_ip_literal_in_a_name_is_an_address),
        cmocka_unit_test(no_room_fails_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
