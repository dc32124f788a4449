/*
 * simple-obfs: makes the start of a stream look like a WebSocket upgrade or a TLS handshake
 * (shadowsocks/simple-obfs). It hides nothing from who looks twice and encrypts nothing.
 */
#ifndef WEIR_LAYER_OBFS_OBFS_H
#define WEIR_LAYER_OBFS_OBFS_H

#include "net/stream.h"

enum obfs_mode {
    OBFS_NONE,
    OBFS_HTTP,
    OBFS_TLS,
};

enum { OBFS_HOST = 253 }; /* octets of the host name that is shown */

/*
 * The client's side; `port` is shown in HTTP mode unless it is 80. The disguise leaves with the first write.
 * Consumes `lower`. NULL: out of memory, or the host is too long.
 */
struct stream *obfs_client(struct stream *lower, enum obfs_mode mode, struct text host, uint16_t port) CHECKED;
/* The server's side. Reading gives -EPROTO for a start that is no client's. Consumes `lower`; NULL: out of memory. */
struct stream *obfs_server(struct stream *lower, enum obfs_mode mode) CHECKED;

#endif
