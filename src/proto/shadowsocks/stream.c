#include "proto/shadowsocks/stream.h"

#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proto/shadowsocks/wire.h"

static struct ss_stream *ss_of(struct stream *s)
{
    return container_of(s, struct ss_stream, stream);
}

/* ---- reading ------------------------------------------------------------------------------ */

/*
 * Classic, each direction (shadowsocks.org, AEAD):
 *     | salt | length 2 + tag 16 | payload + tag 16 | length + tag | payload + tag | ...
 * 2022, response (SIP022, 3.1.2): the header takes the place of the first length:
 *     | salt | header 27, 43 + tag 16 | payload + tag 16 | length + tag | payload + tag | ...
 */
static size_t wanted(const struct ss_stream *s)
{
    switch ((enum ss_phase)s->phase) {
    case SS_READ_START:
        return s->method->key_size + (s->method->edition == SS_2022 ? ss_response_size(s->method) + SS_TAG : 0);
    case SS_READ_LENGTH:
        return SS_LENGTH_RECORD;
    case SS_READ_PAYLOAD:
        return s->chunk + SS_TAG;
    case SS_READ_PLAIN:
    case SS_READ_FAILED:
        break;
    }
    return 0;
}

static int read_response_head(struct ss_stream *s)
{
    uint8_t head[SS_RESPONSE_FIXED_MAX];
    size_t n = ss_response_size(s->method);
    uint16_t length;

    int r = ss_cipher_open(&s->in, intake_at(&s->intake), n + SS_TAG, head);
    if (r < 0)
        return r;
    struct reader reader = reader_of(head, n);
    r = ss_response_read(&reader, clock_unix(), (struct bytes){s->salt, s->method->key_size}, &length);
    if (r < 0)
        return r;
    s->chunk = length;
    s->phase = SS_READ_PAYLOAD;
    intake_drop(&s->intake, n + SS_TAG);
    return 0;
}

/* Only a client comes here: a server has read the start before it had a stream. */
static int read_start(struct ss_stream *s)
{
    int r = ss_cipher_init(&s->in, s->method, s->key, intake_at(&s->intake));

    if (r < 0)
        return r;
    s->phase = SS_READ_LENGTH;
    bool has_head = s->method->edition == SS_2022;
    if (!has_head) {
        intake_drop(&s->intake, s->method->key_size);
        return 0;
    }
    s->intake.start += (uint32_t)s->method->key_size; /* the head lies behind it: nothing to give back */
    return read_response_head(s);
}

static int read_length(struct ss_stream *s)
{
    uint8_t length[2];
    int r = ss_cipher_open(&s->in, intake_at(&s->intake), SS_LENGTH_RECORD, length);

    if (r < 0)
        return r;
    s->chunk = (uint32_t)length[0] << 8 | length[1];
    if (s->method->edition == SS_CLASSIC && s->chunk > SS_CHUNK_CLASSIC)
        return -EBADMSG;
    s->phase = SS_READ_PAYLOAD;
    intake_drop(&s->intake, SS_LENGTH_RECORD);
    return 0;
}

/* Octets put into `buf`, or 0 when the record was opened in place because n are too few. */
static ssize_t read_payload(struct ss_stream *s, uint8_t *buf, size_t n)
{
    uint8_t *at = intake_at(&s->intake);
    bool fits = s->chunk <= n;
    int r = ss_cipher_open(&s->in, at, s->chunk + SS_TAG, fits ? buf : at);

    if (r < 0)
        return r;
    if (!fits) {
        s->phase = SS_READ_PLAIN;
        return 0;
    }
    s->phase = SS_READ_LENGTH;
    intake_drop(&s->intake, s->chunk + SS_TAG);
    return (ssize_t)s->chunk;
}

