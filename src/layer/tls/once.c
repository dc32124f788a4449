#include "layer/tls/once.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>

#include "base/attr.h"
#include "layer/tls/stream.h"

/* ---- the BIO --------------------------------------------------------------------------------- */

static struct {
    pthread_once_t method_once;
    pthread_once_t roots_once;
    BIO_METHOD *method;
    X509_STORE *roots;
} made = {.method_once = PTHREAD_ONCE_INIT, .roots_once = PTHREAD_ONCE_INIT};

static int read_bio(BIO *b, char *out, int n)
{
    int got = tls_stream_take(BIO_get_data(b), out, n);

    BIO_clear_retry_flags(b);
    if (got > 0)
        return got;
    BIO_set_retry_read(b);
    return -1;
}

static int write_bio(BIO *b, const char *in, int n)
{
    BIO_clear_retry_flags(b);
    return tls_stream_give(BIO_get_data(b), in, n);
}

static long control_bio(BIO *b, int command, long number, void *pointer)
{
    (void)b;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static void make_method(void)
{
    made.method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x7f, "weir");
    if (!made.method)
        return;
    (void)BIO_meth_set_read(made.method, read_bio);
    (void)BIO_meth_set_write(made.method, write_bio);
    (void)BIO_meth_set_ctrl(made.method, control_bio);
}

const BIO_METHOD *tls_once_method(void)
{
    (void)pthread_once(&made.method_once, make_method);
    return made.method;
}

/* ---- the system's authorities ---------------------------------------------------------------- */

static size_t add_all(X509_STORE *store, const char *path)
{
    BIO *bio = path ? BIO_new_file(path, "r") : NULL;
    size_t count = 0;
    X509 *one;

    while (bio && (one = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL))) {
        count += X509_STORE_add_cert(store, one) == 1;
        X509_free(one);
    }
    BIO_free(bio);
    ERR_clear_error();
    return count;
}

static void make_roots(void)
{
    static const char *const bundles[] = {
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    X509_STORE *store = X509_STORE_new();
    size_t count = store ? add_all(store, getenv(X509_get_default_cert_file_env())) : 0;

    for (size_t i = 0; store && count == 0 && i < ARRAY_LEN(bundles); i++)
        count = add_all(store, bundles[i]);
    if (count == 0) {
        X509_STORE_free(store);
        store = NULL;
    }
    made.roots = store;
}

X509_STORE *tls_once_roots(void)
{
    (void)pthread_once(&made.roots_once, make_roots);
    return made.roots;
}
