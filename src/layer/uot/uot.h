/*
 * UDP over TCP: datagrams framed on a stream (SagerNet/sing, common/uot), versions 1 and 2.
 * The client asks its proxy for a stream to a name that cannot exist; the server knows it.
 */
#ifndef WEIR_LAYER_UOT_UOT_H
#define WEIR_LAYER_UOT_UOT_H

#include "net/packet.h"
#include "net/stream.h"

enum uot_version {
    UOT_NONE = 0,
    UOT_V1 = 1,
    UOT_V2 = 2,
};

/* Which version a destination asks for; UOT_NONE when it is an ordinary one. */
enum uot_version uot_is_magic(const struct dest *d);
/* The destination that a client of this version asks its server for. */
struct dest uot_magic(enum uot_version version);

/*
 * Client: a packet path over `lower`, which was opened to uot_magic(version). `first` is where
 * the first datagram goes. The request is held back until that datagram. Consumes `lower`.
 */
int uot_client(struct stream *lower, enum uot_version version, const struct dest *first,
               struct packet **out) CHECKED;

/*
 * Server: reads as far as the first destination, which goes to *first, and gives the packet
 * path. Consumes `lower`, which has the handshake's deadline. May park. -EPIPE when it ended, -EPROTO.
 */
int uot_server(struct stream *lower, enum uot_version version, struct dest *first,
               struct packet **out) CHECKED;

#endif
