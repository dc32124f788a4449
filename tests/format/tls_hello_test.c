#include "test.h"

#include <errno.h>

#include "base/wire.h"
#include "format/tls_hello.h"

/* suites 47 and 53; server_name example.com; group 23; point format 0 */
static const char small[] =
    "0100004f0303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f000004002f00350100"
    "002200000010000e00000b6578616d706c652e636f6d000a000400020017000b00020100";

/* Shaped as Chrome does it: GREASE, sixteen suites, eighteen extensions. */
static const char chrome[] =
    "010001260303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20000000000000000000"
    "000000000000000000000000000000000000000000000000202a2a130113021303c02bc02fc02cc030cca9cca8c013c0"
    "14009c009d002f0035010000bd1a1a0000001b000000000010000e00000b6578616d706c652e6f72670033002b00292a"
    "2a000100001d002000000000000000000000000000000000000000000000000000000000000000000010000e000c0268"
    "3208687474702f312e314469000000170000002d00020101000d00120010040308040401050308050501080606010005"
    "000501000000000023000000120000002b0007063a3a03040303ff010000000b00020100000a000a00084a4a001d0017"
    "001800150000" "2a2a0000";

static uint8_t scratch[TLS_HELLO_MAX];

static struct bytes unhex(const char *hex, uint8_t *out, size_t size)
{
    ssize_t n = hex_decode(text_of(hex), out, size);

    assert_true(n > 0);
    return (struct bytes){.ptr = out, .len = (size_t)n};
}

/* Cuts a message into records of `piece` octets. */
static struct bytes in_records(struct bytes message, size_t piece, uint8_t *out, size_t size)
{
    struct writer w = writer_of(out, size);

    for (size_t at = 0; at < message.len; at += piece) {
        size_t n = min_of(piece, message.len - at);
        write_be(&w, 0x160301, 3);
        write_u16(&w, (uint16_t)n);
        write_bytes(&w, message.ptr + at, n);
    }
    assert_false(w.failed);
    return (struct bytes){.ptr = out, .len = writer_len(&w)};
}

static void the_ja3_of_the_seed_comes_out(void **state)
{
    uint8_t raw[256];
    char ja3[TLS_JA3_MAX];
    struct tls_hello h;
    struct bytes in = unhex(small, raw, sizeof(raw));

    (void)state;
    assert_int_equal(tls_hello_read(in, &h), in.len);
    assert_int_equal(tls_hello_ja3(&h, ja3, sizeof(ja3)), 22);
    assert_string_equal(ja3, "771,47-53,0-10-11,23,0");
}

static void all_parts_are_found(void **state)
{
    uint8_t raw[512];
    struct tls_hello h;
    struct bytes in = unhex(chrome, raw, sizeof(raw));
    struct text name;
    struct tls_key_share share;

    (void)state;
    assert_int_equal(tls_hello_read(in, &h), in.len);
    assert_true(text_is(h.sni, "example.org"));
    assert_int_equal(h.legacy_version, 0x0303);
    assert_int_equal(tls_hello_version(&h), 0x0304);
    assert_int_equal(h.random.len, 32);
    assert_int_equal(h.random.ptr[31], 31);
    assert_int_equal(h.session_id.len, 32);
    assert_int_equal(h.cipher_suites.len, 32);
    assert_int_equal(h.extension_count, 18);
    assert_int_equal(h.extensions[17].type, 0x2a2a);
    assert_true(tls_u16_has(h.groups, 0x1d) && tls_u16_has(h.versions, 0x0304));
    assert_true(tls_u16_has(h.signature_algorithms, 0x0804));
    struct bytes alpn = h.alpn, shares = h.key_shares;
    assert_true(tls_alpn_next(&alpn, &name) && text_is(name, "h2"));
    assert_true(tls_alpn_next(&alpn, &name) && text_is(name, "http/1.1"));
    assert_false(tls_alpn_next(&alpn, &name));
    assert_true(tls_key_share_next(&shares, &share) && tls_is_grease(share.group));
    assert_true(tls_key_share_next(&shares, &share) && share.group == 0x1d && share.key.len == 32);
    assert_false(tls_key_share_next(&shares, &share));
    assert_false(h.has_ech);
}

static void the_published_ja4_texts_come_out(void **state)
{
    uint8_t raw[512];
    char out[TLS_JA3_MAX], a[TLS_JA4_A];
    struct tls_hello h;

    (void)state;
    assert_true(tls_hello_read(unhex(chrome, raw, sizeof(raw)), &h) > 0);
    tls_hello_ja4_a(&h, 't', a);
    assert_string_equal(a, "t13d1516h2");
    assert_true(tls_hello_ja4_b(&h, out, sizeof(out)) > 0);
    assert_string_equal(out, "002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9");
    assert_true(tls_hello_ja4_c(&h, out, sizeof(out)) > 0);
    assert_string_equal(out, "0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_"
                             "0403,0804,0401,0503,0805,0501,0806,0601");
    assert_int_equal(tls_hello_ja4_c(&h, out, 20), -ENOSPC);
    assert_int_equal(tls_hello_ja3(&h, out, 20), -ENOSPC);
}

