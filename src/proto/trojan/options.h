/* What a configuration can say, in both dialects, and its checks. */
#ifndef WEIR_PROTO_TROJAN_OPTIONS_H
#define WEIR_PROTO_TROJAN_OPTIONS_H

#include "proto/carrier.h"
#include "proto/protocol.h"
#include "proto/stranger.h"

struct trojan_outbound_options {
    struct text server;
    uint16_t server_port;
    struct text password;
    struct network_option network;
    struct carrier_client_options carrier;
};

struct trojan_user_option {
    struct text name;
    struct text password;
};

struct trojan_inbound_options {
    OBJECT_LIST(struct trojan_user_option) users;
    struct fallback_option *fallback; /* NULL: none */
    OBJECT_LIST(struct fallback_option) by_alpn;
    struct carrier_server_options carrier;
};

extern const struct option trojan_outbound_table[];
extern const struct option trojan_inbound_table[];
int trojan_outbound_check(const void *options, const struct node *at, struct option_reader *r);
int trojan_inbound_check(const void *options, const struct node *at, struct option_reader *r);

#endif
