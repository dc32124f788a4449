/*
 * TLS over a stream, both sides, on libssl: TLS 1.2 and 1.3, and older ones only when they are asked for by name.
 *
 * The records are framed here: libssl is fed one whole record at a time and writes into memory, so that the boundary
 * between what was used and what was not is always known. One write makes as few records as it can, and several records
 * leave in one lower write.
 */
#ifndef WEIR_LAYER_TLS_TLS_H
#define WEIR_LAYER_TLS_TLS_H

#include "base/log.h"
#include "format/option.h"
#include "net/session.h"

/* ---- options ------------------------------------------------------------------------------ */

/* PEM, written into the configuration (one text, or its lines) or in a file. */
struct tls_pem {
    struct text_list lines;
    struct text path;
};
static inline bool tls_pem_is_given(const struct tls_pem *p)
{
    return p->lines.len != 0 || p->path.len != 0;
}

/* A zeroed one is off. A struct with a field `tls` of this type takes OPT_TLS_CLIENT(struct x, tls). */
struct tls_client_options {
    bool enabled;
    bool disable_sni;
    bool insecure;
    int min_version; /* 0x0301 ... 0x0304; 0: TLS 1.2 */
    int max_version; /* 0: the newest */
    int64_t handshake_timeout; /* ns; 0: the deadline of the stream alone */
    struct text server_name;
    struct text_list alpn;
    struct text_list cipher_suites; /* IANA's names */
    struct text_list curves;
    struct tls_pem authority;       /* who signs servers; the system's when not given */
    struct text_list public_keys;   /* base64 of SHA-256 of the server's public key; one of them suffices */
    struct text fingerprint;        /* hex of SHA-256 of a certificate: the server's, or one above it */
    struct tls_pem certificate;     /* ours */
    struct tls_pem key;
    struct text key_log_path;
    struct text client_fingerprint; /* mihomo: whose ClientHello is imitated; see tls_client_check() */
};
OPTION_TABLE_SHARED(struct tls_client_options, tls_client_table);

enum tls_client_auth {
    TLS_AUTH_UNSET,           /* NONE, or REQUIRE where an authority or a public key of clients is given */
    TLS_AUTH_NONE,
    TLS_AUTH_REQUEST,         /* any or none is fine */
    TLS_AUTH_REQUIRE_ANY,
    TLS_AUTH_VERIFY_IF_GIVEN,
    TLS_AUTH_REQUIRE,         /* and verify */
};

/* The first certificate; mihomo's key `certificate` also switches TLS on. */
struct tls_identity {
    bool enabled;
    struct tls_pem certificate;
};

/* One more, chosen by the name that the client asks for. */
struct tls_certificate_option {
    struct tls_pem certificate;
    struct tls_pem key;
    struct text ocsp_path;
};
OPTION_TABLE_SHARED(struct tls_certificate_option, tls_certificate_table);

struct tls_server_options {
    struct tls_identity identity;
    struct tls_pem key;
    struct text ocsp_path;       /* a DER response to staple to the first certificate */
    OBJECT_LIST(struct tls_certificate_option) certificates;
    int min_version;
    int max_version;
    int64_t handshake_timeout;
    struct text_list alpn;
    struct text_list cipher_suites;
    struct text_list curves;
    int client_auth; /* enum tls_client_auth */
    struct text_list client_authority;       /* PEM */
    struct text_list client_authority_paths;
    struct tls_pem client_authority_any;     /* mihomo `client-auth-cert` */
    struct text_list client_public_keys;     /* base64 of SHA-256 */
    struct text key_log_path;
};
OPTION_TABLE_SHARED(struct tls_server_options, tls_server_table);

#define OPT_TLS_CLIENT(s, f)                                                                       \
    OPT_OBJECT(s, f, tls_client_table, .singbox = "tls", .mihomo = OPTION_INLINE, .help = "TLS to the server.")
#define OPT_TLS_SERVER(s, f)                                                                       \
    OPT_OBJECT(s, f, tls_server_table, .singbox = "tls", .mihomo = OPTION_INLINE, .help = "TLS of the listener.")

static inline bool tls_client_is_on(const struct tls_client_options *o)
{
    return o->enabled;
}
static inline bool tls_server_is_on(const struct tls_server_options *o)
{
    return o->identity.enabled;
}

/*
 * What a table alone cannot say: to be called from protocol.outbound_check and inbound_check. What is written while
 * TLS is off means nothing and is not looked at. 0 or -EINVAL after adding to r->diag.
 */
int tls_client_check(const struct tls_client_options *o, const struct node *at, struct option_reader *r) CHECKED;
int tls_server_check(const struct tls_server_options *o, const struct node *at, struct option_reader *r) CHECKED;

/* ---- the client --------------------------------------------------------------------------- */

struct tls_client;

/*
 * Reads the files it names and checks them: not on a worker. The outbound's tag stands in front of what it logs; it, the
 * options and the log are borrowed for as long as the client lives. NULL with err.
 */
struct tls_client *tls_client_new(const struct tls_client_options *o, const struct log *log, const char *tag,
                                  struct error *err) CHECKED;
/* Accepts NULL. Streams may outlive it. Any thread. */
void tls_client_free(struct tls_client *c);
/*
 * The handshake on `lower`, which is consumed and whose deadline holds. The certificate has to be for the option
 * server_name, or for `server_name_fallback` (a name or an address) without it. The end of the handshake travels with the first write where the
 * protocol allows (STREAM_HOLDS_HEADER). May park. On failure `err` says why, beginning with "tls: ".
 */
int tls_client_open(struct tls_client *c, struct stream *lower, struct text server_name_fallback, struct stream **out,
                    struct error *err) CHECKED;

/* ---- the server --------------------------------------------------------------------------- */

struct tls_server;

/* As tls_client_new(), with the inbound's tag. Certificates are read again when their files change. */
struct tls_server *tls_server_new(const struct tls_server_options *o, const struct log *log, const char *tag,
                                  struct error *err) CHECKED;
/* Accepts NULL. Streams may outlive it. Any thread. */
void tls_server_free(struct tls_server *t);
/*
 * Reads the ClientHello, then does the handshake. Consumes `lower`, whose deadline holds. `s` may be NULL; else s->tls is set
 * once there was a ClientHello, also on failure. May park.
 */
int tls_server_accept(struct tls_server *t, struct stream *lower, struct session *s, struct stream **out,
                      struct error *err) CHECKED;

/* ---- the stream --------------------------------------------------------------------------- */

/*
 * Reading gives 0 only after the peer said that it was the end (close_notify); a lower stream that ends before is -EPIPE.
 * Shutdown says so to the peer, too, and can be followed by reading.
 */

/* The protocol agreed on by the uppermost TLS layer at or below `s`; empty: none. Borrowed from the stream. */
struct text tls_alpn(const struct stream *s);
/* "TLS 1.3", and whether it was a resumption; for logs and tests. */
const char *tls_version(const struct stream *s);
bool tls_was_resumed(const struct stream *s);

#endif
