/* What the parts of the HTTP/2 engine share. */
#ifndef WEIR_LAYER_H2_INTERNAL_H
#define WEIR_LAYER_H2_INTERNAL_H

#include <nghttp2/nghttp2.h>

#include "layer/h2.h"

enum {
    H2_FRAME_HEAD = 9,
    H2_PAYLOAD = 16384 - H2_FRAME_HEAD, /* of a DATA frame: with its head it fills one TLS record */
    H2_ONE_FRAME = 16384 + H2_FRAME_HEAD + 1,
    H2_PATIENCE = 2000,
};

/* The head that arrives; there is one at a time (RFC 9113, section 6.10). */
struct h2_incoming {
    size_t count;
    size_t octets;
    struct {
        nghttp2_rcbuf *name;
        nghttp2_rcbuf *value;
    } at[H2_FIELDS + 4];
};

/* Octets that a stream's reader has not taken. */
struct h2_chunk {
    struct h2_chunk *next;
    uint32_t start;
    uint32_t end;
    uint32_t size;
    uint8_t at[];
};

struct h2 {
    nghttp2_session *session; /* NULL once the connection has ended */
    struct stream *lower;
    struct h2_options options;
    struct group sending;    /* of the coroutine that writes, while there is something */
    struct list streams;     /* all that libnghttp2 or a user knows */
    unsigned references;
    unsigned open;           /* streams that their users have not closed */
    int failure;             /* why it ended or has to; 0: in order */
    bool is_sending;
    bool is_leaving;         /* the opener has left */
    bool is_going;           /* a GOAWAY went either way: no new streams */
    bool has_ended;
    struct event wake;       /* for the pump: look at the state and the timers again */
    struct event ended;

    struct h2_incoming *incoming;

    uint8_t *out;            /* what the sender gathers; NULL while none runs */
    size_t out_len;
    size_t out_size;
    const uint8_t *left;     /* of the frame that did not fit; libnghttp2's */
    size_t left_len;

    int64_t heard;           /* when the last octet came */
    int64_t asked;           /* when the keep-alive PING left; 0: none is out */
    int64_t unused;          /* since when there is no stream */
    int64_t going;           /* when the GOAWAY left; 0: not yet */

    uint32_t window;         /* what a busy stream is given */
    uint64_t extra;          /* of all windows above H2_WINDOW */
    bool is_probing;         /* a PING measures a round trip */
    int64_t probe_next;
    uint64_t probe_octets;

    int32_t patience;        /* see h2_calm.c */
    int64_t patience_at;
    uint8_t head[9];         /* of the frame that arrives */
    uint8_t head_len;
    uint32_t skip;           /* octets until the next head */
};

struct h2_stream {
    struct stream stream;
    struct list link;
    struct h2 *h2;
    int32_t id;
    uint32_t window;
    uint64_t taken;          /* by the reader, in all */

    struct h2_chunk *first;
    struct h2_chunk *last;
    struct event readable;
    struct event answered;
    int failure;             /* for the reader behind what is queued, and for the writer; 0: none */
    uint16_t status;
    int16_t grpc_status;
    bool has_end;            /* the peer has ended its direction */

    struct iovec *iov;       /* what its writer waits for; NULL: none does */
    int iov_count;
    size_t iov_at;           /* octets of the first that are gone */
    struct event written;
    const struct h2_field *trailers;
    size_t trailer_count;
    uint32_t reset;          /* code to close with, when is_reset_set */
    bool is_reset_set;
    bool has_head;           /* server: the answer was submitted */
    bool has_sent_head;
    bool wants_end;
    bool has_sent_end;
    bool is_deferred;        /* libnghttp2 waits for nghttp2_session_resume_data() */
    bool is_handed_out;      /* it has a user */
    bool is_closed;          /* by its user */
    bool is_gone;            /* libnghttp2 has forgotten it */
};

static inline struct h2_stream *h2_of(struct stream *s)
{
    return container_of(s, struct h2_stream, stream);
}

/* h2.c */
void h2_ref(struct h2 *h);
void h2_unref(struct h2 *h);
/* Lets the sender run when libnghttp2 has something to write. */
void h2_kick(struct h2 *h);
/* Ends the connection as soon as the pump runs. */
void h2_fail(struct h2 *h, int failure);
/* Sends GOAWAY with this code; the connection ends when that is out. */
void h2_terminate(struct h2 *h, uint32_t code);

/* h2_session.c */
int h2_session_new(struct h2 *h) CHECKED;
int h2_submit(struct h2 *h, struct h2_stream *st, const struct h2_field *fields, size_t count, bool is_all) CHECKED;
void h2_incoming_free(struct h2 *h);

/* h2_stream.c */
struct h2_stream *h2_stream_new(struct h2 *h) CHECKED;
/* The object itself, once user and libnghttp2 are done with it. */
void h2_stream_free(struct h2_stream *st);
/* libnghttp2 is done with it. `failure` is for its user, unless the peer has ended it. */
void h2_stream_gone(struct h2_stream *st, int failure);
int h2_stream_add(struct h2_stream *st, const uint8_t *p, size_t n) CHECKED;

/* h2_window.c */
/* Octets arrived on the connection. */
void h2_window_heard(struct h2 *h, size_t n);
/* The PING of the probe came back. */
void h2_window_answered(struct h2 *h);
/* The reader of `st` has taken n octets. */
void h2_window_taken(struct h2_stream *st, size_t n);
extern const uint8_t h2_probe[8];

/* h2_calm.c */
/* Looks at the heads of frames that arrive: what costs the peer nothing and us something uses up our patience. */
void h2_watch(struct h2 *h, const uint8_t *p, size_t n);
/* It did something useful. */
void h2_credit(struct h2 *h, int32_t n);

#endif
