/* Straight to the destination; as an inbound, all that arrives goes to one target. */
#ifndef WEIR_PROTO_DIRECT_DIRECT_H
#define WEIR_PROTO_DIRECT_DIRECT_H

#include "proto/protocol.h"
#include "proto/users.h"

extern const struct protocol direct_protocol;

/* Parts of the destination that are replaced; empty and 0: left as they are. */
struct direct_outbound_options {
    struct text override_address;
    uint16_t override_port;
};

struct direct_inbound_options {
    struct network_option network;
    struct text override_address;
    uint16_t override_port;
    struct text target; /* "host:port" instead of the two */
};

struct direct_override {
    struct dest host; /* neither name nor address: left as it is */
    uint16_t port;
};
/* 0 or -EINVAL. */
int direct_override_init(struct direct_override *o, struct text address, uint16_t port, struct error *err);
static inline bool direct_override_is_set(const struct direct_override *o)
{
    return o->port || dest_is_name(&o->host) || addr_is_set(&o->host.ip);
}
void direct_override_apply(const struct direct_override *o, struct dest *d);

int direct_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err);
int direct_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err);

#endif
