#include "test.h"

#include <errno.h>

#include "base/mem.h"
#include "proto/shadowsocks/cipher.h"
#include "proto/shadowsocks/datagram.h"
#include "shadowsocks_vectors.h"

enum { NOW = 1700000000, ROOM = 2048 };

static const struct ss_method *method_named(const char *name)
{
    for (size_t i = 0; ss_method_names[i].name; i++) {
        if (strcmp(ss_method_names[i].name, name) == 0)
            return ss_method((enum ss_method_id)ss_method_names[i].value);
    }
    fail();
    return NULL;
}

static struct ss_key key_of(const char *hex)
{
    struct ss_key k = {0};

    assert_true(hex_decode(text_of(hex), k.at, sizeof k.at) > 0);
    return k;
}

/* A datagram with the room that every one has. */
struct held {
    uint8_t room[DATAGRAM_HEADROOM + ROOM + DATAGRAM_TAILROOM];
    struct datagram d;
};

static struct datagram *hold(struct held *h, const void *p, size_t n)
{
    memset(h, 0, sizeof *h);
    h->d.ptr = h->room + DATAGRAM_HEADROOM;
    h->d.len = n;
    memcpy(h->d.ptr, p, n);
    return &h->d;
}

static struct datagram *hold_hex(struct held *h, const char *hex)
{
    uint8_t raw[ROOM];
    ssize_t n = hex_decode(text_of(hex), raw, sizeof raw);

    assert_true(n > 0);
    return hold(h, raw, (size_t)n);
}

static void assert_payload(const struct datagram *d, const char *want)
{
    assert_int_equal(d->len, strlen(want));
    assert_memory_equal(d->ptr, want, d->len);
    assert_true(text_is(dest_name(&d->peer), "example.com"));
    assert_int_equal(d->peer.port, 443);
}

/* ---- keys --------------------------------------------------------------------------------- */

static void password_and_salt_give_the_classic_subkey(void **state)
{
    static const uint8_t salt[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(classic_vectors); i++) {
        const struct classic_vector *v = &classic_vectors[i];
        const struct ss_method *m = method_named(v->method);
        struct ss_key key, want = key_of(v->key), want_sub = key_of(v->subkey), sub;
        assert_int_equal(ss_key_read(m, TEXT("correct horse"), &key, NULL), 0);
        assert_memory_equal(key.at, want.at, m->key_size);
        ss_session_key(m, &key, (struct bytes){salt, m->key_size}, &sub);
        assert_memory_equal(sub.at, want_sub.at, m->key_size);
    }
}

static void key_of_another_length_is_refused_with_the_length(void **state)
{
    struct ss_key key;
    struct error err;

    (void)state;
    assert_int_equal(ss_key_read(method_named("2022-blake3-aes-128-gcm"), TEXT("AAAAAAAAAAAAAAAAAAAAAAAA"), &key, &err),
                     -EINVAL);
    assert_non_null(strstr(err.text, "18 octets"));
    assert_non_null(strstr(err.text, "needs 16 (24 characters of base64)"));
    assert_int_equal(ss_key_read(method_named("2022-blake3-aes-256-gcm"), TEXT("not base64!"), &key, &err), -EINVAL);
    assert_non_null(strstr(err.text, "not base64"));
    assert_null(strstr(err.text, "not base64!"));
    assert_int_equal(ss_key_read(method_named("aes-128-gcm"), TEXT(""), &key, &err), -EINVAL);
    assert_int_equal(ss_key_read(method_named("none"), TEXT(""), &key, &err), 0);
}

static void chain_of_keys_needs_aes(void **state)
{
    struct ss_keys keys;
    struct error err;
    struct text two = TEXT("AAAAAAAAAAAAAAAAAAAAAA==:AQEBAQEBAQEBAQEBAQEBAQ==");

    (void)state;
    assert_int_equal(ss_keys_read(method_named("2022-blake3-aes-128-gcm"), two, &keys, &err), 0);
    assert_int_equal(keys.count, 2);
    assert_int_equal(keys.key[1].at[0], 1);
    assert_int_equal(ss_keys_read(method_named("2022-blake3-chacha20-poly1305"),
                                  TEXT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
                                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
                                  &keys, &err),
                     -EINVAL);
    assert_int_equal(ss_keys_read(method_named("2022-blake3-aes-128-gcm"), TEXT(":"), &keys, &err), -EINVAL);
}

/* ---- streams ------------------------------------------------------------------------------ */

static void classic_transcript_opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(classic_vectors); i++) {
        const struct classic_vector *v = &classic_vectors[i];
        const struct ss_method *m = method_named(v->method);
        struct ss_key key = key_of(v->key);
        struct ss_cipher c;
        uint8_t raw[ROOM], out[ROOM];
        ssize_t n = hex_decode(text_of(v->stream), raw, sizeof raw);
        size_t at = m->key_size;
        assert_int_equal(ss_cipher_init(&c, m, &key, raw), 0);
        for (int record = 0; at < (size_t)n; record++) {
            assert_int_equal(ss_cipher_open(&c, raw + at, 18, out), 0);
            size_t len = (size_t)out[0] << 8 | out[1];
            at += 18;
            assert_int_equal(ss_cipher_open(&c, raw + at, len + SS_TAG, out), 0);
            at += len + SS_TAG;
            assert_int_equal(len, record ? 300 : 15 + 5);
        }
        assert_int_equal(at, n);
        ss_cipher_done(&c);
    }
}

