#include "layer/tls/context.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <unistd.h>

#include "base/mem.h"

/* ---- settings -------------------------------------------------------------------------------- */

static int set_alpn(struct tls_common *c, const struct text_list *names, struct error *err)
{
    size_t need = 0;

    for (size_t i = 0; i < names->len; i++) {
        if (names->at[i].len == 0 || names->at[i].len > 255)
            return error_set(err, -EINVAL, "alpn: a name has 1 to 255 octets");
        need += 1 + names->at[i].len;
    }
    if (need == 0)
        return 0;
    c->alpn = mem_alloc(need);
    if (!c->alpn)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < names->len; i++) {
        c->alpn[c->alpn_len++] = (uint8_t)names->at[i].len;
        memcpy(c->alpn + c->alpn_len, names->at[i].ptr, names->at[i].len);
        c->alpn_len += names->at[i].len;
    }
    return 0;
}

int tls_common_init(struct tls_common *c, const struct tls_common_source *from, struct error *err)
{
    c->min_version = from->min_version ? from->min_version : TLS1_2_VERSION;
    c->max_version = from->max_version;
    c->cipher_suites = from->cipher_suites;
    c->curves = from->curves;
    c->handshake_ms = from->handshake_timeout / OPTION_MS;
    c->key_log = -1;
    if (from->key_log_path.len) {
        c->key_log = open(from->key_log_path.ptr, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (c->key_log < 0)
            return error_errno(err, -errno, "key_log_path: %.*s", TEXT_ARG(from->key_log_path));
        log_warn(c->log, "%s '%s': tls: the secrets of all connections are written to %.*s", c->side, c->tag,
                 TEXT_ARG(from->key_log_path));
    }
    return set_alpn(c, from->alpn, err);
}

void tls_common_done(struct tls_common *c)
{
    if (c->key_log >= 0)
        (void)close(c->key_log);
    mem_free(c->alpn);
    tls_trust_done(&c->trust);
}

/* ---- cipher suites and curves ---------------------------------------------------------------- */

/* Beginning with the one that costs the least here; whoever has no AES instructions says so, and gets ChaCha20. */
static const char modern_suites[] = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
static const char classic_suites[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                     "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                                     "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                     "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:"
                                     "ECDHE-RSA-AES256-SHA";

static void add_name(struct strbuf *list, const char *name)
{
    strbuf_addf(list, list->len ? ":%s" : "%s", name);
}

static int set_suites(const struct tls_common *c, SSL_CTX *ctx, struct error *err)
{
    STRBUF modern, classic;

    strbuf_init(&modern, 4096);
    strbuf_init(&classic, 8192);
    for (size_t i = 0; i < c->cipher_suites->len; i++) {
        const char *name = c->cipher_suites->at[i].ptr;
        const char *known = OPENSSL_cipher_name(name);
        if (!known || text_is(text_of(known), "(NONE)"))
            return error_set(err, -EINVAL, "cipher_suites: '%s' is not known", name);
        add_name(text_starts(text_of(known), TEXT("TLS_")) ? &modern : &classic, known);
    }
    if (SSL_CTX_set_ciphersuites(ctx, modern.len ? modern.ptr : modern_suites) != 1)
        return error_set(err, -EINVAL, "cipher_suites: %s", tls_library_words());
    const char *list = classic.len ? classic.ptr : classic_suites;
    if (SSL_CTX_set_cipher_list(ctx, list) != 1)
        return error_set(err, -EINVAL, "cipher_suites: %s", tls_library_words());
    return 0;
}

static int set_curves(const struct tls_common *c, SSL_CTX *ctx, struct error *err)
{
    static const char *const names[][2] = {{"P256", "P-256"}, {"P384", "P-384"}, {"P521", "P-521"}};
    STRBUF list;

    strbuf_init(&list, 1024);
    for (size_t i = 0; i < c->curves->len; i++) {
        const char *name = c->curves->at[i].ptr;
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            if (text_is_nocase(c->curves->at[i], names[k][0]))
                name = names[k][1];
        }
        add_name(&list, name);
    }
    if (list.len && SSL_CTX_set1_groups_list(ctx, list.ptr) != 1)
        return error_set(err, -EINVAL, "curve_preferences: OpenSSL %s does not have all of %s",
                         OpenSSL_version(OPENSSL_VERSION_STRING), list.ptr);
    return 0;
}

/* ---- the context ----------------------------------------------------------------------------- */

static void log_secret(const SSL *ssl, const char *line)
{
    const struct tls_common *c = tls_common_of(ssl);
    char text[512];

    int n = snprintf(text, sizeof text, "%s\n", line);
    if (n > 0 && (size_t)n < sizeof text && write(c->key_log, text, (size_t)n) < 0)
        log_debug(c->log, "%s '%s': tls: key log: %s", c->side, c->tag, error_words(-errno));
    mem_wipe(text, sizeof text);
}

static int configure(struct tls_common *c, SSL_CTX *ctx, struct error *err)
{
    if (SSL_CTX_set_min_proto_version(ctx, c->min_version) != 1 || SSL_CTX_set_max_proto_version(ctx, c->max_version) != 1)
        return error_set(err, -EINVAL, "this build of OpenSSL does not have that version of TLS");
    if (c->min_version < TLS1_2_VERSION)
        SSL_CTX_set_security_level(ctx, 0); /* they sign with SHA-1 */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_read_ahead(ctx, 0); /* records are fed one by one */
    SSL_CTX_set_cert_verify_callback(ctx, tls_trust_verify, &c->trust);
    if (c->trust.roots && SSL_CTX_set1_verify_cert_store(ctx, c->trust.roots) != 1)
        return error_set(err, -ENOMEM, "out of memory");
    if (c->key_log >= 0)
        SSL_CTX_set_keylog_callback(ctx, log_secret);
    (void)SSL_CTX_set_app_data(ctx, c);
    int r = set_suites(c, ctx, err);
    return r < 0 ? r : set_curves(c, ctx, err);
}

SSL_CTX *tls_common_context(struct tls_common *c, const SSL_METHOD *method, struct error *err)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (!ctx) {
        (void)error_set(err, -ENOMEM, "%s", tls_library_words());
        return NULL;
    }
    if (configure(c, ctx, err) < 0) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

struct tls_common *tls_common_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

void tls_common_hold(struct tls_common *c, struct tls_stream *t)
{
    __atomic_fetch_add(&c->references, 1, __ATOMIC_RELAXED);
    t->common = c;
}

void tls_common_unref(struct tls_common *c)
{
    if (c && __atomic_sub_fetch(&c->references, 1, __ATOMIC_ACQ_REL) == 0)
        c->free(c);
}

int64_t tls_common_deadline(const struct tls_common *c, const struct stream *lower)
{
    return c->handshake_ms ? min_of(lower->deadline, loop_now() + c->handshake_ms) : lower->deadline;
}
