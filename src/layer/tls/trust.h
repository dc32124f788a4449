/* Whom we believe: authorities, pins, or anyone. Inside layer/tls only. */
#ifndef WEIR_LAYER_TLS_TRUST_H
#define WEIR_LAYER_TLS_TRUST_H

#include "layer/tls/certificate.h"

enum { TLS_HASH = 32 };

struct tls_trust {
    bool is_anyone;          /* no certificate is looked at, but for `keys` */
    bool has_fingerprint;
    uint8_t fingerprint[TLS_HASH]; /* of a whole certificate in the peer's chain */
    uint8_t (*keys)[TLS_HASH];     /* of the peer's public key */
    size_t key_count;
    X509_STORE *roots;       /* NULL: not needed */
};

/* Base64 and hex as the option tables have checked them. 0 or -ENOMEM, -EINVAL. */
int tls_trust_set_keys(struct tls_trust *t, const struct text_list *keys) CHECKED;
int tls_trust_set_fingerprint(struct tls_trust *t, struct text hex) CHECKED;
/* The system's authorities, read once for the process. Reads files. */
int tls_trust_system(struct tls_trust *t, struct error *err) CHECKED;
void tls_trust_done(struct tls_trust *t);

/*
 * For SSL_CTX_set_cert_verify_callback(), with the trust as argument. A refusal is told to the struct error that
 * tls_stream_error() finds.
 */
int tls_trust_verify(X509_STORE_CTX *x, void *arg);

#endif
