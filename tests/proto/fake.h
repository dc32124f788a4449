/* A router that opens pipes in memory, and what it takes to serve one connection in a test. */
#ifndef WEIR_TESTS_PROTO_FAKE_H
#define WEIR_TESTS_PROTO_FAKE_H

#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/proxy.h"
#include "net/relay.h"
#include "worker.h"

enum { FAKE_OPENS = 8, FAKE_ROOM = 70000 };

struct fake_router {
    struct router router;
    int result;                        /* of every open */
    unsigned opens;
    unsigned ends;
    unsigned replies_expected;
    int last_end;
    struct stream *far[FAKE_OPENS];    /* the origins' ends; the test closes them */
    char dest[FAKE_OPENS][DEST_TEXT];
    char user[64];
    unsigned datagrams;
};

static inline struct fake_router *fake_router_of(struct router *r)
{
    return container_of(r, struct fake_router, router);
}

static inline int fake_open(struct router *base, struct session *s, struct stream **client, struct stream **out,
                            struct error *err)
{
    struct fake_router *r = fake_router_of(base);
    struct stream *pair[2];

    (void)client;
    check(r->opens < FAKE_OPENS);
    (void)dest_print(&s->dest, r->dest[r->opens]);
    (void)snprintf(r->user, sizeof r->user, "%s", s->user ? s->user : "");
    r->opens++;
    if (r->result < 0)
        return error_set(err, r->result, "as the test wants it");
    check_int(stream_pair(FAKE_ROOM, pair), 0);
    s->bound = addr_v4(0x0a000001, 4321);
    *out = pair[0];
    r->far[r->opens - 1] = pair[1];
    return 0;
}

static inline void fake_relay(struct router *base, struct session *s, struct stream *client, struct stream *server)
{
    const struct relay_limits limits = {.idle_ms = 10000};

    fake_router_of(base)->last_end = relay_streams(s, client, server, &limits);
    fake_router_of(base)->ends++;
    stream_close(server);
    stream_close(client);
}

/* Every datagram comes back from where it went. */
static inline void fake_carry_packets(struct router *base, struct session *s, struct packet *client)
{
    struct fake_router *r = fake_router_of(base);
    struct batch *b = batch_get();

    check(b != NULL);
    (void)dest_print(&s->dest, r->dest[r->opens++ % FAKE_OPENS]);
    (void)snprintf(r->user, sizeof r->user, "%s", s->user ? s->user : "");
    while (packet_receive(client, b, NEVER) > 0) {
        r->datagrams += b->count;
        check_int(packet_send(client, b), 0);
    }
    batch_put(b);
    packet_close(client);
    r->ends++;
}

static inline void fake_end(struct router *base, struct session *s, int result, const struct error *err)
{
    (void)s;
    (void)err;
    fake_router_of(base)->last_end = result;
    fake_router_of(base)->ends++;
}

static inline void fake_router_init(struct fake_router *r)
{
    static const struct router_ops ops = {
        .open = fake_open, .relay = fake_relay, .carry_packets = fake_carry_packets, .end = fake_end};

    *r = (struct fake_router){.router.ops = &ops};
}

static inline void fake_router_done(struct fake_router *r)
{
    for (unsigned i = 0; i < FAKE_OPENS; i++)
        stream_close(take(r->far[i]));
}

/* One served connection: `client` is the test's end. */
struct served {
    struct group group;
    struct inbound *inbound;
    struct stream *client;
    struct stream *accepted;
    struct addr source;
};

static inline void served_run(void *arg)
{
    struct served *v = arg;
    struct session *s = session_new(v->inbound, NETWORK_TCP, &v->source);

    check(s != NULL);
    v->inbound->ops->serve(v->inbound, v->accepted, s);
    session_free(s);
}

static inline void served_start(struct served *v, struct inbound *in, struct stream *client, struct stream *accepted)
{
    v->inbound = in;
    v->client = client;
    v->accepted = accepted;
    group_init(&v->group, co_group());
    check_int(co_spawn(&v->group, "served", served_run, v), 0);
}

static inline void served_open(struct served *v, struct inbound *in)
{
    struct stream *pair[2];

    *v = (struct served){.source = addr_v4(0x7f000001, 5555)};
    check_int(stream_pair(FAKE_ROOM, pair), 0);
    served_start(v, in, pair[0], pair[1]);
}

static inline void served_close(struct served *v)
{
    stream_close(v->client);
    group_done(&v->group);
}

static inline void say_bytes(struct stream *s, const void *p, size_t n)
{
    check_int(stream_write(s, p, n), 0);
}

static inline void say(struct stream *s, const char *text)
{
    say_bytes(s, text, strlen(text));
}

/* One octet at a time, each seen alone. */
static inline void say_slowly(struct stream *s, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        say_bytes(s, (const char *)p + i, 1);
        check_int(co_yield(), 0);
        check_int(co_yield(), 0);
    }
}

static inline void expect_bytes(struct stream *s, const void *p, size_t n)
{
    char got[4096];
    check(n <= sizeof got);
    stream_set_deadline(s, loop_now() + 5000);
    check_int(stream_read_full(s, got, n), 0);
    bool is_expected = memcmp(got, p, n) == 0;
    if (!is_expected)
        (void)fprintf(stderr, "got: %.*s\n", (int)n, got);
    check(is_expected);
    stream_set_deadline(s, NEVER);
}

static inline void expect(struct stream *s, const char *text)
{
    expect_bytes(s, text, strlen(text));
}

static inline void expect_end(struct stream *s)
{
    char got[512];
    ssize_t n;

    stream_set_deadline(s, loop_now() + 5000);
    n = stream_read(s, got, sizeof got);
    if (n > 0)
        (void)fprintf(stderr, "got: %.*s\n", (int)n, got);
    check(n == 0 || n == -ECONNRESET || n == -EPIPE);
}

/* A head up to its empty line; `out` ends in a zero byte. */
static inline void read_head(struct stream *s, char *out, size_t size)
{
    size_t n = 0;

    stream_set_deadline(s, loop_now() + 5000);
    while (n < 4 || memcmp(out + n - 4, "\r\n\r\n", 4) != 0) {
        check(n + 1 < size);
        check_int(stream_read_full(s, out + n, 1), 0);
        n++;
    }
    out[n] = 0;
    stream_set_deadline(s, NEVER);
}

/* An outbound for dialers to go through: opens a pipe whose other end is the scripted server's. */
struct fake_server {
    struct outbound outbound;
    struct dialer dialer; /* to be given to what is tested */
    struct stream *end;
    struct packet *packet;
    char dest[DEST_TEXT];
    int result;
};

static inline int fake_server_open(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    struct fake_server *f = container_of(o, struct fake_server, outbound);
    struct stream *pair[2];

    if (f->result < 0)
        return error_set(err, f->result, "as the test wants it");
    (void)dest_print(&s->dest, f->dest);
    check_int(stream_pair(FAKE_ROOM, pair), 0);
    f->end = pair[1];
    *out = pair[0];
    return 0;
}

static inline void fake_server_init(struct fake_server *f)
{
    static const struct outbound_ops ops = {.type = "fake", .open = fake_server_open};

    *f = (struct fake_server){.outbound = {.ops = &ops, .tag = "fake"}};
    f->dialer.detour = &f->outbound;
}

#endif
