/*
 * Writing HTTP/1 heads, and Basic credentials (RFC 7617). A name or value that would break out
 * of its line fails the writer.
 */
#ifndef WEIR_FORMAT_HTTP1_WRITE_H
#define WEIR_FORMAT_HTTP1_WRITE_H

#include "base/wire.h"

enum {
    HTTP1_BASIC_MAX = 512, /* octets of "user:password" */
};

/* "METHOD target HTTP/1.1" CR LF */
void http1_write_request(struct writer *w, struct text method, struct text target);
/* "HTTP/1.1 status reason" CR LF, with the standard's words for the reason. */
void http1_write_status(struct writer *w, unsigned status);
/* "name: value" CR LF */
void http1_write_field(struct writer *w, struct text name, struct text value);
void http1_write_number(struct writer *w, struct text name, uint64_t value);
/* "name: Basic ..." CR LF; fails for a user with a colon and above HTTP1_BASIC_MAX. */
void http1_write_basic(struct writer *w, struct text name, struct text user, struct text password);
/* The empty line. */
void http1_write_end(struct writer *w);

/* The reason phrase of a status, "Unknown" for those without. */
const char *http1_reason(unsigned status);

/* Holds a secret: http1_basic_done wipes it. The views point into `raw`: not to be copied. */
struct http1_basic {
    struct text user;
    struct text password;
    char raw[HTTP1_BASIC_MAX];
};

/* Decodes the value of (Proxy-)Authorization. 0, -EINVAL (not Basic, no colon), -EMSGSIZE. */
int http1_basic_read(struct http1_basic *b, struct text value) CHECKED;
void http1_basic_done(struct http1_basic *b);

#endif
