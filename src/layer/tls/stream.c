#include "layer/tls/stream.h"

#include <errno.h>
#include <openssl/err.h>

#include "base/mem.h"
#include "layer/tls/context.h"
#include "layer/tls/once.h"
#include "layer/tls/tls.h"
#include "net/buffers.h"

enum {
    RECORD_MORE = 256, /* a record of ours beside its plain text: header, padding, tag */
    ALERT_HEADER = 21,
};
STATIC_ASSERT(BUFFER_SIZE >= 2 * (TLS_RECORD_PLAIN + RECORD_MORE), "two records leave in one write");

static const struct stream_ops ops;

static struct tls_stream *tls_of(struct stream *s)
{
    return container_of(s, struct tls_stream, stream);
}

/* ---- between libssl and the lower stream ----------------------------------------------------- */

int tls_stream_take(struct tls_stream *t, char *out, int n)
{
    size_t part = min_of((size_t)max_of(n, 0), (size_t)t->feed);

    if (part == 0)
        return 0;
    memcpy(out, intake_at(&t->intake), part);
    t->feed -= (uint32_t)part;
    intake_drop(&t->intake, part);
    return (int)part;
}

static int grow_pending(struct tls_stream *t, size_t n)
{
    size_t need = t->pending_len + n;

    if (need > TLS_PENDING_MAX)
        return -EMSGSIZE;
    if (need <= t->pending_size)
        return 0;
    size_t size = max_of(need, min_of((size_t)t->pending_size * 2, (size_t)TLS_PENDING_MAX));
    uint8_t *more = mem_resize(t->pending, size);
    if (!more)
        return -ENOMEM;
    t->pending = more;
    t->pending_size = (uint32_t)size;
    return 0;
}

/* What is sealed later must leave later: nothing goes into the sink past something that is pending. */
int tls_stream_give(struct tls_stream *t, const char *in, int n)
{
    size_t len = (size_t)max_of(n, 0);

    if (t->sink && t->pending_len == 0 && t->sink_size - t->sink_len >= len) {
        memcpy(t->sink + t->sink_len, in, len);
        t->sink_len += (uint32_t)len;
        return n;
    }
    if (grow_pending(t, len) < 0)
        return -1;
    memcpy(t->pending + t->pending_len, in, len);
    t->pending_len += (uint32_t)len;
    return n;
}

