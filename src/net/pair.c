/* Two streams joined in memory; each direction is a ring with a ceiling. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/stream.h"

struct pair_end;

struct pair {
    struct pair_end *end[2];
    struct event drained[2]; /* end i has read: outlives the end, as a writer may wait on it */
    unsigned open;
};

struct pair_end {
    struct stream stream;
    struct pair *pair;
    unsigned side;
    uint8_t *ring; /* what this end will read */
    size_t room;
    size_t first;
    size_t len;
    bool has_ended; /* the other side wrote its last byte */
    struct event readable;
};

static struct pair_end *end_of(struct stream *s)
{
    return container_of(s, struct pair_end, stream);
}

static struct pair_end *other_end(struct pair_end *e)
{
    return e->pair->end[!e->side];
}

static ssize_t pair_read(struct stream *s, void *buf, size_t n)
{
    struct pair_end *e = end_of(s);

    if (e->len == 0)
        return e->has_ended ? 0 : -EAGAIN;
    n = min_of(n, min_of(e->len, e->room - e->first));
    memcpy(buf, e->ring + e->first, n);
    e->first = (e->first + n) % e->room;
    e->len -= n;
    event_set(&e->pair->drained[e->side]);
    return (ssize_t)n;
}

static int push(struct pair_end *from, const uint8_t *p, size_t n)
{
    while (n) {
        struct pair_end *to = other_end(from);
        if (!to)
            return -EPIPE;
        if (to->len == to->room) {
            int r = event_wait(&from->pair->drained[to->side], from->stream.deadline, "pair write");
            if (r < 0)
                return r;
            continue;
        }
        size_t at = (to->first + to->len) % to->room;
        size_t part = min_of(n, min_of(to->room - to->len, to->room - at));
        memcpy(to->ring + at, p, part);
        to->len += part;
        p += part;
        n -= part;
        event_set(&to->readable);
    }
    return 0;
}

static int pair_writev(struct stream *s, const struct iovec *iov, int count)
{
    for (int i = 0; i < count; i++) {
        int r = push(end_of(s), iov[i].iov_base, iov[i].iov_len);
        if (r < 0)
            return r;
    }
    return 0;
}

static int pair_shutdown(struct stream *s)
{
    struct pair_end *to = other_end(end_of(s));

    if (to) {
        to->has_ended = true;
        event_set(&to->readable);
    }
    return 0;
}

static void pair_close(struct stream *s)
{
    struct pair_end *e = end_of(s);
    struct pair *p = e->pair;

    (void)pair_shutdown(s);
    /* A writer that waits for room of ours must see that nobody will make any. */
    event_set(&p->drained[e->side]);
    p->end[e->side] = NULL;
    if (--p->open == 0)
        mem_free(p);
    mem_free(e->ring);
    mem_free(e);
}

static struct event *pair_readable(struct stream *s)
{
    return &end_of(s)->readable;
}

static const struct stream_ops pair_ops = {
    .name = "pair",
    .read = pair_read,
    .writev = pair_writev,
    .shutdown = pair_shutdown,
    .close = pair_close,
    .readable = pair_readable,
};

static struct pair_end *end_new(struct pair *p, unsigned side, size_t room)
{
    struct pair_end *e = mem_new(struct pair_end);

    if (!e)
        return NULL;
    stream_init(&e->stream, &pair_ops, NULL);
    e->pair = p;
    e->side = side;
    e->room = room;
    e->ring = mem_alloc(room);
    if (!e->ring) {
        mem_free(e);
        return NULL;
    }
    return e;
}

int stream_pair(size_t room, struct stream *out[2])
{
    struct pair *p = mem_new(struct pair);

    if (!p)
        return -ENOMEM;
    p->end[0] = end_new(p, 0, room);
    p->end[1] = end_new(p, 1, room);
    if (!p->end[0] || !p->end[1]) {
        for (int i = 0; i < 2; i++) {
            if (p->end[i])
                mem_free(p->end[i]->ring);
            mem_free(p->end[i]);
        }
        mem_free(p);
        return -ENOMEM;
    }
    p->open = 2;
    out[0] = &p->end[0]->stream;
    out[1] = &p->end[1]->stream;
    return 0;
}
