/* Certificates and keys: read, told, trusted. Inside layer/tls only. */
#ifndef WEIR_LAYER_TLS_CERTIFICATE_H
#define WEIR_LAYER_TLS_CERTIFICATE_H

#include <openssl/ssl.h>

#include "layer/tls/tls.h"

/* A certificate with those above it, its key, and what is stapled to it. */
struct tls_credential {
    X509 *leaf;
    STACK_OF(X509) *chain;
    EVP_PKEY *key;
    uint8_t *ocsp;
    size_t ocsp_len;
};

/* What a credential is read from; borrowed. */
struct tls_credential_source {
    const struct tls_pem *certificate;
    const struct tls_pem *key;
    struct text ocsp_path;
};

/* Reads files: not on a worker. 0 or negative with err; `out` is then to be done, too. */
int tls_credential_load(const struct tls_credential_source *from, struct tls_credential *out, struct error *err) CHECKED;
void tls_credential_done(struct tls_credential *c);
int tls_credential_use(const struct tls_credential *c, SSL_CTX *ctx, struct error *err) CHECKED;

/* Adds all certificates to the store, and their names to `names` if that is not NULL. Reads files. */
int tls_authority_load(const struct tls_pem *from, X509_STORE *store, STACK_OF(X509_NAME) *names,
                       struct error *err) CHECKED;

enum { TLS_SUBJECT = 128, TLS_DATE = 12 };
/* "CN=example.com,O=..."; `out` takes TLS_SUBJECT. */
const char *tls_subject_print(const X509_NAME *name, char *out);
/* "2026-10-01"; `out` takes TLS_DATE. */
const char *tls_date_print(const ASN1_TIME *time, char *out);
/* The reason of the last failed call of libcrypto or libssl, for people. */
const char *tls_library_words(void);

#endif
