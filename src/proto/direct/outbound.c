#include <errno.h>

#include "base/mem.h"
#include "proto/direct/direct.h"

struct direct {
    struct outbound outbound;
    struct direct_override override;
};

static struct direct *direct_of(struct outbound *o)
{
    return container_of(o, struct direct, outbound);
}

static int open_stream(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    struct dest d = s->dest;

    direct_override_apply(&direct_of(o)->override, &d);
    return dialer_connect(o->dialer, s, &d, out, err);
}

/* ---- UDP with an override: answers must seem to come from where the client sent to ---- */

struct renamed {
    struct packet packet;
    struct dest dest;
};

static int receive(struct packet *p, struct batch *b)
{
    int r = p->lower->ops->receive(p->lower, b);

    for (unsigned i = 0; r > 0 && i < b->count; i++)
        b->at[i].peer = container_of(p, struct renamed, packet)->dest;
    return r;
}

static int send_batch(struct packet *p, struct batch *b)
{
    return packet_send(p->lower, b);
}

static void close_renamed(struct packet *p)
{
    packet_close(p->lower);
    mem_free(container_of(p, struct renamed, packet));
}

static struct event *readable(struct packet *p)
{
    return p->lower->ops->readable(p->lower);
}

static int open_renamed(struct direct *direct, struct session *s, struct packet **out, struct error *err)
{
    static const struct packet_ops ops = {
        .name = "direct",
        .receive = receive,
        .send = send_batch,
        .close = close_renamed,
        .readable = readable,
    };
    OWNED struct renamed *n = mem_new(struct renamed);
    struct dest d = s->dest;

    if (!n)
        return error_set(err, -ENOMEM, "out of memory");
    direct_override_apply(&direct->override, &d);
    int r = dialer_packet(direct->outbound.dialer, s, &d, &n->packet.lower, err);
    if (r < 0)
        return r;
    n->packet.ops = &ops;
    n->dest = s->dest;
    *out = &take(n)->packet;
    return 0;
}

static int open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err)
{
    struct direct *direct = direct_of(o);

    if (direct_override_is_set(&direct->override))
        return open_renamed(direct, s, out, err);
    return dialer_packet(o->dialer, s, NULL, out, err);
}

static void free_direct(struct outbound *o)
{
    mem_free(direct_of(o));
}

int direct_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err)
{
    static const struct outbound_ops ops = {
        .type = "direct",
        .open = open_stream,
        .open_packet = open_packet,
        .free = free_direct,
    };
    const struct direct_outbound_options *o = setup->options;
    OWNED struct direct *direct = mem_new(struct direct);

    if (!direct)
        return error_set(err, -ENOMEM, "out of memory");
    int r = direct_override_init(&direct->override, o->override_address, o->override_port, err);
    if (r < 0)
        return r;
    direct->outbound = (struct outbound){.ops = &ops, .tag = setup->tag, .dialer = setup->dialer};
    *out = &take(direct)->outbound;
    return 0;
}
