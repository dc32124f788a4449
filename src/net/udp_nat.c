#include "net/udp_nat.h"

#include <errno.h>

#include "base/mem.h"

/* One flow as the router sees it: a packet path whose far end is the client. */
struct udp_flow {
    struct packet packet;
    struct udp_nat *nat;
    struct session *session;
    struct list queue; /* struct queued */
    unsigned queue_len;
    struct event readable;
    struct addr source;
    uint8_t key[UDP_KEY_MAX];
    uint8_t key_len;
};

struct queued {
    struct list link;
    struct dest peer;
    size_t len;
    uint8_t bytes[];
};

struct udp_nat {
    struct inbound *in;
    udp_answer_fn *answer;
    void *arg;
    struct map flows; /* key -> struct udp_flow */
    struct group group;
};

static struct udp_flow *flow_of(struct packet *p)
{
    return container_of(p, struct udp_flow, packet);
}

static struct bytes key_of(const struct udp_flow *f)
{
    return (struct bytes){.ptr = f->key, .len = f->key_len};
}

/* ---- the packet path --------------------------------------------------------------------- */

static int flow_receive(struct packet *p, struct batch *b)
{
    struct udp_flow *f = flow_of(p);

    b->count = 0;
    b->used = 0;
    while (!list_is_empty(&f->queue)) {
        struct queued *q = container_of(f->queue.next, struct queued, link);
        uint8_t *room = batch_room(b, q->len);
        if (!room)
            break;
        memcpy(room, q->bytes, q->len);
        b->at[b->count].ptr = room;
        b->at[b->count].len = q->len;
        b->at[b->count].peer = q->peer;
        b->count++;
        list_remove(&q->link);
        f->queue_len--;
        mem_free(q);
    }
    return b->count ? (int)b->count : -EAGAIN;
}

static int flow_send(struct packet *p, struct batch *b)
{
    struct udp_flow *f = flow_of(p);

    return f->nat->answer(f->nat->arg, key_of(f), &f->source, b);
}

static void flow_close(struct packet *p)
{
    struct udp_flow *f = flow_of(p);

    /* A later datagram of this client starts a new flow. */
    if (map_get(&f->nat->flows, key_of(f)) == f)
        (void)map_remove(&f->nat->flows, key_of(f));
    while (!list_is_empty(&f->queue)) {
        struct queued *q = container_of(f->queue.next, struct queued, link);
        list_remove(&q->link);
        mem_free(q);
    }
    session_free(f->session);
    mem_free(f);
}

static struct event *flow_readable(struct packet *p)
{
    return &flow_of(p)->readable;
}

/* ---- flows ------------------------------------------------------------------------------- */

static void run_flow(void *arg)
{
    struct udp_flow *f = arg;
    struct session *s = take(f->session);

    router_carry_packets(f->nat->in->router, s, &f->packet);
    session_free(s);
}

static struct udp_flow *flow_new(struct udp_nat *n, struct bytes key, const struct addr *source, const char *user)
{
    static const struct packet_ops ops = {
        .name = "udp flow",
        .receive = flow_receive,
        .send = flow_send,
        .close = flow_close,
        .readable = flow_readable,
    };
    OWNED struct udp_flow *f = mem_new(struct udp_flow);

    if (!f || key.len > UDP_KEY_MAX)
        return NULL;
    f->session = session_new(n->in, NETWORK_UDP, source);
    if (!f->session)
        return NULL;
    f->session->user = user;
    f->session->idle_ms = n->in->udp_idle_ms;
    f->packet.ops = &ops;
    f->nat = n;
    list_init(&f->queue);
    memcpy(f->key, key.ptr, key.len);
    f->key_len = (uint8_t)key.len;
    if (map_put(&n->flows, key_of(f), f) < 0 || co_spawn(&n->group, "udp flow", run_flow, f) < 0) {
        (void)map_remove(&n->flows, key_of(f));
        session_free(f->session);
        return NULL;
    }
    return take(f);
}

int udp_nat_deliver(struct udp_nat *n, struct bytes key, const struct addr *source, const char *user,
                    const struct datagram *d)
{
    struct udp_flow *f = map_get(&n->flows, key);

    if (!f) {
        if (n->flows.len >= UDP_FLOWS_MAX)
            return -EMFILE;
        f = flow_new(n, key, source, user);
        if (!f)
            return -ENOMEM;
        f->session->dest = d->peer;
    }
    /* Where the client is now: a phone that changed networks keeps its flow. */
    f->source = *source;
    if (f->queue_len >= UDP_FLOW_QUEUE)
        return -EAGAIN;
    struct queued *q = mem_alloc(sizeof *q + d->len);
    if (!q)
        return -ENOMEM;
    q->peer = d->peer;
    q->len = d->len;
    memcpy(q->bytes, d->ptr, d->len);
    list_add(&f->queue, &q->link);
    f->queue_len++;
    event_set(&f->readable);
    return 0;
}

struct udp_nat *udp_nat_new(struct inbound *in, udp_answer_fn *answer, void *arg)
{
    struct udp_nat *n = mem_new(struct udp_nat);

    if (!n)
        return NULL;
    n->in = in;
    n->answer = answer;
    n->arg = arg;
    map_init(&n->flows);
    group_init(&n->group, co_group());
    return n;
}

void udp_nat_free(struct udp_nat *n)
{
    if (!n)
        return;
    group_done(&n->group);
    map_done(&n->flows);
    mem_free(n);
}
