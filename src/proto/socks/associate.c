/*
 * UDP ASSOCIATE, RFC 1928 section 7.
 *
 *     client                            weir                          far ends
 *     TCP  ---- request, then idle ---- control: its end ends all
 *     UDP  ---- header + payload ------ socket ==== association ====  one flow after another
 *
 * The socket listens on the address that the client reached, so that the reply is right on
 * every interface. Only the client's own IP may use it, and only the port that it used first.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/socket.h"
#include "proto/socks/server.h"

/* A datagram kept while the way of the flow that it opens is being decided. */
struct held {
    struct list link;
    struct dest peer;
    size_t len;
    uint8_t bytes[];
};

struct association {
    struct packet packet; /* what the router sees; its end is a flow's, not ours */
    struct packet *socket;
    struct stream *control;
    struct addr client; /* port 0: not learned yet */
    struct list held;
    bool has_ended;
};

static struct association *association_of(struct packet *p)
{
    return container_of(p, struct association, packet);
}

/* ---- the packet path ---- */

static bool is_from_client(struct association *a, const struct dest *peer)
{
    struct addr from = addr_unmap(dest_addr(peer));

    if (!addr_same_ip(&from, &a->client))
        return false;
    if (addr_port(&a->client) == 0)
        addr_set_port(&a->client, addr_port(&from));
    return addr_port(&from) == addr_port(&a->client);
}

/* Takes the header off; false for what is to be dropped. */
static bool open_datagram(struct association *a, struct datagram *d)
{
    struct dest to;
    ssize_t header = socks_udp_read(d->ptr, d->len, &to);

    if (header < 0 || !is_from_client(a, &d->peer))
        return false;
    d->ptr += header;
    d->len -= (size_t)header;
    d->peer = to;
    return true;
}

static struct held *first_held(const struct association *a)
{
    return list_is_empty(&a->held) ? NULL : container_of(a->held.next, struct held, link);
}

static void forget(struct held *h)
{
    list_remove(&h->link);
    mem_free(h);
}

static int receive_held(struct association *a, struct batch *b)
{
    struct held *h;

    b->count = 0;
    b->used = 0;
    while ((h = first_held(a)) != NULL) {
        uint8_t *room = batch_room(b, h->len);
        if (!room)
            break;
        memcpy(room, h->bytes, h->len);
        b->at[b->count].ptr = room;
        b->at[b->count].len = h->len;
        b->at[b->count].peer = h->peer;
        b->count++;
        forget(h);
    }
    return (int)b->count;
}

