/* What the parts of the SOCKS client share. */
#ifndef WEIR_PROTO_SOCKS_CLIENT_H
#define WEIR_PROTO_SOCKS_CLIENT_H

#include "layer/uot/uot.h"
#include "proto/socks/socks.h"
#include "proto/socks/wire.h"

struct socks_client {
    struct outbound outbound;
    struct dest server;
    enum socks_version version;
    struct network_option network;
    enum uot_version uot; /* UOT_NONE: UDP associate */
    struct text user;
    struct text password;
    struct tls_client *tls; /* NULL: none */
};

/*
 * Connects to the server and asks it for `command` with `to`. *out is the connection, with what the server
 * sent too early; `bound` gets the address that it answered (no family, no name: none). May park.
 */
struct socks_question {
    enum socks_command command;
    const struct dest *to;
};
int socks_client_ask(const struct socks_client *c, struct session *s, const struct socks_question *q,
                     struct stream **out, struct dest *bound, struct error *err);

/* outbound_ops.open_packet: UDP associate of version 5, or UDP over TCP. */
int socks_client_open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err);

#endif
