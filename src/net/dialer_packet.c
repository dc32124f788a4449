/* Packet paths of dialers: plain sockets, sockets that resolve names, and detours. */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/open.h"
#include "net/proxy.h"

static int open_udp(struct dialer *d, int family, struct error *err)
{
    const struct dial_options *o = &d->options;
    struct open_options open = {.bind_interface = o->bind_interface, .netns = o->netns, .mark = o->mark};
    const struct addr *bind_to = family == AF_INET6 && addr_is_set(&o->bind_v6) ? &o->bind_v6 : &o->bind_v4;

    int fd = open_socket(family, SOCK_DGRAM, &open, err);
    if (fd < 0)
        return fd;
    open_set_fragment(fd, family, o->udp_fragment);
    if (addr_is_set(bind_to) && addr_family(bind_to) == family && bind(fd, &bind_to->sa, addr_len(bind_to)) < 0) {
        char text[ADDR_TEXT];
        int r = error_errno(err, -errno, "bind %s", addr_print(bind_to, text));
        (void)close(fd);
        return r;
    }
    return fd;
}

/* ---- to one server ----------------------------------------------------------------------- */

static int connected(struct dialer *d, const struct addr *a, struct packet **out, struct error *err)
{
    char text[ADDR_TEXT];
    int fd = open_udp(d, addr_family(a), err);

    if (fd < 0)
        return fd;
    if (connect(fd, &a->sa, addr_len(a)) < 0) {
        int r = error_errno(err, -errno, "connect %s", addr_print(a, text));
        (void)close(fd);
        return r;
    }
    return socket_packet(fd, a, out);
}

static int first_address(struct dialer *d, struct text name, uint16_t port, struct addr *out, struct error *err)
{
    struct addr_list list;

    if (!d->resolver)
        return error_set(err, -EHOSTUNREACH, "%.*s: no resolver", TEXT_ARG(name));
    int r = resolver_lookup(d->resolver, name, d->options.strategy, &list, err);
    if (r < 0)
        return r;
    if (list.count == 0)
        return error_set(err, -EHOSTUNREACH, "%.*s: no address of the wanted family", TEXT_ARG(name));
    *out = list.at[0];
    addr_set_port(out, port);
    return 0;
}

static int to_server(struct dialer *d, const struct dest *server, struct packet **out, struct error *err)
{
    struct addr a = {0};

    if (dest_is_name(server)) {
        int r = first_address(d, dest_name(server), server->port, &a, err);
        if (r < 0)
            return r;
    } else {
        a = dest_addr(server);
    }
    return connected(d, &a, out, err);
}

/* ---- to anywhere ------------------------------------------------------------------------- */

/* A socket whose datagrams may be addressed to names: the last name's address is remembered. */
struct named {
    struct packet packet;
    struct dialer *dialer;
    struct dest last;
    struct addr addr;
};

static struct named *named_of(struct packet *p)
{
    return container_of(p, struct named, packet);
}

static int named_receive(struct packet *p, struct batch *b)
{
    return p->lower->ops->receive(p->lower, b);
}

/* The address of a datagram's name. One that has none stays a name, and the socket drops it. */
static int settle(struct named *n, struct dest *peer)
{
    if (!dest_eq(peer, &n->last)) {
        int r = first_address(n->dialer, dest_name(peer), peer->port, &n->addr, NULL);
        if (r == -ECANCELED)
            return r;
        if (r < 0)
            return 0;
        n->last = *peer;
    }
    *peer = dest_of_addr(&n->addr);
    return 0;
}

static int named_send(struct packet *p, struct batch *b)
{
    for (unsigned i = 0; i < b->count; i++) {
        if (dest_is_name(&b->at[i].peer)) {
            int r = settle(named_of(p), &b->at[i].peer);
            if (r < 0)
                return r;
        }
    }
    return p->lower->ops->send(p->lower, b);
}

static void named_close(struct packet *p)
{
    packet_close(p->lower);
    mem_free(named_of(p));
}

static struct event *named_readable(struct packet *p)
{
    return p->lower->ops->readable(p->lower);
}

static int wants_family(const struct dialer *d)
{
    const struct dial_options *o = &d->options;

    if (o->strategy == IP_V4_ONLY || (addr_is_set(&o->bind_v4) && !addr_is_set(&o->bind_v6)))
        return AF_INET;
    return AF_INET6;
}

static int to_anywhere(struct dialer *d, struct packet **out, struct error *err)
{
    static const struct packet_ops ops = {
        .name = "udp",
        .receive = named_receive,
        .send = named_send,
        .close = named_close,
        .readable = named_readable,
    };
    int family = wants_family(d), off = 0;
    int fd = open_udp(d, family, err);

    if (fd < 0 && family == AF_INET6) {
        /* A kernel without IPv6. */
        family = AF_INET;
        fd = open_udp(d, family, err);
    }
    if (fd < 0)
        return fd;
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    struct packet *lower;
    int r = socket_packet(fd, NULL, &lower);
    if (r < 0)
        return error_errno(err, r, "socket");
    struct named *n = mem_new(struct named);
    if (!n) {
        packet_close(lower);
        return error_set(err, -ENOMEM, "out of memory");
    }
    n->packet = (struct packet){.ops = &ops, .lower = lower};
    n->dialer = d;
    *out = &n->packet;
    return 0;
}

/* ---- through another outbound ------------------------------------------------------------ */

/* Everything goes to the server, whatever the datagrams say: as on a connected socket. */
struct pinned {
    struct packet packet;
    struct dest server;
};

static struct pinned *pinned_of(struct packet *p)
{
    return container_of(p, struct pinned, packet);
}

static int pinned_send(struct packet *p, struct batch *b)
{
    for (unsigned i = 0; i < b->count; i++)
        b->at[i].peer = pinned_of(p)->server;
    return p->lower->ops->send(p->lower, b);
}

static void pinned_close(struct packet *p)
{
    packet_close(p->lower);
    mem_free(pinned_of(p));
}

static int through_detour(struct dialer *d, struct session *s, const struct dest *server, struct packet **out,
                          struct error *err)
{
    static const struct packet_ops ops = {
        .name = "detour",
        .receive = named_receive,
        .send = pinned_send,
        .close = pinned_close,
        .readable = named_readable,
    };
    OWNED struct session *inner = s ? mem_dup(s, sizeof *s) : session_new(NULL, NETWORK_UDP, &(struct addr){0});
    OWNED_PACKET *lower = NULL;

    if (!inner)
        return error_set(err, -ENOMEM, "out of memory");
    inner->network = NETWORK_UDP;
    if (server) {
        inner->dest = *server;
        inner->resolved_count = 0;
    }
    int r = outbound_open_packet(d->detour, inner, &lower, err);
    if (s) {
        memcpy(s->chain, inner->chain, sizeof s->chain);
        s->chain_len = inner->chain_len;
    }
    if (r < 0 || !server) {
        *out = take(lower);
        return r;
    }
    struct pinned *p = mem_new(struct pinned);
    if (!p)
        return error_set(err, -ENOMEM, "out of memory");
    p->packet = (struct packet){.ops = &ops, .lower = take(lower)};
    p->server = *server;
    *out = &p->packet;
    return 0;
}

int dialer_packet(struct dialer *d, struct session *s, const struct dest *server, struct packet **out,
                  struct error *err)
{
    if (d->detour)
        return through_detour(d, s, server, out, err);
    return server ? to_server(d, server, out, err) : to_anywhere(d, out, err);
}
