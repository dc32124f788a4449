/*
 * What a QUIC client says first: decrypts its Initial packets (their keys follow from what is
 * on the wire, RFC 9001 section 5.2 and RFC 9369) and puts the CRYPTO octets in order. For the
 * sniffer: datagrams are only looked at, never changed.
 */
#ifndef WEIR_FORMAT_QUIC_INITIAL_H
#define WEIR_FORMAT_QUIC_INITIAL_H

#include "base/text.h"

enum {
    QUIC_CID_MAX = 20,
    QUIC_CRYPTO_MAX = 16384,  /* octets of CRYPTO that are held */
    QUIC_PACKET_MAX = 4096,   /* octets of one packet, header included */
    QUIC_FRAMES_MAX = 512,    /* in one packet, runs of PADDING counting once */
};

struct quic_keys {
    uint8_t key[16];
    uint8_t iv[12];
    uint8_t hp[16];
};

/* 23 KiB: belongs on the heap. Zero it before the first datagram. */
struct quic_initial {
    uint32_t version;
    uint8_t cid_len;
    uint8_t cid[QUIC_CID_MAX]; /* the one the keys were made of */
    bool has_keys;
    struct quic_keys keys;
    size_t contiguous;
    uint8_t have[QUIC_CRYPTO_MAX / 8]; /* a bit for each octet that came */
    uint8_t crypto[QUIC_CRYPTO_MAX];
    uint8_t plain[QUIC_PACKET_MAX];
};

/* The client's Initial keys of a destination connection id; or -EPROTONOSUPPORT. */
int quic_initial_keys(uint32_t version, struct bytes cid, struct quic_keys *out) CHECKED;

/*
 * Takes a client's datagram. Returns how many CRYPTO octets are there in order from the start
 * (quic_initial_crypto gives them; 0 is possible when the first are still missing), -EPROTO
 * (no QUIC Initial that decrypts), -EPROTONOSUPPORT (QUIC of another version), -EBADMSG
 * (malformed inside) or -EMSGSIZE (beyond the limits). Ciphers may allocate: -ENOMEM.
 */
ssize_t quic_initial_feed(struct quic_initial *q, const void *datagram, size_t n) CHECKED;

static inline struct bytes quic_initial_crypto(const struct quic_initial *q)
{
    return (struct bytes){.ptr = q->crypto, .len = q->contiguous};
}

#endif
