/*
 * The stream contract: a byte stream, raw or transformed.
 *
 * What an implementation gives is a table of operations; what callers use are the functions
 * below the table. Between the two stand the deadline and the parking: an operation `read`
 * never parks, so that an idle relay needs no buffer and one coroutine.
 *
 * A function that wraps a stream consumes it, also on failure: it then closes it.
 * At most one coroutine reads and one writes at a time.
 */
#ifndef WEIR_NET_STREAM_H
#define WEIR_NET_STREAM_H

#include <sys/uio.h>

#include "net/addr.h"
#include "runtime/loop.h"

struct stream;

struct stream_ops {
    const char *name; /* for the chain in logs: "tcp", "shadowsocks", "tls" */

    /* Up to n bytes: > 0, 0 at the end, -EAGAIN when nothing is there yet, else the failure. */
    ssize_t (*read)(struct stream *s, void *buf, size_t n);

    /* Writes all or fails; may park. With count 0 sends what was held back (a lazy header). */
    int (*writev)(struct stream *s, const struct iovec *iov, int count);

    /* No more writes; the peer sees the end. May park. A protocol without half-close does nothing. */
    int (*shutdown)(struct stream *s);

    /* Frees the stream and closes the lower one. Never parks. */
    void (*close)(struct stream *s);

    /* Set when `read` is worth another try after -EAGAIN. */
    struct event *(*readable)(struct stream *s);
};

enum stream_flags {
    STREAM_SOCKET = 1 << 0,      /* is a struct socket: relay may use its descriptor */
    STREAM_ENCRYPTED = 1 << 1,
    STREAM_MULTIPLEXED = 1 << 2,
    STREAM_HOLDS_HEADER = 1 << 3, /* a header waits for the first write's company */
    STREAM_TRANSPARENT = 1 << 4,  /* adds and removes nothing any more: `lower` may be used instead */
    STREAM_ABORTED = 1 << 5,      /* is being closed by stream_abort(): a multiplexed one is reset, not ended */
};

struct stream {
    const struct stream_ops *ops;
    struct stream *lower; /* NULL at the bottom */
    int64_t deadline;     /* of reads and writes at this level; NEVER = none */
    unsigned flags;
};

static inline void stream_init(struct stream *s, const struct stream_ops *ops, struct stream *lower)
{
    *s = (struct stream){.ops = ops, .lower = lower, .deadline = NEVER};
}

/* From now on, calls return -ETIMEDOUT at `deadline`; it goes down to the lowest stream. */
void stream_set_deadline(struct stream *s, int64_t deadline);

/* Up to n bytes; parks until there is one. > 0, 0 at the end, or negative. */
ssize_t stream_read(struct stream *s, void *buf, size_t n) CHECKED;
/* As stream_read, but -EAGAIN instead of parking. */
ssize_t stream_try_read(struct stream *s, void *buf, size_t n) CHECKED;
/* Exactly n bytes: 0, or -EPIPE when the stream ends before. May park. */
int stream_read_full(struct stream *s, void *buf, size_t n) CHECKED;
/* Parks until stream_try_read() is worth a try. */
int stream_wait(struct stream *s, int64_t deadline) CHECKED;
int stream_write(struct stream *s, const void *buf, size_t n) CHECKED;
int stream_writev(struct stream *s, const struct iovec *iov, int count) CHECKED;
/* Sends a header that was held back. */
int stream_flush(struct stream *s) CHECKED;
int stream_shutdown(struct stream *s) CHECKED;
/* Accepts NULL. */
void stream_close(struct stream *s);
/* Closes so that the peer sees a reset instead of an end. */
void stream_abort(struct stream *s);

/* The stream itself, or what lies below its transparent layers. */
struct stream *stream_bare(struct stream *s);
/* The lowest stream. */
struct stream *stream_bottom(struct stream *s);

DEFINE_CLEANUP(stream, struct stream *, stream_close)
#define OWNED_STREAM CLEANUP(stream_cleanup) struct stream

/*
 * A stream that first gives `n` bytes that were read already, then those of `lower`; then it is
 * transparent. Consumes `lower`. NULL when memory ran out (`lower` is closed).
 */
struct stream *stream_replay(struct stream *lower, const void *p, size_t n) CHECKED;

/* Two ends of a pipe in memory with a bounded buffer: for tests and for services inside one process. */
int stream_pair(size_t room, struct stream *out[2]) CHECKED;

#endif
