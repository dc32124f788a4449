#include "proto/shadowsocks/plain.h"

#include <errno.h>

#include "base/mem.h"
#include "format/socksaddr.h"
#include "net/buffers.h"

struct plain {
    struct stream stream;
    struct dest dest;
};

static ssize_t plain_read(struct stream *s, void *buf, size_t n)
{
    return s->lower->ops->read(s->lower, buf, n);
}

/* The address and the start of the payload leave in one write. */
static int plain_writev(struct stream *s, const struct iovec *iov, int count)
{
    if (!(s->flags & STREAM_HOLDS_HEADER))
        return count ? stream_writev(s->lower, iov, count) : 0;
    CLEANUP(loan_done) struct loan buf = {0};
    buf.ptr = buffer_lend(&buf.size);
    if (!buf.ptr)
        return -ENOMEM;
    struct writer w = writer_of(buf.ptr, buf.size);
    socksaddr_write(&w, &socksaddr_socks5, &container_of(s, struct plain, stream)->dest);
    s->flags = (s->flags & ~(unsigned)STREAM_HOLDS_HEADER) | STREAM_TRANSPARENT;
    int i = 0;
    for (; i < count && iov[i].iov_len <= (size_t)(w.end - w.at); i++)
        write_bytes(&w, iov[i].iov_base, iov[i].iov_len);
    int r = stream_write(s->lower, buf.ptr, writer_len(&w));
    return r == 0 && i < count ? stream_writev(s->lower, iov + i, count - i) : r;
}

static int plain_shutdown(struct stream *s)
{
    int r = s->flags & STREAM_HOLDS_HEADER ? plain_writev(s, NULL, 0) : 0;

    return r < 0 ? r : stream_shutdown(s->lower);
}

static void plain_close(struct stream *s)
{
    stream_close(s->lower);
    mem_free(container_of(s, struct plain, stream));
}

static struct event *plain_readable(struct stream *s)
{
    return s->lower->ops->readable(s->lower);
}

static const struct stream_ops ops = {
    .name = "shadowsocks",
    .read = plain_read,
    .writev = plain_writev,
    .shutdown = plain_shutdown,
    .close = plain_close,
    .readable = plain_readable,
};

struct stream *ss_plain_stream(struct stream *lower, const struct dest *dest)
{
    struct plain *p = mem_new(struct plain);

    if (!p) {
        stream_close(lower);
        return NULL;
    }
    stream_init(&p->stream, &ops, lower);
    p->stream.deadline = lower->deadline;
    p->stream.flags = STREAM_HOLDS_HEADER;
    p->dest = *dest;
    return &p->stream;
}

int ss_read_address(struct stream *s, struct dest *out)
{
    uint8_t raw[SOCKSADDR_MAX];
    size_t have = 0, want = 2; /* the kind, and the length if it is a name */

    for (;;) {
        int error = stream_read_full(s, raw + have, want - have);
        if (error < 0)
            return error;
        have = want;
        struct reader r = reader_of(raw, have);
        ssize_t n = socksaddr_read(&r, &socksaddr_socks5, out);
        if (n != 0)
            return n < 0 ? -EPROTO : 0;
        want = raw[0] == socksaddr_socks5.ipv4 ? SOCKSADDR_MIN : raw[0] == socksaddr_socks5.ipv6 ? 19u : raw[1] + 4u;
        if (want <= have)
            return -EPROTO;
    }
}
