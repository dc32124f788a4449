#include <errno.h>

#include "base/mem.h"
#include "layer/h2_internal.h"
#include "net/buffers.h"

enum {
    READS_PER_TURN = 4,      /* then the streams' readers have theirs */
    ANSWER_MS = 15000,
    GOING_MS = 10000,        /* how long our last words may take */
    QUEUE_MAX = 4000,        /* frames that a peer makes us hold because it does not read */
};

void h2_ref(struct h2 *h)
{
    h->references++;
}

void h2_unref(struct h2 *h)
{
    if (--h->references == 0)
        mem_free(h);
}

void h2_fail(struct h2 *h, int failure)
{
    if (!h->failure)
        h->failure = failure;
    event_set(&h->wake);
}

void h2_terminate(struct h2 *h, uint32_t code)
{
    if (h->going || h->has_ended)
        return;
    h->going = loop_now();
    h->is_going = true;
    (void)nghttp2_session_terminate_session(h->session, code);
    event_set(&h->wake);
}

/* ---- writing ---- */

/* At the memory ceiling, one frame's room of our own: others may wait for us with the buffers that they hold. */
static int borrow(struct h2 *h)
{
    h->out = buffer_try_get();
    h->out_size = BUFFER_SIZE;
    if (h->out)
        return 0;
    h->out_size = H2_ONE_FRAME;
    h->out = mem_resize(NULL, H2_ONE_FRAME);
    return h->out ? 0 : -ENOMEM;
}

static void give_back(struct h2 *h)
{
    if (h->out_size == BUFFER_SIZE)
        buffer_put(h->out);
    else
        mem_free(h->out);
    h->out = NULL;
}

/* Fills `out`. 0 or negative. */
static int gather(struct h2 *h)
{
    h->out_len = 0;
    for (;;) {
        size_t part = min_of(h->left_len, h->out_size - h->out_len);
        if (part) {
            memcpy(h->out + h->out_len, h->left, part);
            h->out_len += part;
            h->left += part;
            h->left_len -= part;
        }
        if (h->left_len || h->out_len == h->out_size)
            return 0;
        /* DATA goes into `out` while this runs (on_send_data), as long as it fits; other frames are given here. */
        ssize_t n = nghttp2_session_mem_send(h->session, &h->left);
        if (n < 0)
            return n == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EPROTO;
        if (n == 0)
            return 0;
        h->left_len = (size_t)n;
    }
}

static int send_all(struct h2 *h)
{
    for (;;) {
        int r = gather(h);
        if (r == 0 && h->out_len == 0)
            return 0;
        if (r == 0)
            r = stream_write(h->lower, h->out, h->out_len);
        if (r < 0)
            return r;
    }
}

static void sender(void *arg)
{
    struct h2 *h = arg;
    int r = borrow(h);

    if (r == 0) {
        r = send_all(h);
        give_back(h);
    }
    h->is_sending = false;
    if (r < 0)
        h2_fail(h, r);
    else if (h->going)
        event_set(&h->wake);
}

void h2_kick(struct h2 *h)
{
    if (h->is_sending || h->has_ended || h->failure || !nghttp2_session_want_write(h->session))
        return;
    int r = co_spawn(&h->sending, "HTTP/2 send", sender, h);
    if (r < 0)
        h2_fail(h, r);
    else
        h->is_sending = true;
}

/* ---- reading ---- */

static int failure_of(ssize_t code)
{
    switch (code) {
    case NGHTTP2_ERR_NOMEM:
        return -ENOMEM;
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        return -EPROTO;
    default:
        return -EBADMSG;
    }
}

/* 1: there may be more; 0: all was read; negative: the end, and -EPIPE that of the lower stream. */
static int receive_into(struct h2 *h, uint8_t *buf, size_t size)
{
    for (int i = 0; i < READS_PER_TURN; i++) {
        ssize_t n = stream_try_read(h->lower, buf, size);
        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return n < 0 ? (int)n : -EPIPE;
        h->heard = loop_now();
        h->asked = 0;
        h2_watch(h, buf, (size_t)n);
        n = nghttp2_session_mem_recv(h->session, buf, (size_t)n);
        if (n < 0)
            return failure_of(n);
        if (nghttp2_session_get_outbound_queue_size(h->session) > QUEUE_MAX)
            return -ENOBUFS;
        h2_kick(h);
    }
    return 1;
}

static int receive(struct h2 *h)
{
    uint8_t *buf = buffer_try_get();
    bool is_pooled = buf != NULL;

    if (!buf)
        buf = mem_resize(NULL, H2_ONE_FRAME);
    if (!buf)
        return -ENOMEM;
    int r = receive_into(h, buf, is_pooled ? (size_t)BUFFER_SIZE : (size_t)H2_ONE_FRAME);
    if (is_pooled)
        buffer_put(buf);
    else
        mem_free(buf);
    return r;
}

/* ---- time ---- */

static int keep_alive(struct h2 *h, int64_t *next)
{
    const struct h2_options *o = &h->options;
    static const uint8_t opaque[8] = {'a', 'l', 'i', 'v', 'e'};

    if (!o->silence_ms || (!h->open && !o->ping_without_streams))
        return 0;
    if (h->asked) {
        *next = min_of(*next, h->asked + o->answer_ms);
        return loop_now() >= h->asked + o->answer_ms ? -ETIMEDOUT : 0;
    }
    if (loop_now() >= h->heard + o->silence_ms) {
        if (nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, opaque) != 0)
            return -ENOMEM;
        h->asked = loop_now();
        *next = min_of(*next, h->asked + o->answer_ms);
        h2_kick(h);
        return 0;
    }
    *next = min_of(*next, h->heard + o->silence_ms);
    return 0;
}

