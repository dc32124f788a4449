/* Addresses on streams, and the method "none", which is nothing else. */
#ifndef WEIR_PROTO_SHADOWSOCKS_PLAIN_H
#define WEIR_PROTO_SHADOWSOCKS_PLAIN_H

#include "net/dest.h"
#include "net/stream.h"

/*
 * A client's stream that puts the address before its first write and is transparent
 * afterwards. Consumes `lower`. NULL: out of memory.
 */
struct stream *ss_plain_stream(struct stream *lower, const struct dest *dest) CHECKED;
/* Reads a SOCKS5 address from a stream. 0, -EPIPE, -EPROTO, or the failure. May park. */
int ss_read_address(struct stream *s, struct dest *out) CHECKED;

#endif
