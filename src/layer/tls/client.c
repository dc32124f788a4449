#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "layer/tls/context.h"
#include "runtime/workers.h"

enum {
    KEPT = 4,        /* sessions a worker may resume; each is used once in TLS 1.3 */
    SERVER_NAME = 254,
};

/* A session to be resumed, with the name of whom it is with. */
struct kept {
    SSL_SESSION *session;
    char *name;
};

struct client_worker {
    SSL_CTX *ctx;
    struct kept kept[KEPT];
    unsigned next;
};

struct tls_client {
    struct tls_common common;
    const struct tls_client_options *options;
    struct tls_credential credential;
    struct client_worker *workers[WORKERS_MAX]; /* each made and used by its worker alone */
};

/* ---- sessions -------------------------------------------------------------------------------- */

static void drop(struct kept *k)
{
    SSL_SESSION_free(k->session);
    mem_free(k->name);
    *k = (struct kept){0};
}

/* Whom the certificate has to be for, which no resumption looks at again. Owned by the caller; NULL: out of memory. */
static char *expected_name(SSL *ssl)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);

    if (host)
        return text_dup(text_of(host));
    char *ip = X509_VERIFY_PARAM_get1_ip_asc(param);
    char *copy = ip ? text_dup(text_of(ip)) : NULL;
    OPENSSL_free(ip);
    return copy;
}

/* libssl gives its reference away when this returns 1. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_common *common = tls_common_of(ssl);

    if (!SSL_SESSION_is_resumable(session))
        return 0;
    struct client_worker *w = container_of(common, struct tls_client, common)->workers[loop_index()];
    struct kept *k = &w->kept[w->next];
    char *name = expected_name(ssl);
    if (!name)
        return 0;
    drop(k);
    *k = (struct kept){.session = session, .name = name};
    w->next = (w->next + 1) % KEPT;
    return 1;
}

/* The newest that is with the same. One of TLS 1.3 is taken out: used twice, it would link connections. */
static void resume(struct client_worker *w, SSL *ssl)
{
    OWNED char *name = expected_name(ssl);

    for (unsigned i = 1; name && i <= KEPT; i++) {
        struct kept *k = &w->kept[(w->next + KEPT - i) % KEPT];
        if (!k->session || !text_is(text_of(name), k->name))
            continue;
        bool is_good = SSL_SESSION_is_resumable(k->session) && SSL_set_session(ssl, k->session) == 1;
        if (!is_good || SSL_SESSION_get_protocol_version(k->session) >= TLS1_3_VERSION)
            drop(k);
        if (is_good)
            return;
    }
}

/* ---- contexts -------------------------------------------------------------------------------- */

