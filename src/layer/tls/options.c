#include <errno.h>

#include "layer/tls/tls.h"

static const struct option_choice versions[] = {
    {"", 0}, {"1.0", 0x0301}, {"1.1", 0x0302}, {"1.2", 0x0303}, {"1.3", 0x0304}, {0},
};

static const struct option_choice client_auths[] = {
    {"", TLS_AUTH_UNSET},
    {"no", TLS_AUTH_NONE},
    {"request", TLS_AUTH_REQUEST},
    {"require-any", TLS_AUTH_REQUIRE_ANY},
    {"verify-if-given", TLS_AUTH_VERIFY_IF_GIVEN},
    {"require-and-verify", TLS_AUTH_REQUIRE},
    {0},
};

/* ---- mihomo: one text is the PEM itself or the name of its file ---------------------------- */

static int read_pem(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct tls_pem pem = {0};
    struct text t;

    (void)o;
    int result = option_string(n, &t, r);
    if (result < 0)
        return result;
    if (text_search(t, TEXT("-----BEGIN")) < 0) {
        pem.path = t;
    } else {
        pem.lines.at = arena_new(r->arena, struct text);
        if (!pem.lines.at)
            return -ENOMEM;
        pem.lines.at[0] = t;
        pem.lines.len = 1;
    }
    memcpy(field, &pem, sizeof pem);
    return 0;
}

static int write_pem(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct tls_pem *pem = field;
    STRBUF all;

    (void)o;
    strbuf_init(&all, 1 << 20);
    if (pem->lines.len == 0) {
        *out = pem->path.len ? node_new_text(a, pem->path) : NULL;
        return pem->path.len && !*out ? -ENOMEM : 0;
    }
    for (size_t i = 0; i < pem->lines.len; i++)
        strbuf_addf(&all, i ? "\n%.*s" : "%.*s", TEXT_ARG(pem->lines.at[i]));
    struct text copy = all.failed ? (struct text){0} : arena_text(a, strbuf_text(&all));
    *out = copy.ptr ? node_new_text(a, copy) : NULL;
    return *out ? 0 : -ENOMEM;
}

static int read_identity(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct tls_identity identity = {0};
    int result = read_pem(o, n, &identity.certificate, r);

    identity.enabled = tls_pem_is_given(&identity.certificate);
    if (result == 0)
        memcpy(field, &identity, sizeof identity);
    return result;
}

static int write_identity(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct tls_identity *identity = field;

    return identity->enabled ? write_pem(o, &identity->certificate, a, out) : 0;
}

/* ---- further checks ------------------------------------------------------------------------ */

static int wrong(const struct option_reader *r, const struct node *n, const char *what, const char *expected)
{
    diag_error(r->diag, n->at, r->path, "%s, expected %s", what, expected);
    return -EINVAL;
}

static int check_public_keys(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    const struct text_list *keys = field;
    uint8_t hash[33];

    (void)o;
    for (size_t i = 0; i < keys->len; i++) {
        if (base64_decode(keys->at[i], hash, sizeof hash) != 32)
            return wrong(r, n, "is no SHA-256 of a public key", "base64 of 32 octets");
    }
    return 0;
}

/* mihomo: 64 hex digits, colons between octets or not. */
static int check_fingerprint(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    const struct text *t = field;
    size_t digits = 0;

    (void)o;
    for (size_t i = 0; i < t->len; i++) {
        char c = t->ptr[i];
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!is_hex && c != ':')
            digits = SIZE_MAX / 2;
        digits += is_hex;
    }
    if (t->len == 0 || digits == 64)
        return 0;
    (void)wrong(r, n, "is no fingerprint of a certificate", "SHA-256 as 64 hex digits");
    diag_hint(r->diag, "whose ClientHello is imitated is said by client-fingerprint");
    return -EINVAL;
}

/* ---- the tables ---------------------------------------------------------------------------- */