static int receive(struct packet *p, struct batch *b)
{
    struct association *a = association_of(p);
    unsigned kept;

    if (a->has_ended)
        return -EPIPE;
    if (first_held(a))
        return receive_held(a, b);
    do {
        int r = a->socket->ops->receive(a->socket, b);
        if (r < 0)
            return r;
        kept = 0;
        for (unsigned i = 0; i < b->count; i++) {
            if (!open_datagram(a, &b->at[i]))
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
    struct association *a = association_of(p);

    if (a->has_ended)
        return -EPIPE;
    for (unsigned i = 0; i < b->count; i++) {
        struct datagram *d = &b->at[i];
        size_t header = socks_udp_size(&d->peer);
        struct writer w = writer_of(d->ptr - header, header);
        socks_udp_write(&w, &d->peer);
        d->ptr -= header;
        d->len += header;
        d->peer = dest_of_addr(&a->client);
    }
    return packet_send(a->socket, b);
}

static struct event *readable(struct packet *p)
{
    struct association *a = association_of(p);

    return a->socket->ops->readable(a->socket);
}

static void close_flow(struct packet *p)
{
    (void)p; /* the next datagram opens another flow */
}

static const struct packet_ops packet_ops = {
    .name = "socks",
    .receive = receive,
    .send = send_batch,
    .close = close_flow,
    .readable = readable,
};

/* ---- its life ---- */

static void watch_control(void *arg)
{
    struct association *a = arg;
    uint8_t ignored[64];

    while (stream_read(a->control, ignored, sizeof ignored) > 0)
        ;
    a->has_ended = true;
    event_set(readable(&a->packet));
}

static int hold_all(struct association *a, const struct batch *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        struct held *h = mem_alloc(sizeof *h + b->at[i].len);
        if (!h)
            return -ENOMEM;
        h->peer = b->at[i].peer;
        h->len = b->at[i].len;
        memcpy(h->bytes, b->at[i].ptr, h->len);
        list_add(&a->held, &h->link);
    }
    return 0;
}

/* Parks until the client has sent something to somewhere, without a buffer meanwhile. */
static int wait_first(struct association *a)
{
    while (!first_held(a)) {
        struct batch *b = batch_get();
        if (!b)
            return -ENOMEM;
        int r = receive(&a->packet, b);
        if (r > 0)
            r = hold_all(a, b);
        batch_put(b);
        if (r == -EAGAIN)
            r = event_wait(readable(&a->packet), NEVER, "socks: udp");
        if (r < 0)
            return r;
    }
    return 0;
}

/* What a flow was not allowed to take. */
static void drop_held(struct association *a)
{
    struct held *h;

    while ((h = first_held(a)) != NULL)
        forget(h);
}

static int carry_flow(const struct socks_server *server, struct association *a, const struct session *control)
{
    const struct held *first = first_held(a);
    struct session *s = first ? session_new(&server->inbound, NETWORK_UDP, &a->client) : NULL;

    if (!s)
        return -ENOMEM;
    s->local = control->local;
    s->user = control->user;
    s->idle_ms = server->inbound.udp_idle_ms;
    s->dest = first->peer;
    router_carry_packets(server->inbound.router, s, &a->packet);
    session_free(s);
    drop_held(a);
    return 0;
}

/*
 * Without SO_REUSEPORT, unlike a listener's socket: the kernel may give several such sockets
 * one free port, and then mixes up their clients.
 */
static int bind_socket(const struct addr *local, struct addr *bound, struct packet **out)
{
    struct addr a = *local;
    socklen_t len = sizeof *bound;
    int fd = socket(addr_family(&a), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    addr_set_port(&a, 0);
    *bound = (struct addr){0};
    if (bind(fd, &a.sa, addr_len(&a)) < 0 || getsockname(fd, &bound->sa, &len) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *bound = addr_unmap(*bound);
    return socket_packet(fd, NULL, out);
}

static bool is_internet(const struct addr *a)
{
    return addr_family(a) == AF_INET || addr_family(a) == AF_INET6;
}

NOINLINE static int open_association(struct association *a, const struct socks_answer *answer,
                                     const struct session *s)
{
    struct addr bound, local = stream_local_addr(stream_bottom(answer->client));
    /* Over a UNIX socket there is no IP that datagrams could come from. */
    int r = is_internet(&s->source) && is_internet(&local) ? bind_socket(&local, &bound, &a->socket) : -EOPNOTSUPP;
    int sent = socks_answer(answer, r, r < 0 ? NULL : &bound);

    a->client = addr_unmap(s->source);
    addr_set_port(&a->client, 0);
    return r < 0 ? r : sent;
}

void socks_associate(const struct socks_server *server, const struct socks_answer *answer, const struct session *s)
{
    struct association a = {.packet.ops = &packet_ops, .control = answer->client};
    struct group group;
    int r = open_association(&a, answer, s);

    list_init(&a.held);
    if (r == 0) {
        group_init(&group, co_group());
        r = co_spawn(&group, "socks: udp control", watch_control, &a);
        while (r == 0 && wait_first(&a) == 0)
            r = carry_flow(server, &a, s);
        group_done(&group);
    }
    drop_held(&a);
    packet_close(a.socket);
    stream_close(a.control);
}
