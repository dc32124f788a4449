/*
 * The relay between two sockets of the kernel. Short exchanges are copied through a borrowed
 * buffer: two system calls. A direction that fills the buffer several times in a row is bulk, and is spliced from
 * then on. What a full socket refuses stays in the buffer or the pipe until there is room.
 */
#include <errno.h>
#include <fcntl.h>

#include "net/buffers.h"
#include "net/pipes.h"
#include "net/relay_internal.h"

enum {
    BULK_AFTER = 3,       /* full reads in a row */
    STEPS_PER_TURN = 32,  /* then the other coroutines have theirs */
};

struct flow {
    struct socket *from;
    struct socket *to;
    uint64_t *count;
    uint8_t *stash;    /* borrowed while bytes wait in it */
    size_t stash_size;
    size_t stash_at;
    size_t stash_len;
    struct pipe *pipe; /* borrowed while bulk is under way */
    unsigned full_reads;
    bool is_bulk;
    bool has_end;      /* the source ended */
    bool is_done;      /* and the destination knows */
};

static bool has_pending(const struct flow *f)
{
    return f->stash || (f->pipe && f->pipe->queued);
}

/* ---- copying ----------------------------------------------------------------------------- */

static int push_stash(struct flow *f)
{
    while (f->stash_at < f->stash_len) {
        ssize_t n = send(f->to->watch.fd, f->stash + f->stash_at, f->stash_len - f->stash_at, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EINTR ? 0 : -errno;
        f->stash_at += (size_t)n;
        *f->count += (uint64_t)n;
    }
    buffer_settle(take(f->stash), f->stash_size);
    return 0;
}

static int copy_step(struct flow *f)
{
    size_t size;

    if (!f->from->watch.may_read)
        return -EAGAIN;
    uint8_t *buf = buffer_lend(&size);
    if (!buf)
        return -ENOMEM;
    ssize_t n = stream_try_read(&f->from->stream, buf, size);
    if (n <= 0) {
        buffer_settle(buf, size);
        f->has_end = n == 0;
        return (int)n;
    }
    f->full_reads = n == BUFFER_SIZE ? f->full_reads + 1 : 0;
    f->stash_size = size;
    f->is_bulk = f->full_reads >= BULK_AFTER;
    f->stash = buf;
    f->stash_at = 0;
    f->stash_len = (size_t)n;
    int r = push_stash(f);
    return r < 0 ? r : 1;
}

/* ---- splicing ---------------------------------------------------------------------------- */

static int push_pipe(struct flow *f)
{
    struct pipe *p = f->pipe;

    while (p->queued) {
        ssize_t n = splice(p->out, NULL, f->to->watch.fd, NULL, p->queued, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EPIPE;
        p->queued -= (size_t)n;
        *f->count += (uint64_t)n;
    }
    return 0;
}

static int splice_step(struct flow *f)
{
    struct watch *w = &f->from->watch;
    ssize_t n;

    if (!w->may_read)
        return -EAGAIN;
    if (!f->pipe && !(f->pipe = pipe_get())) {
        f->is_bulk = false;
        return copy_step(f);
    }
    do
        n = splice(w->fd, NULL, f->pipe->in, NULL, f->pipe->size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        w->may_read = false;
    if (n <= 0) {
        f->has_end = n == 0;
        return n < 0 ? -errno : 0;
    }
    f->pipe->queued = (size_t)n;
    int r = push_pipe(f);
    return r < 0 ? r : 1;
}

/* ---- one direction ----------------------------------------------------------------------- */

static int push_pending(struct flow *f)
{
    if (f->stash)
        return push_stash(f);
    return f->pipe ? push_pipe(f) : 0;
}

/* Carries what is there: 1 when its turn is over with more to do, 0 when it has to wait, negative on failure. */
static int pump(struct flow *f, const struct flow *other, bool *moved)
{
    int r = push_pending(f);

    for (int i = 0; r >= 0 && i < STEPS_PER_TURN; i++) {
        if (f->has_end) {
            r = 0;
            break;
        }
        r = f->is_bulk ? splice_step(f) : copy_step(f);
        if (r <= 0)
            break;
        *moved = true;
    }
    if (r < 0 && r != -EAGAIN)
        return r;
    if (!has_pending(f)) {
        pipe_put(take(f->pipe));
        if (f->has_end && !f->is_done) {
            f->is_done = true;
            /* When both have ended, the close that follows says it. */
            if (!other->is_done)
                (void)stream_shutdown(&f->to->stream);
        }
    }
    return r > 0;
}

static void flow_done(struct flow *f)
{
    buffer_settle(f->stash, f->stash_size);
    pipe_put(f->pipe);
}

/* ---- both -------------------------------------------------------------------------------- */

static int wait_for(struct flow flow[2], int64_t deadline)
{
    struct event *events[2];
    unsigned n = 0;
    int failure = 0;

    for (int i = 0; i < 2; i++) {
        if (has_pending(&flow[i]))
            events[n] = watch_writable_event(&flow[i].to->watch, &failure);
        else if (!flow[i].has_end)
            events[n] = &flow[i].from->watch.readable;
        else
            continue;
        if (!events[n++])
            return failure;
    }
    return event_wait_any(events, n, deadline, "relay");
}

static int run(struct flow flow[2], const struct relay_limits *limits)
{
    int64_t last = loop_now();

    for (;;) {
        bool moved = false, has_more = false;
        for (int i = 0; i < 2; i++) {
            int r = pump(&flow[i], &flow[!i], &moved);
            if (r < 0)
                return r;
            has_more |= r > 0;
        }
        if (flow[0].is_done && flow[1].is_done)
            return 0;
        if (moved)
            last = loop_now();
        bool is_half = flow[0].is_done || flow[1].is_done;
        int64_t idle = is_half && limits->half_close_ms ? limits->half_close_ms : limits->idle_ms;
        int r = has_more ? co_yield() : wait_for(flow, idle ? last + idle : NEVER);
        if (r < 0)
            return r;
    }
}

int relay_sockets(struct session *s, struct socket *a, struct socket *b, const struct relay_limits *limits)
{
    struct flow flow[2] = {
        {.from = a, .to = b, .count = &s->up},
        {.from = b, .to = a, .count = &s->down},
    };

    int r = run(flow, limits);
    flow_done(&flow[0]);
    flow_done(&flow[1]);
    return r;
}