#define VERSION_AND_CIPHER_OPTIONS(s)                                                              \
    OPT_STRING_LIST(s, alpn, .singbox = "alpn", .mihomo = "alpn",                                  \
                    .help = "Application protocols, the best first."),                             \
    OPT_ENUM(s, min_version, versions, .singbox = "min_version",                                   \
             .help = "Oldest version: \"1.0\" to \"1.3\"; default \"1.2\"."),                      \
    OPT_ENUM(s, max_version, versions, .singbox = "max_version", .help = "Newest version."),       \
    OPT_STRING_LIST(s, cipher_suites, .singbox = "cipher_suites",                                  \
                    .help = "Cipher suites by their IANA names; those of TLS 1.3 stay as they are when none of them is named."), \
    OPT_STRING_LIST(s, curves, .singbox = "curve_preferences",                                     \
                    .help = "Key exchange groups: P256, P384, P521, X25519, X25519MLKEM768."),     \
    OPT_DURATION(s, handshake_timeout, .singbox = "handshake_timeout", .mihomo = "handshake-timeout", \
                 .help = "How long the handshake may take; 0: as long as connecting may."),        \
    OPT_STRING(s, key_log_path, .singbox = "key_log_path", .mihomo = "key-log-path",               \
               .help = "weir only: file to which the secrets of every connection are added, for debugging.")

#define SHAPED_HELLO_OPTIONS                                                                       \
    OPT_UNSUPPORTED(.singbox = "ech", .mihomo = "ech-opts", .help = "Encrypted ClientHello."),     \
    OPT_UNSUPPORTED(.singbox = "reality", .mihomo = "reality-opts", .help = "REALITY.")

const struct option tls_client_table[] = {
    OPT_BOOL(struct tls_client_options, enabled, .singbox = "enabled", .mihomo = "tls", .help = "Whether TLS is used."),
    OPT_STRING(struct tls_client_options, server_name, .singbox = "server_name", .mihomo = "sni",
               .help = "Name to ask for and expected in the certificate; default: the server's."),
    OPT_STRING(struct tls_client_options, server_name, .mihomo = "servername", .flags = OPTION_ALIAS,
               .help = "The same as sni."),
    OPT_BOOL(struct tls_client_options, disable_sni, .singbox = "disable_sni",
             .help = "Do not tell the name; it is still expected in the certificate."),
    OPT_BOOL(struct tls_client_options, insecure, .singbox = "insecure", .mihomo = "skip-cert-verify",
             .help = "Accept any certificate: whoever is on the way can read and change everything."),
    VERSION_AND_CIPHER_OPTIONS(struct tls_client_options),
    OPT_STRING_LIST(struct tls_client_options, authority.lines, .singbox = "certificate",
                    .help = "PEM lines of the certificates that servers' are signed with, instead of the system's."),
    OPT_STRING(struct tls_client_options, authority.path, .singbox = "certificate_path", .help = "File with the same."),
    OPT_STRING_LIST(struct tls_client_options, public_keys, .singbox = "certificate_public_key_sha256",
                    .read = check_public_keys,
                    .help = "Base64 of the SHA-256 of the server's public key; nothing else is then checked."),
    OPT_STRING(struct tls_client_options, fingerprint, .mihomo = "fingerprint", .read = check_fingerprint,
               .help = "SHA-256 of the server's certificate, or of one above it in its chain."),
    OPT_STRING_LIST(struct tls_client_options, certificate.lines, .singbox = "client_certificate",
                    .help = "PEM lines of our certificate."),
    OPT_STRING(struct tls_client_options, certificate.path, .singbox = "client_certificate_path",
               .help = "File with our certificate."),
    OPT_CUSTOM(struct tls_client_options, certificate, read_pem, write_pem, .mihomo = "certificate",
               .help = "Our certificate: PEM, or its file."),
    OPT_STRING_LIST(struct tls_client_options, key.lines, .singbox = "client_key", .flags = OPTION_SECRET,
                    .help = "PEM lines of its key."),
    OPT_STRING(struct tls_client_options, key.path, .singbox = "client_key_path", .help = "File with its key."),
    OPT_CUSTOM(struct tls_client_options, key, read_pem, write_pem, .mihomo = "private-key", .flags = OPTION_SECRET,
               .help = "Its key: PEM, or its file."),
    OPT_STRING(struct tls_client_options, client_fingerprint, .mihomo = "client-fingerprint",
               .help = "Whose ClientHello is imitated; not carried yet."),
    SHAPED_HELLO_OPTIONS,
    OPT_UNSUPPORTED(.singbox = "utls", .help = "Imitated ClientHello."),
    OPT_UNSUPPORTED(.singbox = "fragment", .help = "ClientHello in several segments."),
    OPT_UNSUPPORTED(.singbox = "record_fragment", .help = "ClientHello in several records."),
    OPT_IGNORED(.singbox = "fragment_fallback_delay", .help = "Pause between segments."),
    OPT_UNSUPPORTED(.singbox = "spoof", .help = "A second, false ClientHello."),
    OPT_IGNORED(.singbox = "spoof_method", .help = "How it is made to be ignored."),
    OPT_UNSUPPORTED(.singbox = "engine", .help = "Another TLS library."),
    OPT_UNSUPPORTED(.singbox = "kernel_tx", .help = "kTLS for what is sent."),
    OPT_UNSUPPORTED(.singbox = "kernel_rx", .help = "kTLS for what is received."),
    OPT_UNSUPPORTED(.mihomo = "name-cert-verify", .help = "Name expected in the certificate."),
    OPT_UNSUPPORTED(.mihomo = "shadow-tls-opts", .help = "ShadowTLS."),
    OPT_UNSUPPORTED(.mihomo = "restls-opts", .help = "Restls."),
    OPT_UNSUPPORTED(.mihomo = "jls-opts", .help = "JLS."),
    OPT_UNSUPPORTED(.mihomo = "tlsmirror-opts", .help = "TLSMirror."),
    OPTION_END,
};

