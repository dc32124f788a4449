/*
 * The TLS ClientHello, read before anything is decided about a connection: which name, which
 * protocol, which fingerprint. Bounded, without allocation; everything is a view.
 *
 *   record     type 22 | version 3.x | length 2 | fragment        (RFC 8446 section 5.1)
 *   handshake  type 1 | length 3 | body, over one or more fragments
 *   body       version 2 | random 32 | session id <0..32> | suites <2..65534> |
 *              compression <1..255> | extensions <8..65535>          (section 4.1.2)
 */
#ifndef WEIR_FORMAT_TLS_HELLO_H
#define WEIR_FORMAT_TLS_HELLO_H

#include "base/text.h"

enum {
    TLS_HELLO_MAX = 16384,       /* octets of the handshake message with its header */
    TLS_HELLO_RECORDS_MAX = 64,  /* that it may be cut into */
    TLS_HELLO_EXTENSIONS_MAX = 64,
    TLS_JA3_MAX = 4096,          /* room that holds the JA3 or JA4 text of any sane hello */
    TLS_JA4_A = 11,              /* "t13d1516h2" and a zero byte */
};

/* IANA's numbers of the extensions that are read here. */
enum {
    TLS_EXT_SERVER_NAME = 0,
    TLS_EXT_GROUPS = 10,
    TLS_EXT_POINT_FORMATS = 11,
    TLS_EXT_SIGNATURE_ALGORITHMS = 13,
    TLS_EXT_ALPN = 16,
    TLS_EXT_VERSIONS = 43,
    TLS_EXT_KEY_SHARE = 51,
    TLS_EXT_QUIC_PARAMETERS = 57,
    TLS_EXT_ECH = 0xfe0d,
};

struct tls_extension {
    uint16_t type;
    uint16_t at;
    uint16_t len;
};

/* Lists keep their wire form, without the length in front: read them with the functions below. */
struct tls_hello {
    struct bytes message; /* with its 4 octets of header; what a transcript hashes */
    uint16_t legacy_version;
    struct bytes random;
    struct bytes session_id;
    struct bytes cipher_suites; /* of 16 bits */
    struct bytes compression;   /* of 8 bits */
    size_t extension_count;
    struct tls_extension extensions[TLS_HELLO_EXTENSIONS_MAX];
    struct text sni;            /* empty: none */
    struct bytes alpn;          /* tls_alpn_next */
    struct bytes versions;      /* of 16 bits */
    struct bytes groups;        /* of 16 bits */
    struct bytes signature_algorithms; /* of 16 bits */
    struct bytes point_formats; /* of 8 bits */
    struct bytes key_shares;    /* tls_key_share_next */
    bool has_ech;               /* the name is then the outer one */
};

/*
 * Reads the ClientHello from the first octets of a TCP stream. A message cut into several
 * records is put together in `scratch` (TLS_HELLO_MAX octets, not looked at otherwise); the
 * views point there then, and else into `in`. Returns the octets of `in` up to the end of the
 * record that holds the message's end, 0 (more is needed), -EPROTO (this is not TLS), -EBADMSG
 * (TLS, but malformed) or -EMSGSIZE (beyond the limits).
 */
ssize_t tls_hello_read_records(struct bytes in, uint8_t *scratch, struct tls_hello *out) CHECKED;

/* The same from handshake octets without records (QUIC CRYPTO); returns the message's size. */
ssize_t tls_hello_read(struct bytes in, struct tls_hello *out) CHECKED;

struct bytes tls_hello_extension(const struct tls_hello *h, size_t i);
/* The body of the extension of that type; false when it is absent. */
bool tls_hello_find(const struct tls_hello *h, uint16_t type, struct bytes *out);

/* Element i of a list of 16-bit numbers. */
static inline uint16_t tls_u16_at(struct bytes list, size_t i)
{
    return (uint16_t)(list.ptr[2 * i] << 8 | list.ptr[2 * i + 1]);
}
bool tls_u16_has(struct bytes list, uint16_t value);

/* Cuts the next protocol name off *list; false at its end. */
bool tls_alpn_next(struct bytes *list, struct text *out);

struct tls_key_share {
    uint16_t group;
    struct bytes key;
};
bool tls_key_share_next(struct bytes *list, struct tls_key_share *out);

/* The reserved values of RFC 8701, which fingerprints leave out. */
bool tls_is_grease(uint16_t value);

/* The highest version offered, GREASE aside: 0x0304 is TLS 1.3. */
uint16_t tls_hello_version(const struct tls_hello *h);

/*
 * JA3: "version,suites,extensions,groups,point formats", decimal, before MD5. Writes a zero
 * byte; returns the length or -ENOSPC.
 */
ssize_t tls_hello_ja3(const struct tls_hello *h, char *out, size_t size) CHECKED;

/*
 * The three parts of JA4; the fingerprint is a + "_" + 12 hex digits of SHA-256(b) + "_" + 12 of
 * SHA-256(c), with zeros for an empty text. `transport` is 't' (TCP), 'q' (QUIC) or 'd' (DTLS).
 */
void tls_hello_ja4_a(const struct tls_hello *h, char transport, char out[TLS_JA4_A]);
ssize_t tls_hello_ja4_b(const struct tls_hello *h, char *out, size_t size) CHECKED;
ssize_t tls_hello_ja4_c(const struct tls_hello *h, char *out, size_t size) CHECKED;

#endif
