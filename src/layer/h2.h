/*
 * An HTTP/2 connection (RFC 9113) as a bundle of streams; framing and HPACK are libnghttp2's.
 *
 * One coroutine reads the lower stream, another writes while there is something to write, so that
 * neither waits for the other. Flow control is end to end: a stream's window is given back when its
 * reader took the bytes, so a stalled stream costs its window and never its siblings. Windows start
 * small and grow with what a round trip was seen to carry, within a budget per connection.
 */
#ifndef WEIR_LAYER_H2_H
#define WEIR_LAYER_H2_H

#include "base/error.h"
#include "net/stream.h"

enum {
    H2_WINDOW = 256 * 1024,         /* of a stream at first */
    H2_WINDOW_MAX = 16 * 1024 * 1024, /* 100 ms at 1 Gbit/s and some */
    H2_BUDGET = 32 * 1024 * 1024,   /* of a connection, for windows above H2_WINDOW in all */
    H2_STREAMS = 128,               /* that a peer may have open, unless told otherwise */
    H2_FIELDS = 48,                 /* of a head that is read */
    H2_FIELDS_OUT = 32,             /* of a head that is written, with the pseudo fields */
    H2_HEAD_MAX = 16 * 1024,        /* octets of a head */
};

struct h2;
struct h2_stream;

struct h2_field {
    struct text name; /* in lower case */
    struct text value;
};

/* A head as it arrived; the views live as long as the call. */
struct h2_head {
    struct text method;
    struct text scheme;
    struct text authority;
    struct text path;
    size_t count;
    struct h2_field fields[H2_FIELDS]; /* the ordinary ones */
};
/* The first value under that name, or the empty text. */
struct text h2_head_get(const struct h2_head *h, const char *name);

/*
 * Server: the peer opened a stream. Runs inside the engine and must not park: it answers, or starts a
 * coroutine that does. `st` is the callee's to close.
 */
typedef void h2_request_fn(void *arg, struct h2_stream *st, const struct h2_head *head);

struct h2_options {
    bool is_server;
    uint32_t max_streams;      /* that the peer may have open; 0: H2_STREAMS */
    int64_t silence_ms;        /* after which a PING asks whether the peer is still there; 0: never */
    int64_t answer_ms;         /* how long its answer may take; 0: 15 s */
    bool ping_without_streams; /* also while no stream is open */
    int64_t unused_ms;         /* ends after that long without a stream; 0: never */
    h2_request_fn *request;    /* server */
    void *arg;
};

/*
 * Starts a connection over `lower` (consumed, also on failure). Its coroutines belong to `group`, whose
 * cancellation ends it. A server's `lower` keeps its deadline until the first request; a client's is lifted. Does not
 * park. One reference.
 */
int h2_new(struct stream *lower, struct group *group, const struct h2_options *options, struct h2 **out) CHECKED;
/* No more streams will be opened by the caller; the connection ends with its last stream. Drops the reference. */
void h2_leave(struct h2 *h);
/* Parks until the connection has ended. 0 in order, or why. */
int h2_wait(struct h2 *h) CHECKED;
/* Whether h2_open() would give a stream now: it lives, was not told to go away, and the peer takes one more. */
bool h2_has_room(const struct h2 *h);
/* Streams that are not closed. */
unsigned h2_streams(const struct h2 *h);

/*
 * Client: a stream with this request head (pseudo fields first). Does not park; the head travels with the first
 * write (STREAM_HOLDS_HEADER). Texts are copied.
 */
int h2_open(struct h2 *h, const struct h2_field *fields, size_t count, struct h2_stream **out) CHECKED;
/* Server: the head of the answer, which travels with the first write or flush. `is_all`: nothing follows. */
int h2_answer(struct h2_stream *st, const struct h2_field *fields, size_t count, bool is_all) CHECKED;
/* Server: fields that end the body instead of its last frame (at most 4; texts must outlive the stream). */
void h2_set_trailers(struct h2_stream *st, const struct h2_field *fields, size_t count);
/* Client: parks until the answer's head has come: its status, or negative. */
int h2_wait_status(struct h2_stream *st, int64_t deadline) CHECKED;
/* Client: the answer's status; 0: not there yet. A read of a stream with another status than 2xx gives -EPROTO. */
unsigned h2_status(const struct h2_stream *st);
/* Client: the number in the field grpc-status of the answer's head or trailers; -1: none has come. */
int h2_grpc_status(const struct h2_stream *st);
/* Ends the stream with an error code of RFC 9113, section 7, when it is closed. */
void h2_set_reset(struct h2_stream *st, uint32_t code);
/* The same object; stream_close() frees it. */
struct stream *h2_stream_of(struct h2_stream *st);

#endif
