#include <errno.h>

#include "base/mem.h"
#include "layer/h2_internal.h"

enum { CHUNK = 4096 }; /* at least, so that tiny frames do not cost more than they carry */

/* ---- reading ---- */

int h2_stream_add(struct h2_stream *st, const uint8_t *p, size_t n)
{
    struct h2_chunk *c = st->last;
    size_t fits = c ? min_of(n, (size_t)(c->size - c->end)) : 0;

    if (fits) {
        memcpy(c->at + c->end, p, fits);
        c->end += (uint32_t)fits;
    }
    event_set(&st->readable);
    if (fits == n)
        return 0;
    size_t size = max_of(n - fits, (size_t)CHUNK);
    c = mem_resize(NULL, sizeof *c + size);
    if (!c)
        return -ENOMEM;
    *c = (struct h2_chunk){.size = (uint32_t)size, .end = (uint32_t)(n - fits)};
    memcpy(c->at, p + fits, n - fits);
    if (st->last)
        st->last->next = c;
    else
        st->first = c;
    st->last = c;
    return 0;
}

static void drop_first(struct h2_stream *st)
{
    struct h2_chunk *c = st->first;

    st->first = c->next;
    if (!st->first)
        st->last = NULL;
    mem_free(c);
}

static size_t drop_all(struct h2_stream *st)
{
    size_t n = 0;

    while (st->first) {
        n += st->first->end - st->first->start;
        drop_first(st);
    }
    return n;
}

static ssize_t read_some(struct stream *s, void *buf, size_t n)
{
    struct h2_stream *st = h2_of(s);
    size_t done = 0;

    while (st->first && done < n) {
        struct h2_chunk *c = st->first;
        size_t part = min_of(n - done, (size_t)(c->end - c->start));
        memcpy((uint8_t *)buf + done, c->at + c->start, part);
        c->start += (uint32_t)part;
        done += part;
        if (c->start == c->end)
            drop_first(st);
    }
    if (done) {
        h2_window_taken(st, done);
        return (ssize_t)done;
    }
    if (st->failure)
        return st->failure;
    return st->has_end ? 0 : -EAGAIN;
}

static struct event *readable(struct stream *s)
{
    return &h2_of(s)->readable;
}

/* ---- writing ---- */

static int cannot_write(const struct h2_stream *st)
{
    if (st->is_gone)
        return st->failure ? st->failure : -EPIPE;
    return st->wants_end ? -EPIPE : 0;
}

static void resume(struct h2_stream *st)
{
    if (st->is_deferred) {
        st->is_deferred = false;
        (void)nghttp2_session_resume_data(st->h2->session, st->id);
    }
    h2_kick(st->h2);
}

static int writev_all(struct stream *s, const struct iovec *iov, int count)
{
    struct h2_stream *st = h2_of(s);
    union {
        const struct iovec *in;
        struct iovec *out;
    } parts = {.in = iov};

    s->flags &= ~(unsigned)STREAM_HOLDS_HEADER;
    int r = cannot_write(st);
    if (r < 0)
        return r;
    while (count && parts.in->iov_len == 0) {
        parts.in++;
        count--;
    }
    if (count) {
        st->iov = parts.out;
        st->iov_count = count;
        st->iov_at = 0;
    }
    resume(st);
    while (st->iov && r == 0) {
        r = event_wait(&st->written, s->deadline, "HTTP/2 write");
        if (r == 0 && st->iov)
            r = cannot_write(st);
    }
    if (st->iov) {
        st->iov = NULL;
        st->is_reset_set = true; /* a part may have gone: the rest must not look like the end */
        st->reset = NGHTTP2_CANCEL;
    }
    return r;
}

static int shut(struct stream *s)
{
    struct h2_stream *st = h2_of(s);

    s->flags &= ~(unsigned)STREAM_HOLDS_HEADER;
    if (st->is_gone || st->wants_end)
        return 0;
    st->wants_end = true;
    resume(st);
    return 0;
}

/* ---- its life ---- */

