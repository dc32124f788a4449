/*
 * What a proxy changes in the heads that pass through it. Pure: no I/O, no allocation.
 *
 *     GET http://example.org/a HTTP/1.1          GET /a HTTP/1.1
 *     Host: example.org                   --->   Host: example.org
 *     Proxy-Authorization: Basic ...             Accept: *
 *     Proxy-Connection: keep-alive
 *     Accept: *
 */
#ifndef WEIR_PROTO_HTTP_REWRITE_H
#define WEIR_PROTO_HTTP_REWRITE_H

#include "base/wire.h"
#include "format/http1.h"
#include "net/dest.h"

enum {
    HTTP_REWRITE_EXTRA = 512 + DEST_TEXT, /* how much longer a head may become */
    HTTP_PAGE_MAX = 1024,
};

/* An absolute-form target cut up: views into it. */
struct http_target {
    struct dest dest;
    struct text authority; /* without user information, for Host */
    struct text origin;    /* path and query; may be empty or start with '?' */
};
/* 0; -EINVAL (not absolute, or no host); -EPROTONOSUPPORT (a scheme that is not http). */
int http_target_read(struct http_target *t, struct text target) CHECKED;

/* Whether the request asks to switch to a protocol that may be let through. */
bool http_wants_upgrade(const struct http1_head *h);

/* The request's head as the origin gets it. */
void http_rewrite_request(struct writer *w, const struct http1_head *h, const struct http_target *t);
/* The response's head as the client gets it; `keep_alive`: the connection stays open behind it. */
void http_rewrite_response(struct writer *w, const struct http1_head *h, bool keep_alive);

/* Our own answers: a short text. */
struct http_page {
    unsigned status;
    bool keep_alive;
    bool without_body;   /* to HEAD */
    const char *words;   /* why; a literal */
};
void http_write_page(struct writer *w, const struct http_page *page);
/* The status for a failed dial. */
unsigned http_status_of(int result);

#endif
