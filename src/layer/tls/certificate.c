#include "layer/tls/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <time.h>

#include "base/mem.h"

enum { PEM_MAX = 4 << 20 };

const char *tls_library_words(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *words = code ? ERR_reason_error_string(code) : NULL;

    return words ? words : "unknown reason";
}

/* libcrypto would ask the terminal. */
static int no_password(char *buf, int size, int is_writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)is_writing;
    (void)arg;
    return -1;
}

/* ---- where the PEM is ------------------------------------------------------------------------ */

struct pem {
    BIO *bio;
    struct strbuf text;
};

static void pem_done(struct pem *p)
{
    BIO_free(p->bio);
    if (p->text.ptr)
        mem_wipe(p->text.ptr, p->text.len);
    strbuf_done(&p->text);
}

static int pem_open(struct pem *p, const struct tls_pem *from, struct error *err)
{
    strbuf_init(&p->text, PEM_MAX);
    ERR_clear_error();
    if (from->path.len) {
        p->bio = BIO_new_file(from->path.ptr, "r");
        return p->bio ? 0 : error_errno(err, errno ? -errno : -EIO, "%.*s", TEXT_ARG(from->path));
    }
    for (size_t i = 0; i < from->lines.len; i++)
        strbuf_addf(&p->text, "%.*s\n", TEXT_ARG(from->lines.at[i]));
    p->bio = p->text.failed || !p->text.len ? NULL : BIO_new_mem_buf(p->text.ptr, (int)p->text.len);
    return p->bio ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static struct text pem_name(const struct tls_pem *from)
{
    return from->path.len ? from->path : TEXT("the PEM in the configuration");
}

/* ---- credentials ----------------------------------------------------------------------------- */

static int read_chain(const struct tls_pem *from, struct tls_credential *out, struct error *err)
{
    CLEANUP(pem_done) struct pem p = {0};
    X509 *one;
    int r = pem_open(&p, from, err);

    if (r < 0)
        return r;
    out->leaf = PEM_read_bio_X509(p.bio, NULL, no_password, NULL);
    if (!out->leaf)
        return error_set(err, -EINVAL, "%.*s: no certificate: %s", TEXT_ARG(pem_name(from)), tls_library_words());
    out->chain = sk_X509_new_null();
    while (out->chain && (one = PEM_read_bio_X509(p.bio, NULL, no_password, NULL))) {
        if (!sk_X509_push(out->chain, one)) {
            X509_free(one);
            return error_set(err, -ENOMEM, "out of memory");
        }
    }
    ERR_clear_error(); /* that there is no more */
    return out->chain ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int read_key(const struct tls_pem *from, struct tls_credential *out, struct error *err)
{
    CLEANUP(pem_done) struct pem p = {0};
    int r = pem_open(&p, from, err);

    if (r < 0)
        return r;
    out->key = PEM_read_bio_PrivateKey(p.bio, NULL, no_password, NULL);
    if (!out->key)
        return error_set(err, -EINVAL, "%.*s: no private key: %s", TEXT_ARG(pem_name(from)), tls_library_words());
    if (X509_check_private_key(out->leaf, out->key) != 1)
        return error_set(err, -EINVAL, "%.*s: the key does not belong to the certificate", TEXT_ARG(pem_name(from)));
    return 0;
}

static int read_ocsp(struct text path, struct tls_credential *out, struct error *err)
{
    enum { OCSP_MAX = 65535 };
    FILE *f = fopen(path.ptr, "rb");

    if (!f)
        return error_errno(err, -errno, "%.*s", TEXT_ARG(path));
    out->ocsp = mem_alloc(OCSP_MAX);
    out->ocsp_len = out->ocsp ? fread(out->ocsp, 1, OCSP_MAX, f) : 0;
    (void)fclose(f);
    if (!out->ocsp)
        return error_set(err, -ENOMEM, "out of memory");
    /* A DER sequence, at least: what is in it the client judges. */
    if (out->ocsp_len < 2 || out->ocsp[0] != 0x30)
        return error_set(err, -EINVAL, "%.*s: no OCSP response in DER", TEXT_ARG(path));
    return 0;
}

int tls_credential_load(const struct tls_credential_source *from, struct tls_credential *out, struct error *err)
{
    *out = (struct tls_credential){0};
    int r = read_chain(from->certificate, out, err);
    if (r == 0)
        r = read_key(from->key, out, err);
    if (r == 0 && from->ocsp_path.len)
        r = read_ocsp(from->ocsp_path, out, err);
    return r;
}

void tls_credential_done(struct tls_credential *c)
{
    X509_free(c->leaf);
    sk_X509_pop_free(c->chain, X509_free);
    EVP_PKEY_free(c->key);
    mem_free(c->ocsp);
    *c = (struct tls_credential){0};
}

int tls_credential_use(const struct tls_credential *c, SSL_CTX *ctx, struct error *err)
{
    ERR_clear_error();
    if (SSL_CTX_use_cert_and_key(ctx, c->leaf, c->key, c->chain, 1) != 1)
        return error_set(err, -EINVAL, "certificate: %s", tls_library_words());
    return 0;
}

/* ---- authorities ----------------------------------------------------------------------------- */

static int trust_one(X509 *one, X509_STORE *store, STACK_OF(X509_NAME) *names)
{
    if (X509_STORE_add_cert(store, one) != 1)
        return -ENOMEM;
    if (!names)
        return 0;
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(one));
    if (!name || !sk_X509_NAME_push(names, name)) {
        X509_NAME_free(name);
        return -ENOMEM;
    }
    return 0;
}

int tls_authority_load(const struct tls_pem *from, X509_STORE *store, STACK_OF(X509_NAME) *names, struct error *err)
{
    CLEANUP(pem_done) struct pem p = {0};
    size_t count = 0;
    X509 *one;
    int r = pem_open(&p, from, err);

    while (r == 0 && (one = PEM_read_bio_X509_AUX(p.bio, NULL, no_password, NULL))) {
        r = trust_one(one, store, names);
        X509_free(one);
        if (r < 0)
            return error_set(err, r, "%.*s: %s", TEXT_ARG(pem_name(from)), tls_library_words());
        count++;
    }
    if (r == 0 && count == 0)
        return error_set(err, -EINVAL, "%.*s: no certificate: %s", TEXT_ARG(pem_name(from)), tls_library_words());
    ERR_clear_error();
    return r;
}

/* ---- for people ------------------------------------------------------------------------------ */

const char *tls_subject_print(const X509_NAME *name, char *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    out[0] = 0;
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
        long n = BIO_get_mem_data(bio, &text);
        (void)text_copy((struct text){text, (size_t)max_of(n, 0L)}, out, TLS_SUBJECT);
    }
    BIO_free(bio);
    return out[0] ? out : "a nameless one";
}

const char *tls_date_print(const ASN1_TIME *time, char *out)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(out, TLS_DATE, "%Y-%m-%d", &tm) == 0)
        (void)text_copy(TEXT("no date"), out, TLS_DATE);
    return out;
}
