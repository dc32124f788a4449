/* What libnghttp2 calls. None of these functions parks, and none frees the session. */
#include <errno.h>

#include "base/mem.h"
#include "layer/h2_internal.h"

static struct h2_stream *stream_by_id(struct h2 *h, int32_t id)
{
    return id ? nghttp2_session_get_stream_user_data(h->session, id) : NULL;
}

/* ---- heads that arrive ---- */

static struct text view(nghttp2_rcbuf *b)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);

    return (struct text){(const char *)v.base, v.len};
}

void h2_incoming_free(struct h2 *h)
{
    for (size_t i = 0; h->incoming && i < h->incoming->count; i++) {
        nghttp2_rcbuf_decref(h->incoming->at[i].name);
        nghttp2_rcbuf_decref(h->incoming->at[i].value);
    }
    mem_free(take(h->incoming));
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;

    h2_incoming_free(h);
    if (!h->options.is_server || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    /* Those count, too, that the peer has reset but whose work goes on. */
    struct h2_stream *st = h->open < 2 * h->options.max_streams ? h2_stream_new(h) : NULL;
    h->incoming = st ? mem_new(struct h2_incoming) : NULL;
    if (!h->incoming)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    if (!st)
        return 0;
    st->id = frame->hd.stream_id;
    (void)nghttp2_session_set_stream_user_data(session, st->id, st);
    return 0;
}

static void note_answer(struct h2_stream *st, struct text name, struct text value)
{
    uint64_t n;

    if (text_is(name, ":status") && text_to_u64(value, &n) == 0 && n >= 200 && n < 1000)
        st->status = (uint16_t)n;
    else if (text_is(name, "grpc-status") && text_to_u64(value, &n) == 0 && n < 1000)
        st->grpc_status = (int16_t)n;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name, nghttp2_rcbuf *value,
                     uint8_t flags, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *st = stream_by_id(h, frame->hd.stream_id);
    struct h2_incoming *in = h->incoming;

    (void)session;
    (void)flags;
    if (!h->options.is_server && st)
        note_answer(st, view(name), view(value));
    if (!in)
        return 0;
    in->octets += view(name).len + view(value).len + 32;
    if (in->count == ARRAY_LEN(in->at) || in->octets > H2_HEAD_MAX)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    nghttp2_rcbuf_incref(name);
    nghttp2_rcbuf_incref(value);
    in->at[in->count].name = name;
    in->at[in->count++].value = value;
    return 0;
}

static struct text *pseudo(struct h2_head *head, struct text name)
{
    static const struct {
        const char *name;
        size_t at;
    } known[] = {
        {":method", offsetof(struct h2_head, method)},
        {":scheme", offsetof(struct h2_head, scheme)},
        {":authority", offsetof(struct h2_head, authority)},
        {":path", offsetof(struct h2_head, path)},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (text_is(name, known[i].name))
            return (struct text *)(void *)((char *)head + known[i].at);
    }
    return NULL;
}

static NOINLINE void hand_out_request(struct h2 *h, struct h2_stream *st)
{
    struct h2_head head = {0};
    struct h2_incoming *in = take(h->incoming);

    for (size_t i = 0; i < in->count; i++) {
        struct text name = view(in->at[i].name), value = view(in->at[i].value);
        struct text *to = name.len && name.ptr[0] == ':' ? pseudo(&head, name) : NULL;
        if (to)
            *to = value;
        else if (head.count < H2_FIELDS)
            head.fields[head.count++] = (struct h2_field){name, value};
    }
    if (!head.authority.ptr)
        head.authority = h2_head_get(&head, "host");
    if (h->lower->deadline != NEVER)
        stream_set_deadline(h->lower, NEVER);
    st->is_handed_out = true;
    h->options.request(h->options.arg, st, &head);
    h->incoming = in;
    h2_incoming_free(h);
}

struct text h2_head_get(const struct h2_head *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++) {
        if (text_is(h->fields[i].name, name))
            return h->fields[i].value;
    }
    return (struct text){0};
}

/* ---- frames that arrive ---- */

