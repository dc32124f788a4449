/* Outbounds, a resolver and a log that only remember what was asked of them. For bodies on a worker. */
#ifndef WEIR_TESTS_POLICY_FAKES_H
#define WEIR_TESTS_POLICY_FAKES_H

#include "policy/router.h"

struct fake_outbound {
    struct outbound outbound;
    struct dest last;
    unsigned opened;
    int fails;              /* code to fail with */
    struct stream *far;     /* the end of the last stream that the test plays */
    struct packet *packets; /* what open_packet gives; the test's */
};

static inline struct fake_outbound *fake_of(struct outbound *o)
{
    return container_of(o, struct fake_outbound, outbound);
}

static inline int fake_open(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    struct fake_outbound *f = fake_of(o);
    struct stream *ends[2];

    f->last = s->dest;
    f->opened++;
    if (f->fails)
        return error_errno(err, f->fails, "connect");
    int r = stream_pair(4096, ends);
    if (r < 0)
        return r;
    *out = ends[0];
    f->far = ends[1];
    return 0;
}

static inline int fake_open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err)
{
    struct fake_outbound *f = fake_of(o);

    f->last = s->dest;
    f->opened++;
    if (!f->packets)
        return error_set(err, -EIO, "no packets");
    *out = take(f->packets);
    return 0;
}

static const struct outbound_ops fake_ops = {.type = "fake", .open = fake_open, .open_packet = fake_open_packet};
static const struct outbound_ops fake_tcp_ops = {.type = "fake", .open = fake_open};

/* The outbounds of a test, found by tag. */
struct fakes {
    struct fake_outbound a, b, final, tcp_only;
    struct resolver resolver;
    const char *address; /* what every name resolves to; NULL: nothing */
    unsigned lookups;
    char log[2048];      /* lines, each with its level in front */
    struct log sink;
};

static inline struct outbound *find_fake(void *arg, struct text tag)
{
    struct fakes *f = arg;
    struct fake_outbound *all[] = {&f->a, &f->b, &f->final, &f->tcp_only};

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (text_is(tag, all[i]->outbound.tag))
            return &all[i]->outbound;
    }
    return NULL;
}

static inline int fake_lookup(struct resolver *r, struct text name, enum ip_strategy strategy, struct addr_list *out,
                              struct error *err)
{
    struct fakes *f = container_of(r, struct fakes, resolver);

    (void)strategy;
    f->lookups++;
    if (!f->address)
        return error_set(err, -ENOENT, "no such name '%.*s'", TEXT_ARG(name));
    out->count = 1;
    return addr_parse(text_of(f->address), 0, &out->at[0]);
}

static inline void fake_sink(void *arg, enum log_level level, struct text line)
{
    struct fakes *f = arg;
    size_t n = strlen(f->log);

    (void)snprintf(f->log + n, sizeof f->log - n, "%s: %.*s\n", log_level_name(level), TEXT_ARG(line));
}

static inline void fakes_init(struct fakes *f)
{
    static const struct resolver_ops ops = {.lookup = fake_lookup};

    *f = (struct fakes){.a = {.outbound = {.ops = &fake_ops, .tag = "A"}},
                        .b = {.outbound = {.ops = &fake_ops, .tag = "B"}},
                        .final = {.outbound = {.ops = &fake_ops, .tag = "final"}},
                        .tcp_only = {.outbound = {.ops = &fake_tcp_ops, .tag = "tcp-only"}}};
    f->resolver.ops = &ops;
    f->sink = (struct log){.level = LOG_INFO, .sink = fake_sink, .arg = f};
}

static inline struct router_setup fake_setup(struct fakes *f, const struct rule_list *lists, size_t n)
{
    return (struct router_setup){
        .rules = {.lists = lists, .count = n, .addresses_resolve = true, .outbound = find_fake, .arg = f},
        .final = &f->final.outbound, .direct = &f->b.outbound, .global = &f->a.outbound,
        .resolver = &f->resolver, .log = &f->sink};
}

/* ---- a client's packet path ------------------------------------------------------------------ */

/* Gives the queued datagrams one batch each, then silence; keeps what is sent. */
struct fake_packet {
    struct packet packet;
    struct { struct text bytes; struct dest peer; } in[8];
    unsigned in_count, in_given;
    struct { char bytes[64]; size_t len; struct dest peer; } out[8];
    unsigned out_count;
    bool is_closed;
    struct event readable;
};

static inline struct fake_packet *fake_packet_of(struct packet *p)
{
    return container_of(p, struct fake_packet, packet);
}

static inline int fake_receive(struct packet *p, struct batch *b)
{
    struct fake_packet *f = fake_packet_of(p);

    b->count = 0;
    b->used = 0;
    if (f->in_given == f->in_count)
        return -EAGAIN;
    struct text t = f->in[f->in_given].bytes;
    uint8_t *room = batch_room(b, t.len);
    if (!room)
        abort();
    memcpy(room, t.ptr, t.len);
    b->at[0] = (struct datagram){.ptr = room, .len = t.len, .peer = f->in[f->in_given].peer};
    f->in_given++;
    b->count = 1;
    return 1;
}

static inline int fake_send(struct packet *p, struct batch *b)
{
    struct fake_packet *f = fake_packet_of(p);

    for (unsigned i = 0; i < b->count && f->out_count < 8; i++, f->out_count++) {
        f->out[f->out_count].len = min_of(b->at[i].len, sizeof f->out[0].bytes);
        memcpy(f->out[f->out_count].bytes, b->at[i].ptr, f->out[f->out_count].len);
        f->out[f->out_count].peer = b->at[i].peer;
    }
    return 0;
}

static inline void fake_close(struct packet *p)
{
    fake_packet_of(p)->is_closed = true;
}

static inline struct event *fake_readable(struct packet *p)
{
    return &fake_packet_of(p)->readable;
}

static const struct packet_ops fake_packet_ops = {
    .name = "fake", .receive = fake_receive, .send = fake_send, .close = fake_close, .readable = fake_readable};

static inline void fake_packet_add(struct fake_packet *f, const char *bytes, size_t n, struct dest peer)
{
    f->in[f->in_count].bytes = (struct text){bytes, n};
    f->in[f->in_count++].peer = peer;
}

#endif
