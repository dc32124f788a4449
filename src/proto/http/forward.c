/*
 * A plain request: to its origin, and the answer back.
 *
 *     client --- request ---> [ head rewritten ] --- body verbatim ---> origin
 *     client <--- body verbatim --- [ head rewritten ] <--- response --- origin
 *
 * Both bodies may flow at once (100-continue, early answers), so a request body that did not
 * come together with its head is carried by a coroutine of its own.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "proto/http/server.h"

enum {
    IDLE_MS = 300000, /* when the session does not say */
};

struct exchange {
    struct http_visit *visit;
    struct http_upstream *upstream;
    struct http_message *request;
    struct http_message response;
    int64_t last; /* when an octet last moved, in either direction */
    int64_t idle_ms;
    char method[HTTP1_METHOD_MAX];
    uint8_t method_len;
    bool client_is_old;   /* HTTP/1.0: knows no interim responses */
    bool wants_upgrade;
    bool is_sent;         /* the whole request */
    bool is_client_gone;  /* or sends what is no body */
    bool has_begun;       /* something of the answer went to the client */
    bool stays_open;      /* what the answer said of the client's connection */
    struct group group;   /* of the request body's coroutine */
};

static struct text method_of(const struct exchange *x)
{
    return (struct text){.ptr = x->method, .len = x->method_len};
}

/* ---- the upstream ---- */

void http_upstream_close(struct http_visit *v, struct http_upstream *u, int result)
{
    struct error err = {0};

    if (!u)
        return;
    if (result < 0)
        (void)error_errno(&err, result, "request");
    stream_close(u->stream);
    router_end(v->server->inbound.router, u->session, result, &err);
    session_free(u->session);
    mem_free(u);
}

static struct session *new_session(const struct http_visit *v, const struct http_target *t)
{
    struct session *s = session_new(&v->server->inbound, NETWORK_TCP, &v->session->source);

    if (!s)
        return NULL;
    s->local = v->session->local;
    s->user = v->session->user;
    s->dest = t->dest;
    return s;
}

/* v->upstream to the target: 0 or what the dial returned; *is_silent: nobody is to be told. */
NOINLINE static int connect_upstream(struct http_visit *v, const struct http_target *t, bool *is_silent)
{
    struct http_upstream *u = mem_new(struct http_upstream);
    struct session *s = new_session(v, t);
    struct router *router = v->server->inbound.router;
    struct stream *none = NULL;
    struct error err = {0};

    if (!u || !s) {
        mem_free(u);
        session_free(s);
        return -ENOMEM;
    }
    int r = router_open(router, s, &none, &u->stream, &err);
    if (r < 0) {
        *is_silent = s->has_replied;
        router_end(router, s, r, &err);
        session_free(s);
        mem_free(u);
        return r;
    }
    s->has_replied = true;
    u->session = s;
    v->upstream = u;
    return 0;
}

/* Quiet and open: an origin that spoke out of turn is not asked again. */
static bool is_reusable(const struct http_upstream *u, const struct http_visit *v, const struct dest *d)
{
    uint8_t byte;

    return dest_eq(&u->session->dest, d) && u->session->user == v->session->user &&
           stream_try_read(u->stream, &byte, 1) == -EAGAIN;
}

static int get_upstream(struct http_visit *v, const struct http_target *t, bool *is_silent)
{
    if (v->upstream && is_reusable(v->upstream, v, &t->dest)) {
        v->upstream->was_used = true;
        return 0;
    }
    http_upstream_close(v, take(v->upstream), 0);
    return connect_upstream(v, t, is_silent);
}

/* ---- moving octets ---- */

/* Parks until the message's stream may be read, for as long as either direction moves. */
static int wait_for(struct exchange *x, struct http_message *m)
{
    int64_t until;
    int r;

    do {
        until = x->last + x->idle_ms;
        stream_set_deadline(m->from, until);
        r = stream_wait(m->from, until);
    } while (r == -ETIMEDOUT && x->last + x->idle_ms > until);
    return r;
}

/* As http_message_fill(), but parks; -ECANCELED also when the other direction found the client gone. */
static ssize_t fill(struct exchange *x, struct http_message *m)
{
    for (;;) {
        ssize_t n = http_message_fill(m);
        if (n > 0)
            x->last = loop_now();
        if (n != -EAGAIN)
            return n;
        if (x->is_client_gone)
            return -ECANCELED;
        int r = wait_for(x, m);
        if (r < 0)
            return r;
    }
}

static int send_bytes(struct exchange *x, struct stream *to, struct iovec *iov, int count)
{
    stream_set_deadline(to, loop_now() + x->idle_ms);
    int r = stream_writev(to, iov, count);
    x->last = loop_now();
    return r;
}