static void open_request(const struct vector_2022 *v)
{
    const struct ss_method *m = method_named(v->method);
    struct ss_key key = key_of(v->key);
    struct ss_cipher c;
    struct dest d;
    uint8_t raw[ROOM], head[ROOM];
    uint16_t length;

    assert_true(hex_decode(text_of(v->request), raw, sizeof raw) > 0);
    size_t at = m->key_size + (v->has_identity ? (size_t)SS_IDENTITY : 0);
    assert_int_equal(ss_cipher_init(&c, m, &key, raw), 0);
    assert_int_equal(ss_cipher_open(&c, raw + at, SS_REQUEST_FIXED + SS_TAG, head), 0);
    struct reader r = reader_of(head, SS_REQUEST_FIXED);
    assert_int_equal(ss_request_fixed_read(&r, NOW + 30, &length), 0);
    r = reader_of(head, SS_REQUEST_FIXED);
    assert_int_equal(ss_request_fixed_read(&r, NOW + 31, &length), -ETIME);
    r = reader_of(head, SS_REQUEST_FIXED);
    assert_int_equal(ss_request_fixed_read(&r, NOW - 31, &length), -ETIME);
    at += SS_REQUEST_FIXED + SS_TAG;
    assert_int_equal(ss_cipher_open(&c, raw + at, (size_t)length + SS_TAG, head), 0);
    r = reader_of(head, length);
    assert_int_equal(ss_request_read(&r, &d), 0);
    assert_true(text_is(dest_name(&d), "example.com"));
    assert_int_equal(reader_left(&r), 5);
    assert_memory_equal(r.at, "hello", 5);
    ss_cipher_done(&c);
}

static void open_response(const struct vector_2022 *v)
{
    const struct ss_method *m = method_named(v->method);
    struct ss_key key = key_of(v->key);
    struct ss_cipher c;
    uint8_t raw[ROOM], asked[ROOM], head[ROOM];
    uint16_t length;

    assert_true(hex_decode(text_of(v->request), asked, sizeof asked) > 0);
    assert_true(hex_decode(text_of(v->response), raw, sizeof raw) > 0);
    assert_int_equal(ss_cipher_init(&c, m, &key, raw), 0);
    assert_int_equal(ss_cipher_open(&c, raw + m->key_size, ss_response_size(m) + SS_TAG, head), 0);
    struct reader r = reader_of(head, ss_response_size(m));
    assert_int_equal(ss_response_read(&r, NOW, (struct bytes){asked, m->key_size}, &length), 0);
    assert_int_equal(length, 5);
    asked[0] ^= 1;
    r = reader_of(head, ss_response_size(m));
    assert_int_equal(ss_response_read(&r, NOW, (struct bytes){asked, m->key_size}, &length), -EPROTO);
    ss_cipher_done(&c);
}

static void transcripts_of_2022_open_within_their_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors_2022); i++) {
        open_request(&vectors_2022[i]);
        open_response(&vectors_2022[i]);
    }
}

static void request_without_payload_and_padding_is_refused(void **state)
{
    uint8_t raw[64];
    struct writer w = writer_of(raw, sizeof raw);
    struct dest d, back;

    (void)state;
    assert_int_equal(dest_parse(TEXT("example.com:443"), &d), 0);
    ss_request_write(&w, &d, 0);
    struct reader r = reader_of(raw, writer_len(&w));
    assert_int_equal(ss_request_read(&r, &back), -EPROTO);
    r = reader_of(raw, writer_len(&w) + 1);
    assert_int_equal(ss_request_read(&r, &back), 0);
    w = writer_of(raw, sizeof raw);
    ss_request_write(&w, &d, 3);
    r = reader_of(raw, writer_len(&w));
    assert_int_equal(ss_request_read(&r, &back), 0);
    r = reader_of(raw, writer_len(&w) - 1); /* padding beyond the head */
    assert_int_equal(ss_request_read(&r, &back), -EPROTO);
}

/* ---- datagrams ---------------------------------------------------------------------------- */

static void classic_packet_opens_and_no_changed_one(void **state)
{
    struct held h;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(classic_vectors); i++) {
        const struct classic_vector *v = &classic_vectors[i];
        const struct ss_method *m = method_named(v->method);
        struct ss_key key = key_of(v->key);
        assert_int_equal(ss_classic_open(m, &key, hold_hex(&h, v->packet)), 0);
        assert_payload(&h.d, "ping");
        size_t n = strlen(v->packet) / 2;
        for (size_t k = 0; k < n; k++) {
            hold_hex(&h, v->packet)->ptr[k] ^= 0x10;
            assert_true(ss_classic_open(m, &key, &h.d) < 0);
            hold_hex(&h, v->packet)->len = k;
            assert_true(ss_classic_open(m, &key, &h.d) < 0);
        }
    }
}

