#include <errno.h>

#include "base/mem.h"
#include "layer/muxcool/session.h"

enum {
    FRAME_DATA = 16 * 1024, /* of a stream in one frame, so that the others have their turn */
};

/* ---- what arrived --------------------------------------------------------------------------- */

static struct muxcool_piece *first_piece(const struct muxcool_stream *s)
{
    return list_is_empty(&s->pieces) ? NULL : container_of(s->pieces.next, struct muxcool_piece, link);
}

static void took(struct muxcool_stream *s, size_t n)
{
    s->queued -= n;
    s->mux->queued -= n;
    event_set(&s->drained);
}

static void drop_piece(struct muxcool_stream *s, struct muxcool_piece *p)
{
    took(s, p->len - p->at);
    list_remove(&p->link);
    mem_free(p->peer);
    mem_free(p);
}

static bool is_full(const struct muxcool_stream *s, size_t more)
{
    size_t limit = s->mux->queued < MUXCOOL_QUEUES ? MUXCOOL_QUEUE : MUXCOOL_QUEUE_TIGHT;

    return s->queued && s->queued + more > limit;
}

static int append(struct muxcool_stream *s, const struct muxcool_frame *f)
{
    struct muxcool_piece *p = mem_alloc(sizeof *p + f->data.len);

    if (!p)
        return -ENOMEM;
    if (s->is_udp && f->has_target && !(p->peer = mem_dup(&f->target, sizeof f->target))) {
        mem_free(p);
        return -ENOMEM;
    }
    p->len = f->data.len;
    memcpy(p->bytes, f->data.ptr, f->data.len);
    list_add(&s->pieces, &p->link);
    s->queued += p->len;
    s->mux->queued += p->len;
    event_set(&s->readable);
    return 0;
}

static void unref(struct muxcool_stream *s)
{
    struct muxcool *m = s->mux;

    if (--s->refs)
        return;
    mem_free(s);
    muxcool_unref(m);
}

/* Each piece that the owner takes starts the time anew. */
static int wait_for_room(struct muxcool_stream *s, size_t more)
{
    struct event *events[] = {&s->drained, &s->mux->stopped};
    int r = 0;

    while (r >= 0 && is_full(s, more) && !s->is_closed && s->mux->result == MUXCOOL_RUNS)
        r = event_wait_any(events, 2, loop_now() + MUXCOOL_STALL_MS, "mux.cool: a full stream");
    return r < 0 ? r : 0;
}

int muxcool_stream_push(struct muxcool_stream *s, const struct muxcool_frame *f)
{
    int r = 0;

    if (s->is_udp)
        return is_full(s, f->data.len) ? 0 : append(s, f);
    s->refs++;
    r = wait_for_room(s, f->data.len);
    if (r == 0 && !s->is_closed)
        r = append(s, f);
    unref(s);
    return r;
}

void muxcool_stream_end(struct muxcool_stream *s, bool has_failed)
{
    s->has_ended = true;
    s->has_failed = has_failed;
    event_set(&s->readable);
}

void muxcool_stream_forget(struct muxcool_stream *s)
{
    struct bytes key = {s->id, sizeof s->id};

    if (map_get(&s->mux->streams, key) == s)
        (void)map_remove(&s->mux->streams, key);
}

/* ---- both kinds ----------------------------------------------------------------------------- */

static int put(struct muxcool_stream *s, struct muxcool_frame *f, const struct muxcool_payload *p, int64_t deadline)
{
    f->id = muxcool_stream_id(s);
    f->options = p->g ? MUXCOOL_HAS_DATA : 0;
    f->status = s->is_opened ? MUXCOOL_KEEP : MUXCOOL_NEW;
    if (s->has_ended)
        return -EPIPE;
    int r = muxcool_put(s->mux, f, p, deadline);
    if (r == 0)
        s->is_opened = true;
    return r;
}

static void close_either(struct muxcool_stream *s)
{
    struct muxcool_piece *p;

    s->is_closed = true;
    while ((p = first_piece(s)) != NULL)
        drop_piece(s, p);
    muxcool_stream_forget(s);
    if (s->is_opened && !s->has_ended)
        muxcool_tell_end(s->mux, muxcool_stream_id(s), s->stream.flags & STREAM_ABORTED);
    event_set(&s->drained);
    unref(s);
}

/* ---- streams -------------------------------------------------------------------------------- */

static struct muxcool_stream *of_stream(struct stream *s)
{
    return container_of(s, struct muxcool_stream, stream);
}

