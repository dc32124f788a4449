/* Trojan, both roles: see README.md. */
#ifndef WEIR_PROTO_TROJAN_TROJAN_H
#define WEIR_PROTO_TROJAN_TROJAN_H

#include "proto/protocol.h"

extern const struct protocol trojan_protocol;

#endif
