/* Certificates for tests, made as they are needed. Everything is PEM in memory. */
#ifndef WEIR_TESTS_LAYER_CERTS_H
#define WEIR_TESTS_LAYER_CERTS_H

#include "test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "worker.h"

enum { CERT_PEM = 4096, DAY = 24 * 3600 };

struct cert {
    X509 *x509;
    EVP_PKEY *key;
    char pem[CERT_PEM];
    char key_pem[CERT_PEM];
};

struct cert_spec {
    const char *subject;  /* common name */
    const char *names;    /* as in subjectAltName; NULL: none */
    const struct cert *issuer; /* NULL: itself */
    bool is_authority;
    long from_days;       /* from now */
    long to_days;         /* 0: 30 */
};

static inline void cert_print(BIO *bio, char *out)
{
    char *text;
    long n = BIO_get_mem_data(bio, &text);

    check(n > 0 && n < CERT_PEM);
    memcpy(out, text, (size_t)n);
    out[n] = 0;
    BIO_free(bio);
}

static inline void cert_extend(X509 *x, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    check(e && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static inline struct cert cert_make(const struct cert_spec *spec)
{
    static long serial = 1;
    struct cert c = {.x509 = X509_new(), .key = EVP_EC_gen("P-256")};
    const struct cert *issuer = spec->issuer ? spec->issuer : &c;
    BIO *pem = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());

    check(c.x509 && c.key && pem && key);
    check(X509_set_version(c.x509, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++) == 1);
    X509_NAME *name = X509_get_subject_name(c.x509);
    check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)spec->subject, -1, -1, 0) == 1);
    check(X509_set_issuer_name(c.x509, X509_get_subject_name(issuer->x509)) == 1);
    check(X509_gmtime_adj(X509_getm_notBefore(c.x509), spec->from_days * DAY - 60) != NULL);
    check(X509_gmtime_adj(X509_getm_notAfter(c.x509), (spec->to_days ? spec->to_days : 30) * DAY) != NULL);
    check(X509_set_pubkey(c.x509, c.key) == 1);
    cert_extend(c.x509, issuer->x509, NID_basic_constraints, spec->is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec->names)
        cert_extend(c.x509, issuer->x509, NID_subject_alt_name, spec->names);
    check(X509_sign(c.x509, issuer->key, EVP_sha256()) > 0);
    check(PEM_write_bio_X509(pem, c.x509) == 1);
    check(PEM_write_bio_PrivateKey(key, c.key, NULL, NULL, 0, NULL, NULL) == 1);
    cert_print(pem, c.pem);
    cert_print(key, c.key_pem);
    return c;
}

static inline void cert_done(struct cert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
}

/* Base64 of SHA-256 of the public key; `out` takes 45. */
static inline void cert_public_key(const struct cert *c, char *out)
{
    uint8_t *der = NULL, hash[32];
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &der);

    check(n > 0 && EVP_Digest(der, (size_t)n, hash, NULL, EVP_sha256(), NULL) == 1);
    OPENSSL_free(der);
    base64_encode(hash, sizeof hash, out);
}

/* Hex of SHA-256 of the certificate; `out` takes 65. */
static inline void cert_fingerprint(const struct cert *c, char *out)
{
    uint8_t hash[32];
    unsigned n = sizeof hash;

    check(X509_digest(c->x509, EVP_sha256(), hash, &n) == 1);
    hex_encode(hash, sizeof hash, out);
}

#endif