/* Sends a head, if any, and what of the body is in the buffer. */
static int send_body(struct exchange *x, struct http_message *m, struct stream *to, struct writer *head)
{
    ssize_t n = http_message_take_body(m);
    struct iovec iov[2] = {{0}};

    if (n < 0)
        return -EBADMSG;
    if (head)
        iov[0] = (struct iovec){.iov_base = head->start, .iov_len = writer_len(head)};
    iov[1] = (struct iovec){.iov_base = m->bytes, .iov_len = (size_t)n};
    bool skip_head = iov[0].iov_len == 0;
    int r = send_bytes(x, to, iov + skip_head, (n ? 2 : 1) - skip_head);
    if (r < 0)
        return r;
    struct session *s = x->upstream->session;
    *(m == x->request ? &s->up : &s->down) += iov[0].iov_len + iov[1].iov_len;
    http_message_consume(m, (size_t)n);
    return 0;
}

/* The rest of a body. 0, -EPIPE when it was cut off, or the failure. */
static int carry_body(struct exchange *x, struct http_message *m, struct stream *to)
{
    while (!http_message_has_ended(m)) {
        ssize_t n = m->len ? 1 : fill(x, m);
        if (n == 0 && m->framing.body == HTTP1_BODY_CLOSE)
            return 0;
        if (n <= 0) {
            x->is_client_gone |= m == x->request;
            return n < 0 ? (int)n : -EPIPE;
        }
        int r = send_body(x, m, to, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the request ---- */

static void carry_request_body(void *arg)
{
    struct exchange *x = arg;
    struct stream *origin = x->upstream->stream;

    int r = carry_body(x, x->request, origin);
    x->is_sent = r == 0;
    x->is_client_gone |= r == -EBADMSG;
    if (x->is_client_gone)
        event_set(origin->ops->readable(origin)); /* there is nobody left to answer */
}

static int send_request(struct exchange *x, const struct http_target *t)
{
    struct http_message *m = x->request;
    size_t size = m->head.size + HTTP_REWRITE_EXTRA;
    OWNED uint8_t *room = mem_alloc(size);
    struct writer w = writer_of(room, size);

    if (!room)
        return -ENOMEM;
    http_rewrite_request(&w, &m->head, t);
    if (w.failed)
        return -EMSGSIZE;
    http_message_begin_body(m);
    /* A head without a body stays in the buffer: it may have to be sent again. */
    if (http_message_has_ended(m)) {
        struct iovec iov = {.iov_base = room, .iov_len = writer_len(&w)};
        x->is_sent = true;
        x->upstream->session->up += iov.iov_len;
        return send_bytes(x, x->upstream->stream, &iov, 1);
    }
    http_message_consume(m, m->head.size);
    int r = send_body(x, m, x->upstream->stream, &w);
    if (r < 0)
        return r;
    x->is_sent = http_message_has_ended(m);
    return x->is_sent ? 0 : co_spawn(&x->group, "http: request body", carry_request_body, x);
}

/* ---- the response ---- */

/* 0; -EPIPE: closed before the first octet; -EPROTO: what came is no response. */
static int read_response_head(struct exchange *x)
{
    struct http_message *m = &x->response;

    m->head = (struct http1_head){0};
    for (;;) {
        ssize_t size = m->len ? http1_read_response(&m->head, m->bytes, m->len) : 0;
        if (size != 0)
            return size < 0 ? -EPROTO : 0;
        ssize_t n = fill(x, m);
        if (n == 0)
            return m->len ? -EPROTO : -EPIPE;
        if (n < 0)
            return n == -EMSGSIZE ? -EPROTO : (int)n;
    }
}

static bool may_stay_open(const struct exchange *x)
{
    return x->is_sent && x->request->framing.keep_alive && x->response.framing.body != HTTP1_BODY_CLOSE;
}

/* Sends the head that was read, with as much of the body as came with it. */
static int send_response(struct exchange *x)
{
    struct http_message *m = &x->response;
    size_t size = m->head.size + HTTP_REWRITE_EXTRA;
    OWNED uint8_t *room = mem_alloc(size);
    struct writer w = writer_of(room, size);

    if (!room)
        return -ENOMEM;
    x->stays_open = may_stay_open(x);
    http_rewrite_response(&w, &m->head, x->stays_open);
    if (w.failed)
        return -EPROTO;
    http_message_consume(m, m->head.size);
    http_message_begin_body(m);
    x->has_begun |= m->head.status >= 200;
    int r = send_body(x, m, x->visit->client, &w);
    x->is_client_gone |= r < 0;
    return r;
}

/* Interim responses go on to those who know them, until the one that counts. */
static int read_final_head(struct exchange *x)
{
    struct http_message *m = &x->response;

    for (;;) {
        int r = read_response_head(x);
        if (r < 0)
            return r;
        if (http1_response_framing(&m->head, method_of(x), &m->framing) < 0)
            return -EPROTO;
        if (m->head.status == 101)
            return x->wants_upgrade && x->is_sent ? 0 : -EPROTO;
        if (m->head.status >= 200)
            return 0;
        m->framing.body = HTTP1_BODY_NONE;
        if (x->client_is_old)
            http_message_consume(m, m->head.size);
        else if ((r = send_response(x)) < 0)
            return r;
    }
}

/* Early bytes of the new protocol, both ways. */
static int send_leftovers(struct exchange *x)
{
    struct iovec down = {.iov_base = x->response.bytes, .iov_len = x->response.len};
    struct iovec up = {.iov_base = x->request->bytes, .iov_len = x->request->len};
    int r = down.iov_len ? send_bytes(x, x->visit->client, &down, 1) : 0;

    if (r == 0 && up.iov_len)
        r = send_bytes(x, x->upstream->stream, &up, 1);
    return r;
}

static int carry_response(struct exchange *x)
{
    int r = read_final_head(x);

    if (r < 0)
        return r;
    /* Whoever answers has the request's head. */
    if (x->is_sent && x->request->framing.body == HTTP1_BODY_NONE)
        http_message_consume(x->request, x->request->head.size);
    r = send_response(x);
    if (r == 0 && x->response.head.status == 101)
        return send_leftovers(x);
    return r < 0 ? r : carry_body(x, &x->response, x->visit->client);
}

/* ---- an exchange ---- */

static enum http_next report(struct exchange *x, int result)
{
    struct http_visit *v = x->visit;

    if (result == -ECANCELED || x->is_client_gone || x->has_begun)
        return HTTP_ABORT;
    if (result == -EBADMSG)
        return http_answer(v, 400, "the request's body is not well chunked", false);
    if (result == -EMSGSIZE)
        return http_answer(v, 431, "the request's head is too long", false);
    if (result == -ETIMEDOUT)
        return http_answer(v, 504, "the origin did not answer in time", false);
    if (result == -EPROTO)
        return http_answer(v, 502, "the origin's answer is no valid HTTP/1", false);
    return http_answer(v, 502, "the origin closed the connection", false);
}

static enum http_next finish(struct exchange *x, int result)
{
    struct http_visit *v = x->visit;

    if (result < 0) {
        http_upstream_close(v, take(v->upstream), result);
        return report(x, result);
    }
    if (x->response.head.status == 101)
        return HTTP_SWITCHED;
    bool again = x->is_sent && x->response.framing.keep_alive && !x->client_is_old && x->response.len == 0;
    if (!again)
        http_upstream_close(v, take(v->upstream), 0);
    return x->stays_open ? HTTP_NEXT : HTTP_CLOSE;
}

/* An idle connection may have been closed by the origin while our request was on its way. */
static bool may_try_again(const struct exchange *x, int result)
{
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};

    if ((result != -EPIPE && result != -ECONNRESET) || !x->upstream->was_used || x->has_begun || !x->is_sent ||
        x->request->framing.body != HTTP1_BODY_NONE || x->response.len)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(safe); i++) {
        if (text_is(method_of(x), safe[i]))
            return true;
    }
    return false;
}

static int try_once(struct exchange *x, const struct http_target *t)
{
    x->upstream = x->visit->upstream;
    x->response.from = x->upstream->stream;
    x->idle_ms = x->upstream->session->idle_ms ? x->upstream->session->idle_ms : IDLE_MS;
    x->last = loop_now();
    group_init(&x->group, co_group());
    int r = send_request(x, t);
    /* An origin that stopped reading may have answered already. */
    if (r == 0 || r == -EPIPE || r == -ECONNRESET)
        r = carry_response(x);
    group_done(&x->group);
    return r;
}

static struct exchange *exchange_new(struct http_visit *v)
{
    struct exchange *x = mem_new(struct exchange);
    const struct http1_head *h = &v->request->head;

    if (!x)
        return NULL;
    x->visit = v;
    x->request = v->request;
    x->method_len = (uint8_t)min_of(h->method.len, sizeof x->method);
    memcpy(x->method, h->method.ptr, x->method_len);
    x->client_is_old = h->minor == 0;
    x->wants_upgrade = http_wants_upgrade(h);
    return x;
}

static void exchange_free(struct exchange *x)
{
    http_message_done(&x->response);
    mem_free(x);
}

static enum http_next carry(struct http_visit *v, const struct http_target *t)
{
    bool is_silent = false;
    int r = get_upstream(v, t, &is_silent);

    if (r < 0)
        return is_silent || r == -ECANCELED ? HTTP_CLOSE : http_answer(v, http_status_of(r), error_words(r), false);
    struct exchange *x = exchange_new(v);
    if (!x)
        return http_answer(v, 503, "out of memory", false);
    r = try_once(x, t);
    if (may_try_again(x, r)) {
        http_upstream_close(v, take(v->upstream), 0);
        r = connect_upstream(v, t, &is_silent);
        if (r == 0)
            r = try_once(x, t);
    }
    enum http_next next = finish(x, r);
    exchange_free(x);
    return next;
}

NOINLINE enum http_next http_forward(struct http_visit *v)
{
    struct http_target t;

    switch (http_target_read(&t, v->request->head.target)) {
    case 0:
        return carry(v, &t);
    case -EPROTONOSUPPORT:
        return http_answer(v, 501, "only http:// can be forwarded; use CONNECT", false);
    default:
        return http_answer(v, 400, "a proxy request names its host", false);
    }
}