struct opener {
    const struct ss_method *m;
    struct aes_block pull;
    struct ss_key key;
    const uint8_t *client; /* of an answer */
    size_t skip;
};

static int open_packet(struct opener *o, int64_t now, struct datagram *d, struct ss_packet_name *name)
{
    struct ss_body body = {.name = name, .client = o->client, .now = now, .skip = o->skip};
    struct ss_key subkey;
    struct aead a = {0};
    int r;

    if (!o->m->has_identity) {
        assert_int_equal(aead_init(&a, AEAD_XCHACHA20_POLY1305, o->key.at), 0);
        r = ss_xchacha_open(&a, d, name);
        if (r == 0)
            r = ss_xchacha_head(&body, d);
    } else {
        r = ss_separate_read(&o->pull, d, name);
        if (r < 0)
            return r;
        ss_session_key(o->m, &o->key, (struct bytes){name->session, SS_SESSION_ID}, &subkey);
        assert_int_equal(aead_init(&a, o->m->aead, subkey.at), 0);
        r = ss_body_open(&a, &body, d);
    }
    aead_done(&a);
    return r;
}

static void check_packet(struct opener *o, const char *hex, uint64_t number, const char *payload)
{
    struct held h;
    struct ss_packet_name name;

    assert_int_equal(open_packet(o, NOW, hold_hex(&h, hex), &name), 0);
    assert_int_equal(name.number, number);
    assert_payload(&h.d, payload);
    assert_int_equal(open_packet(o, NOW + 31, hold_hex(&h, hex), &name), -ETIME);
    for (size_t i = 0; i < strlen(hex) / 2; i++) {
        hold_hex(&h, hex)->len = i;
        assert_true(open_packet(o, NOW, &h.d, &name) < 0);
        if (i >= SS_SEPARATE && i < o->skip)
            continue; /* the identity header is not the body's matter */
        hold_hex(&h, hex)->ptr[i] ^= 1;
        assert_true(open_packet(o, NOW, &h.d, &name) < 0);
    }
}

static void check_identity(const struct vector_2022 *v, struct opener *o)
{
    struct held h;
    struct ss_packet_name name;
    uint8_t got[SS_IDENTITY], want[SS_IDENTITY];

    assert_int_equal(ss_separate_read(&o->pull, hold_hex(&h, v->query), &name), 0);
    assert_int_equal(ss_identity_read(&o->pull, &h.d, &name, got), 0);
    ss_key_hash(o->m, &o->key, want);
    assert_memory_equal(got, want, sizeof want);
}

static void packets_of_2022_open_and_no_changed_one(void **state)
{
    static const uint8_t client[] = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors_2022); i++) {
        const struct vector_2022 *v = &vectors_2022[i];
        struct opener o = {.m = method_named(v->method), .key = key_of(v->key)};
        struct ss_key first = v->has_identity ? key_of(v->identity_key) : o.key;
        o.skip = SS_SEPARATE + (v->has_identity ? (size_t)SS_IDENTITY : 0);
        assert_int_equal(aes_block_decryptor(&o.pull, first.at, o.m->key_size), 0);
        if (v->has_identity)
            check_identity(v, &o);
        check_packet(&o, v->query, 7, "query");
        aes_block_done(&o.pull);
        assert_int_equal(aes_block_decryptor(&o.pull, o.key.at, o.m->key_size), 0);
        o.client = client;
        o.skip = SS_SEPARATE;
        check_packet(&o, v->answer, 9, "answer");
        aes_block_done(&o.pull);
    }
}

static void longest_address_fits_the_headroom(void **state)
{
    struct ss_packet_name name = {.number = 1};
    uint8_t client[SS_SESSION_ID] = {0};
    struct ss_body body = {.name = &name, .client = client, .now = NOW, .skip = SS_SEPARATE};
    struct aead a = {0};
    struct held h;
    char host[DEST_NAME];

    (void)state;
    memset(host, 'a', sizeof host);
    struct datagram *d = hold(&h, "x", 1);
    assert_int_equal(dest_set_host(&d->peer, (struct text){host, sizeof host}, 1), 0);
    assert_int_equal(aead_init(&a, AEAD_XCHACHA20_POLY1305, (const uint8_t[32]){0}), 0);
    assert_int_equal(ss_xchacha_seal(&a, &body, d), 0);
    assert_true(d->ptr >= h.room);
    aead_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password_and_salt_give_the_classic_subkey),
        cmocka_unit_test(key_of_another_length_is_refused_with_the_length),
        cmocka_unit_test(chain_of_keys_needs_aes),
        cmocka_unit_test(classic_transcript_opens),
        cmocka_unit_test(transcripts_of_2022_open_within_their_time),
        cmocka_unit_test(request_without_payload_and_padding_is_refused),
        cmocka_unit_test(classic_packet_opens_and_no_changed_one),
        cmocka_unit_test(packets_of_2022_open_and_no_changed_one),
        cmocka_unit_test(longest_address_fits_the_headroom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
