#include "proto/block/block.h"

#include <errno.h>

#include "base/mem.h"

struct block {
    struct outbound outbound;
    enum block_method method;
};

static int open_stream(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    (void)out;
    if (container_of(o, struct block, outbound)->method == BLOCK_REFUSE)
        return error_set(err, -EACCES, "blocked");
    /* Whoever is to be answered from here on is not: neither now nor when the time is over. */
    s->has_replied = true;
    int r = co_sleep(BLOCK_DROP_MS);
    return r < 0 ? r : error_set(err, -ETIMEDOUT, "dropped");
}

/* ---- datagrams are taken and forgotten, with either method ---- */

struct hole {
    struct packet packet;
    struct event never;
};

static int receive(struct packet *p, struct batch *b)
{
    (void)p;
    b->count = 0;
    return -EAGAIN;
}

static int send_batch(struct packet *p, struct batch *b)
{
    (void)p;
    (void)b;
    return 0;
}

static void close_hole(struct packet *p)
{
    mem_free(container_of(p, struct hole, packet));
}

static struct event *readable(struct packet *p)
{
    return &container_of(p, struct hole, packet)->never;
}

static int open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err)
{
    static const struct packet_ops ops = {
        .name = "block",
        .receive = receive,
        .send = send_batch,
        .close = close_hole,
        .readable = readable,
    };
    struct hole *h = mem_new(struct hole);

    (void)o;
    (void)s;
    if (!h)
        return error_set(err, -ENOMEM, "out of memory");
    h->packet.ops = &ops;
    *out = &h->packet;
    return 0;
}

static void free_block(struct outbound *o)
{
    mem_free(container_of(o, struct block, outbound));
}

static int outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err)
{
    static const struct outbound_ops ops = {
        .type = "block",
        .open = open_stream,
        .open_packet = open_packet,
        .free = free_block,
    };
    const struct block_options *o = setup->options;
    struct block *b = mem_new(struct block);

    if (!b)
        return error_set(err, -ENOMEM, "out of memory");
    b->method = (enum block_method)o->method;
    b->outbound = (struct outbound){.ops = &ops, .tag = setup->tag};
    *out = &b->outbound;
    return 0;
}

static const struct option_choice methods[] = {
    {"refuse", BLOCK_REFUSE},
    {"drop", BLOCK_DROP},
    {0},
};

OPTION_TABLE(struct block_options, outbound_table) = {
    OPT_ENUM(struct block_options, method, methods, .def = BLOCK_REFUSE, .help = "How it is refused."),
    OPT_IGNORED(.mihomo = "udp", .help = "UDP is always taken, and forgotten."),
    OPTION_END,
};

const struct protocol block_protocol = {
    .name = "block",
    .mihomo_proxy = "reject",
    .summary = "refuses every connection, or lets it hang",
    .outbound_options = outbound_table,
    .outbound_size = sizeof(struct block_options),
    .outbound_new = outbound_new,
};
