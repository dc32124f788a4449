/* SOCKS 4, 4a and 5, both sides. The wire format is drawn in README.md. */
#ifndef WEIR_PROTO_SOCKS_SOCKS_H
#define WEIR_PROTO_SOCKS_SOCKS_H

#include "proto/protocol.h"
#include "proto/uot_option.h"
#include "proto/users.h"

extern const struct protocol socks_protocol;

enum socks_version { SOCKS_V5, SOCKS_V4A, SOCKS_V4 };

struct socks_outbound_options {
    struct text server;
    uint16_t server_port;
    int version; /* enum socks_version */
    struct text username;
    struct text password;
    struct network_option network;
    struct uot_option udp_over_tcp;
    struct tls_client_options tls;
};

/* The two sides, for the descriptor. */
int socks_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err);
int socks_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err);

#endif
