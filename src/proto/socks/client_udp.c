/*
 * The client's side of UDP ASSOCIATE: a packet path beside the TCP connection that asked for it.
 * A coroutine of the opener's group watches that connection, because its end is the association's.
 */
#include <errno.h>

#include "net/socket.h"
#include "proto/socks/client.h"

struct path {
    struct packet packet;
    struct packet *socket; /* to the server's relay */
    struct stream *control;
    struct event closed;
    bool is_watched; /* then the watching coroutine frees */
    bool is_closed;
    bool has_ended;
};

static struct path *path_of(struct packet *p)
{
    return container_of(p, struct path, packet);
}

static bool open_datagram(struct datagram *d)
{
    ssize_t header = socks_udp_read(d->ptr, d->len, &d->peer);

    if (header < 0)
        return false;
    d->ptr += header;
    d->len -= (size_t)header;
    return true;
}

static int receive(struct packet *p, struct batch *b)
{
    struct path *path = path_of(p);
    unsigned kept;

    do {
        if (path->has_ended)
            return -EPIPE;
        int r = path->socket->ops->receive(path->socket, b);
        if (r < 0)
            return r;
        kept = 0;
        for (unsigned i = 0; i < b->count; i++) {
            if (!open_datagram(&b->at[i]))
                continue;
            if (kept != i)
                b->at[kept] = b->at[i];
            kept++;
        }
        b->count = kept;
    } while (kept == 0);
    return (int)kept;
}

static int send_batch(struct packet *p, struct batch *b)
{
    struct path *path = path_of(p);

    if (path->has_ended)
        return -EPIPE;
    for (unsigned i = 0; i < b->count; i++) {
        struct datagram *d = &b->at[i];
        size_t header = socks_udp_size(&d->peer);
        struct writer w = writer_of(d->ptr - header, header);
        socks_udp_write(&w, &d->peer);
        d->ptr -= header;
        d->len += header;
    }
    return packet_send(path->socket, b);
}

static struct event *readable(struct packet *p)
{
    struct packet *socket = path_of(p)->socket;

    return socket->ops->readable(socket);
}

static void free_path(struct path *path)
{
    packet_close(path->socket);
    stream_close(path->control);
    mem_free(path);
}

static void close_path(struct packet *p)
{
    struct path *path = path_of(p);

    path->is_closed = true;
    if (path->is_watched)
        event_set(&path->closed);
    else
        free_path(path);
}

/* Until the server ends the connection, the path is closed, or all is cancelled. */
static void watch_until_end(struct path *path)
{
    struct event *const events[] = {path->control->ops->readable(path->control), &path->closed};
    uint8_t ignored[64];

    while (!path->is_closed) {
        ssize_t n = stream_try_read(path->control, ignored, sizeof ignored);
        if (n == -EAGAIN && event_wait_any(events, 2, NEVER, "socks: udp control") >= 0)
            continue;
        if (n <= 0)
            return;
    }
}

static void watch_control(void *arg)
{
    struct path *path = arg;

    watch_until_end(path);
    path->is_watched = false;
    if (path->is_closed) {
        free_path(path);
        return;
    }
    path->has_ended = true;
    event_set(readable(&path->packet));
}

/* A server that does not know its own address answers zeros: then it is where we reached it. */
static struct dest relay_of(const struct socks_client *c, struct stream *control, const struct dest *bound)
{
    struct addr peer = {0};

    if (dest_is_name(bound) || (addr_is_set(&bound->ip) && !addr_is_unspecified(&bound->ip)))
        return *bound;
    if (!c->outbound.dialer->detour)
        peer = stream_peer_addr(stream_bottom(control));
    struct dest d = addr_is_set(&peer) ? dest_of_addr(&peer) : c->server;
    d.port = bound->port;
    return d;
}

static int make_path(const struct socks_client *c, struct session *s, struct stream **control,
                     const struct dest *bound, struct path *path, struct error *err)
{
    struct dest relay = relay_of(c, *control, bound);

    if (relay.port == 0)
        return error_set(err, -EPROTO, "server answered no UDP port");
    int r = dialer_packet(c->outbound.dialer, s, &relay, &path->socket, err);
    if (r < 0)
        return error_prepend(err, r, "UDP relay");
    path->control = take(*control);
    path->is_watched = true;
    r = co_spawn(co_group(), "socks: udp control", watch_control, path);
    if (r < 0) {
        packet_close(path->socket);
        *control = path->control;
        return error_errno(err, r, "coroutine");
    }
    return 0;
}

static int open_association(const struct socks_client *c, struct session *s, struct packet **out, struct error *err)
{
    static const struct packet_ops ops = {
        .name = "socks",
        .receive = receive,
        .send = send_batch,
        .close = close_path,
        .readable = readable,
    };
    OWNED struct path *path = mem_new(struct path);
    OWNED_STREAM *control = NULL;
    /* Where we send from is not known yet, and would not survive a NAT: zeros say so. */
    struct addr any = addr_v4(0, 0);
    struct dest nowhere = dest_of_addr(&any), bound;

    if (!path)
        return error_set(err, -ENOMEM, "out of memory");
    int r = socks_client_ask(c, s, &(struct socks_question){SOCKS_UDP_ASSOCIATE, &nowhere}, &control, &bound, err);
    if (r == 0)
        r = make_path(c, s, &control, &bound, path, err);
    if (r < 0)
        return r;
    path->packet.ops = &ops;
    *out = &take(path)->packet;
    return 0;
}

static int open_uot(const struct socks_client *c, struct session *s, struct packet **out, struct error *err)
{
    struct dest magic = uot_magic(c->uot), ignored;
    struct stream *stream = NULL;
    int r = socks_client_ask(c, s, &(struct socks_question){SOCKS_CONNECT, &magic}, &stream, &ignored, err);

    if (r < 0)
        return r;
    r = uot_client(stream, c->uot, &s->dest, out);
    return r < 0 ? error_errno(err, r, "UDP over TCP") : 0;
}

int socks_client_open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err)
{
    const struct socks_client *c = container_of(o, struct socks_client, outbound);

    return c->uot == UOT_NONE ? open_association(c, s, out, err) : open_uot(c, s, out, err);
}
