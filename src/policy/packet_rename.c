#include "policy/packet_rename.h"

#include "base/mem.h"

struct renamed {
    struct packet packet;
    struct dest from;
    struct dest to;
};

static struct renamed *renamed_of(struct packet *p)
{
    return container_of(p, struct renamed, packet);
}

void batch_rename(struct batch *b, const struct dest *from, const struct dest *to)
{
    for (unsigned i = 0; i < b->count; i++) {
        if (dest_eq(&b->at[i].peer, from))
            b->at[i].peer = *to;
    }
}

static int renamed_receive(struct packet *p, struct batch *b)
{
    struct renamed *n = renamed_of(p);
    int r = p->lower->ops->receive(p->lower, b);

    if (r > 0)
        batch_rename(b, &n->from, &n->to);
    return r;
}

/* A name answers from an address that only the far side knows: all answers are then taken for its own. */
static int renamed_send(struct packet *p, struct batch *b)
{
    struct renamed *n = renamed_of(p);

    for (unsigned i = 0; i < b->count; i++) {
        if (dest_is_name(&n->to) || dest_eq(&b->at[i].peer, &n->to))
            b->at[i].peer = n->from;
    }
    return p->lower->ops->send(p->lower, b);
}

static void renamed_close(struct packet *p)
{
    packet_close(p->lower);
    mem_free(renamed_of(p));
}

static struct event *renamed_readable(struct packet *p)
{
    return p->lower->ops->readable(p->lower);
}

struct packet *packet_rename(struct packet *client, const struct dest *from, const struct dest *to)
{
    static const struct packet_ops ops = {
        .name = "renamed",
        .receive = renamed_receive,
        .send = renamed_send,
        .close = renamed_close,
        .readable = renamed_readable,
    };
    struct renamed *n = mem_new(struct renamed);

    if (!n) {
        packet_close(client);
        return NULL;
    }
    n->packet = (struct packet){.ops = &ops, .lower = client};
    n->from = *from;
    n->to = *to;
    return &n->packet;
}
