/* What the parts of the SOCKS client share. */
#ifndef WEIR_PROTO_SOCKS_CLIENT_H
#define WEIR_PROTO_SOCKS_CLIENT_H

#include "proto/socks/socks.h"
#include "proto/socks/wire.h"

struct socks_client {
    struct outbound outbound;
    struct dest server;
    enum socks_version version;
    struct network_option network;
    struct text user;
    struct text password;
};

/*
 * Connects to the server and asks it for `command`. *out is the connection, with what the server
 * sent too early; `bound` gets the address that it answered (no family, no name: none). May park.
 */
int socks_client_ask(const struct socks_client *c, struct session *s, enum socks_command command,
                     struct stream **out, struct dest *bound, struct error *err);

/* outbound_ops.open_packet of version 5. */
int socks_client_open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err);

#endif
