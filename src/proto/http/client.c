/* CONNECT through another proxy (RFC 9110 section 9.3.6). */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "format/http1.h"
#include "format/http1_write.h"
#include "proto/http/http.h"

enum {
    HANDSHAKE_MS = 15000, /* includes the proxy's own dial */
    REQUEST_MAX = 16384,  /* with all headers of the configuration */
    RESPONSE_MAX = 8192,
};

struct http_client {
    struct outbound outbound;
    struct dest server;
    struct text user;
    struct text password;
    struct text path;
    struct text host; /* of `headers`: instead of the destination */
    struct text_map headers;
    struct tls_client *tls; /* NULL: none */
};

/* ---- request ---- */

static void write_request(const struct http_client *c, const struct dest *d, struct writer *w)
{
    char room[DEST_TEXT];
    struct text dest = text_of(dest_print(d, room));

    http1_write_request(w, TEXT("CONNECT"), c->path.len ? c->path : dest);
    http1_write_field(w, TEXT("Host"), c->host.len ? c->host : dest);
    if (c->user.len)
        http1_write_basic(w, TEXT("Proxy-Authorization"), c->user, c->password);
    http1_write_field(w, TEXT("Proxy-Connection"), TEXT("keep-alive"));
    for (size_t i = 0; i < c->headers.len; i++) {
        if (!text_is_nocase(c->headers.at[i].key, "host"))
            http1_write_field(w, c->headers.at[i].key, c->headers.at[i].value);
    }
    http1_write_end(w);
}

static int send_request(const struct http_client *c, const struct dest *d, struct stream *stream, struct error *err)
{
    OWNED uint8_t *room = mem_alloc(REQUEST_MAX);
    struct writer w = writer_of(room, REQUEST_MAX);

    if (!room)
        return error_set(err, -ENOMEM, "out of memory");
    write_request(c, d, &w);
    if (w.failed)
        return error_set(err, -EINVAL, "headers, path or user name cannot be written in a request");
    int r = stream_write(stream, room, writer_len(&w));
    mem_wipe(room, REQUEST_MAX);
    return r < 0 ? error_errno(err, r, "request") : 0;
}

/* ---- response ---- */

struct response {
    struct http1_head head;
    size_t len;
    uint8_t bytes[RESPONSE_MAX];
};

static int read_head(struct response *a, struct stream *stream, struct error *err)
{
    for (;;) {
        ssize_t size = http1_read_response(&a->head, a->bytes, a->len);
        if (size < 0)
            return error_set(err, -EPROTO, "proxy answers what is not HTTP/1");
        if (size > 0)
            return 0;
        if (a->len == sizeof a->bytes)
            return error_set(err, -EPROTO, "proxy's answer is too long");
        ssize_t n = stream_read(stream, a->bytes + a->len, sizeof a->bytes - a->len);
        if (n == 0)
            return error_set(err, -ECONNRESET, "proxy closed the connection during the handshake");
        if (n < 0)
            return error_errno(err, (int)n, "handshake");
        a->len += (size_t)n;
    }
}

/* Interim responses may come first (RFC 9110 section 15.2). */
static int read_final_head(struct response *a, struct stream *stream, struct error *err)
{
    int r;

    while ((r = read_head(a, stream, err)) == 0 && a->head.status < 200) {
        a->len -= a->head.size;
        memmove(a->bytes, a->bytes + a->head.size, a->len);
        a->head = (struct http1_head){0};
    }
    return r;
}

static int judge(const struct http1_head *h, struct error *err)
{
    int length = (int)min_of(h->reason.len, (size_t)64);

    switch (h->status) {
    case 401:
    case 407:
        return error_set(err, -EKEYREJECTED, "proxy wants other credentials (%u)", h->status);
    case 403:
        return error_set(err, -EACCES, "proxy refused the destination (403)");
    case 504:
        return error_set(err, -ETIMEDOUT, "proxy could not reach the destination in time (504)");
    case 502:
    case 503:
        return error_set(err, -EHOSTUNREACH, "proxy could not reach the destination (%u)", h->status);
    default:
        if (h->status / 100 == 2)
            return 0;
        return error_set(err, -EREMOTEIO, "proxy answered %u %.*s", h->status, length, h->reason.ptr);
    }
}