static void a_hello_in_one_record_is_not_copied(void **state)
{
    uint8_t raw[512], stream[600];
    struct tls_hello h;
    struct bytes in = in_records(unhex(chrome, raw, sizeof(raw)), 16384, stream, sizeof(stream));

    (void)state;
    assert_int_equal(tls_hello_read_records(in, scratch, &h), in.len);
    assert_ptr_equal(h.message.ptr, stream + 5);
}

static void a_hello_in_many_records_is_put_together(void **state)
{
    uint8_t raw[512], stream[1024];
    struct tls_hello h;
    struct bytes message = unhex(chrome, raw, sizeof(raw));

    (void)state;
    for (size_t piece = 5; piece < message.len; piece++) {
        struct bytes in = in_records(message, piece, stream, sizeof(stream));
        memset(scratch, 0xff, sizeof(scratch));
        assert_int_equal(tls_hello_read_records(in, scratch, &h), in.len);
        assert_true(text_is(h.sni, "example.org"));
        assert_true(bytes_eq(h.message, message));
        for (size_t n = 0; n < in.len; n++)
            assert_int_equal(tls_hello_read_records((struct bytes){in.ptr, n}, scratch, &h), 0);
    }
}

static void too_many_records_are_refused(void **state)
{
    uint8_t raw[512], stream[4096];
    struct tls_hello h;
    struct bytes in = in_records(unhex(chrome, raw, sizeof(raw)), 1, stream, sizeof(stream));

    (void)state;
    assert_int_equal(tls_hello_read_records(in, scratch, &h), -EMSGSIZE);
}

static void other_protocols_are_no_tls(void **state)
{
    static const char *const others[] = {"G", "GET / HTTP/1.1\r\n", "SSH-2.0-x", "\x16\x02", "\x16\x03\x01\x02\x02\x02",
                                         "\x15\x03\x03"};
    struct tls_hello h;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(tls_hello_read_records(text_bytes(text_of(others[i])), scratch, &h), -EPROTO);
    assert_int_equal(tls_hello_read_records((struct bytes){(const uint8_t *)"\x16\x03\x01\0\0", 5}, scratch, &h), -EPROTO);
    assert_int_equal(tls_hello_read_records((struct bytes){0}, scratch, &h), 0);
}

static void a_stranger_between_fragments_is_malformed(void **state)
{
    uint8_t raw[512], stream[1024];
    struct tls_hello h;
    struct bytes in = in_records(unhex(chrome, raw, sizeof(raw)), 100, stream, sizeof(stream));

    (void)state;
    stream[105] = 23;
    assert_int_equal(tls_hello_read_records(in, scratch, &h), -EBADMSG);
}

static void every_cut_and_every_bad_length_is_noticed(void **state)
{
    uint8_t raw[256], copy[256];
    struct tls_hello h;
    struct bytes in = unhex(small, raw, sizeof(raw));
    /* where lengths stand: session id, suites, compression, extensions, server_name (3), groups */
    static const size_t lengths[] = {38, 40, 45, 48, 52, 54, 57, 72, 74, 79, 80};

    (void)state;
    for (size_t n = 0; n < in.len; n++)
        assert_int_equal(tls_hello_read((struct bytes){in.ptr, n}, &h), 0);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        memcpy(copy, raw, in.len);
        copy[lengths[i]] = (uint8_t)(copy[lengths[i]] + 1);
        if (tls_hello_read((struct bytes){copy, in.len}, &h) != -EBADMSG)
            fail_msg("length at %zu", lengths[i]);
    }
    memcpy(copy, raw, in.len);
    copy[1] = 1;
    assert_int_equal(tls_hello_read((struct bytes){copy, in.len}, &h), -EMSGSIZE);
    copy[0] = 2;
    assert_int_equal(tls_hello_read((struct bytes){copy, in.len}, &h), -EPROTO);
}

static void an_extension_may_come_once(void **state)
{
    uint8_t raw[256];
    struct tls_hello h;
    struct bytes in = unhex(small, raw, sizeof(raw));

    (void)state;
    raw[in.len - 5] = 10; /* point formats (11) become a second list of groups */
    assert_int_equal(tls_hello_read(in, &h), -EBADMSG);
}

static void a_name_with_a_control_character_is_refused(void **state)
{
    uint8_t raw[256];
    struct tls_hello h;
    struct bytes in = unhex(small, raw, sizeof(raw));
    uint8_t *name = memmem(raw, in.len, "example", 7);

    (void)state;
    assert_non_null(name);
    name[3] = 0;
    assert_int_equal(tls_hello_read(in, &h), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ja3_of_the_seed_comes_out),
        cmocka_unit_test(all_parts_are_found),
        cmocka_unit_test(the_published_ja4_texts_come_out),
        cmocka_unit_test(a_hello_in_one_record_is_not_copied),
        cmocka_unit_test(a_hello_in_many_records_is_put_together),
        cmocka_unit_test(too_many_records_are_refused),
        cmocka_unit_test(other_protocols_are_no_tls),
        cmocka_unit_test(a_stranger_between_fragments_is_malformed),
        cmocka_unit_test(every_cut_and_every_bad_length_is_noticed),
        cmocka_unit_test(an_extension_may_come_once),
        cmocka_unit_test(a_name_with_a_control_character_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
