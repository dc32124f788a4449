/* A connection of Mux.Cool and its streams. Inside muxcool/ only. */
#ifndef WEIR_LAYER_MUXCOOL_SESSION_H
#define WEIR_LAYER_MUXCOOL_SESSION_H

#include "base/map.h"
#include "base/vec.h"
#include "layer/muxcool/frame.h"
#include "layer/muxcool/muxcool.h"
#include "net/buffers.h"
#include "net/gather.h"
#include "net/intake.h"

enum { MUXCOOL_RUNS = 1 };

struct muxcool_end {
    uint16_t id;
    bool is_error;
};

/*
 * Writers put their frames into a buffer; one coroutine gives it down. So a writer that is cancelled
 * leaves no half frame behind, and what several wrote leaves together.
 */
struct muxcool {
    struct stream *lower;
    struct intake intake;
    struct map streams;    /* by id: those that the other side may still speak to */
    struct group group;    /* the writer, and on the server's side the arrivals */
    struct loan out;       /* frames to be written; NULL: none */
    size_t out_len;
    VEC(struct muxcool_end) ends; /* to be told behind them */
    struct list waiting;   /* for room in `out` */
    bool is_writing;
    struct event stopped;  /* set when `result` is */
    int result;            /* MUXCOOL_RUNS, or how it ended */
    unsigned refs;         /* the reader's, and one for each stream */
    size_t queued;         /* of all streams */
    muxcool_serve_fn *serve; /* NULL: the client's side */
    void *arg;
};

/* Data that arrived and was not read yet. */
struct muxcool_piece {
    struct list link;
    struct dest *peer;     /* of a datagram; NULL: the stream's own */
    size_t at;
    size_t len;
    uint8_t bytes[];
};

struct muxcool_stream {
    struct stream stream;  /* one of the two is used */
    struct packet packet;
    struct muxcool *mux;
    uint8_t id[2];         /* as on the wire: the key in `streams` */
    bool is_udp;
    bool is_opened;        /* NEW is out, or came in */
    bool has_ended;        /* the other side said so */
    bool has_failed;       /* with an error, or the connection did */
    bool is_closed;        /* by its owner */
    unsigned refs;         /* the owner's, and the reader's while it waits for room here */
    struct dest dest;      /* of the stream, or of the first datagram */
    struct list pieces;
    size_t queued;
    struct event readable;
    struct event drained;
};

/* Takes `lower` over. The caller holds one reference. NULL: out of memory, `lower` is closed. */
struct muxcool *muxcool_new(struct stream *lower, struct group *parent);
void muxcool_unref(struct muxcool *m);
/* Reads frames until the connection ends, then ends all streams. Only one coroutine does. May park. */
void muxcool_read(struct muxcool *m);
/* The connection is over: wakes everyone. */
void muxcool_fail(struct muxcool *m, int result);

/* Tells the other side, soon, that a stream is over. Never parks. */
void muxcool_tell_end(struct muxcool *m, uint16_t id, bool is_error);
/*
 * A frame with up to `max` octets of `g` (g may be NULL), or all of them when `is_whole`. Parks while
 * others' frames wait. 0, -EPIPE, -EMSGSIZE (can never fit), or why the wait ended.
 */
struct muxcool_payload {
    struct gather *g;
    size_t max;
    bool is_whole;
};
int muxcool_put(struct muxcool *m, const struct muxcool_frame *f, const struct muxcool_payload *p,
                int64_t deadline) CHECKED;

/* ---- stream.c ---- */

/* Known by its id from now on; NULL: out of memory. */
struct muxcool_stream *muxcool_stream_new(struct muxcool *m, const struct muxcool_frame *opening) CHECKED;
/* Data of a frame; may park for the stream's owner. 0, -ENOMEM, -ETIMEDOUT (it takes nothing). */
int muxcool_stream_push(struct muxcool_stream *s, const struct muxcool_frame *f) CHECKED;
/* Nothing more will come. */
void muxcool_stream_end(struct muxcool_stream *s, bool has_failed);
/* The other side may not speak to it any more. */
void muxcool_stream_forget(struct muxcool_stream *s);
static inline uint16_t muxcool_stream_id(const struct muxcool_stream *s)
{
    return (uint16_t)(s->id[0] << 8 | s->id[1]);
}

#endif
