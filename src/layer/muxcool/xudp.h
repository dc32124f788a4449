/* XUDP: one UDP session of Mux.Cool that has a stream for itself; each datagram says its address. */
#ifndef WEIR_LAYER_MUXCOOL_XUDP_H
#define WEIR_LAYER_MUXCOOL_XUDP_H

#include "net/packet.h"
#include "net/stream.h"

/* The client's packet path on a stream opened with the command for Mux.Cool, which it consumes. NULL: out of memory. */
struct packet *xudp_client(struct stream *lower, const struct dest *first) CHECKED;

#endif
