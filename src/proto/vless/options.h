/* What a configuration can say, in both dialects, and its checks. */
#ifndef WEIR_PROTO_VLESS_OPTIONS_H
#define WEIR_PROTO_VLESS_OPTIONS_H

#include "proto/carrier.h"
#include "proto/packet_encoding.h"
#include "proto/protocol.h"
#include "proto/stranger.h"

struct vless_outbound_options {
    struct text server;
    uint16_t server_port;
    struct text uuid;
    int flow;
    struct text encryption;
    struct network_option network;
    struct packet_encoding_option packets;
    struct carrier_client_options carrier;
};

struct vless_user_option {
    struct text name;
    struct text uuid;
    int flow;
};

struct vless_inbound_options {
    OBJECT_LIST(struct vless_user_option) users;
    struct text decryption;
    OBJECT_LIST(struct fallback_option) fallbacks;
    struct carrier_server_options carrier;
};

extern const struct option vless_outbound_table[];
extern const struct option vless_inbound_table[];
int vless_outbound_check(const void *options, const struct node *at, struct option_reader *r);
int vless_inbound_check(const void *options, const struct node *at, struct option_reader *r);

#endif
