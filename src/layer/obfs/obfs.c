#include "layer/obfs/obfs.h"

#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "layer/obfs/http.h"
#include "layer/obfs/tls.h"
#include "net/intake.h"

enum { PARTS = 16 }; /* of one lower write */

struct obfs {
    struct stream stream;
    struct intake intake;
    enum obfs_mode mode;
    bool is_server;
    bool has_sent;   /* our disguise is out */
    uint8_t records; /* TLS: heads read, up to 3 */
    uint32_t left;   /* TLS: octets of payload in the record that is being read */
    uint32_t skip;   /* TLS: octets to pass over then */
    bool has_head;   /* HTTP: the peer's disguise is off */
    uint16_t port;
    uint8_t session[OBFS_TLS_SESSION];
    char host[OBFS_HOST + 1];
};

static struct obfs *obfs_of(struct stream *s)
{
    return container_of(s, struct obfs, stream);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* HTTP: nothing is added or removed any more once both disguises are off and nothing is held. */
static void settle(struct obfs *o)
{
    if (o->mode == OBFS_HTTP && o->has_sent && o->has_head && intake_len(&o->intake) == 0)
        o->stream.flags |= STREAM_TRANSPARENT;
}

/* 1: one step done; 0: needs more octets, *want in all; or -EPROTO. */
static int read_http_head(struct obfs *o, size_t *want)
{
    ssize_t n = 0;

    if (intake_len(&o->intake))
        n = obfs_http_head((struct bytes){intake_at(&o->intake), intake_len(&o->intake)}, o->is_server);
    *want = OBFS_HTTP_HEAD;
    if (n <= 0)
        return (int)n;
    intake_drop(&o->intake, (size_t)n);
    o->has_head = true;
    return 1;
}

static int read_client_hello(struct obfs *o)
{
    struct obfs_tls_start start;
    int r = obfs_tls_read_hello(intake_at(&o->intake), &start);

    if (r < 0)
        return r;
    memcpy(o->session, start.session, sizeof o->session);
    o->left = (uint32_t)start.ticket;
    o->skip = (uint32_t)start.rest;
    o->records = 3; /* only data from here on */
    intake_drop(&o->intake, OBFS_TLS_HELLO);
    return 1;
}

/* The server's records are a hello and a cipher change to pass over, then payload. */
static int read_tls_head(struct obfs *o, size_t *want)
{
    static const uint8_t types[] = {OBFS_TLS_HANDSHAKE, OBFS_TLS_CHANGE, OBFS_TLS_HANDSHAKE, OBFS_TLS_DATA};
    bool is_hello = o->is_server && o->records == 0;

    *want = is_hello ? (size_t)OBFS_TLS_HELLO : (size_t)OBFS_TLS_RECORD;
    if (intake_len(&o->intake) < *want)
        return 0;
    if (is_hello)
        return read_client_hello(o);
    ssize_t n = obfs_tls_read_record(intake_at(&o->intake), types[o->records]);
    if (n < 0)
        return (int)n;
    if (o->records < 2)
        o->skip = (uint32_t)n;
    else
        o->left = (uint32_t)n;
    if (o->records < 3)
        o->records++;
    intake_drop(&o->intake, OBFS_TLS_RECORD);
    return 1;
}

static int read_step(struct obfs *o, size_t *want)
{
    if (o->mode == OBFS_HTTP)
        return read_http_head(o, want);
    if (o->skip == 0)
        return read_tls_head(o, want);
    size_t n = min_of((size_t)o->skip, intake_len(&o->intake));
    *want = 1;
    if (n == 0)
        return 0;
    o->skip -= (uint32_t)n;
    intake_drop(&o->intake, n);
    return 1;
}

/* How many octets may be handed out now, as far as the framing says. */
static size_t payload_left(const struct obfs *o)
{
    if (o->mode == OBFS_HTTP)
        return o->has_head ? SIZE_MAX : 0;
    return o->left;
}

static ssize_t give(struct obfs *o, void *buf, size_t n)
{
    size_t have = intake_len(&o->intake);

    n = min_of(n, payload_left(o));
    if (have == 0) {
        ssize_t got = stream_try_read(o->stream.lower, buf, n);
        if (got > 0 && o->mode == OBFS_TLS)
            o->left -= (uint32_t)got;
        return got == 0 && o->mode == OBFS_TLS ? -EPIPE : got;
    }
    n = min_of(n, have);
    memcpy(buf, intake_at(&o->intake), n);
    intake_drop(&o->intake, n);
    if (o->mode == OBFS_TLS)
        o->left -= (uint32_t)n;
    settle(o);
    return (ssize_t)n;
}

static ssize_t obfs_read(struct stream *s, void *buf, size_t n)
{
    struct obfs *o = obfs_of(s);

    for (;;) {
        size_t want = 0;
        if (payload_left(o))
            return give(o, buf, n);
        int r = read_step(o, &want);
        if (r < 0)
            return r;
        if (r > 0)
            continue;
        ssize_t got = intake_fill(&o->intake, want);
        if (got < 0)
            return got;
        if (got == 0)
            return intake_len(&o->intake) || o->skip ? -EPIPE : 0;
    }
}

/* ---- writing ------------------------------------------------------------------------------ */

/* What is to be written, cut into parts for one lower write. */
struct parts {
    struct iovec at[PARTS];
    int count;
};

static void add_part(struct parts *p, const void *ptr, size_t n)
{
    union {
        const void *in;
        void *out;
    } any = {.in = ptr};

    p->at[p->count++] = (struct iovec){.iov_base = any.out, .iov_len = n};
}

static int write_http(struct obfs *o, const struct iovec *iov, int count)
{
    uint8_t head[OBFS_HTTP_WRITE];
    struct writer w = writer_of(head, sizeof head);
    struct parts parts = {0};
    size_t body = 0;
    int i = 0;

    for (int k = 0; k < count; k++)
        body += iov[k].iov_len;
    if (o->is_server)
        obfs_http_response(&w, clock_unix());
    else
        obfs_http_request(&w, text_of(o->host), o->port, body);
    if (w.failed)
        return -EMSGSIZE;
    add_part(&parts, head, writer_len(&w));
    for (; i < count && parts.count < PARTS; i++)
        add_part(&parts, iov[i].iov_base, iov[i].iov_len);
    o->has_sent = true;
    int r = stream_writev(o->stream.lower, parts.at, parts.count);
    return r == 0 && i < count ? stream_writev(o->stream.lower, iov + i, count - i) : r;
}

/* One block as records; several to a lower write. */
static int write_records(struct obfs *o, const uint8_t *p, size_t n)
{
    while (n) {
        uint8_t heads[PARTS / 2][OBFS_TLS_RECORD];
        struct parts parts = {0};
        for (int i = 0; i < PARTS / 2 && n; i++) {
            size_t len = min_of(n, (size_t)OBFS_TLS_BODY);
            struct writer w = writer_of(heads[i], OBFS_TLS_RECORD);
            obfs_tls_record(&w, OBFS_TLS_DATA, len);
            add_part(&parts, heads[i], OBFS_TLS_RECORD);
            add_part(&parts, p, len);
            p += len;
            n -= len;
        }
        int r = stream_writev(o->stream.lower, parts.at, parts.count);
        if (r < 0)
            return r;
    }
    return 0;
}

static int write_all_records(struct obfs *o, const struct iovec *iov, int count, size_t skip)
{
    for (int i = 0; i < count; i++) {
        size_t here = min_of(skip, iov[i].iov_len);
        skip -= here;
        int r = write_records(o, (const uint8_t *)iov[i].iov_base + here, iov[i].iov_len - here);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The first write: a part of its payload travels inside the handshake. */
static int write_tls_start(struct obfs *o, const struct iovec *iov, int count)
{
    uint8_t room[OBFS_TLS_HELLO + OBFS_TLS_TAIL + OBFS_HOST + OBFS_TLS_TICKET];
    struct writer w = writer_of(room, sizeof room);
    struct bytes first = {0};

    if (count)
        first = (struct bytes){iov[0].iov_base, min_of(iov[0].iov_len, (size_t)OBFS_TLS_TICKET)};
    if (o->is_server) {
        obfs_tls_answer(&w, o->session, clock_unix());
        obfs_tls_record(&w, OBFS_TLS_HANDSHAKE, first.len);
        write_bytes(&w, first.ptr, first.len);
    } else {
        obfs_tls_hello(&w, text_of(o->host), first, clock_unix());
    }
    if (w.failed)
        return -EMSGSIZE;
    o->has_sent = true;
    int r = stream_write(o->stream.lower, room, writer_len(&w));
    return r < 0 ? r : write_all_records(o, iov, count, first.len);
}

static int obfs_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct obfs *o = obfs_of(s);
    int r;

    if (o->mode == OBFS_TLS)
        r = o->has_sent ? write_all_records(o, iov, count, 0) : write_tls_start(o, iov, count);
    else
        r = o->has_sent ? stream_writev(s->lower, iov, count) : write_http(o, iov, count);
    s->flags &= ~(unsigned)STREAM_HOLDS_HEADER;
    settle(o);
    return r;
}

/* ---- the rest ----------------------------------------------------------------------------- */

static int obfs_shutdown(struct stream *s)
{
    int r = s->flags & STREAM_HOLDS_HEADER ? obfs_writev(s, NULL, 0) : 0;

    return r < 0 ? r : stream_shutdown(s->lower);
}

static void obfs_close(struct stream *s)
{
    struct obfs *o = obfs_of(s);

    intake_done(&o->intake);
    stream_close(s->lower);
    mem_free(o);
}

static struct event *obfs_readable(struct stream *s)
{
    return s->lower->ops->readable(s->lower);
}

static const struct stream_ops ops = {
    .name = "simple-obfs",
    .read = obfs_read,
    .writev = obfs_writev,
    .shutdown = obfs_shutdown,
    .close = obfs_close,
    .readable = obfs_readable,
};

static struct obfs *obfs_new(struct stream *lower, enum obfs_mode mode)
{
    struct obfs *o = mem_new(struct obfs);

    if (!o) {
        stream_close(lower);
        return NULL;
    }
    stream_init(&o->stream, &ops, lower);
    o->stream.deadline = lower->deadline;
    o->mode = mode;
    intake_init(&o->intake, lower);
    return o;
}

struct stream *obfs_client(struct stream *lower, enum obfs_mode mode, struct text host, uint16_t port)
{
    if (mode == OBFS_NONE)
        return lower;
    struct obfs *o = obfs_new(lower, mode);
    if (!o)
        return NULL;
    o->stream.flags = STREAM_HOLDS_HEADER;
    o->port = port;
    if (!text_copy(host, o->host, sizeof o->host)) {
        obfs_close(&o->stream);
        return NULL;
    }
    return &o->stream;
}

struct stream *obfs_server(struct stream *lower, enum obfs_mode mode)
{
    if (mode == OBFS_NONE)
        return lower;
    struct obfs *o = obfs_new(lower, mode);
    if (!o)
        return NULL;
    o->is_server = true;
    return &o->stream;
}
