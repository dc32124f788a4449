#include <errno.h>

#include "proto/socks/server.h"

/*
 * What was read of the client's messages. As all of them together fit, none has to be moved;
 * a client that sends them at once costs one read.
 */
struct handshake {
    struct stream *client;
    size_t at;
    size_t len;
    uint8_t bytes[SOCKS_HANDSHAKE_MAX];
};

typedef ssize_t part_fn(const void *p, size_t n, struct socks_request *out);

/* Reads until `part` has its message. 0 or negative. */
static int read_part(struct handshake *h, part_fn *part, struct socks_request *out)
{
    for (;;) {
        ssize_t used = part(h->bytes + h->at, h->len - h->at, out);
        if (used < 0)
            return (int)used;
        if (used > 0) {
            h->at += (size_t)used;
            return 0;
        }
        if (h->len == sizeof h->bytes)
            return -EMSGSIZE;
        ssize_t n = stream_read(h->client, h->bytes + h->len, sizeof h->bytes - h->len);
        if (n <= 0)
            return n < 0 ? (int)n : -EPIPE;
        h->len += (size_t)n;
    }
}

int socks_answer(const struct socks_answer *a, int result, const struct addr *bound)
{
    uint8_t room[SOCKS5_REQUEST_MAX];
    struct writer w = writer_of(room, sizeof room);

    if (a->version == 4)
        socks4_write_reply(&w, result, bound);
    else
        socks5_write_reply(&w, result, bound);
    return stream_write(a->client, room, writer_len(&w));
}

/* Tells the client why, and returns it. */
static int refuse(const struct socks_answer *a, int why)
{
    if (why != -EPIPE && why != -ECANCELED && why != -ETIMEDOUT)
        (void)!socks_answer(a, why, NULL);
    return why;
}

static int send_pair(struct stream *client, uint8_t first, uint8_t second)
{
    const uint8_t pair[2] = {first, second};

    return stream_write(client, pair, sizeof pair);
}

/* RFC 1929. Without users of ours any name is as good as none: some clients can only offer this method. */
static int check_password(const struct socks_server *server, struct handshake *h, struct socks_request *req,
                          struct session *s)
{
    int r = read_part(h, socks5_read_auth, req);

    if (r < 0)
        return r;
    if (server->users.count) {
        s->user = users_check(&server->users, req->user, req->password);
        mem_wipe(h->bytes, h->at);
    }
    bool is_right = server->users.count == 0 || s->user;
    r = send_pair(h->client, 1, is_right ? 0 : 1);
    return r < 0 ? r : is_right ? 0 : -EKEYREJECTED;
}

static int choose_method(const struct socks_server *server, struct handshake *h, struct socks_request *req,
                         struct session *s)
{
    uint8_t method = SOCKS5_NO_METHOD;

    if (server->users.count == 0 && req->offers_no_auth)
        method = SOCKS5_NO_AUTH;
    else if (req->offers_password)
        method = SOCKS5_PASSWORD;
    int r = send_pair(h->client, 5, method);
    if (r < 0)
        return r;
    if (method == SOCKS5_NO_METHOD)
        return -EKEYREJECTED;
    return method == SOCKS5_PASSWORD ? check_password(server, h, req, s) : 0;
}

static int handshake5(const struct socks_server *server, struct handshake *h, struct socks_answer *a,
                      struct socks_request *req, struct session *s)
{
    int r = read_part(h, socks5_read_greeting, req);

    if (r == 0)
        r = choose_method(server, h, req, s);
    if (r < 0)
        return r;
    r = read_part(h, socks5_read_request, req);
    if (r < 0)
        return refuse(a, r);
    if (req->command == SOCKS_CONNECT || (req->command == SOCKS_UDP_ASSOCIATE && server->udp))
        return 0;
    return refuse(a, -EOPNOTSUPP);
}

/* Version 4 has a name and no password: the user must be one whose password is empty. */
static int handshake4(const struct socks_server *server, struct handshake *h, struct socks_answer *a,
                      struct socks_request *req, struct session *s)
{
    int r = read_part(h, socks4_read_request, req);

    if (r < 0)
        return refuse(a, r);
    if (req->command != SOCKS_CONNECT)
        return refuse(a, -EOPNOTSUPP);
    if (server->users.count == 0)
        return 0;
    s->user = users_check(&server->users, req->user, (struct text){0});
    return s->user ? 0 : refuse(a, -EKEYREJECTED);
}

/* The first octet tells the version. */
static int read_version(struct handshake *h)
{
    ssize_t n = stream_read(h->client, h->bytes, sizeof h->bytes);

    if (n <= 0)
        return n < 0 ? (int)n : -EPIPE;
    h->len = (size_t)n;
    return h->bytes[0];
}

NOINLINE int socks_handshake(const struct socks_server *server, struct socks_answer *a, struct session *s)
{
    struct handshake h;
    struct socks_request req = {0};

    h.client = a->client;
    h.at = h.len = 0;
    int r = read_version(&h);
    if (r < 0)
        return r;
    a->version = (uint8_t)r;
    if (r == 5)
        r = handshake5(server, &h, a, &req, s);
    else if (r == 4)
        r = handshake4(server, &h, a, &req, s);
    else
        r = -EPROTONOSUPPORT;
    if (r < 0)
        return r;
    s->dest = req.dest;
    if (h.at < h.len) {
        a->client = stream_replay(h.client, h.bytes + h.at, h.len - h.at);
        if (!a->client)
            return -ENOMEM;
    }
    return req.command;
}