static ssize_t stream_take(struct stream *stream, void *buf, size_t n)
{
    struct muxcool_stream *s = of_stream(stream);
    uint8_t *at = buf;
    size_t done = 0;
    struct muxcool_piece *p;

    while (done < n && (p = first_piece(s)) != NULL) {
        size_t part = min_of(n - done, p->len - p->at);
        memcpy(at + done, p->bytes + p->at, part);
        p->at += part;
        done += part;
        took(s, part);
        if (p->at == p->len)
            drop_piece(s, p);
    }
    if (done)
        return (ssize_t)done;
    return !s->has_ended ? -EAGAIN : s->has_failed ? -ECONNRESET : 0;
}

static int stream_put(struct stream *stream, const struct iovec *iov, int count)
{
    struct muxcool_stream *s = of_stream(stream);
    struct gather g = gather_of(iov, count);
    const struct muxcool_payload payload = {.g = g.left ? &g : NULL, .max = FRAME_DATA};
    int r = 0;

    if (g.left == 0 && s->is_opened)
        return 0;
    do {
        struct muxcool_frame f = {.has_target = !s->is_opened, .network = MUXCOOL_TCP, .target = s->dest};
        r = put(s, &f, &payload, stream->deadline);
    } while (r == 0 && g.left);
    stream->flags &= ~(unsigned)STREAM_HOLDS_HEADER;
    return r;
}

/* END means both directions: only the close says it. */
static int stream_shut(struct stream *stream)
{
    return of_stream(stream)->is_opened ? 0 : stream_put(stream, NULL, 0);
}

static void stream_end(struct stream *stream)
{
    close_either(of_stream(stream));
}

static struct event *stream_readable(struct stream *stream)
{
    return &of_stream(stream)->readable;
}

static const struct stream_ops stream_ops = {
    .name = "mux.cool",
    .read = stream_take,
    .writev = stream_put,
    .shutdown = stream_shut,
    .close = stream_end,
    .readable = stream_readable,
};

/* ---- datagrams ------------------------------------------------------------------------------ */

static struct muxcool_stream *of_packet(struct packet *p)
{
    return container_of(p, struct muxcool_stream, packet);
}

static int packet_take(struct packet *packet, struct batch *b)
{
    struct muxcool_stream *s = of_packet(packet);
    struct muxcool_piece *p;

    b->count = 0;
    b->used = 0;
    while (b->count < BATCH_MAX && (p = first_piece(s)) != NULL) {
        uint8_t *room = batch_room(b, p->len);
        if (!room && b->count)
            break;
        if (room) {
            memcpy(room, p->bytes, p->len);
            b->at[b->count++] = (struct datagram){.ptr = room, .len = p->len, .peer = p->peer ? *p->peer : s->dest};
        }
        drop_piece(s, p);
    }
    if (b->count)
        return (int)b->count;
    return s->has_ended ? -EPIPE : -EAGAIN;
}

static int packet_put(struct packet *packet, struct batch *b)
{
    struct muxcool_stream *s = of_packet(packet);

    for (unsigned i = 0; i < b->count; i++) {
        struct muxcool_frame f = {.has_target = true, .network = MUXCOOL_UDP, .target = b->at[i].peer};
        struct iovec iov = {.iov_base = b->at[i].ptr, .iov_len = b->at[i].len};
        struct gather g = gather_of(&iov, 1);
        int r = put(s, &f, &(struct muxcool_payload){.g = &g, .max = g.left, .is_whole = true}, NEVER);
        if (r < 0 && r != -EMSGSIZE)
            return r;
    }
    return 0;
}

static void packet_end(struct packet *packet)
{
    close_either(of_packet(packet));
}

static struct event *packet_readable(struct packet *packet)
{
    return &of_packet(packet)->readable;
}

static const struct packet_ops packet_ops = {
    .name = "mux.cool",
    .receive = packet_take,
    .send = packet_put,
    .close = packet_end,
    .readable = packet_readable,
};

/* ---- opening -------------------------------------------------------------------------------- */

struct muxcool_stream *muxcool_stream_new(struct muxcool *m, const struct muxcool_frame *opening)
{
    struct muxcool_stream *s = mem_new(struct muxcool_stream);

    if (!s)
        return NULL;
    stream_init(&s->stream, &stream_ops, NULL);
    s->stream.flags = STREAM_MULTIPLEXED | (m->lower->flags & STREAM_ENCRYPTED);
    s->packet.ops = &packet_ops;
    s->mux = m;
    s->id[0] = (uint8_t)(opening->id >> 8);
    s->id[1] = (uint8_t)opening->id;
    s->is_udp = opening->network == MUXCOOL_UDP;
    s->dest = opening->target;
    s->refs = 1;
    list_init(&s->pieces);
    if (map_put(&m->streams, (struct bytes){s->id, sizeof s->id}, s) < 0) {
        mem_free(s);
        return NULL;
    }
    m->refs++;
    return s;
}
