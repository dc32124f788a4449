#include "format/quic_initial.h"

#include <errno.h>

#include "base/wire.h"
#include "crypto/aead.h"
#include "crypto/aes.h"
#include "crypto/hash.h"

enum {
    SAMPLE = 16,
    HASH = 32,
};

struct version {
    uint32_t number;
    uint8_t initial; /* the type bits of a long header */
    uint8_t salt[20];
    const char *key, *iv, *hp;
};

static const struct version versions[] = {
    {
        .number = 1, /* RFC 9001 section 5.2 */
        .initial = 0,
        .salt = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
        .key = "quic key",
        .iv = "quic iv",
        .hp = "quic hp",
    },
    {
        .number = 0x6b3343cf, /* RFC 9369 section 3 */
        .initial = 1,
        .salt = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
        .key = "quicv2 key",
        .iv = "quicv2 iv",
        .hp = "quicv2 hp",
    },
};

static const struct version *find_version(uint32_t number)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        if (versions[i].number == number)
            return &versions[i];
    }
    return NULL;
}

/* HKDF-Expand-Label of TLS 1.3 (RFC 8446 section 7.1) without context. */
static void expand(const uint8_t secret[HASH], const char *label, uint8_t *out, size_t n)
{
    uint8_t info[64];
    struct writer w = writer_of(info, sizeof(info));
    size_t len = strlen(label);

    write_u16(&w, (uint16_t)n);
    write_u8(&w, (uint8_t)(6 + len));
    write_bytes(&w, "tls13 ", 6);
    write_bytes(&w, label, len);
    write_u8(&w, 0);
    hkdf_expand(HASH_SHA256, (struct bytes){.ptr = secret, .len = HASH},
                (struct bytes){.ptr = info, .len = writer_len(&w)}, out, n);
}

int quic_initial_keys(uint32_t version, struct bytes cid, struct quic_keys *out)
{
    const struct version *v = find_version(version);
    uint8_t initial[HASH], client[HASH];

    if (!v)
        return -EPROTONOSUPPORT;
    hkdf_extract(HASH_SHA256, (struct bytes){.ptr = v->salt, .len = sizeof(v->salt)}, cid, initial);
    expand(initial, "client in", client, HASH);
    expand(client, v->key, out->key, sizeof(out->key));
    expand(client, v->iv, out->iv, sizeof(out->iv));
    expand(client, v->hp, out->hp, sizeof(out->hp));
    return 0;
}

static int make_mask(const uint8_t hp[16], const uint8_t *sample, uint8_t mask[AES_BLOCK])
{
    struct aes_block aes;
    int r = aes_block_encryptor(&aes, hp, 16);

    if (r < 0)
        return r;
    aes_block_run(&aes, sample, mask, 1);
    aes_block_done(&aes);
    return 0;
}

/* A whole packet with its header unprotected, decrypted in place. */
static int open_body(const struct quic_keys *keys, uint8_t *packet, size_t header, size_t n)
{
    size_t number = (packet[0] & 3) + 1u;
    uint8_t nonce[12];
    struct aead aead;
    int r = aead_init(&aead, AEAD_AES_128_GCM, keys->key);

    if (r < 0)
        return r;
    memcpy(nonce, keys->iv, sizeof(nonce));
    for (size_t i = 0; i < number; i++)
        nonce[sizeof(nonce) - number + i] ^= packet[header - number + i];
    r = aead_open(&aead, nonce, (struct bytes){.ptr = packet, .len = header}, packet + header,
                  n - header, packet + header);
    aead_done(&aead);
    return r == -EBADMSG ? -EPROTO : r;
}

/* RFC 9000 section 16: the two high bits tell the length. */
static uint64_t read_varint(struct reader *r)
{
    uint8_t first = read_u8(r);
    unsigned more = (1u << (first >> 6)) - 1;

    return (uint64_t)(first & 0x3f) << (8 * more) | read_be(r, more);
}

/*
 *   1 1 type 2 reserved 2 number length 2 | version 4 | dcid length 1, dcid | scid length 1, scid |
 *   token length varint, token | length varint | packet number 1..4 | payload, tag
 */
struct packet {
    const struct version *version;
    struct bytes dcid;
    struct bytes header; /* up to the packet number */
    struct bytes rest;   /* packet number and payload */
    bool is_initial;
};

/* 0, or why this is no packet that could be read. */
static int read_packet(struct reader *r, struct packet *p)
{
    const uint8_t *start = r->at;
    uint8_t first = read_u8(r);
    uint32_t number = read_u32(r);

    p->dcid = read_bytes(r, read_u8(r));
    struct bytes scid = read_bytes(r, read_u8(r));
    if (r->failed || (first & 0xc0) != 0xc0 || p->dcid.len > QUIC_CID_MAX || scid.len > QUIC_CID_MAX)
        return -EPROTO;
    p->version = find_version(number);
    if (!p->version)
        return -EPROTONOSUPPORT;
    uint8_t type = first >> 4 & 3, retry = (uint8_t)((p->version->initial + 3) & 3);
    p->is_initial = type == p->version->initial;
    if (type == retry) /* servers send it, and it has no length */
        return -EPROTO;
    if (p->is_initial)
        (void)read_bytes(r, read_varint(r));
    uint64_t length = read_varint(r);
    p->header = (struct bytes){.ptr = start, .len = (size_t)(r->at - start)};
    p->rest = read_bytes(r, length);
    return r->failed ? -EPROTO : 0;
}

