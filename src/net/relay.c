/* Between two streams of which at least one transforms: through a borrowed buffer. */
#include "net/relay.h"

#include <errno.h>

#include "net/buffers.h"
#include "net/lanes.h"
#include "net/relay_internal.h"

enum {
    READS_PER_TURN = 32, /* then the other coroutines have theirs */
    /* Less than a buffer is read: with what an encrypting layer adds it still is one, so one write below. */
    HEADROOM = 2048,
};

struct stream_lane {
    struct lane lane;
    struct stream *from;
    struct stream *to;
    uint64_t *count;
    int64_t *last_activity;
    const struct lane *other;
};

static struct event *lane_readable(struct lane *l)
{
    struct stream *from = container_of(l, struct stream_lane, lane)->from;

    return from->ops->readable(from);
}

static int end_lane(struct stream_lane *l)
{
    /* When the other direction has ended too, the close that follows says it. */
    int r = l->other->has_ended ? 0 : stream_shutdown(l->to);

    /* The far side may be gone already; its own direction reports how. */
    return r == -ECANCELED ? r : 0;
}

static int carry_some(struct stream_lane *l, const struct loan *buf)
{
    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = stream_try_read(l->from, buf->ptr, buf->size - HEADROOM);
        if (n == -EAGAIN)
            return 1;
        if (n <= 0)
            return (int)n;
        *l->last_activity = loop_now();
        int r = stream_write(l->to, buf->ptr, (size_t)n);
        if (r < 0)
            return r;
        *l->count += (uint64_t)n;
        *l->last_activity = loop_now();
    }
    event_set(l->from->ops->readable(l->from));
    return 1;
}

static int burst(struct lane *lane)
{
    struct stream_lane *l = container_of(lane, struct stream_lane, lane);
    CLEANUP(loan_done) struct loan buf = {0};

    buf.ptr = buffer_lend(&buf.size);
    if (!buf.ptr)
        return -ENOMEM;
    int r = carry_some(l, &buf);
    return r == 0 ? end_lane(l) : r;
}

/* Gives the client's first bytes the chance to travel with the header. */
static int send_header(struct stream *a, struct stream *b, int64_t wait_ms)
{
    if (!(b->flags & STREAM_HOLDS_HEADER))
        return 0;
    int r = stream_wait(a, loop_now() + wait_ms);
    if (r == 0) {
        /* Seen, not taken: whoever reads next must not wait for it again. */
        event_set(a->ops->readable(a));
        return 0;
    }
    return r == -ETIMEDOUT ? stream_flush(b) : r;
}

static int relay_generic(struct session *s, struct stream *a, struct stream *b, const struct relay_limits *limits)
{
    int64_t last = loop_now();
    struct stream_lane up = {.lane = {.burst = burst, .readable = lane_readable}, .from = a, .to = b,
                             .count = &s->up, .last_activity = &last};
    struct stream_lane down = {.lane = {.burst = burst, .readable = lane_readable}, .from = b, .to = a,
                               .count = &s->down, .last_activity = &last};
    struct lane_limits lane_limits = {.idle_ms = limits->idle_ms, .half_ms = limits->half_close_ms,
                                      .last_activity = &last};

    up.other = &down.lane;
    down.other = &up.lane;
    /* Bytes may lie decrypted or replayed in either: the first try tells. */
    event_set(a->ops->readable(a));
    event_set(b->ops->readable(b));
    return lanes_run((struct lane *[]){&up.lane, &down.lane}, &lane_limits);
}

int relay_streams(struct session *s, struct stream *a, struct stream *b, const struct relay_limits *limits)
{
    int r = send_header(a, b, limits->first_ms);

    if (r < 0)
        return r;
    struct stream *x = stream_bare(a), *y = stream_bare(b);
    if (x->flags & STREAM_SOCKET && y->flags & STREAM_SOCKET)
        return relay_sockets(s, socket_of(x), socket_of(y), limits);
    return relay_generic(s, a, b, limits);
}
