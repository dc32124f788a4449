/* What the inbounds of VMess, VLESS and Trojan do with a client's stream once they know what it wants. */
#ifndef WEIR_PROTO_FLOWS_H
#define WEIR_PROTO_FLOWS_H

#include "net/proxy.h"

/*
 * A stream to s->dest, which may be one of the magic names under which a stream carries many. Consumes it. May
 * park.
 */
void flow_stream(struct inbound *in, struct session *s, struct stream *client);
/* Mux.Cool, which needs no destination. Consumes the stream. May park. */
void flow_muxcool(struct inbound *in, struct session *s, struct stream *client);
/* Datagrams, first to s->dest if that is set. The deadline of `lower`, which the path owns, is lifted. Consumes the path. May park. */
void flow_packets(struct inbound *in, struct session *s, struct stream *lower, struct packet *client);

#endif