#define CERTIFICATE_OPTIONS(s, cert)                                                               \
    OPT_STRING_LIST(s, cert.lines, .singbox = "certificate", .help = "PEM lines of the certificate, and of those above it."), \
    OPT_STRING(s, cert.path, .singbox = "certificate_path", .help = "File with them; read again when it changes."), \
    OPT_STRING_LIST(s, key.lines, .singbox = "key", .flags = OPTION_SECRET, .help = "PEM lines of its key."), \
    OPT_STRING(s, key.path, .singbox = "key_path", .help = "File with its key.")

const struct option tls_certificate_table[] = {
    CERTIFICATE_OPTIONS(struct tls_certificate_option, certificate),
    OPT_STRING(struct tls_certificate_option, ocsp_path, .singbox = "ocsp_path", .help = "OCSP response to staple (DER)."),
    OPTION_END,
};

const struct option tls_server_table[] = {
    OPT_BOOL(struct tls_server_options, identity.enabled, .singbox = "enabled", .help = "Whether TLS is expected."),
    OPT_IGNORED(.singbox = "server_name", .help = "Means something with REALITY only."),
    OPT_IGNORED(.singbox = "insecure", .help = "Means something on the client's side only."),
    CERTIFICATE_OPTIONS(struct tls_server_options, identity.certificate),
    OPT_CUSTOM(struct tls_server_options, identity, read_identity, write_identity, .mihomo = "certificate",
               .help = "Certificate and those above it: PEM, or its file. Switches TLS on."),
    OPT_CUSTOM(struct tls_server_options, key, read_pem, write_pem, .mihomo = "private-key", .flags = OPTION_SECRET,
               .help = "Its key: PEM, or its file."),
    OPT_STRING(struct tls_server_options, ocsp_path, .singbox = "ocsp_path",
               .help = "weir only: file with an OCSP response to staple (DER)."),
    OPT_OBJECT_LIST(struct tls_server_options, certificates, tls_certificate_table, .singbox = "certificates",
                    .help = "weir only: more certificates, chosen by the name that the client asks for."),
    VERSION_AND_CIPHER_OPTIONS(struct tls_server_options),
    OPT_ENUM(struct tls_server_options, client_auth, client_auths, .singbox = "client_authentication",
             .mihomo = "client-auth-type", .help = "Whether clients show a certificate."),
    OPT_STRING_LIST(struct tls_server_options, client_authority, .singbox = "client_certificate",
                    .help = "PEM of the certificates that clients' are signed with."),
    OPT_STRING_LIST(struct tls_server_options, client_authority_paths, .singbox = "client_certificate_path",
                    .help = "Files with the same."),
    OPT_CUSTOM(struct tls_server_options, client_authority_any, read_pem, write_pem, .mihomo = "client-auth-cert",
               .help = "PEM of the certificates that clients' are signed with, or its file."),
    OPT_STRING_LIST(struct tls_server_options, client_public_keys, .singbox = "client_certificate_public_key_sha256",
                    .read = check_public_keys, .help = "Base64 of the SHA-256 of the clients' public keys."),
    OPT_UNSUPPORTED(.singbox = "ech", .mihomo = "ech-key", .help = "Encrypted ClientHello."),
    OPT_UNSUPPORTED(.singbox = "reality", .mihomo = "reality-config", .help = "REALITY."),
    OPT_UNSUPPORTED(.singbox = "acme", .help = "Certificates from an authority by ACME."),
    OPT_UNSUPPORTED(.singbox = "certificate_provider", .help = "Certificates from somewhere else."),
    OPT_UNSUPPORTED(.singbox = "kernel_tx", .help = "kTLS for what is sent."),
    OPT_UNSUPPORTED(.singbox = "kernel_rx", .help = "kTLS for what is received."),
    OPTION_END,
};

