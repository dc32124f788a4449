/* The stream round a libssl connection. Inside layer/tls only. */
#ifndef WEIR_LAYER_TLS_STREAM_H
#define WEIR_LAYER_TLS_STREAM_H

#include <openssl/ssl.h>

#include "base/error.h"
#include "net/intake.h"

enum {
    TLS_RECORD_HEADER = 5,
    TLS_RECORD_PLAIN = 16384,
    TLS_RECORD_EXPANSION = 2048,  /* at most, in TLS 1.2 (RFC 5246 section 6.2.3) */
    TLS_PENDING_MAX = 256 * 1024, /* a flight with the largest certificates */
};

/*
 *            lower stream
 *    |                          ^
 *    v                          |
 *  intake --> one record     sink (a borrowed buffer, while a write runs), or
 *    |                       pending (the handshake, alerts, tickets, key updates)
 *    v                          |
 *            libssl
 */
struct tls_stream {
    struct stream stream;
    struct intake intake;
    SSL *ssl;              /* NULL until the handshake begins */
    struct tls_common *common;
    struct error *err;     /* during the handshake: where a refusal is told */
    uint8_t *sink;         /* NULL: none */
    uint32_t sink_len;
    uint32_t sink_size;
    uint8_t *pending;      /* NULL: nothing */
    uint32_t pending_len;
    uint32_t pending_size;
    uint32_t feed;         /* octets at the start of the intake that libssl may take: one record */
    int failure;           /* of reading; 0: none */
    bool has_ended;        /* the peer has said so */
    bool has_shut;         /* so have we */
    bool is_established;
    bool is_lost;          /* no record began where one had to */
};

/* Consumes `lower`; NULL: out of memory. To be closed with stream_close(). */
struct tls_stream *tls_stream_new(struct stream *lower) CHECKED;
/* Once, before the handshake. 0 or -ENOMEM. */
int tls_stream_start(struct tls_stream *t, SSL_CTX *ctx, bool is_server) CHECKED;
/* Parks. A last flight that may wait for company is left in `pending`. */
int tls_stream_handshake(struct tls_stream *t, struct error *err) CHECKED;
/* A fatal alert in the clear, before libssl has been asked. Sent only if that needs no waiting. */
void tls_stream_alert(struct tls_stream *t, uint8_t description);
/* Where the handshake of this connection tells why it failed. */
struct error *tls_stream_error(const SSL *ssl);

/* For the BIO: up to n octets of the record that was let in, and octets to be sent. */
int tls_stream_take(struct tls_stream *t, char *out, int n);
int tls_stream_give(struct tls_stream *t, const char *in, int n);

#endif