static ssize_t read_plain(struct ss_stream *s, uint8_t *buf, size_t n)
{
    size_t part = min_of(n, (size_t)s->chunk);

    memcpy(buf, intake_at(&s->intake), part);
    s->chunk -= (uint32_t)part;
    intake_drop(&s->intake, s->chunk ? part : part + SS_TAG);
    if (!s->chunk)
        s->phase = SS_READ_LENGTH;
    return (ssize_t)part;
}

static ssize_t read_record(struct ss_stream *s, uint8_t *buf, size_t n)
{
    switch ((enum ss_phase)s->phase) {
    case SS_READ_START:
        return read_start(s);
    case SS_READ_LENGTH:
        return read_length(s);
    case SS_READ_PAYLOAD:
        return read_payload(s, buf, n);
    case SS_READ_PLAIN:
        return read_plain(s, buf, n);
    case SS_READ_FAILED:
        break;
    }
    return -EBADMSG;
}

/* The lower stream's end is ours only between records. */
static ssize_t lower_end(const struct ss_stream *s)
{
    bool between = s->phase == SS_READ_START || s->phase == SS_READ_LENGTH;

    return between && intake_len(&s->intake) == 0 ? 0 : -EPIPE;
}

static ssize_t ss_read(struct stream *stream, void *buf, size_t n)
{
    struct ss_stream *s = ss_of(stream);
    uint8_t *at = buf;
    size_t done = 0;

    while (done < n) {
        size_t want = wanted(s);
        if (intake_len(&s->intake) < want) {
            if (done)
                break;
            ssize_t r = intake_fill(&s->intake, want);
            if (r <= 0)
                return r < 0 ? r : lower_end(s);
            continue;
        }
        ssize_t r = read_record(s, at + done, n - done);
        if (r < 0) {
            s->phase = SS_READ_FAILED; /* what was read before it is still good */
            intake_drop(&s->intake, intake_len(&s->intake));
            return done ? (ssize_t)done : r;
        }
        done += (size_t)r;
    }
    return (ssize_t)done;
}

/* ---- the rest ----------------------------------------------------------------------------- */

static int ss_shutdown(struct stream *stream)
{
    int r = stream->flags & STREAM_HOLDS_HEADER ? ss_stream_writev(stream, NULL, 0) : 0;

    return r < 0 ? r : stream_shutdown(stream->lower);
}

void ss_server_stream_drop(struct ss_stream *s)
{
    intake_done(&s->intake);
    ss_cipher_done(&s->in);
    ss_cipher_done(&s->out);
    mem_free(s->dest);
    mem_free(s);
}

static void ss_close(struct stream *stream)
{
    struct stream *lower = stream->lower;

    ss_server_stream_drop(ss_of(stream));
    stream_close(lower);
}

static struct event *ss_readable(struct stream *stream)
{
    return stream->lower->ops->readable(stream->lower);
}

static const struct stream_ops ops = {
    .name = "shadowsocks",
    .read = ss_read,
    .writev = ss_stream_writev,
    .shutdown = ss_shutdown,
    .close = ss_close,
    .readable = ss_readable,
};

struct ss_stream *ss_server_stream(struct stream *lower, const struct ss_method *m)
{
    struct ss_stream *s = mem_new(struct ss_stream);

    if (!s)
        return NULL;
    stream_init(&s->stream, &ops, lower);
    s->stream.deadline = lower->deadline;
    s->stream.flags = STREAM_ENCRYPTED;
    s->method = m;
    s->is_server = true;
    intake_init(&s->intake, lower);
    return s;
}

struct stream *ss_client_stream(struct stream *lower, const struct ss_method *m, const struct ss_keys *keys,
                                const struct dest *dest)
{
    struct ss_stream *s = ss_server_stream(lower, m);

    if (!s) {
        stream_close(lower);
        return NULL;
    }
    s->is_server = false;
    s->stream.flags |= STREAM_HOLDS_HEADER;
    s->keys = keys;
    s->key = &keys->key[keys->count - 1];
    s->dest = mem_dup(dest, sizeof *dest);
    if (!s->dest) {
        ss_close(&s->stream);
        return NULL;
    }
    return &s->stream;
}
