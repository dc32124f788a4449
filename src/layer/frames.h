/*
 * Datagrams as frames of a byte stream: the machinery, for any protocol whose frames are a head and a
 * payload. What a frame looks like is told by its rules.
 */
#ifndef WEIR_LAYER_FRAMES_H
#define WEIR_LAYER_FRAMES_H

#include "base/wire.h"
#include "net/packet.h"
#include "net/stream.h"

enum {
    FRAME_HEAD_MAX = DATAGRAM_HEADROOM, /* a head is written into the datagram's headroom */
};

struct frame {
    struct dest peer;
    struct bytes payload; /* in the reader's memory */
    size_t size;          /* of the whole frame; of one that is not complete: what is known to be needed */
    bool is_datagram;     /* false: a frame without payload, to be skipped */
};

/* What one direction remembers; the rules use it as they like. */
struct frame_state {
    struct dest peer;  /* given by who made the path: the only peer, or the first one */
    bool has_started;  /* the first frame was written */
};

struct frame_rules {
    /*
     * Reads the frame at `r`: 1, 0 when it is not complete, -EPROTO, -EPIPE (it says the end).
     * `out` is zeroed.
     */
    int (*read)(const struct frame_state *state, struct reader *r, struct frame *out);
    /* Writes the head for `d`, at most FRAME_HEAD_MAX octets. `w` failed: the datagram is dropped. */
    void (*write_head)(const struct frame_state *state, struct writer *w, const struct datagram *d);
    /* Octets behind the payload; NULL: none. At most DATAGRAM_TAILROOM. */
    void (*write_tail)(const struct frame_state *state, struct writer *w, const struct datagram *d);
};

/*
 * The packet path on `lower`, which it consumes. `state` is copied. The first frame goes out with a header that `lower`
 * may be holding. NULL: out of memory.
 */
struct packet *frames_packet(struct stream *lower, const struct frame_rules *rules, const struct frame_state *state) CHECKED;

#endif
