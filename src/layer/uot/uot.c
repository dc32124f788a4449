#include "layer/uot/uot.h"

#include <errno.h>

#include "base/mem.h"
#include "format/socksaddr.h"
#include "layer/uot/frame.h"
#include "net/intake.h"

static const struct {
    enum uot_version version;
    const char *name;
} magic[] = {
    {UOT_V1, "sp.udp-over-tcp.arpa"},
    {UOT_V2, "sp.v2.udp-over-tcp.arpa"},
};

struct uot {
    struct packet packet;
    struct stream *lower;
    struct intake intake;
    struct dest *request; /* client: still to be announced; NULL: done */
    struct dest *fixed;   /* connect mode: the peer of every datagram; NULL: each frame says */
    enum uot_version version;
};

enum uot_version uot_is_magic(const struct dest *d)
{
    for (size_t i = 0; i < ARRAY_LEN(magic); i++) {
        if (dest_is_name(d) && text_is_nocase(dest_name(d), magic[i].name))
            return magic[i].version;
    }
    return UOT_NONE;
}

struct dest uot_magic(enum uot_version version)
{
    struct dest d = {0};

    for (size_t i = 0; i < ARRAY_LEN(magic); i++) {
        if (magic[i].version == version)
            (void)dest_set_host(&d, text_of(magic[i].name), 0);
    }
    return d;
}

static struct uot *uot_of(struct packet *p)
{
    return container_of(p, struct uot, packet);
}

/* ---- receiving ------------------------------------------------------------------------------ */

static struct reader unread(struct uot *u)
{
    return intake_len(&u->intake) ? reader_of(intake_at(&u->intake), intake_len(&u->intake)) : reader_of("", 0);
}

/* The next complete frame into the batch: 1, 0 (not complete), -ENOBUFS (the batch is full), -EPROTO. */
static int take_frame(struct uot *u, struct batch *b)
{
    struct reader r = unread(u);
    struct uot_frame f;

    int n = uot_frame_read(&r, u->fixed, &f);
    if (n <= 0)
        return n;
    uint8_t *room = batch_room(b, f.payload.len);
    if (!room && b->count)
        return -ENOBUFS;
    if (room) {
        if (f.payload.len)
            memcpy(room, f.payload.ptr, f.payload.len);
        b->at[b->count++] = (struct datagram){.ptr = room, .len = f.payload.len, .peer = f.peer};
    }
    /* One that an empty batch cannot take is dropped. */
    intake_drop(&u->intake, f.size);
    return 1;
}

/* How many there are now: 0 when the stream has to be read, -EPROTO. */
static int take_frames(struct uot *u, struct batch *b)
{
    int r = 1;

    while (r > 0 && b->count < BATCH_MAX && intake_len(&u->intake))
        r = take_frame(u, b);
    if (b->count)
        return (int)b->count;
    return r < 0 ? r : 0;
}

static int receive(struct packet *p, struct batch *b)
{
    struct uot *u = uot_of(p);

    b->count = 0;
    b->used = 0;
    for (;;) {
        int r = take_frames(u, b);
        if (r != 0)
            return r;
        struct reader have = unread(u);
        ssize_t n = intake_fill(&u->intake, uot_frame_need(&have, u->fixed != NULL));
        if (n == 0)
            return -EPIPE;
        if (n < 0)
            return (int)n;
    }
}

/* ---- sending -------------------------------------------------------------------------------- */

/* The request once, then the frame's head in front of the payload, where its headroom is. */
static int send_one(struct uot *u, struct datagram *d)
{
    uint8_t head[UOT_HEAD_MAX];
    struct writer w = writer_of(head, sizeof head);

    if (u->request && u->version == UOT_V2)
        uot_request_write(&w, false, u->request);
    if (!u->fixed)
        socksaddr_write(&w, &socksaddr_uot, &d->peer);
    if (d->len > DATAGRAM_MAX || w.failed)
        return 0; /* dropped, as UDP does with what does not fit */
    write_u16(&w, (uint16_t)d->len);
    struct iovec iov[2] = {
        {.iov_base = head, .iov_len = writer_len(&w)},
        {.iov_base = d->ptr, .iov_len = d->len},
    };
    int r = stream_writev(u->lower, iov, 2);
    if (r == 0 && u->request) {
        mem_free(u->request);
        u->request = NULL;
    }
    return r;
}

static int send_batch(struct packet *p, struct batch *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        int r = send_one(uot_of(p), &b->at[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static void close_uot(struct packet *p)
{
    struct uot *u = uot_of(p);

    intake_done(&u->intake);
    stream_close(u->lower);
    mem_free(u->request);
    mem_free(u->fixed);
    mem_free(u);
}

static struct event *readable(struct packet *p)
{
    struct stream *lower = uot_of(p)->lower;

    return lower->ops->readable(lower);
}

static const struct packet_ops ops = {
    .name = "uot",
    .receive = receive,
    .send = send_batch,
    .close = close_uot,
    .readable = readable,
};

/* ---- opening -------------------------------------------------------------------------------- */

static struct uot *uot_new(struct stream *lower, enum uot_version version)
{
    struct uot *u = mem_new(struct uot);

    if (!u) {
        stream_close(lower);
        return NULL;
    }
    u->packet.ops = &ops;
    u->lower = lower;
    u->version = version;
    intake_init(&u->intake, lower);
    return u;
}

int uot_client(struct stream *lower, enum uot_version version, const struct dest *first, struct packet **out)
{
    struct uot *u = uot_new(lower, version);

    if (!u)
        return -ENOMEM;
    u->request = mem_dup(first, sizeof *first);
    if (!u->request) {
        close_uot(&u->packet);
        return -ENOMEM;
    }
    *out = &u->packet;
    return 0;
}

/* Reads until the request (version 2) or the first frame's address (version 1) is there. */
static int read_first(struct uot *u, struct dest *first)
{
    for (;;) {
        struct reader r = unread(u);
        bool is_connect = false;
        ssize_t n = u->version == UOT_V2 ? uot_request_read(&r, &is_connect, first)
                                         : socksaddr_read(&r, &socksaddr_uot, first);
        if (n < 0)
            return -EPROTO;
        if (n > 0) {
            if (is_connect && !(u->fixed = mem_dup(first, sizeof *first)))
                return -ENOMEM;
            if (u->version == UOT_V2)
                intake_drop(&u->intake, (size_t)n);
            return 0;
        }
        n = intake_fill_wait(&u->intake, UOT_HEAD_MAX);
        if (n <= 0)
            return n < 0 ? (int)n : -EPIPE;
    }
}

int uot_server(struct stream *lower, enum uot_version version, struct dest *first, struct packet **out)
{
    struct uot *u = uot_new(lower, version);

    if (!u)
        return -ENOMEM;
    int r = read_first(u, first);
    if (r < 0) {
        close_uot(&u->packet);
        return r;
    }
    *out = &u->packet;
    return 0;
}
