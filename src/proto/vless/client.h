/* The outbound. */
#ifndef WEIR_PROTO_VLESS_CLIENT_H
#define WEIR_PROTO_VLESS_CLIENT_H

#include "proto/protocol.h"

int vless_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err);

#endif
