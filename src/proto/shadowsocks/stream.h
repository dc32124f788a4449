/*
 * The encrypted stream of Shadowsocks, both editions and both sides.
 *
 * read: ciphertext lies in the intake; records go straight into the caller's buffer when it
 *       has room for them, else they are opened in place and handed out in slices.
 * writev: seals into one borrowed buffer and gives it down in one write; the first write
 *       carries salt, header and payload together.
 */
#ifndef WEIR_PROTO_SHADOWSOCKS_STREAM_H
#define WEIR_PROTO_SHADOWSOCKS_STREAM_H

#include "crypto/replay.h"
#include "net/intake.h"
#include "proto/shadowsocks/cipher.h"

enum {
    SS_CHUNK_CLASSIC = 0x3FFF,
    SS_CHUNK_2022 = 0xFFFF,
    SS_LENGTH_RECORD = 2 + SS_TAG,
};

enum ss_phase {
    SS_READ_START, /* salt, and the header in 2022 */
    SS_READ_LENGTH,
    SS_READ_PAYLOAD,
    SS_READ_PLAIN, /* opened in place; `chunk` octets are left, the tag behind them */
    SS_READ_FAILED,
};

struct ss_stream {
    struct stream stream;
    const struct ss_method *method;
    const struct ss_keys *keys; /* client: the chain, owned by the outbound */
    const struct ss_key *key;   /* of this user, owned as `keys` or by the server's ring */
    struct salt_filter *filter; /* server, classic: our own salts go in too, against reflection */
    struct dest *dest;          /* client: to be sent with the first write; NULL: sent */
    struct ss_cipher in, out;
    struct intake intake;
    uint32_t chunk;    /* octets of the payload being read */
    uint8_t phase;     /* enum ss_phase */
    bool is_server;
    bool has_sent;     /* the first write is out */
    uint8_t salt[SS_SALT_MAX]; /* 2022: of the request */
};

/* The client's stream to `dest`. `keys` outlives it. Consumes `lower`. NULL: out of memory. */
struct stream *ss_client_stream(struct stream *lower, const struct ss_method *m, const struct ss_keys *keys,
                                const struct dest *dest) CHECKED;

/* A server's stream before it knows anything; only its intake may be used. Does not consume `lower` yet. */
struct ss_stream *ss_server_stream(struct stream *lower, const struct ss_method *m) CHECKED;
/* Frees it, but not the lower stream. */
void ss_server_stream_drop(struct ss_stream *s);

/* writev of both sides, in write.c; the first write of a client may be empty. */
int ss_stream_writev(struct stream *s, const struct iovec *iov, int count) CHECKED;

#endif
