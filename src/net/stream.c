#include "net/stream.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/socket.h"

void stream_set_deadline(struct stream *s, int64_t deadline)
{
    for (; s; s = s->lower)
        s->deadline = deadline;
}

ssize_t stream_try_read(struct stream *s, void *buf, size_t n)
{
    return s->ops->read(s, buf, n);
}

int stream_wait(struct stream *s, int64_t deadline)
{
    return event_wait(s->ops->readable(s), min_of(deadline, s->deadline), s->ops->name);
}

ssize_t stream_read(struct stream *s, void *buf, size_t n)
{
    for (;;) {
        ssize_t got = s->ops->read(s, buf, n);
        if (got != -EAGAIN)
            return got;
        int r = stream_wait(s, NEVER);
        if (r < 0)
            return r;
    }
}

int stream_read_full(struct stream *s, void *buf, size_t n)
{
    uint8_t *at = buf;

    while (n) {
        ssize_t got = stream_read(s, at, n);
        if (got <= 0)
            return got < 0 ? (int)got : -EPIPE;
        at += got;
        n -= (size_t)got;
    }
    return 0;
}

int stream_write(struct stream *s, const void *buf, size_t n)
{
    union {
        const void *in;
        void *out;
    } p = {.in = buf};

    return s->ops->writev(s, &(struct iovec){.iov_base = p.out, .iov_len = n}, 1);
}

int stream_writev(struct stream *s, const struct iovec *iov, int count)
{
    return s->ops->writev(s, iov, count);
}

int stream_flush(struct stream *s)
{
    return s->flags & STREAM_HOLDS_HEADER ? s->ops->writev(s, NULL, 0) : 0;
}

int stream_shutdown(struct stream *s)
{
    return s->ops->shutdown(s);
}

void stream_close(struct stream *s)
{
    if (s)
        s->ops->close(s);
}

void stream_abort(struct stream *s)
{
    struct stream *bottom = s ? stream_bottom(s) : NULL;

    if (bottom && bottom->flags & STREAM_SOCKET) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(socket_of(bottom)->watch.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    for (struct stream *at = s; at; at = at->lower)
        at->flags |= STREAM_ABORTED;
    stream_close(s);
}

struct stream *stream_bare(struct stream *s)
{
    while (s->flags & STREAM_TRANSPARENT)
        s = s->lower;
    return s;
}

struct stream *stream_bottom(struct stream *s)
{
    while (s->lower)
        s = s->lower;
    return s;
}

/* ---- replay ------------------------------------------------------------------------------ */

struct replay {
    struct stream stream;
    uint8_t *bytes; /* freed once given */
    size_t at;
    size_t len;
};

static struct replay *replay_of(struct stream *s)
{
    return container_of(s, struct replay, stream);
}

static ssize_t replay_read(struct stream *s, void *buf, size_t n)
{
    struct replay *r = replay_of(s);

    if (!r->bytes)
        return s->lower->ops->read(s->lower, buf, n);
    n = min_of(n, r->len - r->at);
    memcpy(buf, r->bytes + r->at, n);
    r->at += n;
    if (r->at == r->len) {
        mem_free(take(r->bytes));
        s->flags |= STREAM_TRANSPARENT;
        /* Whoever waits next must look at the lower stream once. */
        event_set(s->lower->ops->readable(s->lower));
    }
    return (ssize_t)n;
}

static int replay_writev(struct stream *s, const struct iovec *iov, int count)
{
    return s->lower->ops->writev(s->lower, iov, count);
}

static int replay_shutdown(struct stream *s)
{
    return s->lower->ops->shutdown(s->lower);
}

static void replay_close(struct stream *s)
{
    struct replay *r = replay_of(s);

    stream_close(s->lower);
    mem_free(r->bytes);
    mem_free(r);
}

static struct event *replay_readable(struct stream *s)
{
    struct event *e = s->lower->ops->readable(s->lower);

    if (replay_of(s)->bytes)
        e->is_set = true;
    return e;
}

struct stream *stream_replay(struct stream *lower, const void *p, size_t n)
{
    static const struct stream_ops ops = {
        .name = "replay",
        .read = replay_read,
        .writev = replay_writev,
        .shutdown = replay_shutdown,
        .close = replay_close,
        .readable = replay_readable,
    };

    if (n == 0)
        return lower;
    struct replay *r = mem_new(struct replay);
    uint8_t *bytes = mem_dup(p, n);
    if (!r || !bytes) {
        mem_free(r);
        mem_free(bytes);
        stream_close(lower);
        return NULL;
    }
    stream_init(&r->stream, &ops, lower);
    r->stream.deadline = lower->deadline;
    r->stream.flags = lower->flags & (STREAM_ENCRYPTED | STREAM_MULTIPLEXED);
    r->bytes = bytes;
    r->len = n;
    return &r->stream;
}
