#include "layer/muxcool/session.h"

#include <errno.h>

#include "base/mem.h"

enum {
    IDLE_MS = 5 * 60 * 1000, /* a connection without a stream */
    ENDS_AT_ONCE = 32,
    END_SIZE = 2 + 4,
    ENDS_MAX = 2 * MUXCOOL_STREAMS_MAX, /* those that nobody reads are left out */
};

struct waiter {
    struct list link;
    struct event room;
};

/* ---- life ----------------------------------------------------------------------------------- */

struct muxcool *muxcool_new(struct stream *lower, struct group *parent)
{
    struct muxcool *m = mem_new(struct muxcool);

    if (!m) {
        stream_close(lower);
        return NULL;
    }
    m->lower = lower;
    m->refs = 1;
    m->result = MUXCOOL_RUNS;
    intake_init(&m->intake, lower);
    map_init(&m->streams);
    list_init(&m->waiting);
    group_init(&m->group, parent);
    return m;
}

void muxcool_unref(struct muxcool *m)
{
    if (--m->refs)
        return;
    intake_done(&m->intake);
    stream_close(m->lower);
    loan_done(&m->out);
    vec_done(&m->ends);
    map_done(&m->streams);
    mem_free(m);
}

static void wake_writers(struct muxcool *m)
{
    list_each(item, &m->waiting)
        event_set(&container_of(item, struct waiter, link)->room);
}

