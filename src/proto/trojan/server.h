/* The inbound. */
#ifndef WEIR_PROTO_TROJAN_SERVER_H
#define WEIR_PROTO_TROJAN_SERVER_H

#include "proto/protocol.h"

int trojan_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err);

#endif