/* ---- several options together --------------------------------------------------------------- */

/* As option tables say it of what is not supported. */
static int unsupported(const struct node *at, struct option_reader *r, const char *key)
{
    struct key_path path = {.up = r->path, .key = text_of(key)};
    struct node_item *item = at ? node_find(at, text_of(key)) : NULL;
    struct place place = item ? item->key_at : at ? at->at : (struct place){0};

    r->met_unsupported = true;
    if (r->allow_unsupported) {
        diag_warn(r->diag, place, &path, "is not supported by weir yet");
        return 0;
    }
    diag_error(r->diag, place, &path, "is not supported by weir yet");
    diag_hint(r->diag, "--allow-unsupported leaves it out");
    return -EINVAL;
}

static int conflict(const struct node *at, const struct option_reader *r, const char *what)
{
    diag_error(r->diag, at ? at->at : (struct place){0}, r->path, "tls: %s", what);
    return -EINVAL;
}

static int check_versions(int min, int max, const struct node *at, const struct option_reader *r)
{
    return max && max < (min ? min : 0x0303) ? conflict(at, r, "max_version is older than min_version (1.2 by default)") : 0;
}

int tls_client_check(const struct tls_client_options *o, const struct node *at, struct option_reader *r)
{
    int result = 0;

    if (!o->enabled)
        return 0;
    if (o->client_fingerprint.len && !text_is_nocase(o->client_fingerprint, "none"))
        result = unsupported(at, r, "client-fingerprint");
    if (check_versions(o->min_version, o->max_version, at, r) < 0)
        result = -EINVAL;
    if (o->public_keys.len && tls_pem_is_given(&o->authority))
        result = conflict(at, r, "certificate_public_key_sha256 and certificate exclude each other");
    if (tls_pem_is_given(&o->certificate) != tls_pem_is_given(&o->key))
        result = conflict(at, r, "our certificate and its key belong together");
    return result;
}

int tls_server_check(const struct tls_server_options *o, const struct node *at, struct option_reader *r)
{
    int result = 0;

    if (!o->identity.enabled)
        return 0;
    if (!tls_pem_is_given(&o->identity.certificate) && o->certificates.len == 0)
        result = conflict(at, r, "a listener needs a certificate");
    if (tls_pem_is_given(&o->identity.certificate) != tls_pem_is_given(&o->key))
        result = conflict(at, r, "the certificate and its key belong together");
    if (check_versions(o->min_version, o->max_version, at, r) < 0)
        result = -EINVAL;
    return result;
}
