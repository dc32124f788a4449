#include "layer/tls/trust.h"

#include <errno.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "layer/tls/once.h"
#include "layer/tls/stream.h"

int tls_trust_set_keys(struct tls_trust *t, const struct text_list *keys)
{
    if (keys->len == 0)
        return 0;
    t->keys = mem_alloc_array(keys->len, sizeof *t->keys);
    if (!t->keys)
        return -ENOMEM;
    for (size_t i = 0; i < keys->len; i++) {
        uint8_t room[TLS_HASH + 1];
        if (base64_decode(keys->at[i], room, sizeof room) != TLS_HASH)
            return -EINVAL;
        memcpy(t->keys[t->key_count++], room, TLS_HASH);
    }
    return 0;
}

int tls_trust_set_fingerprint(struct tls_trust *t, struct text hex)
{
    char digits[2 * TLS_HASH];
    size_t n = 0;

    for (size_t i = 0; i < hex.len; i++) {
        if (hex.ptr[i] == ':')
            continue;
        if (n == sizeof digits)
            return -EINVAL;
        digits[n++] = hex.ptr[i];
    }
    if (n == 0)
        return 0;
    t->has_fingerprint = true;
    return hex_decode((struct text){digits, n}, t->fingerprint, TLS_HASH) == TLS_HASH ? 0 : -EINVAL;
}

int tls_trust_system(struct tls_trust *t, struct error *err)
{
    t->roots = tls_once_roots();
    if (!t->roots)
        return error_set(err, -ENOENT, "the system's certificate authorities were not found (package ca-certificates)");
    return X509_STORE_up_ref(t->roots) == 1 ? 0 : -ENOMEM;
}

void tls_trust_done(struct tls_trust *t)
{
    mem_free(t->keys);
    X509_STORE_free(t->roots);
    *t = (struct tls_trust){0};
}

/* ---- telling why ----------------------------------------------------------------------------- */

