/* What both sides tell libssl. Inside layer/tls only. */
#ifndef WEIR_LAYER_TLS_CONTEXT_H
#define WEIR_LAYER_TLS_CONTEXT_H

#include "layer/tls/stream.h"
#include "layer/tls/trust.h"

/* The first part of both sides' objects; every SSL_CTX has a pointer to it as app data. Counted: each stream holds one. */
struct tls_common {
    unsigned references;
    void (*free)(struct tls_common *c);
    const struct log *log;
    const char *side; /* "outbound" or "inbound" */
    const char *tag;
    int min_version;
    int max_version;
    const struct text_list *cipher_suites;
    const struct text_list *curves;
    uint8_t *alpn;        /* as on the wire: length and name, one after the other */
    size_t alpn_len;
    int64_t handshake_ms; /* 0: the stream's deadline alone */
    int key_log;          /* -1: none */
    struct tls_trust trust;
};

/* Borrowed; what both tables have. */
struct tls_common_source {
    int min_version;
    int max_version;
    int64_t handshake_timeout;
    const struct text_list *alpn;
    const struct text_list *cipher_suites;
    const struct text_list *curves;
    struct text key_log_path;
};

/* 0 or negative with err; to be done in both cases. */
int tls_common_init(struct tls_common *c, const struct tls_common_source *from, struct error *err) CHECKED;
void tls_common_done(struct tls_common *c);
/* A context with all of it but certificates. NULL with err. */
SSL_CTX *tls_common_context(struct tls_common *c, const SSL_METHOD *method, struct error *err) CHECKED;
struct tls_common *tls_common_of(const SSL *ssl);

/* For the stream's life; to be called once, before tls_stream_start(). */
void tls_common_hold(struct tls_common *c, struct tls_stream *t);
/* With the last one, c->free() is called. Any thread. */
void tls_common_unref(struct tls_common *c);

/* The deadline for a handshake that begins now on `lower`. */
int64_t tls_common_deadline(const struct tls_common *c, const struct stream *lower);

#endif
