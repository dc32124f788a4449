/* The inbound. */
#ifndef WEIR_PROTO_VLESS_SERVER_H
#define WEIR_PROTO_VLESS_SERVER_H

#include "proto/protocol.h"

int vless_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err);

#endif