static SSL_CTX *make_context(struct tls_client *c, struct error *err)
{
    SSL_CTX *ctx = tls_common_context(&c->common, TLS_client_method(), err);

    if (!ctx)
        return NULL;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    bool is_good = !c->common.alpn_len || SSL_CTX_set_alpn_protos(ctx, c->common.alpn, (unsigned)c->common.alpn_len) == 0;
    if (!is_good || (c->credential.leaf && tls_credential_use(&c->credential, ctx, err) < 0)) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static struct client_worker *worker_of(struct tls_client *c, struct error *err)
{
    struct client_worker **slot = &c->workers[loop_index()];

    if (*slot)
        return *slot;
    OWNED struct client_worker *w = mem_new(struct client_worker);
    if (!w) {
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    w->ctx = make_context(c, err);
    if (!w->ctx)
        return NULL;
    *slot = take(w);
    return *slot;
}

static void free_worker(struct client_worker *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < KEPT; i++)
        drop(&w->kept[i]);
    SSL_CTX_free(w->ctx);
    mem_free(w);
}

/* ---- its life -------------------------------------------------------------------------------- */

static int set_trust(struct tls_client *c, struct error *err)
{
    const struct tls_client_options *o = c->options;
    struct tls_trust *t = &c->common.trust;

    int r = tls_trust_set_keys(t, &o->public_keys);
    if (r == 0)
        r = tls_trust_set_fingerprint(t, o->fingerprint);
    if (r < 0)
        return error_errno(err, r, "pinned certificate");
    /* A pinned key is all that is looked at, as in sing-box; a fingerprint, as in mihomo. */
    t->is_anyone = o->insecure || t->key_count;
    if (o->insecure && !t->key_count && !t->has_fingerprint)
        log_warn(c->common.log, "outbound '%s': tls: insecure: the certificate is not verified, whoever is on the way can "
                                "read and change everything", c->common.tag);
    if (t->is_anyone || t->has_fingerprint)
        return 0;
    if (!tls_pem_is_given(&o->authority))
        return tls_trust_system(t, err);
    t->roots = X509_STORE_new();
    if (!t->roots)
        return error_set(err, -ENOMEM, "out of memory");
    /* What is named is trusted, whether it signed itself or not. */
    (void)X509_STORE_set_flags(t->roots, X509_V_FLAG_PARTIAL_CHAIN);
    return tls_authority_load(&o->authority, t->roots, NULL, err);
}

static int load(struct tls_client *c, struct error *err)
{
    const struct tls_client_options *o = c->options;
    const struct tls_common_source common = {
        .min_version = o->min_version,
        .max_version = o->max_version,
        .handshake_timeout = o->handshake_timeout,
        .alpn = &o->alpn,
        .cipher_suites = &o->cipher_suites,
        .curves = &o->curves,
        .key_log_path = o->key_log_path,
    };
    const struct tls_credential_source own = {.certificate = &o->certificate, .key = &o->key};
    int r = tls_common_init(&c->common, &common, err);

    if (r == 0)
        r = set_trust(c, err);
    if (r == 0 && tls_pem_is_given(&o->certificate))
        r = tls_credential_load(&own, &c->credential, err);
    if (r < 0)
        return r;
    /* What libssl does not like is told now, not at the first connection. */
    SSL_CTX *tried = make_context(c, err);
    SSL_CTX_free(tried);
    return tried ? 0 : -EINVAL;
}

static void free_client(struct tls_common *common)
{
    struct tls_client *c = container_of(common, struct tls_client, common);

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        free_worker(c->workers[i]);
    tls_credential_done(&c->credential);
    tls_common_done(&c->common);
    mem_free(c);
}

struct tls_client *tls_client_new(const struct tls_client_options *o, const struct log *log, const char *tag,
                                  struct error *err)
{
    struct tls_client *c = mem_new(struct tls_client);

    if (!c) {
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    c->common.references = 1;
    c->common.free = free_client;
    c->common.log = log;
    c->common.side = "outbound";
    c->common.tag = tag;
    c->options = o;
    int r = load(c, err);
    if (r < 0) {
        (void)error_prepend(err, r, "tls");
        tls_client_free(c);
        return NULL;
    }
    return c;
}

void tls_client_free(struct tls_client *c)
{
    if (c)
        tls_common_unref(&c->common);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Whom we want to talk to: told in SNI unless it is an address, and expected in the certificate. */
static int set_name(const struct tls_client *c, SSL *ssl, char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    uint8_t ip[16];
    size_t len = inet_pton(AF_INET, name, ip) == 1 ? 4 : inet_pton(AF_INET6, name, ip) == 1 ? 16 : 0;

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (len)
        return X509_VERIFY_PARAM_set1_ip(param, ip, len) == 1 ? 0 : -ENOMEM;
    if (X509_VERIFY_PARAM_set1_host(param, name, 0) != 1)
        return -EINVAL;
    return c->options->disable_sni || SSL_set_tlsext_host_name(ssl, name) == 1 ? 0 : -EINVAL;
}

static int prepare(struct tls_client *c, struct tls_stream *t, char *name, struct error *err)
{
    struct client_worker *w = worker_of(c, err);

    if (!w)
        return -EINVAL;
    tls_common_hold(&c->common, t);
    int r = tls_stream_start(t, w->ctx, false);
    if (r == 0)
        r = set_name(c, t->ssl, name);
    if (r < 0)
        return error_errno(err, r, "server name '%s'", name);
    resume(w, t->ssl);
    return 0;
}

static int open_named(struct tls_client *c, struct tls_stream *t, char *name, struct error *err)
{
    int64_t deadline = t->stream.deadline;
    int r = prepare(c, t, name, err);

    if (r < 0)
        return r;
    stream_set_deadline(&t->stream, tls_common_deadline(&c->common, &t->stream));
    r = tls_stream_handshake(t, err);
    stream_set_deadline(&t->stream, deadline);
    return r;
}

int tls_client_open(struct tls_client *c, struct stream *lower, struct text server_name_fallback, struct stream **out,
                    struct error *err)
{
    struct text name = c->options->server_name.len ? c->options->server_name : server_name_fallback;
    struct tls_stream *t = tls_stream_new(lower);
    char text[SERVER_NAME];
    int r = -EINVAL;

    if (!t)
        return error_set(err, -ENOMEM, "tls: out of memory");
    if (!text_copy(name, text, sizeof text) || name.len == 0)
        (void)error_set(err, r, "server name '%.*s' is none", TEXT_ARG(name));
    else
        r = open_named(c, t, text, err);
    if (r < 0) {
        stream_close(&t->stream);
        return error_prepend(err, r, "tls");
    }
    *out = &t->stream;
    return 0;
}
