/*
 * Which protocol do a flow's first octets speak? Pure and cheap: policy decides whom to ask,
 * how long to wait and what to do with the answer. Names of protocols are sing-box's.
 */
#ifndef WEIR_FORMAT_DETECT_H
#define WEIR_FORMAT_DETECT_H

#include "format/quic_initial.h"
#include "format/tls_hello.h"

enum detect_answer {
    DETECT_NO,
    DETECT_MORE, /* it may be, the octets do not suffice; datagrams never give this but QUIC */
    DETECT_YES,
};

enum {
    DETECT_DOMAIN_MAX = 255,
    DETECT_CLIENT_MAX = 63,
    DETECT_HTTP_MAX = 8192, /* octets after which a Host is waited for no longer */
};

struct detected {
    const char *protocol;  /* "http", "tls", "quic", ...; a literal */
    uint8_t domain_len;
    uint8_t client_len;
    char domain[DETECT_DOMAIN_MAX];
    char client[DETECT_CLIENT_MAX]; /* the program, where the protocol tells (ssh) */
};

static inline struct text detected_domain(const struct detected *d)
{
    return (struct text){.ptr = d->domain, .len = d->domain_len};
}

static inline struct text detected_client(const struct detected *d)
{
    return (struct text){.ptr = d->client, .len = d->client_len};
}

/* All write `out` only when the answer is DETECT_YES; a domain is in lower case, without port. */

/* Streams: `in` is everything received so far. */

/* HTTP/1: method, target, version and Host; YES without a domain when there is no usable Host. */
enum detect_answer detect_http(struct bytes in, struct detected *out);
/* `scratch`: TLS_HELLO_MAX octets, for a hello cut into records. */
enum detect_answer detect_tls(struct bytes in, uint8_t *scratch, struct detected *out);
/* RFC 4253 section 4.2: "SSH-2.0-software comments". */
enum detect_answer detect_ssh(struct bytes in, struct detected *out);
/* BEP 3: 19, "BitTorrent protocol". */
enum detect_answer detect_bittorrent(struct bytes in, struct detected *out);
/* TPKT (RFC 1006) with an X.224 connection request that carries an RDP negotiation or cookie. */
enum detect_answer detect_rdp(struct bytes in, struct detected *out);
/* A query behind its two octets of length. */
enum detect_answer detect_dns_stream(struct bytes in, struct detected *out);

/* Datagrams: `in` is one. */

/* `q` (zeroed before the first) keeps what came; MORE asks for the next datagram. */
enum detect_answer detect_quic(struct quic_initial *q, struct bytes in, struct detected *out);
enum detect_answer detect_dns(struct bytes in, struct detected *out);
/* RFC 8489 section 5. */
enum detect_answer detect_stun(struct bytes in, struct detected *out);
/* RFC 9147, RFC 6347. */
enum detect_answer detect_dtls(struct bytes in, struct detected *out);
/* RFC 5905 section 7.3: a client's or a symmetric packet. */
enum detect_answer detect_ntp(struct bytes in, struct detected *out);
/* BEP 29 (uTP), BEP 15 (tracker connect), BEP 5 (DHT query). */
enum detect_answer detect_bittorrent_udp(struct bytes in, struct detected *out);

#endif