void muxcool_fail(struct muxcool *m, int result)
{
    if (m->result != MUXCOOL_RUNS)
        return;
    m->result = result;
    event_set(&m->stopped);
    wake_writers(m);
    map_each(slot, &m->streams)
        muxcool_stream_end(slot->value, result < 0);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Ends that wait, as frames; the ones taken leave the list. */
static size_t take_ends(struct muxcool *m, uint8_t *out)
{
    struct writer w = writer_of(out, (size_t)ENDS_AT_ONCE * END_SIZE);
    size_t n = min_of(m->ends.len, (size_t)ENDS_AT_ONCE);

    for (size_t i = 0; i < n; i++) {
        struct muxcool_frame f = {.id = m->ends.at[i].id, .status = MUXCOOL_END,
                                  .options = m->ends.at[i].is_error ? MUXCOOL_HAS_ERROR : 0};
        muxcool_head_write(&w, &f, 0);
    }
    m->ends.len -= n;
    if (m->ends.len)
        memmove(m->ends.at, m->ends.at + n, m->ends.len * sizeof *m->ends.at);
    return writer_len(&w);
}

static int write_some(struct muxcool *m)
{
    uint8_t ends[ENDS_AT_ONCE * END_SIZE];
    CLEANUP(loan_done) struct loan frames = m->out;
    struct iovec iov[2] = {{.iov_base = frames.ptr, .iov_len = m->out_len}, {.iov_base = ends}};

    m->out = (struct loan){0};
    m->out_len = 0;
    iov[1].iov_len = take_ends(m, ends);
    wake_writers(m);
    return frames.ptr ? stream_writev(m->lower, iov, 2) : stream_write(m->lower, ends, iov[1].iov_len);
}

static void write_all(void *arg)
{
    struct muxcool *m = arg;
    int r = 0;

    while (r == 0 && m->result == MUXCOOL_RUNS && (m->out.ptr || m->ends.len))
        r = write_some(m);
    m->is_writing = false;
    if (r < 0)
        muxcool_fail(m, r);
}

static void start_writing(struct muxcool *m)
{
    if (m->is_writing || m->result != MUXCOOL_RUNS)
        return;
    int r = co_spawn(&m->group, "mux.cool writer", write_all, m);
    m->is_writing = r == 0;
    if (r < 0)
        muxcool_fail(m, r);
}

void muxcool_tell_end(struct muxcool *m, uint16_t id, bool is_error)
{
    struct muxcool_end e = {.id = id, .is_error = is_error};

    if (m->result != MUXCOOL_RUNS || m->ends.len >= ENDS_MAX)
        return;
    if (vec_push(&m->ends, e) < 0) {
        muxcool_fail(m, -ENOMEM);
        return;
    }
    start_writing(m);
}

/* How much payload may go with a head of the largest size now; negative: wait. */
static ssize_t room_for(const struct muxcool *m, const struct muxcool_payload *p, size_t want)
{
    size_t room = m->out.size - m->out_len;
    size_t least = p->is_whole ? want : min_of(want, (size_t)1024);

    return room < MUXCOOL_HEAD_MAX + least ? -EAGAIN : (ssize_t)min_of(want, room - MUXCOOL_HEAD_MAX);
}

static int wait_for_room(struct muxcool *m, int64_t deadline)
{
    struct waiter w = {0};

    list_add(&m->waiting, &w.link);
    int r = event_wait(&w.room, deadline, "mux.cool: room");
    list_remove(&w.link);
    return r;
}

/* Room for at least the least of it, in `out`: the payload's octets, or why there is none. Parks. */
static ssize_t wait_room(struct muxcool *m, const struct muxcool_payload *p, size_t want, int64_t deadline)
{
    for (;;) {
        if (m->result != MUXCOOL_RUNS)
            return -EPIPE;
        if (!m->out.ptr && !(m->out.ptr = buffer_lend(&m->out.size)))
            return -ENOMEM;
        ssize_t n = room_for(m, p, want);
        if (n >= 0)
            return n;
        if (m->out_len == 0)
            return -EMSGSIZE;
        int r = wait_for_room(m, deadline);
        if (r < 0)
            return r;
    }
}

int muxcool_put(struct muxcool *m, const struct muxcool_frame *f, const struct muxcool_payload *p, int64_t deadline)
{
    ssize_t n = wait_room(m, p, p->g ? min_of(p->g->left, p->max) : 0, deadline);

    if (n < 0)
        return (int)n;
    struct writer w = writer_of((uint8_t *)m->out.ptr + m->out_len, m->out.size - m->out_len);
    muxcool_head_write(&w, f, (size_t)n);
    uint8_t *room = write_room(&w, (size_t)n);
    if (w.failed)
        return -EMSGSIZE;
    if (n)
        gather_copy(p->g, room, (size_t)n);
    m->out_len += writer_len(&w);
    start_writing(m);
    return 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

static struct muxcool_stream *find(struct muxcool *m, uint16_t id)
{
    const uint8_t key[2] = {(uint8_t)(id >> 8), (uint8_t)id};

    return map_get(&m->streams, (struct bytes){key, sizeof key});
}

struct arrived {
    struct muxcool *mux;
    struct muxcool_arrival arrival;
};

static void serve_arrival(void *arg)
{
    struct arrived *a = arg;
    struct muxcool *m = a->mux;
    struct muxcool_arrival arrival = a->arrival;

    mem_free(a);
    m->serve(m->arg, &arrival);
}

static void close_stream(struct muxcool_stream *s)
{
    if (s->is_udp)
        packet_close(&s->packet);
    else
        stream_close(&s->stream);
}

/* A stream of the other side's. What cannot be served is told to be over; the connection goes on. */
static int open_stream(struct muxcool *m, const struct muxcool_frame *f)
{
    if (!m->serve || find(m, f->id))
        return -EPROTO;
    struct arrived *a = m->streams.len < MUXCOOL_STREAMS_MAX ? mem_new(struct arrived) : NULL;
    struct muxcool_stream *s = a ? muxcool_stream_new(m, f) : NULL;
    if (!s) {
        mem_free(a);
        muxcool_tell_end(m, f->id, true);
        return 0;
    }
    s->is_opened = true;
    a->mux = m;
    a->arrival = (struct muxcool_arrival){.dest = s->dest, .stream = s->is_udp ? NULL : &s->stream,
                                          .packet = s->is_udp ? &s->packet : NULL};
    if (co_spawn(&m->group, "mux.cool stream", serve_arrival, a) < 0) {
        mem_free(a);
        close_stream(s);
    }
    return 0;
}

static int take_data(struct muxcool *m, const struct muxcool_frame *f)
{
    struct muxcool_stream *s = find(m, f->id);

    if (!s) {
        if (f->status == MUXCOOL_KEEP)
            muxcool_tell_end(m, f->id, true);
        return 0;
    }
    if (!f->data.len)
        return 0;
    int r = muxcool_stream_push(s, f);
    if (r != -ETIMEDOUT)
        return r;
    /* Its owner takes nothing: the others come first. It may be gone meanwhile. */
    s = find(m, f->id);
    if (s) {
        muxcool_tell_end(m, f->id, true);
        muxcool_stream_forget(s);
        muxcool_stream_end(s, true);
    }
    return 0;
}

static int take_frame(struct muxcool *m, const struct muxcool_frame *f)
{
    struct muxcool_stream *s;
    int r = 0;

    switch (f->status) {
    case MUXCOOL_NEW:
        r = open_stream(m, f);
        return r < 0 ? r : take_data(m, f);
    case MUXCOOL_KEEP:
        return take_data(m, f);
    case MUXCOOL_END:
        r = take_data(m, f);
        s = find(m, f->id);
        if (s) {
            muxcool_stream_forget(s);
            muxcool_stream_end(s, f->options & MUXCOOL_HAS_ERROR);
        }
        return r;
    case MUXCOOL_KEEP_ALIVE:
        break;
    }
    return 0;
}

/* Every frame that is there; *need is set to what the next one takes. */
static int take_frames(struct muxcool *m, size_t *need)
{
    for (;;) {
        size_t have = intake_len(&m->intake);
        struct reader r = have ? reader_of(intake_at(&m->intake), have) : reader_of("", 0);
        struct muxcool_frame f = {0};
        int n = muxcool_frame_read(&r, &f);
        *need = f.size;
        if (n <= 0)
            return n;
        n = take_frame(m, &f);
        if (n < 0)
            return n;
        intake_drop(&m->intake, f.size);
        if (m->result != MUXCOOL_RUNS)
            return m->result;
    }
}

static int read_more(struct muxcool *m, size_t need)
{
    struct event *events[] = {m->lower->ops->readable(m->lower), &m->stopped};
    ssize_t n = intake_fill(&m->intake, need);

    if (n > 0)
        return 0;
    if (n != -EAGAIN)
        return n < 0 ? (int)n : intake_len(&m->intake) ? -EPIPE : MUXCOOL_RUNS;
    int64_t deadline = m->streams.len ? NEVER : loop_now() + IDLE_MS;
    int r = event_wait_any(events, 2, deadline, "mux.cool");
    if (r == -ETIMEDOUT)
        return m->streams.len ? 0 : r;
    return r < 0 ? r : 0;
}

void muxcool_read(struct muxcool *m)
{
    int r = 0;

    while (r == 0 && m->result == MUXCOOL_RUNS) {
        size_t need = 0;
        r = take_frames(m, &need);
        if (r == 0)
            r = read_more(m, max_of(need, intake_len(&m->intake) + 1));
    }
    intake_drop(&m->intake, intake_len(&m->intake));
    muxcool_fail(m, r == MUXCOOL_RUNS ? 0 : r);
}
