#include "proto/preface.h"

#include <errno.h>

#include "base/mem.h"

enum { TOGETHER = 8 }; /* pieces of a first write that go out in one call with the header */

struct preface_io {
    struct stream stream;
    struct stream_ops ops; /* its name is the protocol's */
    ssize_t (*answer)(const uint8_t *p, size_t n); /* NULL: read, or none */
    uint8_t *header;       /* NULL: sent */
    size_t header_len;
    uint8_t *got;          /* of the answer; NULL: not asked for yet, or complete */
    size_t got_len;
};

static struct preface_io *io_of(struct stream *s)
{
    return container_of(s, struct preface_io, stream);
}

/* Once neither direction has anything left to do, the lower stream serves as well. */
static void settle(struct preface_io *io)
{
    if (!io->header && !io->answer)
        io->stream.flags |= STREAM_TRANSPARENT;
}

static void drop_header(struct preface_io *io)
{
    if (io->header)
        mem_wipe(io->header, io->header_len);
    mem_free(io->header);
    io->header = NULL;
    io->stream.flags &= ~(unsigned)STREAM_HOLDS_HEADER;
}

/* ---- the answer ----------------------------------------------------------------------------- */

/* No more than the answer may be taken, what follows is the reader's. 1 once it is read; 0 when the stream ends first. */
static ssize_t read_answer(struct preface_io *io)
{
    if (!io->got && !(io->got = mem_alloc(PREFACE_ANSWER_MAX)))
        return -ENOMEM;
    for (;;) {
        ssize_t len = io->answer(io->got, io->got_len);
        if (len < 0 || len > PREFACE_ANSWER_MAX)
            return -EPROTO;
        if ((size_t)len <= io->got_len)
            break;
        ssize_t n = stream_try_read(io->stream.lower, io->got + io->got_len, (size_t)len - io->got_len);
        if (n == 0)
            return io->got_len ? -EPIPE : 0;
        if (n < 0)
            return n;
        io->got_len += (size_t)n;
    }
    io->answer = NULL;
    mem_free(take(io->got));
    settle(io);
    return 1;
}

static ssize_t preface_read(struct stream *s, void *buf, size_t n)
{
    struct preface_io *io = io_of(s);

    if (io->answer) {
        ssize_t r = read_answer(io);
        if (r <= 0)
            return r;
    }
    return s->lower->ops->read(s->lower, buf, n);
}

/* ---- the header ----------------------------------------------------------------------------- */

static int write_first(struct preface_io *io, const struct iovec *iov, int count)
{
    struct iovec all[1 + TOGETHER] = {{.iov_base = io->header, .iov_len = io->header_len}};
    int together = min_of(count, (int)TOGETHER);

    for (int i = 0; i < together; i++)
        all[1 + i] = iov[i];
    int r = stream_writev(io->stream.lower, all, 1 + together);
    drop_header(io);
    settle(io);
    return r == 0 && count > together ? stream_writev(io->stream.lower, iov + together, count - together) : r;
}

static int preface_writev(struct stream *s, const struct iovec *iov, int count)
{
    if (io_of(s)->header)
        return write_first(io_of(s), iov, count);
    return count ? stream_writev(s->lower, iov, count) : 0;
}

static int preface_shutdown(struct stream *s)
{
    int r = io_of(s)->header ? write_first(io_of(s), NULL, 0) : 0;

    return r < 0 ? r : stream_shutdown(s->lower);
}

static void preface_close(struct stream *s)
{
    struct preface_io *io = io_of(s);

    stream_close(s->lower);
    drop_header(io);
    mem_free(io->got);
    mem_free(io);
}

static struct event *preface_readable(struct stream *s)
{
    return s->lower->ops->readable(s->lower);
}

struct stream *preface_stream(struct stream *lower, const struct preface *p)
{
    struct preface_io *io = mem_new(struct preface_io);

    if (io)
        io->header = mem_dup(p->header.ptr, p->header.len);
    if (!io || !io->header) {
        mem_free(io);
        stream_close(lower);
        return NULL;
    }
    io->ops = (struct stream_ops){
        .name = p->name,
        .read = preface_read,
        .writev = preface_writev,
        .shutdown = preface_shutdown,
        .close = preface_close,
        .readable = preface_readable,
    };
    stream_init(&io->stream, &io->ops, lower);
    io->stream.deadline = lower->deadline;
    io->stream.flags = STREAM_HOLDS_HEADER | (lower->flags & (STREAM_ENCRYPTED | STREAM_MULTIPLEXED));
    io->header_len = p->header.len;
    io->answer = p->answer;
    return &io->stream;
}