/* What is due now; *next: when something will be. */
static int tick(struct h2 *h, int64_t *next)
{
    bool is_unused = h->open == 0 && list_is_empty(&h->streams);

    *next = h->lower->deadline;
    if (h->failure)
        return h->failure;
    if (loop_now() >= h->lower->deadline)
        return -ETIMEDOUT;
    if (is_unused && (h->is_leaving || h->is_going))
        h2_terminate(h, NGHTTP2_NO_ERROR);
    if (is_unused && h->options.unused_ms && !h->going) {
        if (loop_now() >= h->unused + h->options.unused_ms)
            h2_terminate(h, NGHTTP2_NO_ERROR);
        else
            *next = min_of(*next, h->unused + h->options.unused_ms);
    }
    if (h->going) {
        h2_kick(h);
        *next = min_of(*next, h->going + GOING_MS);
        if (loop_now() >= h->going + GOING_MS)
            return -ETIMEDOUT;
    }
    return keep_alive(h, next);
}

/* ---- the pump ---- */

static int turn(struct h2 *h)
{
    int64_t next;
    int r = receive(h);

    if (r < 0)
        return r;
    if (r > 0)
        return co_yield() < 0 ? -ECANCELED : 0;
    r = tick(h, &next);
    if (r < 0)
        return r;
    if (!h->is_sending && !nghttp2_session_want_write(h->session) &&
        (h->going || !nghttp2_session_want_read(h->session)))
        return -EPIPE;
    struct event *events[] = {h->lower->ops->readable(h->lower), &h->wake};
    r = event_wait_any(events, 2, next, "HTTP/2");
    return r < 0 && r != -ETIMEDOUT ? r : 0;
}

static void end_streams(struct h2 *h)
{
    list_each(item, &h->streams) {
        struct h2_stream *st = container_of(item, struct h2_stream, link);
        if (!st->is_gone)
            h2_stream_gone(st, h->failure ? h->failure : -ECONNRESET);
    }
}

static void pump(void *arg)
{
    struct h2 *h = arg;
    int r = 0;

    h2_kick(h);
    while (r == 0)
        r = turn(h);
    bool is_in_order = r == -EPIPE && (h->going || list_is_empty(&h->streams));
    h->failure = is_in_order ? 0 : r;
    h->has_ended = true;
    h->is_going = true;
    group_done(&h->sending);
    h2_incoming_free(h);
    nghttp2_session_del(take(h->session));
    end_streams(h);
    stream_close(take(h->lower));
    event_set(&h->ended);
    h2_unref(h);
}

/* ---- its life ---- */

static struct h2 *make(struct stream *lower, const struct h2_options *options)
{
    struct h2 *h = mem_new(struct h2);

    if (!h)
        return NULL;
    h->lower = lower;
    h->options = *options;
    if (!h->options.max_streams)
        h->options.max_streams = H2_STREAMS;
    if (!h->options.answer_ms)
        h->options.answer_ms = ANSWER_MS;
    h->heard = h->unused = h->patience_at = loop_now();
    h->patience = H2_PATIENCE;
    h->skip = options->is_server ? NGHTTP2_CLIENT_MAGIC_LEN : 0;
    h->window = H2_WINDOW;
    h->references = 2; /* the caller and the pump */
    list_init(&h->streams);
    return h;
}

int h2_new(struct stream *lower, struct group *group, const struct h2_options *options, struct h2 **out)
{
    struct h2 *h = make(lower, options);
    int r = h ? h2_session_new(h) : -ENOMEM;

    if (r == 0) {
        if (!options->is_server)
            stream_set_deadline(lower, NEVER);
        group_init(&h->sending, group);
        r = co_spawn(group, "HTTP/2", pump, h);
        if (r < 0)
            group_done(&h->sending);
    }
    if (r < 0) {
        if (h)
            nghttp2_session_del(h->session);
        mem_free(h);
        stream_close(lower);
        return r;
    }
    *out = h;
    return 0;
}

void h2_leave(struct h2 *h)
{
    h->is_leaving = true;
    event_set(&h->wake);
    h2_unref(h);
}

int h2_wait(struct h2 *h)
{
    while (!h->has_ended) {
        int r = event_wait(&h->ended, NEVER, "end of HTTP/2");
        if (r < 0)
            return r;
    }
    return h->failure;
}

unsigned h2_streams(const struct h2 *h)
{
    return h->open;
}

bool h2_has_room(const struct h2 *h)
{
    if (h->has_ended || h->failure || h->is_going || h->is_leaving)
        return false;
    return h->open < nghttp2_session_get_remote_settings(h->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) &&
           nghttp2_session_check_request_allowed(h->session);
}

int h2_open(struct h2 *h, const struct h2_field *fields, size_t count, struct h2_stream **out)
{
    if (h->has_ended || h->failure || h->is_going)
        return -EPIPE;
    struct h2_stream *st = h2_stream_new(h);
    if (!st)
        return -ENOMEM;
    int r = h2_submit(h, st, fields, count, false);
    if (r < 0) {
        st->is_closed = st->is_gone = true;
        h->open--;
        h2_stream_free(st);
        return r;
    }
    st->is_handed_out = true;
    st->stream.flags |= STREAM_HOLDS_HEADER;
    *out = st;
    return 0;
}

int h2_answer(struct h2_stream *st, const struct h2_field *fields, size_t count, bool is_all)
{
    if (st->is_gone)
        return st->failure ? st->failure : -EPIPE;
    int r = h2_submit(st->h2, st, fields, count, is_all);
    if (r < 0)
        return r;
    st->has_head = true;
    if (is_all) {
        st->wants_end = true;
        h2_kick(st->h2);
    } else {
        st->stream.flags |= STREAM_HOLDS_HEADER;
    }
    return 0;
}
