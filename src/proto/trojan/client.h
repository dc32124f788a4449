/* The outbound. */
#ifndef WEIR_PROTO_TROJAN_CLIENT_H
#define WEIR_PROTO_TROJAN_CLIENT_H

#include "proto/protocol.h"

int trojan_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err);

#endif
