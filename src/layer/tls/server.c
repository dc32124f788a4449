#include <errno.h>
#include <openssl/err.h>

#include "base/mem.h"
#include "layer/tls/context.h"
#include "layer/tls/front.h"
#include "layer/tls/store.h"
#include "layer/tls/tickets.h"
#include "runtime/workers.h"

/* A worker's contexts, one for each certificate of the snapshot, made when first needed. */
struct server_worker {
    uint64_t version;
    struct tls_snapshot *snapshot;
    SSL_CTX *contexts[];
};

struct tls_server {
    struct tls_common common;
    const struct tls_server_options *options;
    struct tls_store store;
    struct tickets tickets;
    STACK_OF(X509_NAME) *client_names; /* told to clients, so that they know which certificate to show */
    int verify_mode;
    struct server_worker *workers[WORKERS_MAX]; /* each made and used by its worker alone */
};

static struct tls_server *server_of(const SSL *ssl)
{
    struct tls_common *common = tls_common_of(ssl);

    return container_of(common, struct tls_server, common);
}

/* ---- what libssl asks ------------------------------------------------------------------------ */

/* The first of ours that the client has; nothing in common is an error (RFC 7301 section 3.2). */
static int choose_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in, unsigned in_len, void *arg)
{
    const struct tls_common *c = arg;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, c->alpn, (unsigned)c->alpn_len, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* Runs only while the snapshot that the credential is in is held by tls_server_accept(). */
static int staple(SSL *ssl, void *arg)
{
    const struct tls_credential *c = arg;
    uint8_t *copy = c->ocsp_len ? OPENSSL_memdup(c->ocsp, c->ocsp_len) : NULL;

    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->ocsp_len) == 1)
        return SSL_TLSEXT_ERR_OK;
    OPENSSL_free(copy);
    return SSL_TLSEXT_ERR_NOACK;
}

static int use_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                      int is_sealing)
{
    int r = tickets_use(&server_of(ssl)->tickets, name, iv, cipher, mac, is_sealing);

    /* In TLS 1.3 clients use a ticket once, and need another one each time. */
    return r == 1 && !is_sealing && SSL_version(ssl) >= TLS1_3_VERSION ? 2 : r;
}

/* ---- contexts -------------------------------------------------------------------------------- */

static int configure(struct tls_server *server, SSL_CTX *ctx, struct tls_credential *c, struct error *err)
{
    static const uint8_t id[] = "weir";

    int r = tls_credential_use(c, ctx, err);
    if (r < 0)
        return r;
    SSL_CTX_set_verify(ctx, server->verify_mode, NULL);
    if (server->client_names)
        SSL_CTX_set_client_CA_list(ctx, SSL_dup_CA_list(server->client_names));
    if (server->common.alpn_len)
        SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, &server->common);
    (void)SSL_CTX_set_tlsext_status_cb(ctx, staple);
    (void)SSL_CTX_set_tlsext_status_arg(ctx, c);
    /* Sessions are in tickets, not here: nothing grows with the number of clients. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_timeout(ctx, TICKET_LIFETIME_S);
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_ticket);
    return SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1 ? 0 : -ENOMEM;
}

static SSL_CTX *make_context(struct tls_server *server, struct tls_credential *c, struct error *err)
{
    SSL_CTX *ctx = tls_common_context(&server->common, TLS_server_method(), err);

    if (ctx && configure(server, ctx, c, err) < 0) {
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static void free_worker(struct server_worker *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->snapshot->count; i++)
        SSL_CTX_free(w->contexts[i]);
    tls_snapshot_unref(w->snapshot);
    mem_free(w);
}

static struct server_worker *make_worker(struct tls_server *server)
{
    uint64_t version = tls_store_version(&server->store);
    struct tls_snapshot *snapshot = tls_store_get(&server->store);
    struct server_worker *w = mem_alloc(sizeof *w + snapshot->count * sizeof w->contexts[0]);

    if (!w) {
        tls_snapshot_unref(snapshot);
        return NULL;
    }
    /* Read before the snapshot: should it be older, the next connection looks again. */
    w->version = version;
    w->snapshot = snapshot;
    return w;
}