static void on_headers(struct h2 *h, const nghttp2_frame *frame)
{
    struct h2_stream *st = stream_by_id(h, frame->hd.stream_id);

    if (!st)
        return;
    if (h->options.is_server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        st->has_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
        if (h->incoming)
            hand_out_request(h, st);
        return;
    }
    h2_incoming_free(h);
    if (st->status && (st->status < 200 || st->status > 299) && !st->failure)
        st->failure = -EPROTO;
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        st->has_end = true;
    event_set(&st->answered);
    event_set(&st->readable);
}

static void on_end_of_data(struct h2 *h, int32_t id)
{
    struct h2_stream *st = stream_by_id(h, id);

    if (!st)
        return;
    st->has_end = true;
    event_set(&st->readable);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;

    (void)session;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        on_headers(h, frame);
        break;
    case NGHTTP2_DATA:
        if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
            on_end_of_data(h, frame->hd.stream_id);
        break;
    case NGHTTP2_PING:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
            break;
        if (memcmp(frame->ping.opaque_data, h2_probe, sizeof h2_probe) == 0)
            h2_window_answered(h);
        break;
    case NGHTTP2_GOAWAY:
        h->is_going = true;
        event_set(&h->wake);
        break;
    default:
        break;
    }
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *st = stream_by_id(h, id);

    (void)flags;
    if (nghttp2_session_consume_connection(session, n) != 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    h2_window_heard(h, n);
    if (!st || st->is_closed) {
        (void)nghttp2_session_consume_stream(session, id, n);
        return 0;
    }
    return h2_stream_add(st, p, n) < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct h2_stream *st = stream_by_id(arg, id);

    (void)session;
    if (!st)
        return 0;
    h2_credit(arg, code == NGHTTP2_NO_ERROR);
    h2_stream_gone(st, code == NGHTTP2_REFUSED_STREAM ? -ECONNREFUSED : -ECONNRESET);
    return 0;
}

/* ---- frames that leave ---- */

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *st = stream_by_id(h, frame->hd.stream_id);
    bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;

    if (frame->hd.type == NGHTTP2_HEADERS && st)
        st->has_sent_head = true;
    if (frame->hd.type == NGHTTP2_DATA)
        h2_credit(h, 2); /* the peer will answer with windows */
    if (!st || !may_end || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    st->has_sent_end = true;
    if (st->is_closed && !st->has_end) /* nobody reads the rest */
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, st->id,
                                        h->options.is_server ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    return 0;
}

static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error, void *arg)
{
    (void)session;
    (void)error;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    /* A request that was never sent: there is no stream that could be closed. */
    struct h2 *h = arg;
    list_each(item, &h->streams) {
        struct h2_stream *st = container_of(item, struct h2_stream, link);
        if (st->id == frame->hd.stream_id && !st->is_gone) {
            h2_stream_gone(st, -ECONNREFUSED);
            break;
        }
    }
    return 0;
}

/* Octets that its writer waits for. */
static size_t waiting(const struct h2_stream *st)
{
    size_t n = 0;

    for (int i = 0; st->iov && i < st->iov_count; i++)
        n += st->iov[i].iov_len;
    return st->iov ? n - st->iov_at : 0;
}

