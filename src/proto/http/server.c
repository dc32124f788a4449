/*
 * One client connection: request after request, each in one of two ways.
 *
 *     CONNECT host:port         router_carry(): from then on a tunnel
 *     GET http://host/path      forward.c: to the origin and back, then the next request
 */
#include "proto/http/server.h"

#include <errno.h>

#include "base/mem.h"
#include "format/http1_write.h"
#include "proto/accept_tls.h"

enum {
    HEAD_MS = 10000,  /* from a request's first octet to the end of its head */
    IDLE_MS = 60000,  /* between requests */
    LINGER_MS = 1000, /* after the last answer, for the client to read it */
};

/* ---- answers ---- */

NOINLINE enum http_next http_answer(struct http_visit *v, unsigned status, const char *words, bool keep_alive)
{
    uint8_t room[HTTP_PAGE_MAX];
    struct writer w = writer_of(room, sizeof room);

    http_write_page(&w, &(struct http_page){
                            .status = status,
                            .keep_alive = keep_alive,
                            .without_body = v->request && text_is(v->request->head.method, "HEAD"),
                            .words = words,
                        });
    int r = w.failed ? -EMSGSIZE : stream_write(v->client, room, writer_len(&w));
    return r == 0 && keep_alive ? HTTP_NEXT : HTTP_CLOSE;
}

