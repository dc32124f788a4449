#include "proto/socks/client.h"

#include <errno.h>

enum {
    /* From the connection to the answer, which includes the server's own dial. */
    HANDSHAKE_MS = 15000,
};

static int malformed(struct error *err)
{
    return error_set(err, -EPROTO, "server answers what is not SOCKS");
}

static int ended(int r, struct error *err)
{
    if (r == -EPIPE)
        return error_set(err, -ECONNRESET, "server closed the connection during the handshake");
    return error_errno(err, r, "handshake");
}

/* ---- version 5 ---- */

static int send_password(const struct socks_client *c, struct stream *stream, struct error *err)
{
    uint8_t room[SOCKS5_AUTH_MAX], answer[2];
    struct writer w = writer_of(room, sizeof room);

    socks5_write_auth(&w, c->user, c->password);
    if (w.failed)
        return error_set(err, -EKEYREJECTED, "server wants a user name, of 1 to 255 octets");
    int r = stream_write(stream, room, writer_len(&w));
    mem_wipe(room, sizeof room);
    if (r == 0)
        r = stream_read_full(stream, answer, sizeof answer);
    if (r < 0)
        return ended(r, err);
    /* The version of this answer is 1; some servers say 5. */
    if (answer[1] != 0)
        return error_set(err, -EKEYREJECTED, "server refused user name and password");
    return 0;
}

static int agree_on_method(const struct socks_client *c, struct stream *stream, struct error *err)
{
    uint8_t room[4], answer[2];
    struct writer w = writer_of(room, sizeof room);

    socks5_write_greeting(&w, c->user.len != 0);
    int r = stream_write(stream, room, writer_len(&w));
    if (r == 0)
        r = stream_read_full(stream, answer, sizeof answer);
    if (r < 0)
        return ended(r, err);
    if (answer[0] != 5)
        return malformed(err);
    if (answer[1] == SOCKS5_NO_AUTH)
        return 0;
    if (answer[1] == SOCKS5_PASSWORD && c->user.len)
        return send_password(c, stream, err);
    if (answer[1] == SOCKS5_NO_METHOD)
        return error_set(err, -EKEYREJECTED, c->user.len ? "server accepts none of our methods"
                                                         : "server wants authentication, and no user name is set");
    return error_set(err, -EKEYREJECTED, "server chose method %u, which was not offered", answer[1]);
}

/* ---- the answer ---- */

struct answer {
    uint8_t bytes[SOCKS5_REQUEST_MAX];
    size_t len;
    int result;
    struct dest bound;
};

static ssize_t read_answer(const struct socks_client *c, struct answer *a)
{
    if (c->version == SOCKS_V5)
        return socks5_read_reply(a->bytes, a->len, &a->result, &a->bound);
    return socks4_read_reply(a->bytes, a->len, &a->result);
}

/* A failure is believed even when the server closed before the whole of it was sent. */
static int cut_off(const struct answer *a, int r, struct error *err)
{
    if (r == -EPIPE && a->len >= 2 && a->bytes[0] == 5 && a->bytes[1] != 0)
        return error_errno(err, socks5_result(a->bytes[1]), "server refused");
    return ended(r, err);
}

/*
 * Reads the answer, and not more than an IPv4 one at first: that is what nearly all servers
 * send, and the far end's first bytes may come behind it. What was too much is given again.
 */
static int receive_answer(const struct socks_client *c, struct stream **stream, struct answer *a, struct error *err)
{
    size_t want = c->version == SOCKS_V5 ? SOCKS5_REPLY_IPV4 : SOCKS4_REPLY;
    ssize_t used;

    a->len = 0;
    a->bound = (struct dest){0};
    while ((used = read_answer(c, a)) == 0) {
        if (a->len == want)
            want = sizeof a->bytes;
        ssize_t n = stream_read(*stream, a->bytes + a->len, want - a->len);
        if (n <= 0)
            return cut_off(a, n < 0 ? (int)n : -EPIPE, err);
        a->len += (size_t)n;
    }
    if (used < 0)
        return malformed(err);
    if (a->result < 0)
        return error_errno(err, a->result, "server refused");
    *stream = stream_replay(*stream, a->bytes + used, a->len - (size_t)used);
    return *stream ? 0 : error_set(err, -ENOMEM, "out of memory");
}

/* ---- the request ---- */

/* Version 4 cannot carry names: they are resolved here. */
static NOINLINE int resolve_v4(const struct socks_client *c, struct dest *d, struct error *err)
{
    struct addr_list list;

    if (!c->outbound.dialer->resolver)
        return error_set(err, -EHOSTUNREACH, "SOCKS4 needs a resolver for names");
    int r = resolver_lookup(c->outbound.dialer->resolver, dest_name(d), IP_V4_ONLY, &list, err);
    if (r < 0)
        return r;
    uint16_t port = d->port;
    *d = dest_of_addr(&list.at[0]);
    d->port = port;
    return 0;
}

