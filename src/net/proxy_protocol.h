/* PROXY protocol versions 1 and 2 (HAProxy doc/proxy-protocol.txt, 2020/03/05). */
#ifndef WEIR_NET_PROXY_PROTOCOL_H
#define WEIR_NET_PROXY_PROTOCOL_H

#include "net/stream.h"

enum { PROXY_HEADER_MAX = 232 };

/* Encodes a header for a TCP flow; returns its length or -EINVAL. */
int proxy_header_write(int version, const struct addr *source, const struct addr *dest, uint8_t *out, size_t size) CHECKED;
/*
 * Pure parser: bytes used (> 0), 0 = more needed, -EPROTO = not a header. Addresses stay unset for LOCAL/UNKNOWN.
 */
int proxy_header_parse(const uint8_t *p, size_t n, struct addr *source, struct addr *dest) CHECKED;
/* Reads the header from the start of *s (within its deadline) and sets the addresses; *s may be replaced. May park. */
int proxy_header_accept(struct stream **s, struct addr *source, struct addr *dest, struct error *err) CHECKED;

#endif