/* Of CONNECT, when the way is known. */
NOINLINE static int reply(struct session *s, int result, const struct addr *bound)
{
    static const char connected[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    struct http_visit v = {.client = s->reply_arg};

    (void)bound;
    if (result == 0)
        return stream_write(v.client, connected, sizeof connected - 1);
    (void)http_answer(&v, http_status_of(result), error_words(result), false);
    return 0;
}

/* ---- reading a request ---- */

/* Parks without a buffer until the client sends something. 0 or negative; -EPIPE: it has left. */
static int wait_request(struct http_visit *v)
{
    while (!v->request || v->request->len == 0) {
        if (!v->request) {
            v->request = mem_new(struct http_message);
            if (!v->request)
                return -ENOMEM;
            v->request->from = v->client;
        }
        ssize_t n = http_message_fill(v->request);
        if (n > 0)
            return 0;
        http_message_free(take(v->request));
        if (n != -EAGAIN)
            return n < 0 ? (int)n : -EPIPE;
        int r = stream_wait(v->client, NEVER);
        if (r < 0)
            return r;
    }
    return 0;
}

/* 0, -EPIPE, or what http1_read_request() says. */
static int read_head(struct http_visit *v)
{
    struct http_message *m = v->request;

    m->head = (struct http1_head){0};
    for (;;) {
        ssize_t size = http1_read_request(&m->head, m->bytes, m->len);
        if (size != 0)
            return size < 0 ? (int)size : 0;
        ssize_t n = http_message_fill(m);
        if (n == 0)
            return -EPIPE;
        if (n == -EAGAIN)
            n = stream_wait(v->client, NEVER);
        if (n < 0)
            return (int)n;
    }
}

static enum http_next refuse_head(struct http_visit *v, int why)
{
    switch (why) {
    case -EBADMSG:
    case -EINVAL:
        return http_answer(v, 400, "this is no valid proxy request", false);
    case -EMSGSIZE:
        return http_answer(v, 431, "the request's head is too long", false);
    case -EPROTONOSUPPORT:
        return http_answer(v, 505, "HTTP/1.0 and HTTP/1.1 are spoken here", false);
    case -ETIMEDOUT:
        return http_answer(v, 408, "the request did not come in time", false);
    default:
        return HTTP_CLOSE;
    }
}

/* ---- what may be done ---- */

NOINLINE static bool is_allowed(struct http_visit *v)
{
    struct http1_basic basic;

    if (v->server->users.count == 0)
        return true;
    v->session->user = NULL;
    if (http1_basic_read(&basic, http1_get(&v->request->head, "proxy-authorization")) == 0)
        v->session->user = users_check(&v->server->users, basic.user, basic.password);
    http1_basic_done(&basic);
    return v->session->user != NULL;
}

static enum http_next ask_for_password(struct http_visit *v)
{
    struct http_message *m = v->request;
    bool has_no_body = m->framing.body == HTTP1_BODY_NONE || m->framing.body == HTTP1_BODY_TUNNEL;
    size_t head = m->head.size;
    enum http_next next = http_answer(v, 407, "a user name and password are needed", m->framing.keep_alive && has_no_body);

    http_message_consume(m, head);
    return next;
}

/* What the client sent behind the request belongs to the tunnel. */
static enum http_next prepare_tunnel(struct http_visit *v)
{
    struct http_message *m = v->request;

    if (dest_parse(m->head.target, &v->session->dest) < 0 || v->session->dest.port == 0)
        return http_answer(v, 400, "CONNECT takes host:port", false);
    v->client = stream_replay(v->client, m->bytes + m->head.size, m->len - m->head.size);
    return v->client ? HTTP_TUNNEL : HTTP_CLOSE;
}

static enum http_next serve_request(struct http_visit *v)
{
    int r = wait_request(v);

    if (r < 0)
        return HTTP_CLOSE;
    stream_set_deadline(v->client, loop_now() + HEAD_MS);
    r = read_head(v);
    if (r == 0)
        r = http1_request_framing(&v->request->head, &v->request->framing);
    if (r < 0)
        return refuse_head(v, r);
    if (!is_allowed(v))
        return ask_for_password(v);
    if (v->request->framing.body == HTTP1_BODY_TUNNEL)
        return prepare_tunnel(v);
    return http_forward(v);
}

static enum http_next serve_requests(struct http_visit *v)
{
    enum http_next next;

    while ((next = serve_request(v)) == HTTP_NEXT)
        stream_set_deadline(v->client, loop_now() + IDLE_MS);
    http_message_free(take(v->request));
    return next;
}

/* ---- how it ends ---- */

/*
 * A socket that is closed while something unread lies in it resets the connection, and the
 * client may lose our last answer: so what it still sends is read for a moment.
 */
NOINLINE static void close_in_order(struct stream *client)
{
    uint8_t ignored[512];

    stream_set_deadline(client, loop_now() + LINGER_MS);
    if (stream_shutdown(client) == 0) {
        while (stream_read(client, ignored, sizeof ignored) > 0)
            ;
    }
    stream_close(client);
}

static void carry_tunnel(struct http_visit *v)
{
    struct session *s = v->session;

    http_upstream_close(v, take(v->upstream), 0);
    stream_set_deadline(v->client, NEVER);
    s->reply = reply;
    s->reply_arg = v->client;
    router_carry(v->server->inbound.router, s, v->client);
}

/* Both connections have spoken HTTP for the last time. */
static void carry_switched(struct http_visit *v)
{
    struct router *router = v->server->inbound.router;
    struct stream *origin = v->upstream->stream;
    struct session *s = v->upstream->session;

    mem_free(take(v->upstream));
    stream_set_deadline(v->client, NEVER);
    stream_set_deadline(origin, NEVER);
    router->ops->relay(router, s, v->client, origin);
    session_free(s);
}

static void serve(struct inbound *in, struct stream *client, struct session *s)
{
    struct http_visit v = {.server = container_of(in, struct http_server, inbound), .client = client, .session = s};

    if (accept_tls(in, v.server->tls, s, &v.client) < 0)
        return;
    enum http_next next = serve_requests(&v);

    if (next == HTTP_TUNNEL) {
        carry_tunnel(&v);
        return;
    }
    if (next == HTTP_SWITCHED) {
        carry_switched(&v);
        return;
    }
    http_upstream_close(&v, take(v.upstream), 0);
    if (next == HTTP_ABORT)
        stream_abort(v.client);
    else if (v.client)
        close_in_order(v.client);
}

/* ---- its life ---- */

/* A method starts with a letter; nothing else that `mixed` knows does. */
static bool claims(uint8_t first)
{
    return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z') || first == '\r';
}

static void free_server(struct inbound *in)
{
    struct http_server *server = container_of(in, struct http_server, inbound);

    users_done(&server->users);
    tls_server_free(server->tls);
    mem_free(server);
}

int http_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err)
{
    static const struct inbound_ops ops = {.type = "http", .serve = serve, .claims = claims, .free = free_server};
    const struct users_options *o = setup->options;
    OWNED struct http_server *server = mem_new(struct http_server);

    if (!server || users_init(&server->users, o->users.at, o->users.len) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    if (tls_server_is_on(&o->tls)) {
        server->tls = tls_server_new(&o->tls, setup->log, setup->tag, err);
        if (!server->tls) {
            users_done(&server->users);
            return -EINVAL;
        }
    }
    server->inbound = (struct inbound){
        .ops = &ops,
        .tag = setup->tag,
        .router = setup->router,
        .log = setup->log,
        .udp_idle_ms = setup->udp_idle_ms,
    };
    *out = &take(server)->inbound;
    return 0;
}