static int receive_answer(struct stream **stream, struct error *err)
{
    OWNED struct response *a = mem_new(struct response);

    if (!a)
        return error_set(err, -ENOMEM, "out of memory");
    int r = read_final_head(a, *stream, err);
    if (r == 0)
        r = judge(&a->head, err);
    if (r < 0)
        return r;
    /* The far end may have spoken already. */
    *stream = stream_replay(*stream, a->bytes + a->head.size, a->len - a->head.size);
    return *stream ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int secure(const struct http_client *c, struct stream **stream, struct error *err)
{
    char name[DEST_TEXT];

    if (!c->tls)
        return 0;
    return tls_client_open(c->tls, take(*stream), text_of(dest_print_host(&c->server, name)), stream, err);
}

static int open_stream(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    const struct http_client *c = container_of(o, struct http_client, outbound);
    OWNED_STREAM *stream = NULL;
    int r = dialer_connect(o->dialer, s, &c->server, &stream, err);

    if (r < 0)
        return r;
    stream_set_deadline(stream, loop_now() + max_of((int64_t)HANDSHAKE_MS, o->dialer->options.connect_timeout_ms));
    r = secure(c, &stream, err);
    if (r == 0)
        r = send_request(c, &s->dest, stream, err);
    if (r == 0)
        r = receive_answer(&stream, err);
    if (r < 0)
        return r;
    stream_set_deadline(stream, NEVER);
    *out = take(stream);
    return 0;
}

/* ---- its life ---- */

static void free_client(struct outbound *o)
{
    struct http_client *c = container_of(o, struct http_client, outbound);

    tls_client_free(c->tls);
    mem_free(c);
}

/* That the request can be written at all is tried once, with the longest name. */
static int try_request(const struct http_client *c, struct error *err)
{
    OWNED uint8_t *room = mem_alloc(REQUEST_MAX);
    struct writer w = writer_of(room, REQUEST_MAX);
    struct dest d = {.port = 65535, .name_len = DEST_NAME};

    if (!room)
        return error_set(err, -ENOMEM, "out of memory");
    memset(d.name, 'a', sizeof d.name);
    write_request(c, &d, &w);
    if (w.failed)
        return error_set(err, -EINVAL, "headers, path or user name cannot be written in a request");
    return 0;
}

int http_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err)
{
    static const struct outbound_ops ops = {.type = "http", .open = open_stream, .free = free_client};
    const struct http_outbound_options *o = setup->options;
    OWNED struct http_client *c = mem_new(struct http_client);

    if (!c)
        return error_set(err, -ENOMEM, "out of memory");
    if (dest_set_host(&c->server, o->server, o->server_port) < 0)
        return error_set(err, -EINVAL, "server: '%.*s' is no host", TEXT_ARG(o->server));
    c->user = o->username;
    c->password = o->password;
    c->path = o->path;
    c->headers = o->headers;
    for (size_t i = 0; i < o->headers.len; i++) {
        if (text_is_nocase(o->headers.at[i].key, "host"))
            c->host = o->headers.at[i].value;
    }
    if (c->host.len && c->path.len)
        return error_set(err, -EINVAL, "headers: Host and path exclude each other");
    int r = try_request(c, err);
    if (r < 0)
        return r;
    if (tls_client_is_on(&o->tls)) {
        c->tls = tls_client_new(&o->tls, setup->log, setup->tag, err);
        if (!c->tls)
            return -EINVAL;
    }
    c->outbound = (struct outbound){.ops = &ops, .tag = setup->tag, .dialer = setup->dialer};
    *out = &take(c)->outbound;
    return 0;
}
