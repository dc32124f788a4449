/* Between two sockets, without a coroutine per direction. Inside net/ only. */
#ifndef WEIR_NET_RELAY_INTERNAL_H
#define WEIR_NET_RELAY_INTERNAL_H

#include "net/relay.h"
#include "net/socket.h"

int relay_sockets(struct session *s, struct socket *a, struct socket *b, const struct relay_limits *limits) CHECKED;

#endif
