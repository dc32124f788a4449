/* Shadowsocks: classic AEAD, 2022 Edition, none; both sides, TCP and UDP. */
#ifndef WEIR_PROTO_SHADOWSOCKS_SHADOWSOCKS_H
#define WEIR_PROTO_SHADOWSOCKS_SHADOWSOCKS_H

#include "proto/protocol.h"

extern const struct protocol shadowsocks_protocol;

#endif
