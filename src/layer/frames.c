#include "layer/frames.h"

#include <errno.h>

#include "base/mem.h"
#include "net/intake.h"

struct frames {
    struct packet packet;
    struct stream *lower;
    struct intake intake;
    const struct frame_rules *rules;
    struct frame_state state;
};

static struct frames *frames_of(struct packet *p)
{
    return container_of(p, struct frames, packet);
}

/* ---- receiving ------------------------------------------------------------------------------ */

static struct reader unread(struct frames *f)
{
    return intake_len(&f->intake) ? reader_of(intake_at(&f->intake), intake_len(&f->intake)) : reader_of("", 0);
}

/* The next frame into the batch: 1, 0 (not complete; *need octets are), -ENOBUFS (the batch is full), -EPROTO, -EPIPE. */
static int take_frame(struct frames *f, struct batch *b, size_t *need)
{
    struct reader r = unread(f);
    struct frame frame = {0};

    int n = f->rules->read(&f->state, &r, &frame);
    *need = frame.size;
    if (n <= 0)
        return n;
    if (frame.is_datagram) {
        uint8_t *room = batch_room(b, frame.payload.len);
        if (!room && b->count)
            return -ENOBUFS;
        if (room && frame.payload.len)
            memcpy(room, frame.payload.ptr, frame.payload.len);
        if (room)
            b->at[b->count++] = (struct datagram){.ptr = room, .len = frame.payload.len, .peer = frame.peer};
        /* One that an empty batch cannot take is dropped. */
    }
    intake_drop(&f->intake, frame.size);
    return 1;
}

static int take_frames(struct frames *f, struct batch *b, size_t *need)
{
    int r = 1;

    while (r > 0 && b->count < BATCH_MAX && intake_len(&f->intake))
        r = take_frame(f, b, need);
    if (b->count)
        return (int)b->count;
    return r < 0 ? r : 0;
}

static int receive(struct packet *p, struct batch *b)
{
    struct frames *f = frames_of(p);

    b->count = 0;
    b->used = 0;
    for (;;) {
        size_t need = 0;
        int r = take_frames(f, b, &need);
        if (r != 0)
            return r;
        ssize_t n = intake_fill(&f->intake, max_of(need, intake_len(&f->intake) + 1));
        if (n == 0)
            return -EPIPE;
        if (n < 0)
            return (int)n;
    }
}

/* ---- sending -------------------------------------------------------------------------------- */

/* Head and tail round the payload, where there is room for them: the frame in one piece, or false to drop it. */
static bool wrap(struct frames *f, const struct datagram *d, struct iovec *out)
{
    uint8_t head[FRAME_HEAD_MAX];
    struct writer w = writer_of(head, sizeof head);
    struct writer tail = writer_of(d->ptr + d->len, DATAGRAM_TAILROOM);

    if (d->len > DATAGRAM_MAX)
        return false;
    f->rules->write_head(&f->state, &w, d);
    if (f->rules->write_tail)
        f->rules->write_tail(&f->state, &tail, d);
    if (w.failed || tail.failed)
        return false;
    size_t n = writer_len(&w);
    memcpy(d->ptr - n, head, n);
    *out = (struct iovec){.iov_base = d->ptr - n, .iov_len = n + d->len + writer_len(&tail)};
    f->state.has_started = true;
    return true;
}

static int send_batch(struct packet *p, struct batch *b)
{
    struct frames *f = frames_of(p);
    struct iovec iov[BATCH_MAX];
    int count = 0;

    for (unsigned i = 0; i < b->count; i++)
        count += wrap(f, &b->at[i], &iov[count]);
    return count ? stream_writev(f->lower, iov, count) : 0;
}

static void close_frames(struct packet *p)
{
    struct frames *f = frames_of(p);

    intake_done(&f->intake);
    stream_close(f->lower);
    mem_free(f);
}

static struct event *readable(struct packet *p)
{
    struct stream *lower = frames_of(p)->lower;

    return lower->ops->readable(lower);
}

static const struct packet_ops ops = {
    .name = "frames",
    .receive = receive,
    .send = send_batch,
    .close = close_frames,
    .readable = readable,
};

struct packet *frames_packet(struct stream *lower, const struct frame_rules *rules, const struct frame_state *state)
{
    struct frames *f = mem_new(struct frames);

    if (!f) {
        stream_close(lower);
        return NULL;
    }
    f->packet.ops = &ops;
    f->lower = lower;
    f->rules = rules;
    f->state = *state;
    intake_init(&f->intake, lower);
    return &f->packet;
}