static void add_names(const X509 *cert, struct strbuf *out)
{
    enum { SHOWN = 3 };
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int shown = 0, all = sk_GENERAL_NAME_num(names);

    for (int i = 0; i < all && shown < SHOWN; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        strbuf_addf(out, shown++ ? ", %.*s" : "for %.*s", min_of(ASN1_STRING_length(name->d.dNSName), 64),
                    (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    if (all > shown)
        strbuf_addf(out, shown ? " and %d more" : "for %d addresses", all - shown);
    if (all > 0)
        strbuf_addf(out, "; ");
    GENERAL_NAMES_free(names);
}

static void add_validity(const X509 *cert, struct strbuf *out)
{
    char date[TLS_DATE];
    bool is_over = X509_cmp_current_time(X509_get0_notAfter(cert)) < 0;

    strbuf_addf(out, is_over ? "expired on %s" : "valid until %s", tls_date_print(X509_get0_notAfter(cert), date));
}

static void add_wanted_name(X509_STORE_CTX *x, struct strbuf *out)
{
    const char *host = X509_VERIFY_PARAM_get0_host(X509_STORE_CTX_get0_param(x), 0);
    char *ip = host ? NULL : X509_VERIFY_PARAM_get1_ip_asc(X509_STORE_CTX_get0_param(x));

    strbuf_addf(out, "is not for '%s' (", host ? host : ip ? ip : "");
    OPENSSL_free(ip);
}

static void add_reason(X509_STORE_CTX *x, const X509 *cert, struct strbuf *out)
{
    char text[TLS_SUBJECT], date[TLS_DATE];
    int code = X509_STORE_CTX_get_error(x);

    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        strbuf_addf(out, "expired on %s", tls_date_print(X509_get0_notAfter(cert), date));
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        strbuf_addf(out, "is not valid before %s", tls_date_print(X509_get0_notBefore(cert), date));
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        strbuf_addf(out, "is signed by itself (");
        break;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        strbuf_addf(out, "is not a known authority (");
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        strbuf_addf(out, "is signed by '%s', which is not known (", tls_subject_print(X509_get_issuer_name(cert), text));
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        add_wanted_name(x, out);
        add_names(cert, out);
        break;
    default:
        strbuf_addf(out, "is refused: %s (", X509_verify_cert_error_string(code));
        break;
    }
    add_validity(cert, out);
    strbuf_add_char(out, ')');
}

/* Returns 0, which is the refusal. */
static int refuse(X509_STORE_CTX *x, const char *reason)
{
    struct error *err = tls_stream_error(X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx()));
    const X509 *cert = X509_STORE_CTX_get_current_cert(x);
    char text[TLS_SUBJECT];
    STRBUF why;

    strbuf_init(&why, sizeof err->text);
    if (!cert)
        cert = X509_STORE_CTX_get0_cert(x);
    if (!cert) {
        (void)error_set(err, -EKEYREJECTED, "no certificate was shown");
        return 0;
    }
    strbuf_addf(&why, "certificate of '%s' ", tls_subject_print(X509_get_subject_name(cert), text));
    if (reason) {
        strbuf_addf(&why, "%s (", reason);
        add_validity(cert, &why);
        strbuf_add_char(&why, ')');
    } else {
        add_reason(x, cert, &why);
    }
    (void)error_set(err, -EKEYREJECTED, "%.*s", TEXT_ARG(strbuf_text(&why)));
    return 0;
}

static int let_in(X509_STORE_CTX *x)
{
    X509_STORE_CTX_set_error(x, X509_V_OK);
    return 1;
}

/* ---- pins ------------------------------------------------------------------------------------ */

static bool is_pinned_key(const struct tls_trust *t, const X509 *cert)
{
    uint8_t hash[TLS_HASH], *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

    if (len < 0)
        return false;
    hash_once(HASH_SHA256, der, (size_t)len, hash);
    OPENSSL_free(der);
    for (size_t i = 0; i < t->key_count; i++) {
        if (memcmp(hash, t->keys[i], sizeof hash) == 0)
            return true;
    }
    return false;
}

static bool has_fingerprint(const struct tls_trust *t, X509 *cert)
{
    uint8_t hash[TLS_HASH];
    unsigned len = sizeof hash;

    return X509_digest(cert, EVP_sha256(), hash, &len) == 1 && memcmp(hash, t->fingerprint, sizeof hash) == 0;
}

/* The pinned certificate stands above the peer's: it is then the only authority. */
static int verify_below(X509_STORE_CTX *x, X509 *authority)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *own = X509_STORE_CTX_new();
    bool is_ready = store && own && X509_STORE_add_cert(store, authority) == 1 &&
                    X509_STORE_CTX_init(own, store, X509_STORE_CTX_get0_cert(x), X509_STORE_CTX_get0_untrusted(x)) == 1 &&
                    X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(own), X509_STORE_CTX_get0_param(x)) == 1;

    if (is_ready) {
        X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(own), X509_V_FLAG_PARTIAL_CHAIN);
        (void)X509_STORE_CTX_set_ex_data(own, SSL_get_ex_data_X509_STORE_CTX_idx(),
                                         X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx()));
    }
    bool is_good = is_ready && X509_verify_cert(own) == 1;
    if (!is_good) {
        X509_STORE_CTX_set_error(x, is_ready ? X509_STORE_CTX_get_error(own) : X509_V_ERR_OUT_OF_MEM);
        (void)refuse(is_ready ? own : x, NULL);
    }
    X509_STORE_CTX_free(own);
    X509_STORE_free(store);
    return is_good ? let_in(x) : 0;
}

static int verify_fingerprint(const struct tls_trust *t, X509_STORE_CTX *x)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(x);

    if (has_fingerprint(t, X509_STORE_CTX_get0_cert(x)))
        return let_in(x);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (has_fingerprint(t, sk_X509_value(chain, i)))
            return verify_below(x, sk_X509_value(chain, i));
    }
    X509_STORE_CTX_set_error(x, X509_V_ERR_APPLICATION_VERIFICATION);
    return refuse(x, "does not have the fingerprint that is expected");
}

int tls_trust_verify(X509_STORE_CTX *x, void *arg)
{
    const struct tls_trust *t = arg;

    if (t->has_fingerprint)
        return verify_fingerprint(t, x);
    if (t->key_count && !is_pinned_key(t, X509_STORE_CTX_get0_cert(x))) {
        X509_STORE_CTX_set_error(x, X509_V_ERR_APPLICATION_VERIFICATION);
        return refuse(x, "does not have the public key that is expected");
    }
    if (t->is_anyone || !t->roots)
        return let_in(x);
    return X509_verify_cert(x) == 1 ? 1 : refuse(x, NULL);
}
