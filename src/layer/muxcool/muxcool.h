/*
 * Mux.Cool: many streams and packet paths over one stream, both roles.
 *
 * The protocol has no windows. What arrives for a stream whose owner does not read is kept, up to a limit; beyond it
 * the whole connection waits for that owner, so that memory stays bounded; and an owner that takes nothing
 * at all for MUXCOOL_STALL_MS loses its stream, so that the others go on. Datagrams beyond the limit are dropped.
 */
#ifndef WEIR_LAYER_MUXCOOL_MUXCOOL_H
#define WEIR_LAYER_MUXCOOL_MUXCOOL_H

#include "net/packet.h"
#include "net/stream.h"

enum {
    MUXCOOL_QUEUE = 256 * 1024,     /* octets kept for one stream */
    MUXCOOL_QUEUE_TIGHT = 16 * 1024, /* the same once all of a connection's hold MUXCOOL_QUEUES */
    MUXCOOL_QUEUES = 4 * 1024 * 1024,
    MUXCOOL_STALL_MS = 3000,
    MUXCOOL_STREAMS_MAX = 1024,     /* at a time, of one connection */
};

/* What opens a stream of the other side's. Exactly one of stream and packet is set, and is consumed. */
struct muxcool_arrival {
    struct dest dest;
    struct stream *stream;
    struct packet *packet;
};
/* Runs in a coroutine of its own. May park. */
typedef void muxcool_serve_fn(void *arg, struct muxcool_arrival *a);

bool muxcool_is_magic(const struct dest *d);
struct dest muxcool_magic(void);

/*
 * Serves a connection until it ends and all its streams have; consumes it. 0 when it ended in order, -EPROTO, or the failure.
 * May park.
 */
int muxcool_serve(struct stream *lower, muxcool_serve_fn *serve, void *arg);

#endif
