/*
 * HTTP/1 message heads (RFC 9110, 9112), read strictly: whatever two programs could read in two
 * ways (folded or padded header names, bare LF, two lengths, a length beside a coding) is
 * refused, so that nothing can be smuggled past us to the next hop.
 */
#ifndef WEIR_FORMAT_HTTP1_H
#define WEIR_FORMAT_HTTP1_H

#include "base/text.h"

enum {
    HTTP1_HEAD_MAX = 65535,   /* octets of a head; offsets are 16 bits */
    HTTP1_HEADERS_MAX = 128,
    HTTP1_METHOD_MAX = 32,
    HTTP1_HOPS_MAX = 32,      /* names in Connection headers */
};

enum http1_form {
    HTTP1_ORIGIN,    /* /path?query */
    HTTP1_ABSOLUTE,  /* http://host/path */
    HTTP1_AUTHORITY, /* host:port, of CONNECT only */
    HTTP1_ASTERISK,  /* *, of OPTIONS only */
};

/* A place in the head; small, so that a head fits into a stack frame. */
struct http1_span {
    uint16_t at;
    uint16_t len;
};

struct http1_field {
    struct http1_span name;
    struct http1_span value;
};

/* Zero it before the first octet. Views are into the caller's buffer: see http1_rebase. */
struct http1_head {
    const char *base;
    size_t scanned;      /* octets looked at while the end was missing */
    size_t size;         /* of the whole head, with the empty line */
    struct text method;  /* requests */
    struct text target;
    struct text reason;  /* responses; may be empty */
    enum http1_form form;
    uint16_t status;     /* 100 to 999 in responses */
    uint8_t minor;       /* HTTP/1.minor: 0 or 1 */
    uint8_t count;       /* of fields */
    struct http1_field fields[HTTP1_HEADERS_MAX];
};

/*
 * Reads a request head from all octets received so far. Call again with the same `h` and a
 * longer buffer (which may have moved) while it returns 0; no octet is scanned twice. Returns
 * the size of the head, 0 (more is needed), -EBADMSG (no valid head; answer 400), -EMSGSIZE
 * (too long or too many fields; 431) or -EPROTONOSUPPORT (not HTTP/1.0 or 1.1; 505).
 * One empty line before the request is skipped and counts into the size.
 * An origin-form HTTP/1.1 request without Host is refused; proxy requests without are not,
 * because many small CONNECT clients leave it out and the target is in the request line.
 */
ssize_t http1_read_request(struct http1_head *h, const void *p, size_t n) CHECKED;

/* The same for a response head. */
ssize_t http1_read_response(struct http1_head *h, const void *p, size_t n) CHECKED;

/* After a finished head's buffer moved to `p`: makes all views point there. */
void http1_rebase(struct http1_head *h, const void *p);

struct text http1_name(const struct http1_head *h, size_t i);
struct text http1_value(const struct http1_head *h, size_t i);
/* The first value under that name (case ignored), or the empty text with a NULL pointer. */
struct text http1_get(const struct http1_head *h, const char *name);
/* Whether a comma separated list header holds `token` (case ignored), over all its fields. */
bool http1_has_token(const struct http1_head *h, const char *name, const char *token);

enum http1_body {
    HTTP1_BODY_NONE,
    HTTP1_BODY_LENGTH,
    HTTP1_BODY_CHUNKED,
    HTTP1_BODY_CLOSE,  /* until the connection ends; responses only */
    HTTP1_BODY_TUNNEL, /* no HTTP from here on: CONNECT and 101 */
};

struct http1_framing {
    enum http1_body body;
    bool keep_alive;  /* the connection may carry another message after this one */
    uint64_t length;  /* of HTTP1_BODY_LENGTH */
};

/* How the body of a message ends (RFC 9112 section 6.3). 0 or -EBADMSG. */
int http1_request_framing(const struct http1_head *h, struct http1_framing *out) CHECKED;
/* `method` is the request's that this response answers. */
int http1_response_framing(const struct http1_head *h, struct text method, struct http1_framing *out) CHECKED;

/*
 * The fields that end at this hop (RFC 9110 section 7.6.1): Connection, what it nominates,
 * Proxy-*, Keep-Alive, TE, Trailer, Upgrade. Not Transfer-Encoding: bodies pass verbatim. A
 * nomination of Host, of the framing fields or of Authorization is ignored: it is an attack.
 */
struct http1_hops {
    size_t count;
    struct text names[HTTP1_HOPS_MAX];
};

/* 0, or -EMSGSIZE when more than HTTP1_HOPS_MAX names are nominated. */
int http1_hops_of(const struct http1_head *h, struct http1_hops *out) CHECKED;
bool http1_is_hop(const struct http1_hops *hops, struct text name);

bool http1_is_token(struct text t);
/* No control characters but tabs, so that it can stand as a field's value. */
bool http1_is_value(struct text t);

#endif
