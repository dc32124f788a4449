/* The octets of simple-obfs in HTTP mode. No I/O. */
#ifndef WEIR_LAYER_OBFS_HTTP_H
#define WEIR_LAYER_OBFS_HTTP_H

#include "base/wire.h"

enum {
    OBFS_HTTP_HEAD = 4096, /* the longest head that is read */
    OBFS_HTTP_WRITE = 768, /* the longest that is written */
};

void obfs_http_request(struct writer *w, struct text host, uint16_t port, size_t body);
void obfs_http_response(struct writer *w, int64_t now);
/* The length of the head at the start of `b`; 0: not all there yet; -EPROTO: none, or too long. */
ssize_t obfs_http_head(struct bytes b, bool is_request) CHECKED;

#endif
