/*
 * SOCKS 4, 4a and 5 (RFC 1928, RFC 1929): the messages of both sides. No I/O, no allocation.
 *
 * Every reader returns the octets that it used, 0 when the message is not complete yet, or a
 * negative code: -EINVAL (not that message), -EAFNOSUPPORT (unknown kind of address).
 */
#ifndef WEIR_PROTO_SOCKS_WIRE_H
#define WEIR_PROTO_SOCKS_WIRE_H

#include "format/socksaddr.h"

enum {
    SOCKS5_GREETING_MAX = 2 + 255,
    SOCKS5_AUTH_MAX = 3 + 255 + 255,
    SOCKS5_REQUEST_MAX = 3 + SOCKSADDR_MAX, /* replies too */
    SOCKS4_TEXT_MAX = 255,                  /* of the user id and of the name; the protocol has no limit */
    SOCKS4_REQUEST_MAX = 8 + 2 * (SOCKS4_TEXT_MAX + 1),
    /* All that one client sends until its request is complete. */
    SOCKS_HANDSHAKE_MAX = SOCKS5_GREETING_MAX + SOCKS5_AUTH_MAX + SOCKS5_REQUEST_MAX,
    SOCKS4_REPLY = 8,
    SOCKS5_REPLY_MIN = 7,       /* with an empty name, as some servers send */
    SOCKS5_REPLY_IPV4 = 10,
    SOCKS_UDP_HEADER_MAX = 3 + SOCKSADDR_MAX,
};

enum socks_command {
    SOCKS_CONNECT = 1,
    SOCKS_BIND = 2,
    SOCKS_UDP_ASSOCIATE = 3,
};

enum socks5_method {
    SOCKS5_NO_AUTH = 0,
    SOCKS5_PASSWORD = 2,
    SOCKS5_NO_METHOD = 0xff,
};

/* What the client has told so far. The texts are views into what was read. */
struct socks_request {
    bool offers_no_auth;
    bool offers_password;
    uint8_t command;
    struct text user;
    struct text password;
    struct dest dest;
};

/* ---- what a server reads and writes ---- */

ssize_t socks4_read_request(const void *p, size_t n, struct socks_request *out) CHECKED;
ssize_t socks5_read_greeting(const void *p, size_t n, struct socks_request *out) CHECKED;
ssize_t socks5_read_auth(const void *p, size_t n, struct socks_request *out) CHECKED;
ssize_t socks5_read_request(const void *p, size_t n, struct socks_request *out) CHECKED;

/* `result` is 0 or a negative errno; `bound` may be NULL or not set: zeros then. */
void socks4_write_reply(struct writer *w, int result, const struct addr *bound);
void socks5_write_reply(struct writer *w, int result, const struct addr *bound);

/* ---- what a client writes and reads ---- */

/* `with_a`: SOCKS4a, which takes names. Fails the writer for IPv6, for names without `with_a`, and for a
 * user id that is too long or holds a zero byte. */
void socks4_write_request(struct writer *w, const struct dest *d, struct text user, bool with_a);
void socks5_write_greeting(struct writer *w, bool with_password);
/* Fails the writer for texts that are empty (RFC 1929 wants 1 to 255 octets; an empty password passes) or too long. */
void socks5_write_auth(struct writer *w, struct text user, struct text password);
void socks5_write_request(struct writer *w, enum socks_command command, const struct dest *d);

/* *result gets 0 or the errno that the code stands for. */
ssize_t socks4_read_reply(const void *p, size_t n, int *result) CHECKED;
ssize_t socks5_read_reply(const void *p, size_t n, int *result, struct dest *bound) CHECKED;

/* ---- datagrams ---- */

/* The header's length, or -EINVAL (cut off, malformed) or -EOPNOTSUPP (a fragment). */
ssize_t socks_udp_read(const void *p, size_t n, struct dest *out) CHECKED;
void socks_udp_write(struct writer *w, const struct dest *d);
size_t socks_udp_size(const struct dest *d);

/* ---- reply codes of SOCKS5 ---- */

uint8_t socks5_code(int result);
int socks5_result(uint8_t code);

#endif
