/* VLESS, both roles: see README.md. */
#ifndef WEIR_PROTO_VLESS_VLESS_H
#define WEIR_PROTO_VLESS_VLESS_H

#include "proto/protocol.h"

extern const struct protocol vless_protocol;

#endif