/* Sends what is pending. Others may add to it meanwhile. */
static int flush(struct tls_stream *t)
{
    while (t->pending_len) {
        OWNED uint8_t *ptr = t->pending;
        uint32_t len = t->pending_len;
        t->pending = NULL;
        t->pending_len = t->pending_size = 0;
        int r = stream_write(t->stream.lower, ptr, len);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A last word that may be lost: what cannot be sent without waiting is not sent. */
static void flush_at_once(struct tls_stream *t)
{
    if (!co_self() || (t->stream.flags & STREAM_ABORTED))
        return;
    stream_set_deadline(t->stream.lower, 0);
    (void)flush(t);
}

static struct bytes record_header(const struct tls_stream *t)
{
    size_t n = intake_len(&t->intake);

    return n < TLS_RECORD_HEADER ? (struct bytes){0} : (struct bytes){intake_at(&t->intake), TLS_RECORD_HEADER};
}

/*
 *   type 1 | version 3.x | length 2 | fragment        (RFC 8446 section 5.1)
 *
 * The size with the header. What cannot be a record is left to libssl, which knows the alert for it: then only the header's.
 */
static size_t record_size(struct bytes header)
{
    size_t body = (size_t)header.ptr[3] << 8 | header.ptr[4];
    bool is_sane = header.ptr[1] == 3 && body <= TLS_RECORD_PLAIN + TLS_RECORD_EXPANSION;

    return is_sane ? TLS_RECORD_HEADER + body : TLS_RECORD_HEADER;
}

static bool is_empty_record(struct bytes header)
{
    return header.ptr[1] == 3 && header.ptr[3] == 0 && header.ptr[4] == 0;
}

/* Lets the next whole record in: 1, 0 (the lower stream has ended), -EAGAIN, or a failure. */
static int feed_record(struct tls_stream *t, bool may_park)
{
    for (;;) {
        struct bytes header = record_header(t);
        size_t want = header.ptr ? record_size(header) : TLS_RECORD_HEADER;
        if (t->is_lost)
            return -EBADMSG;
        if (header.ptr && intake_len(&t->intake) >= want) {
            t->feed = (uint32_t)want;
            t->is_lost = want == TLS_RECORD_HEADER && !is_empty_record(header);
            return 1;
        }
        ssize_t n = may_park ? intake_fill_wait(&t->intake, want) : intake_fill(&t->intake, want);
        if (n <= 0)
            return (int)n;
    }
}

/* ---- the handshake --------------------------------------------------------------------------- */

struct error *tls_stream_error(const SSL *ssl)
{
    const struct tls_stream *t = SSL_get_app_data(ssl);

    return t ? t->err : NULL;
}

int tls_stream_start(struct tls_stream *t, SSL_CTX *ctx, bool is_server)
{
    const BIO_METHOD *method = tls_once_method();
    BIO *bio = method ? BIO_new(method) : NULL;

    ERR_clear_error();
    t->ssl = bio ? SSL_new(ctx) : NULL;
    if (!t->ssl) {
        BIO_free(bio);
        return -ENOMEM;
    }
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_app_data(t->ssl, t);
    if (is_server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    return 0;
}

/* What libssl says of the last call. The refusal of a certificate has told itself already. */
static int explain_failure(const struct tls_stream *t, struct error *err)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);

    if (err && err->text[0])
        return -EKEYREJECTED;
    if (code && reason >= SSL_AD_REASON_OFFSET)
        return error_set(err, -EPROTO, "the peer refused: %s", SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
    if (code && reason == SSL_R_WRONG_VERSION_NUMBER && !t->is_established)
        return error_set(err, -EPROTO, "the peer does not speak TLS");
    return error_set(err, -EPROTO, "%s", code && ERR_reason_error_string(code) ? ERR_reason_error_string(code)
                                                                              : "the handshake failed");
}

static int advance(struct tls_stream *t, struct error *err)
{
    int r = flush(t);

    if (r == 0)
        r = feed_record(t, true);
    if (r < 0)
        return error_errno(err, r, "handshake");
    if (r == 0)
        return error_set(err, -ECONNRESET, "the peer closed the connection during the handshake");
    return 0;
}

/* Whether the peer waits for what is pending: a server's last words of TLS 1.2. */
static bool is_awaited(const struct tls_stream *t)
{
    return SSL_is_server(t->ssl) && SSL_version(t->ssl) < TLS1_3_VERSION;
}

static int finish(struct tls_stream *t, struct error *err)
{
    int r = is_awaited(t) ? flush(t) : 0;

    if (r < 0)
        return error_errno(err, r, "handshake");
    t->is_established = true;
    if (t->pending_len && !SSL_is_server(t->ssl))
        t->stream.flags |= STREAM_HOLDS_HEADER;
    return 0;
}

int tls_stream_handshake(struct tls_stream *t, struct error *err)
{
    struct error own = {0};
    int r = 0;

    t->err = err ? err : &own;
    t->err->text[0] = 0;
    while (r == 0) {
        ERR_clear_error();
        int done = SSL_do_handshake(t->ssl);
        if (done == 1) {
            r = finish(t, t->err);
            break;
        }
        r = SSL_get_error(t->ssl, done) == SSL_ERROR_WANT_READ ? advance(t, t->err) : explain_failure(t, t->err);
    }
    t->err = NULL;
    t->failure = r;
    return r;
}

void tls_stream_alert(struct tls_stream *t, uint8_t description)
{
    const uint8_t alert[] = {ALERT_HEADER, 3, 1, 0, 2, 2, description};

    (void)tls_stream_give(t, (const char *)alert, sizeof alert);
    flush_at_once(t);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int fail_read(struct tls_stream *t, int why)
{
    t->failure = why;
    return why;
}

/* 1 with *part octets; 0 at the end; -EAGAIN; or the failure. */
static int read_some(struct tls_stream *t, uint8_t *buf, size_t n, size_t *part)
{
    for (;;) {
        if (t->feed || SSL_has_pending(t->ssl)) {
            ERR_clear_error();
            int r = SSL_read_ex(t->ssl, buf, n, part);
            if (r == 1)
                return 1;
            int why = SSL_get_error(t->ssl, r);
            if (why == SSL_ERROR_ZERO_RETURN) {
                t->has_ended = true;
                return 0;
            }
            if (why != SSL_ERROR_WANT_READ)
                return fail_read(t, ERR_GET_REASON(ERR_peek_error()) >= SSL_AD_REASON_OFFSET ? -ECONNRESET : -EBADMSG);
        }
        int r = feed_record(t, false);
        if (r == 0) /* without a close_notify: it may have been cut off */
            return fail_read(t, -EPIPE);
        if (r < 0)
            return r == -EAGAIN ? r : fail_read(t, r);
    }
}

static ssize_t tls_read(struct stream *s, void *buf, size_t n)
{
    struct tls_stream *t = tls_of(s);
    size_t got = 0;

    while (got < n && !t->has_ended && !t->failure) {
        size_t part = 0;
        int r = read_some(t, (uint8_t *)buf + got, n - got, &part);
        if (r == -EAGAIN)
            return got ? (ssize_t)got : r;
        got += part;
    }
    return got || !t->failure ? (ssize_t)got : t->failure;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* What is still to be written. */
struct unsent {
    const struct iovec *iov;
    int count;
    size_t at; /* in iov[0] */
};

static bool is_used_up(struct unsent *s)
{
    while (s->count && s->at == s->iov->iov_len) {
        s->iov++;
        s->count--;
        s->at = 0;
    }
    return s->count == 0;
}

static struct bytes front_of(const struct unsent *s)
{
    return (struct bytes){(const uint8_t *)s->iov->iov_base + s->at, s->iov->iov_len - s->at};
}

/* The plain text of the next record: where it lies if it lies together, else put together in `room`. At most `most`. */
static struct bytes next_plain(struct unsent *s, uint8_t *room, size_t most)
{
    struct bytes first = front_of(s);
    size_t len = 0;

    if (first.len >= most || s->count == 1) {
        first.len = min_of(first.len, most);
        s->at += first.len;
        return first;
    }
    while (len < most && !is_used_up(s)) {
        struct bytes part = front_of(s);
        part.len = min_of(part.len, most - len);
        memcpy(room + len, part.ptr, part.len);
        s->at += part.len;
        len += part.len;
    }
    return (struct bytes){room, len};
}

static int seal(struct tls_stream *t, struct bytes plain)
{
    size_t written;

    ERR_clear_error();
    if (SSL_write_ex(t->ssl, plain.ptr, plain.len, &written) == 1)
        return 0;
    return t->failure ? t->failure : -EPROTO;
}

/* As many records as the loan takes, in one lower write. Small parts are put together at its end. */
static int write_lap(struct tls_stream *t, const struct loan *room, struct unsent *s)
{
    size_t most = min_of((room->size - RECORD_MORE) / 2, (size_t)TLS_RECORD_PLAIN);
    uint8_t *gathered = (uint8_t *)room->ptr + room->size - most;
    int r = t->pending_len > RECORD_MORE ? flush(t) : 0;

    if (r < 0)
        return r;
    t->sink = room->ptr;
    t->sink_size = (uint32_t)(s->count > 1 ? room->size - most : room->size);
    t->sink_len = t->pending_len;
    if (t->pending_len)
        memcpy(t->sink, t->pending, t->pending_len);
    t->pending_len = 0;
    do {
        r = seal(t, next_plain(s, gathered, min_of(most, t->sink_size - t->sink_len - RECORD_MORE)));
    } while (r == 0 && !is_used_up(s) && t->sink_size - t->sink_len >= most + RECORD_MORE);
    t->sink = NULL;
    if (r == 0)
        r = stream_write(t->stream.lower, room->ptr, t->sink_len);
    if (t->pending && t->pending_len == 0) {
        mem_free(take(t->pending));
        t->pending_size = 0;
    }
    return r;
}

static int tls_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct tls_stream *t = tls_of(s);
    struct unsent from = {.iov = iov, .count = count};

    s->flags &= ~(unsigned)STREAM_HOLDS_HEADER;
    if (is_used_up(&from))
        return flush(t);
    CLEANUP(loan_done) struct loan room = {0};
    room.ptr = buffer_lend(&room.size);
    int r = room.ptr ? 0 : -ENOMEM;
    while (r == 0 && !is_used_up(&from))
        r = write_lap(t, &room, &from);
    return r < 0 ? r : flush(t);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Our close_notify, as the last thing that is pending. */
static void say_end(struct tls_stream *t)
{
    t->has_shut = true;
    ERR_clear_error();
    if (t->is_established && !t->failure)
        (void)SSL_shutdown(t->ssl);
}

static int tls_shutdown(struct stream *s)
{
    struct tls_stream *t = tls_of(s);

    if (t->has_shut)
        return 0;
    s->flags &= ~(unsigned)STREAM_HOLDS_HEADER;
    say_end(t);
    int r = flush(t);
    return r < 0 ? r : stream_shutdown(s->lower);
}

/*
 * The peer that has ended is told that we have, too: relays leave the second end to the close. One that has not is not told,
 * as something may be missing.
 */
static void tls_close(struct stream *s)
{
    struct tls_stream *t = tls_of(s);

    if (t->has_ended && !t->has_shut && !(s->flags & STREAM_ABORTED))
        say_end(t);
    if (t->pending_len)
        flush_at_once(t);
    if (t->ssl && t->is_established && !t->failure)
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* its session stays good */
    SSL_free(t->ssl);
    tls_common_unref(t->common);
    mem_free(t->pending);
    intake_done(&t->intake);
    stream_close(s->lower);
    mem_free(t);
}

static struct event *tls_readable(struct stream *s)
{
    return s->lower->ops->readable(s->lower);
}

static const struct stream_ops ops = {
    .name = "tls",
    .read = tls_read,
    .writev = tls_writev,
    .shutdown = tls_shutdown,
    .close = tls_close,
    .readable = tls_readable,
};

struct tls_stream *tls_stream_new(struct stream *lower)
{
    struct tls_stream *t = mem_new(struct tls_stream);

    if (!t) {
        stream_close(lower);
        return NULL;
    }
    stream_init(&t->stream, &ops, lower);
    t->stream.deadline = lower->deadline;
    t->stream.flags = STREAM_ENCRYPTED;
    intake_init(&t->intake, lower);
    return t;
}

/* ---- what was agreed on ---------------------------------------------------------------------- */

static const SSL *ssl_of(const struct stream *s)
{
    while (s && s->ops != &ops)
        s = s->lower;
    return s ? container_of((struct stream *)(uintptr_t)s, struct tls_stream, stream)->ssl : NULL;
}

struct text tls_alpn(const struct stream *s)
{
    const SSL *ssl = ssl_of(s);
    const unsigned char *name = NULL;
    unsigned len = 0;

    if (ssl)
        SSL_get0_alpn_selected(ssl, &name, &len);
    return (struct text){(const char *)name, len};
}

const char *tls_version(const struct stream *s)
{
    const SSL *ssl = ssl_of(s);

    return ssl ? SSL_get_version(ssl) : "";
}

bool tls_was_resumed(const struct stream *s)
{
    const SSL *ssl = ssl_of(s);

    return ssl && SSL_session_reused(ssl) == 1;
}