void h2_stream_free(struct h2_stream *st)
{
    struct h2 *h = st->h2;

    if (!st->is_closed || !st->is_gone)
        return;
    (void)drop_all(st);
    list_remove(&st->link);
    if (!h->has_ended && list_is_empty(&h->streams))
        event_set(&h->wake);
    h2_unref(h);
    mem_free(st);
}

void h2_stream_gone(struct h2_stream *st, int failure)
{
    struct h2 *h = st->h2;

    st->is_gone = true;
    if (!st->is_handed_out) {
        st->is_closed = true;
        h->open--;
    }
    h->extra -= st->window - H2_WINDOW;
    st->window = H2_WINDOW;
    if (h->session && st->id)
        (void)nghttp2_session_set_stream_user_data(h->session, st->id, NULL);
    if (!st->has_end && !st->failure)
        st->failure = failure;
    event_set(&st->readable);
    event_set(&st->written);
    event_set(&st->answered);
    h2_stream_free(st);
}

/* An end in order where that is possible; a reset after a failure, and for a peer that goes on sending. */
static void say_farewell(struct h2_stream *st)
{
    struct h2 *h = st->h2;
    bool is_broken = st->is_reset_set || st->stream.flags & STREAM_ABORTED;
    bool has_head = h->options.is_server ? st->has_head : st->has_sent_head;
    uint32_t code = st->is_reset_set ? st->reset : h->options.is_server ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL;

    if (is_broken || !has_head) {
        (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, st->id, code);
    } else if (!st->has_sent_end) {
        st->wants_end = true; /* on_frame_send() does what is left */
        resume(st);
    } else if (!st->has_end) {
        (void)nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, st->id,
                                        h->options.is_server ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    }
}

static void close_stream(struct stream *s)
{
    struct h2_stream *st = h2_of(s);
    struct h2 *h = st->h2;

    st->is_closed = true;
    if (--h->open == 0) {
        h->unused = loop_now();
        event_set(&h->wake);
    }
    if (st->is_gone) {
        h2_stream_free(st);
        return;
    }
    h2_ref(h); /* the stream may hold the last reference */
    size_t left = drop_all(st);
    if (left)
        (void)nghttp2_session_consume_stream(h->session, st->id, left);
    say_farewell(st);
    h2_kick(h);
    h2_unref(h);
}

static const struct stream_ops ops = {
    .name = "http2",
    .read = read_some,
    .writev = writev_all,
    .shutdown = shut,
    .close = close_stream,
    .readable = readable,
};

struct h2_stream *h2_stream_new(struct h2 *h)
{
    struct h2_stream *st = mem_new(struct h2_stream);

    if (!st)
        return NULL;
    stream_init(&st->stream, &ops, NULL);
    st->stream.flags = STREAM_MULTIPLEXED | (h->lower->flags & STREAM_ENCRYPTED);
    st->h2 = h;
    st->window = H2_WINDOW;
    st->grpc_status = -1;
    list_add(&h->streams, &st->link);
    h->open++;
    h2_ref(h);
    return st;
}

/* ---- what its user may ask ---- */

struct stream *h2_stream_of(struct h2_stream *st)
{
    return &st->stream;
}

unsigned h2_status(const struct h2_stream *st)
{
    return st->status;
}

int h2_grpc_status(const struct h2_stream *st)
{
    return st->grpc_status;
}

int h2_wait_status(struct h2_stream *st, int64_t deadline)
{
    while (!st->status) {
        if (st->is_gone)
            return st->failure ? st->failure : -EPROTO;
        int r = event_wait(&st->answered, min_of(deadline, st->stream.deadline), "HTTP/2 answer");
        if (r < 0)
            return r;
    }
    return st->status;
}

void h2_set_trailers(struct h2_stream *st, const struct h2_field *fields, size_t count)
{
    st->trailers = fields;
    st->trailer_count = min_of(count, (size_t)4);
}

void h2_set_reset(struct h2_stream *st, uint32_t code)
{
    st->is_reset_set = true;
    st->reset = code;
}
