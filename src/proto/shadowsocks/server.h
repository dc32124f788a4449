/* The inbound, and the datagrams of one of its sockets. */
#ifndef WEIR_PROTO_SHADOWSOCKS_SERVER_H
#define WEIR_PROTO_SHADOWSOCKS_SERVER_H

#include "layer/obfs/obfs.h"
#include "proto/protocol.h"
#include "proto/shadowsocks/accept.h"
#include "proto/shadowsocks/sessions.h"

struct ss_inbound {
    struct inbound inbound;
    struct ss_ring ring;
    struct ss_memory memory;
    struct ss_sessions sessions; /* 2022 */
    enum obfs_mode obfs;
};

static inline struct ss_inbound *ss_inbound_of(struct inbound *in)
{
    return container_of(in, struct ss_inbound, inbound);
}

int ss_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err);
/* inbound_ops.serve_packets, in server_packet.c. */
void ss_serve_packets(struct inbound *in, struct packet *socket, const struct addr *local);

#endif