/* Takes protection off a copy, so that the datagram stays as it is; *frames are in the copy. */
static int open_packet(struct quic_initial *q, const struct quic_keys *keys, const struct packet *p,
                       struct bytes *frames)
{
    size_t number = p->header.len, size = number + p->rest.len;
    uint8_t mask[AES_BLOCK];

    if (p->rest.len < 4 + SAMPLE)
        return -EPROTO;
    if (size > QUIC_PACKET_MAX)
        return -EMSGSIZE;
    int r = make_mask(keys->hp, p->rest.ptr + 4, mask);
    if (r < 0)
        return r;
    memcpy(q->plain, p->header.ptr, size); /* the rest follows the header */
    q->plain[0] ^= mask[0] & 0x0f;
    size_t header = number + (q->plain[0] & 3) + 1u;
    for (size_t i = number; i < header; i++)
        q->plain[i] ^= mask[i - number + 1];
    r = open_body(keys, q->plain, header, size);
    *frames = (struct bytes){.ptr = q->plain + header, .len = size - header - AEAD_TAG_SIZE};
    return r;
}

static int take_crypto(struct quic_initial *q, struct reader *r)
{
    uint64_t offset = read_varint(r), length = read_varint(r);
    struct bytes part = read_bytes(r, length);

    if (r->failed)
        return -EBADMSG;
    if (offset > QUIC_CRYPTO_MAX || part.len > QUIC_CRYPTO_MAX - offset)
        return -EMSGSIZE;
    for (size_t i = 0; i < part.len; i++) {
        size_t at = (size_t)offset + i;
        uint8_t bit = (uint8_t)(1u << (at & 7));
        if (q->have[at / 8] & bit) /* what came first stays: the same must come again */
            continue;
        q->have[at / 8] |= bit;
        q->crypto[at] = part.ptr[i];
    }
    while (q->contiguous < QUIC_CRYPTO_MAX && q->have[q->contiguous / 8] >> (q->contiguous & 7) & 1)
        q->contiguous++;
    return 0;
}

/* ACK: largest, delay, range count, first range, then (gap, range) pairs, then ECN counts. */
static int skip_ack(struct reader *r, bool has_ecn)
{
    (void)read_varint(r);
    (void)read_varint(r);
    uint64_t ranges = read_varint(r);
    (void)read_varint(r);
    for (uint64_t i = 0; i < ranges && !r->failed; i++) {
        (void)read_varint(r);
        (void)read_varint(r);
    }
    for (int i = 0; has_ecn && i < 3; i++)
        (void)read_varint(r);
    return r->failed ? -EBADMSG : 0;
}

/* Only these frames may stand in an Initial: RFC 9000 section 17.2.2. */
static int take_frames(struct quic_initial *q, struct bytes payload)
{
    struct reader r = reader_of(payload.ptr, payload.len);
    int error = 0;

    for (unsigned frames = 0; reader_left(&r) && error == 0; frames++) {
        if (frames == QUIC_FRAMES_MAX)
            return -EMSGSIZE;
        switch (read_varint(&r)) {
        case 0: /* PADDING */
            while (reader_left(&r) && *r.at == 0)
                r.at++;
            break;
        case 1: /* PING */
            break;
        case 2: /* ACK */
            error = skip_ack(&r, false);
            break;
        case 3:
            error = skip_ack(&r, true);
            break;
        case 6:
            error = take_crypto(q, &r);
            break;
        case 0x1c: /* CONNECTION_CLOSE: nothing of interest follows */
            return 0;
        default:
            error = -EBADMSG;
            break;
        }
    }
    return error;
}

/* Starts over with keys of this packet's connection id, for the first packet and after a Retry. */
static void start_over(struct quic_initial *q, const struct packet *p, const struct quic_keys *keys)
{
    q->version = p->version->number;
    q->cid_len = (uint8_t)p->dcid.len;
    if (p->dcid.len)
        memcpy(q->cid, p->dcid.ptr, p->dcid.len);
    q->keys = *keys;
    q->has_keys = true;
    q->contiguous = 0;
    memset(q->have, 0, sizeof(q->have));
}

static bool has_changed(const struct quic_initial *q, const struct packet *p)
{
    struct bytes cid = {.ptr = q->cid, .len = q->cid_len};

    return !q->has_keys || q->version != p->version->number || !bytes_eq(cid, p->dcid);
}

static int take_packet(struct quic_initial *q, const struct packet *p)
{
    struct quic_keys keys;
    struct bytes frames = {0};
    int r = q->has_keys ? open_packet(q, &q->keys, p, &frames) : -EPROTO;

    /* A client keeps its first keys while the server changes the id, but not after a Retry. */
    if (r == -EPROTO && has_changed(q, p)) {
        r = quic_initial_keys(p->version->number, p->dcid, &keys);
        if (r < 0)
            return r;
        r = open_packet(q, &keys, p, &frames);
        if (r == 0)
            start_over(q, p, &keys);
    }
    return r < 0 ? r : take_frames(q, frames);
}

ssize_t quic_initial_feed(struct quic_initial *q, const void *datagram, size_t n)
{
    struct reader r = reader_of(datagram, n);
    size_t taken = 0;
    int error = -EPROTO;

    /* Packets may share a datagram; the first that is no long header ends the search. */
    while (reader_left(&r)) {
        struct packet p;
        int got = read_packet(&r, &p);
        if (got == 0 && p.is_initial)
            got = take_packet(q, &p);
        else if (got == 0)
            continue;
        if (got < 0) {
            error = got;
            break;
        }
        taken++;
    }
    return taken ? (ssize_t)q->contiguous : error;
}
