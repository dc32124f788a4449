/* The outbound, and its packet path. */
#ifndef WEIR_PROTO_SHADOWSOCKS_CLIENT_H
#define WEIR_PROTO_SHADOWSOCKS_CLIENT_H

#include "proto/protocol.h"
#include "proto/shadowsocks/key.h"

int ss_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err);

/*
 * Datagrams sealed onto `lower`, a path to the server; a new session. `keys` outlives it. Consumes `lower`. NULL:
 * out of memory. In client_packet.c.
 */
struct packet *ss_client_packet(struct packet *lower, const struct ss_method *m, const struct ss_keys *keys) CHECKED;

#endif
