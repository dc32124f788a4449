/*
 * The packet contract: the datagram twin of a stream. A packet path carries datagrams with the
 * address of the far end: where they go when sent, whence they came when received.
 */
#ifndef WEIR_NET_PACKET_H
#define WEIR_NET_PACKET_H

#include "net/dest.h"
#include "runtime/loop.h"

enum {
    DATAGRAM_MAX = 65535,
    /* A sender may write a header into this much room before the payload, and a tag behind it. */
    DATAGRAM_HEADROOM = 320,
    DATAGRAM_TAILROOM = 64,
    BATCH_MAX = 64, /* datagrams in one call */
};

struct datagram {
    uint8_t *ptr; /* payload; DATAGRAM_HEADROOM bytes before and DATAGRAM_TAILROOM behind belong to it */
    size_t len;
    struct dest peer;
};

/* Datagrams and the memory they lie in. Borrowed from the worker while data is in flight. */
struct batch;
struct batch *batch_get(void) CHECKED; /* NULL: memory ran out; may park at the memory limit */
void batch_put(struct batch *b);
DEFINE_CLEANUP(batch, struct batch *, batch_put)

struct batch {
    unsigned count;
    struct datagram at[BATCH_MAX];
    uint8_t *room; /* where receivers put payloads */
    size_t size;
    size_t used;
};
/* The next payload area of `len` bytes with head and tail room, or NULL when the batch is full. */
uint8_t *batch_room(struct batch *b, size_t len);

struct packet;
struct packet_ops {
    const char *name;
    /* Fills the batch (emptied first): > 0 datagrams, -EAGAIN, or a failure. Never parks. */
    int (*receive)(struct packet *p, struct batch *b);
    /* Sends the batch. Datagrams that find no room are dropped, as UDP does; a path over a stream may park.
     * May change the payload memory (in-place encryption) and the room round it. */
    int (*send)(struct packet *p, struct batch *b);
    void (*close)(struct packet *p);
    struct event *(*readable)(struct packet *p);
};

struct packet {
    const struct packet_ops *ops;
    struct packet *lower;
};

/* Parks until at least one datagram is there: > 0, or negative. 0 never. */
int packet_receive(struct packet *p, struct batch *b, int64_t deadline) CHECKED;
int packet_send(struct packet *p, struct batch *b) CHECKED;
/* Accepts NULL. */
void packet_close(struct packet *p);
DEFINE_CLEANUP(packet, struct packet *, packet_close)
#define OWNED_PACKET CLEANUP(packet_cleanup) struct packet

#endif
