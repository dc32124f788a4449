/* One port for SOCKS and HTTP: which of them it is, a connection's first octet tells. */
#ifndef WEIR_SERVICE_PROXY_MIXED_H
#define WEIR_SERVICE_PROXY_MIXED_H

#include "proto/protocol.h"

extern const struct protocol mixed_protocol;

#endif