static NOINLINE int send_request4(const struct socks_client *c, struct stream *stream, const struct dest *to,
                         struct error *err)
{
    uint8_t room[SOCKS4_REQUEST_MAX];
    struct writer w = writer_of(room, sizeof room);
    struct dest d = *to;

    if (c->version == SOCKS_V4 && dest_is_name(&d)) {
        int r = resolve_v4(c, &d, err);
        if (r < 0)
            return r;
    }
    socks4_write_request(&w, &d, c->user, c->version == SOCKS_V4A);
    if (w.failed)
        return error_set(err, -EAFNOSUPPORT, "SOCKS4 carries no IPv6 and no user id above %d octets", SOCKS4_TEXT_MAX);
    int r = stream_write(stream, room, writer_len(&w));
    return r < 0 ? ended(r, err) : 0;
}

static NOINLINE int send_request5(struct stream *stream, enum socks_command command, const struct dest *to, struct error *err)
{
    uint8_t room[SOCKS5_REQUEST_MAX];
    struct writer w = writer_of(room, sizeof room);

    socks5_write_request(&w, command, to);
    int r = stream_write(stream, room, writer_len(&w));
    return r < 0 ? ended(r, err) : 0;
}

static NOINLINE int handshake(const struct socks_client *c, struct stream **stream,
                              const struct socks_question *q, struct answer *a, struct error *err)
{
    int r;

    if (c->version == SOCKS_V5) {
        r = agree_on_method(c, *stream, err);
        if (r == 0)
            r = send_request5(*stream, q->command, q->to, err);
    } else
        r = send_request4(c, *stream, q->to, err);
    return r < 0 ? r : receive_answer(c, stream, a, err);
}

static NOINLINE int secure(const struct socks_client *c, struct stream **stream, struct error *err)
{
    char name[DEST_TEXT];

    if (!c->tls)
        return 0;
    return tls_client_open(c->tls, take(*stream), text_of(dest_print_host(&c->server, name)), stream, err);
}

int socks_client_ask(const struct socks_client *c, struct session *s, const struct socks_question *q,
                     struct stream **out, struct dest *bound, struct error *err)
{
    OWNED_STREAM *stream = NULL;
    struct answer a;
    int r = dialer_connect(c->outbound.dialer, s, &c->server, &stream, err);

    if (r < 0)
        return r;
    stream_set_deadline(stream, loop_now() + max_of((int64_t)HANDSHAKE_MS, c->outbound.dialer->options.connect_timeout_ms));
    r = secure(c, &stream, err);
    if (r == 0)
        r = handshake(c, &stream, q, &a, err);
    if (r < 0)
        return r;
    stream_set_deadline(stream, NEVER);
    *bound = a.bound;
    *out = take(stream);
    return 0;
}

static int open_stream(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    const struct socks_client *c = container_of(o, struct socks_client, outbound);
    struct dest ignored;

    if (!network_has_tcp(&c->network))
        return error_set(err, -EOPNOTSUPP, "carries no TCP: network is \"udp\"");
    return socks_client_ask(c, s, &(struct socks_question){SOCKS_CONNECT, &s->dest}, out, &ignored, err);
}

/* ---- its life ---- */

static void free_client(struct outbound *o)
{
    struct socks_client *c = container_of(o, struct socks_client, outbound);

    tls_client_free(c->tls);
    mem_free(c);
}

int socks_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err)
{
    static const struct outbound_ops tcp_only = {.type = "socks", .open = open_stream, .free = free_client};
    static const struct outbound_ops both = {
        .type = "socks",
        .open = open_stream,
        .open_packet = socks_client_open_packet,
        .free = free_client,
    };
    const struct socks_outbound_options *o = setup->options;
    OWNED struct socks_client *c = mem_new(struct socks_client);

    if (!c)
        return error_set(err, -ENOMEM, "out of memory");
    if (dest_set_host(&c->server, o->server, o->server_port) < 0)
        return error_set(err, -EINVAL, "server: '%.*s' is no host", TEXT_ARG(o->server));
    c->version = (enum socks_version)o->version;
    c->network = o->network;
    c->user = o->username;
    c->password = o->password;
    if (o->udp_over_tcp.enabled)
        c->uot = o->udp_over_tcp.version == 1 ? UOT_V1 : UOT_V2;
    if (tls_client_is_on(&o->tls)) {
        c->tls = tls_client_new(&o->tls, setup->log, setup->tag, err);
        if (!c->tls)
            return -EINVAL;
    }
    bool has_udp = network_has_udp(&c->network) && (c->version == SOCKS_V5 || c->uot != UOT_NONE);
    c->outbound = (struct outbound){
        .ops = has_udp ? &both : &tcp_only,
        .tag = setup->tag,
        .dialer = setup->dialer,
    };
    *out = &take(c)->outbound;
    return 0;
}