/* The context for that name, counted, and the snapshot that it needs, counted. NULL with err. */
static SSL_CTX *context_for(struct tls_server *server, struct text name, struct tls_snapshot **hold, struct error *err)
{
    struct server_worker **slot = &server->workers[loop_index()];

    if (*slot && (*slot)->version != tls_store_version(&server->store))
        free_worker(take(*slot));
    if (!*slot)
        *slot = make_worker(server);
    if (!*slot) {
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    size_t i = tls_snapshot_pick((*slot)->snapshot, name);
    SSL_CTX **ctx = &(*slot)->contexts[i];
    if (!*ctx)
        *ctx = make_context(server, &(*slot)->snapshot->at[i], err);
    if (!*ctx)
        return NULL;
    (void)SSL_CTX_up_ref(*ctx);
    *hold = (*slot)->snapshot;
    tls_snapshot_ref(*hold);
    return *ctx;
}

/* ---- its life -------------------------------------------------------------------------------- */

static enum tls_client_auth client_auth_of(const struct tls_server_options *o)
{
    bool has_authority = o->client_authority.len || o->client_authority_paths.len || tls_pem_is_given(&o->client_authority_any);

    if (o->client_auth != TLS_AUTH_UNSET)
        return (enum tls_client_auth)o->client_auth;
    return has_authority ? TLS_AUTH_REQUIRE : o->client_public_keys.len ? TLS_AUTH_REQUIRE_ANY : TLS_AUTH_NONE;
}

static int add_authorities(struct tls_server *server, struct error *err)
{
    const struct tls_server_options *o = server->options;
    X509_STORE *roots = server->common.trust.roots;
    struct tls_pem lines = {.lines = o->client_authority};
    int r = o->client_authority.len ? tls_authority_load(&lines, roots, server->client_names, err) : 0;

    for (size_t i = 0; r == 0 && i < o->client_authority_paths.len; i++) {
        struct tls_pem file = {.path = o->client_authority_paths.at[i]};
        r = tls_authority_load(&file, roots, server->client_names, err);
    }
    if (r == 0 && tls_pem_is_given(&o->client_authority_any))
        r = tls_authority_load(&o->client_authority_any, roots, server->client_names, err);
    if (r == 0 && sk_X509_NAME_num(server->client_names) == 0)
        return error_set(err, -EINVAL, "client_authentication needs client_certificate: who signs clients");
    return r;
}

static int set_client_auth(struct tls_server *server, struct error *err)
{
    struct tls_trust *t = &server->common.trust;
    enum tls_client_auth auth = client_auth_of(server->options);
    bool is_required = auth == TLS_AUTH_REQUIRE || auth == TLS_AUTH_REQUIRE_ANY;

    server->verify_mode = SSL_VERIFY_NONE;
    t->is_anyone = true;
    if (auth == TLS_AUTH_NONE)
        return 0;
    server->verify_mode = SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    int r = tls_trust_set_keys(t, &server->options->client_public_keys);
    if (r < 0)
        return error_errno(err, r, "client_certificate_public_key_sha256");
    if (auth == TLS_AUTH_REQUEST || auth == TLS_AUTH_REQUIRE_ANY || t->key_count)
        return 0;
    t->is_anyone = false;
    t->roots = X509_STORE_new();
    server->client_names = sk_X509_NAME_new_null();
    if (!t->roots || !server->client_names)
        return error_set(err, -ENOMEM, "out of memory");
    (void)X509_STORE_set_flags(t->roots, X509_V_FLAG_PARTIAL_CHAIN);
    return add_authorities(server, err);
}

static int load(struct tls_server *server, struct error *err)
{
    const struct tls_server_options *o = server->options;
    const struct tls_common_source common = {
        .min_version = o->min_version,
        .max_version = o->max_version,
        .handshake_timeout = o->handshake_timeout,
        .alpn = &o->alpn,
        .cipher_suites = &o->cipher_suites,
        .curves = &o->curves,
        .key_log_path = o->key_log_path,
    };
    int r = tls_common_init(&server->common, &common, err);

    if (r == 0)
        r = set_client_auth(server, err);
    if (r == 0)
        r = tls_store_init(&server->store, o, err);
    for (size_t i = 0; r == 0 && i < server->store.current->count; i++) {
        /* What libssl does not like is told now, not at the first connection. */
        SSL_CTX *tried = make_context(server, &server->store.current->at[i], err);
        SSL_CTX_free(tried);
        r = tried ? 0 : -EINVAL;
    }
    return r;
}

static void free_server(struct tls_common *common)
{
    struct tls_server *server = container_of(common, struct tls_server, common);

    for (unsigned i = 0; i < WORKERS_MAX; i++)
        free_worker(server->workers[i]);
    sk_X509_NAME_pop_free(server->client_names, X509_NAME_free);
    tls_store_done(&server->store);
    tickets_done(&server->tickets);
    tls_common_done(&server->common);
    mem_free(server);
}

struct tls_server *tls_server_new(const struct tls_server_options *o, const struct log *log, const char *tag,
                                  struct error *err)
{
    struct tls_server *server = mem_new(struct tls_server);

    if (!server) {
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    server->options = o;
    server->common.references = 1;
    server->common.free = free_server;
    server->common.log = server->store.log = log;
    server->common.side = "inbound";
    server->common.tag = server->store.tag = tag;
    tickets_init(&server->tickets);
    int r = load(server, err);
    if (r < 0) {
        (void)error_prepend(err, r, "tls");
        tls_server_free(server);
        return NULL;
    }
    return server;
}

void tls_server_free(struct tls_server *server)
{
    if (server)
        tls_common_unref(&server->common);
}

/* ---- accepting ------------------------------------------------------------------------------- */

static int handshake(struct tls_server *server, struct tls_stream *t, struct text name, struct error *err)
{
    struct tls_snapshot *hold;
    SSL_CTX *ctx = context_for(server, name, &hold, err);

    if (!ctx)
        return -EINVAL;
    tls_common_hold(&server->common, t);
    int r = tls_stream_start(t, ctx, true);
    r = r < 0 ? error_errno(err, r, "handshake") : tls_stream_handshake(t, err);
    SSL_CTX_free(ctx);
    tls_snapshot_unref(hold);
    return r;
}

static int accept_stream(struct tls_server *server, struct tls_stream *t, struct session *s, struct error *err)
{
    int64_t deadline = t->stream.deadline;
    char name[TLS_NAME];

    tls_store_check(&server->store);
    stream_set_deadline(&t->stream, tls_common_deadline(&server->common, &t->stream));
    int r = tls_front_read(t, s, name, err);
    if (r == 0)
        r = handshake(server, t, text_of(name), err);
    stream_set_deadline(&t->stream, deadline);
    if (r == 0 && s && s->tls && !s->tls->alpn[0])
        (void)text_copy(tls_alpn(&t->stream), s->tls->alpn, sizeof s->tls->alpn);
    return r;
}

int tls_server_accept(struct tls_server *server, struct stream *lower, struct session *s, struct stream **out,
                      struct error *err)
{
    struct tls_stream *t = tls_stream_new(lower);

    if (!t)
        return error_set(err, -ENOMEM, "tls: out of memory");
    int r = accept_stream(server, t, s, err);
    if (r < 0) {
        stream_close(&t->stream);
        return error_prepend(err, r, "tls");
    }
    *out = &t->stream;
    return 0;
}