/* How much of a stream's body may go into the next frame; nothing is copied yet. */
static ssize_t on_body(nghttp2_session *session, int32_t id, uint8_t *buf, size_t n, uint32_t *flags,
                       nghttp2_data_source *source, void *arg)
{
    struct h2_stream *st = source->ptr;
    size_t there = waiting(st);

    (void)buf;
    (void)arg;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (there)
        return (ssize_t)min_of(n, there);
    if (!st->wants_end) {
        st->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (st->trailer_count) {
        nghttp2_nv nv[4];
        for (size_t i = 0; i < st->trailer_count; i++) {
            const struct h2_field *f = &st->trailers[i];
            nv[i] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)f->name.ptr, .namelen = f->name.len,
                                 .value = (uint8_t *)(uintptr_t)f->value.ptr, .valuelen = f->value.len};
        }
        if (nghttp2_submit_trailer(session, id, nv, st->trailer_count) == 0)
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return 0;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t n,
                        nghttp2_data_source *source, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *st = source->ptr;

    (void)session;
    (void)frame; /* never padded: there is no callback that would ask for it */
    if (h->out_size - h->out_len < n + H2_FRAME_HEAD)
        return NGHTTP2_ERR_WOULDBLOCK; /* again when what is there has left */
    if (waiting(st) < n)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* its writer was cancelled meanwhile */
    memcpy(h->out + h->out_len, head, H2_FRAME_HEAD);
    h->out_len += H2_FRAME_HEAD;
    while (n) {
        size_t part = min_of(n, st->iov->iov_len - st->iov_at);
        memcpy(h->out + h->out_len, (const uint8_t *)st->iov->iov_base + st->iov_at, part);
        h->out_len += part;
        st->iov_at += part;
        n -= part;
        if (st->iov_at == st->iov->iov_len) {
            st->iov++;
            st->iov_count--;
            st->iov_at = 0;
        }
    }
    while (st->iov_count && st->iov->iov_len == 0) {
        st->iov++;
        st->iov_count--;
    }
    if (st->iov_count == 0) {
        st->iov = NULL;
        event_set(&st->written);
    }
    return 0;
}

static ssize_t on_frame_size(nghttp2_session *session, uint8_t type, int32_t id, int32_t session_window,
                             int32_t stream_window, uint32_t max_frame, void *arg)
{
    (void)session;
    (void)type;
    (void)id;
    (void)session_window;
    (void)stream_window;
    (void)arg;
    return (ssize_t)min_of(max_frame, (uint32_t)H2_PAYLOAD);
}

/* ---- making one ---- */

static nghttp2_session_callbacks *callbacks_new(void)
{
    nghttp2_session_callbacks *c = NULL;

    if (nghttp2_session_callbacks_new(&c) != 0)
        return NULL;
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(c, on_frame_size);
    return c;
}

static int make(struct h2 *h, nghttp2_session_callbacks *c)
{
    nghttp2_option *o = NULL;
    int r;

    if (nghttp2_option_new(&o) != 0)
        return -ENOMEM;
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_send_header_block_length(o, 64 * 1024);
    if (h->options.is_server)
        r = nghttp2_session_server_new2(&h->session, c, h, o);
    else
        r = nghttp2_session_client_new2(&h->session, c, h, o);
    nghttp2_option_del(o);
    return r == 0 ? 0 : -ENOMEM;
}

int h2_session_new(struct h2 *h)
{
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_HEAD_MAX},
        {h->options.is_server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS : NGHTTP2_SETTINGS_ENABLE_PUSH,
         h->options.is_server ? h->options.max_streams : 0},
    };
    nghttp2_session_callbacks *c = callbacks_new();

    if (!c)
        return -ENOMEM;
    int r = make(h, c);
    nghttp2_session_callbacks_del(c);
    if (r < 0)
        return r;
    if (nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings)) != 0)
        return -ENOMEM;
    if (nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0, 2 * H2_BUDGET) != 0)
        return -ENOMEM;
    return 0;
}

int h2_submit(struct h2 *h, struct h2_stream *st, const struct h2_field *fields, size_t count, bool is_all)
{
    nghttp2_nv nv[H2_FIELDS_OUT];
    nghttp2_data_provider body = {.source.ptr = st, .read_callback = on_body};

    if (count > ARRAY_LEN(nv))
        return -EMSGSIZE;
    for (size_t i = 0; i < count; i++)
        nv[i] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)fields[i].name.ptr, .namelen = fields[i].name.len,
                             .value = (uint8_t *)(uintptr_t)fields[i].value.ptr, .valuelen = fields[i].value.len};
    if (h->options.is_server)
        return nghttp2_submit_response(h->session, st->id, nv, count, is_all ? NULL : &body) == 0 ? 0 : -ENOMEM;
    int32_t id = nghttp2_submit_request(h->session, NULL, nv, count, is_all ? NULL : &body, st);
    if (id < 0)
        return id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE ? -EPIPE : -ENOMEM;
    st->id = id;
    return 0;
}
