/* UDP flows: the first datagrams decide, then they are sent on and the rest is relayed. */
#include <errno.h>

#include "net/relay.h"
#include "policy/packet_rename.h"
#include "policy/router_internal.h"

enum { UDP_IDLE_MS = 5 * 60 * 1000 };

int64_t udp_protocol_idle_ms(const char *protocol, uint16_t port)
{
    static const struct {
        const char *protocol;
        uint16_t port;
        int64_t idle_ms;
    } table[] = {
        {"dns", 53, 10000}, {"ntp", 123, 10000}, {"stun", 3478, 10000}, {"quic", 443, 30000}, {"dtls", 0, 30000},
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (protocol[0] ? text_is(text_of(protocol), table[i].protocol) : port == table[i].port && port)
            return table[i].idle_ms;
    }
    return 0;
}

static void first_done(struct first_batches *first)
{
    for (unsigned i = 0; i < first->count; i++)
        batch_put(first->at[i]);
    first->count = 0;
}

static int receive_first(struct first_batches *first, struct session *s, struct error *err)
{
    struct batch *b = batch_get();

    if (!b)
        return error_errno(err, -ENOMEM, "datagrams");
    first->at[first->count++] = b;
    int r = packet_receive(first->client, b, clock_ms() + UDP_IDLE_MS);
    if (r < 0)
        return error_errno(err, r, "the first datagram");
    if (!dest_is_name(&s->dest) && !addr_is_set(&s->dest.ip))
        s->dest = b->at[0].peer;
    return 0;
}

static int send_first(struct session *s, struct first_batches *first, struct packet *server, const struct dest *was)
{
    bool is_renamed = !dest_eq(was, &s->dest);
    int r = 0;

    for (unsigned i = 0; r == 0 && i < first->count; i++) {
        struct batch *b = first->at[i];
        for (unsigned k = 0; k < b->count; k++)
            s->up += b->at[k].len;
        if (is_renamed)
            batch_rename(b, was, &s->dest);
        r = packet_send(server, b);
        r = r < 0 ? r : 0;
    }
    first_done(first);
    return r;
}

/* Reads and forgets until the client pauses, so that a refused flow is one decision and one line. */
static void swallow(struct packet *client)
{
    int r = 0;

    while (r >= 0 || r == -EAGAIN) {
        struct batch *b = batch_get();
        if (!b)
            return;
        r = client->ops->receive(client, b);
        batch_put(b);
        if (r == -EAGAIN && event_wait(client->ops->readable(client), clock_ms() + UDP_SILENCE_MS, "refused udp") < 0)
            return;
    }
}

static int open_decided(struct decision *d, struct packet **out, struct error *err)
{
    struct proxy_router *r = d->router;

    if (d->verdict != VERDICT_ROUTE) {
        return error_set(err, -EACCES, d->verdict == VERDICT_DROP ? "dropped by a rule" : "rejected by a rule");
    }
    int result = hooks_dial(&r->hooks, d->session, err);
    if (result < 0)
        return result;
    result = outbound_open_packet(d->outbound, d->session, out, err);
    if (result < 0 && result != -ECANCELED && result != -EACCES)
        (void)atomic_fetch_add_explicit(&r->counters->failed, 1, memory_order_relaxed);
    return result;
}

/* A rule's wish, else what the protocol needs, else the inbound's, else the default. */
static int64_t idle_of(const struct proxy_router *r, const struct session *s, int64_t of_inbound)
{
    int64_t of_protocol = udp_protocol_idle_ms(s->protocol, s->dest.port);

    if (s->idle_ms)
        return s->idle_ms;
    if (of_protocol)
        return of_protocol;
    if (of_inbound)
        return of_inbound;
    return r->setup.limits.udp_idle_ms ? r->setup.limits.udp_idle_ms : UDP_IDLE_MS;
}

static int carry(struct proxy_router *r, struct session *s, struct packet **client, struct error *err)
{
    CLEANUP(first_done) struct first_batches first = {.client = *client};
    struct decision d = {.router = r, .session = s, .first = &first};
    OWNED_PACKET *server = NULL;
    int64_t of_inbound = s->idle_ms;

    s->idle_ms = 0;
    int result = receive_first(&first, s, err);
    struct dest was = s->dest;
    if (result == 0)
        result = decide(&d, err);
    if (result == 0)
        result = open_decided(&d, &server, err);
    if (result < 0)
        return result;
    if (!dest_eq(&was, &s->dest)) {
        *client = packet_rename(*client, &was, &s->dest);
        if (!*client)
            return error_errno(err, -ENOMEM, "datagrams");
    }
    result = send_first(s, &first, server, &was);
    return result < 0 ? result : relay_packets(s, *client, server, idle_of(r, s, of_inbound));
}

/* Refused flows go on being swallowed after their line was written. */
static void finish(struct proxy_router *r, struct session *s, struct packet *client, int result,
                   const struct error *err)
{
    bool is_refused = result == -EACCES || result == -EMFILE;

    flow_end(r, s, result, err);
    if (client && is_refused)
        swallow(client);
    packet_close(client);
}

void carry_begun_packets(struct proxy_router *r, struct session *s, struct packet *client)
{
    struct error err = {0};
    int result = carry(r, s, &client, &err);

    finish(r, s, client, result, &err);
}

void carry_packets(struct router *base, struct session *s, struct packet *client)
{
    struct proxy_router *r = proxy_router_of(base);
    struct error err = {0};
    int result = flow_begin(r, s, &err);

    if (result < 0)
        finish(r, s, client, result, &err);
    else
        carry_begun_packets(r, s, client);
}
