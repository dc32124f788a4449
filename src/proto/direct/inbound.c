#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/socket.h"
#include "net/udp_nat.h"
#include "proto/direct/direct.h"

struct tunnel {
    struct inbound inbound;
    struct direct_override override;
};

static struct tunnel *tunnel_of(struct inbound *in)
{
    return container_of(in, struct tunnel, inbound);
}

static void serve(struct inbound *in, struct stream *client, struct session *s)
{
    struct addr local = addr_is_set(&s->local) ? s->local : stream_local_addr(stream_bottom(client));

    s->dest = dest_of_addr(&local);
    direct_override_apply(&tunnel_of(in)->override, &s->dest);
    stream_set_deadline(client, NEVER);
    router_carry(in->router, s, client);
}

/* ---- UDP: a flow for each source ---- */

enum { KEY_SIZE = 18 };

static struct bytes key_of(const struct addr *source, uint8_t room[KEY_SIZE])
{
    struct bytes ip = addr_ip(source);
    uint16_t port = addr_port(source);

    memcpy(room, ip.ptr, ip.len);
    memcpy(room + ip.len, &port, sizeof port);
    return (struct bytes){.ptr = room, .len = ip.len + sizeof port};
}

static int answer(void *arg, struct bytes key, const struct addr *source, struct batch *b)
{
    (void)key;
    for (unsigned i = 0; i < b->count; i++)
        b->at[i].peer = dest_of_addr(source);
    return packet_send(arg, b);
}

static void deliver(struct tunnel *t, struct udp_nat *nat, struct batch *b, const struct addr *local)
{
    uint8_t room[KEY_SIZE];

    for (unsigned i = 0; i < b->count; i++) {
        struct datagram *d = &b->at[i];
        struct addr source = dest_addr(&d->peer);
        d->peer = dest_of_addr(local);
        direct_override_apply(&t->override, &d->peer);
        (void)udp_nat_deliver(nat, key_of(&source, room), &source, NULL, d);
    }
}

/* Takes what is there; the batch is held only meanwhile. -EAGAIN or the failure. */
static int deliver_all(struct tunnel *t, struct udp_nat *nat, struct packet *socket, const struct addr *local)
{
    struct batch *b = batch_get();
    int r;

    if (!b)
        return -ENOMEM;
    while ((r = socket->ops->receive(socket, b)) > 0)
        deliver(t, nat, b, local);
    batch_put(b);
    return r;
}

static void serve_packets(struct inbound *in, struct packet *socket, const struct addr *local)
{
    struct udp_nat *nat = udp_nat_new(in, answer, socket);
    int r = nat ? -EAGAIN : -ENOMEM;

    while (r == -EAGAIN || r == 0) {
        r = deliver_all(tunnel_of(in), nat, socket, local);
        if (r == -EAGAIN)
            r = event_wait(socket->ops->readable(socket), NEVER, "direct: udp");
        else if (r == -ENOMEM)
            r = co_sleep(10); /* what cannot be held is dropped by the kernel meanwhile */
    }
    udp_nat_free(nat);
    packet_close(socket);
}

static void free_tunnel(struct inbound *in)
{
    mem_free(tunnel_of(in));
}

#define OPS(...) {.type = "direct", .free = free_tunnel, __VA_ARGS__}

static const struct inbound_ops tcp_ops = OPS(.serve = serve);
static const struct inbound_ops udp_ops = OPS(.serve_packets = serve_packets);
static const struct inbound_ops both_ops = OPS(.serve = serve, .serve_packets = serve_packets);

static int set_target(struct tunnel *t, const struct direct_inbound_options *o, struct error *err)
{
    struct dest d;

    if (o->target.len == 0)
        return direct_override_init(&t->override, o->override_address, o->override_port, err);
    if (dest_parse(o->target, &d) < 0)
        return error_set(err, -EINVAL, "target: '%.*s' is not host:port", TEXT_ARG(o->target));
    t->override = (struct direct_override){.host = d, .port = d.port};
    return 0;
}

int direct_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err)
{
    const struct direct_inbound_options *o = setup->options;
    OWNED struct tunnel *t = mem_new(struct tunnel);

    if (!t)
        return error_set(err, -ENOMEM, "out of memory");
    int r = set_target(t, o, err);
    if (r < 0)
        return r;
    t->inbound = (struct inbound){
        .ops = !network_has_udp(&o->network) ? &tcp_ops : network_has_tcp(&o->network) ? &both_ops : &udp_ops,
        .tag = setup->tag,
        .router = setup->router,
        .log = setup->log,
        .udp_idle_ms = setup->udp_idle_ms,
    };
    *out = &take(t)->inbound;
    return 0;
}
