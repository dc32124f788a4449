/* UDP sockets, the NAT table, the relay of datagrams. */
#include "test.h"

#include <errno.h>
#include <netinet/udp.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/relay.h"
#include "net/socket.h"
#include "net/udp_nat.h"
#include "worker.h"

/* ---- sockets ----------------------------------------------------------------------------- */

static struct packet *bound(const char *ip, struct addr *out)
{
    struct listen_options o = {0};
    struct packet *p;
    socklen_t len = sizeof *out;

    check_int(addr_parse(text_of(ip), 0, &o.addr), 0);
    int fd = socket_bind_udp(&o, NULL);
    if (fd < 0)
        return NULL;
    *out = (struct addr){0};
    check_int(getsockname(fd, &out->sa, &len), 0);
    check_int(socket_packet(fd, NULL, &p), 0);
    return p;
}

static void add(struct batch *b, size_t len, const struct addr *to)
{
    uint8_t *p = batch_room(b, len);

    check(p != NULL);
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(len + i * 3);
    b->at[b->count].ptr = p;
    b->at[b->count].len = len;
    b->at[b->count].peer = dest_of_addr(to);
    b->count++;
}

static void check_datagram(const struct datagram *d, size_t len)
{
    check_int(d->len, len);
    for (size_t i = 0; i < len; i++)
        check(d->ptr[i] == (uint8_t)(len + i * 3));
}

/* Sends datagrams of these sizes in one batch; they must arrive so, in this order. */
static void through(struct packet *from, struct packet *to, const struct addr *at, const size_t *size, unsigned n,
                    const struct addr *source)
{
    struct batch *out = batch_get(), *in = batch_get();
    unsigned got = 0;

    check(out && in);
    for (unsigned i = 0; i < n; i++)
        add(out, size[i], at);
    check_int(packet_send(from, out), 0);
    while (got < n) {
        check(packet_receive(to, in, loop_now() + 1000) > 0);
        for (unsigned i = 0; i < in->count; i++) {
            check(got < n);
            check_datagram(&in->at[i], size[got++]);
            struct addr peer = dest_addr(&in->at[i].peer);
            check(!source || addr_eq(&peer, source));
        }
    }
    batch_put(out);
    batch_put(in);
}

static void body_sizes(void)
{
    static const size_t sizes[][5] = {
        {1200, 1200, 1200, 1200, 700}, {0, 1, 0, 65507, 1}, {100, 200, 200, 300, 0}, {20000, 20000, 20000, 5, 5}, {1, 1, 1, 1, 1},
    };
    struct addr a, b;
    struct packet *x = bound("127.0.0.1", &a), *y = bound("127.0.0.1", &b);

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        through(x, y, &b, sizes[i], 5, &a);
    packet_close(x);
    packet_close(y);
}

static void datagrams_keep_their_sizes_and_order_through_gso_and_gro(void **state)
{
    (void)state;
    on_worker(body_sizes);
}

static void body_full(void)
{
    size_t size[BATCH_MAX];
    struct addr a, b;
    struct packet *x = bound("127.0.0.1", &a), *y = bound("127.0.0.1", &b);
    struct batch *full = batch_get();

    for (unsigned i = 0; i < BATCH_MAX; i++)
        size[i] = i == BATCH_MAX - 1 ? 7 : 1000;
    through(x, y, &b, size, BATCH_MAX, &a);
    for (unsigned i = 0; i < BATCH_MAX; i++)
        size[i] = i % 3 ? 1400 : 90;
    through(x, y, &b, size, BATCH_MAX, &a);
    check(full != NULL);
    for (unsigned i = 0; i < BATCH_MAX; i++)
        add(full, 10, &b);
    check(batch_room(full, 10) == NULL);
    full->count = 0;
    full->used = 0;
    check(batch_room(full, DATAGRAM_MAX + 1) == NULL);
    check(batch_room(full, DATAGRAM_MAX) != NULL);
    batch_put(full);
    batch_put(NULL);
    packet_close(x);
    packet_close(y);
}

static void a_full_batch_arrives_whole(void **state)
{
    (void)state;
    on_worker(body_full);
}

static void body_lost(void)
{
    static const size_t good[] = {9};
    struct addr a, b, nowhere = {0}, six;
    struct packet *x = bound("127.0.0.1", &a), *y = bound("127.0.0.1", &b);
    struct batch *out = batch_get(), *in = batch_get();

    check(out && in);
    check_int(addr_parse(TEXT("::1"), 9, &six), 0);
    /* Too large, of another family, without address, a name: each is lost alone. */
    add(out, 3, &b);
    add(out, 65508, &b);
    add(out, 4, &six);
    add(out, 4, &nowhere);
    add(out, 4, &b);
    check_int(dest_set_host(&out->at[4].peer, TEXT("a.test"), 9), 0);
    add(out, 5, &b);
    check_int(packet_send(x, out), 0);
    check_int(packet_receive(y, in, loop_now() + 1000), 1);
    check_datagram(&in->at[0], 3);
    check_int(packet_receive(y, in, loop_now() + 1000), 1);
    check_datagram(&in->at[0], 5);
    check_int(packet_receive(y, in, loop_now() + 3), -ETIMEDOUT);
    batch_put(out);
    batch_put(in);
    through(x, y, &b, good, 1, &a);
    packet_close(x);
    packet_close(y);
}

static void what_cannot_be_sent_is_lost_alone(void **state)
{
    (void)state;
    on_worker(body_lost);
}

static void body_dual(void)
{
    static const size_t sizes[] = {500, 500, 500, 20};
    struct dialer d = {0};
    struct addr a;
    struct packet *server = bound("127.0.0.1", &a), *client;
    struct batch *in = batch_get();
    struct error err;

    check(in != NULL);
    check_int(dialer_packet(&d, NULL, NULL, &client, &err), 0);
    through(client, server, &a, sizes, 4, NULL);
    /* The answer's source is the plain IPv4 address that it was sent to. */
    struct batch *out = batch_get();
    check(out != NULL);
    add(out, 6, &a);
    check_int(packet_send(client, out), 0);
    check_int(packet_receive(server, in, NEVER), 1);
    check_int(addr_family(&in->at[0].peer.ip), AF_INET);
    check_int(packet_send(server, in), 0);
    check_int(packet_receive(client, in, loop_now() + 1000), 1);
    struct dest want = dest_of_addr(&a);
    check(dest_eq(&in->at[0].peer, &want));
    batch_put(in);
    batch_put(out);
    packet_close(client);
    packet_close(server);
}

static void ipv4_goes_through_a_dual_stack_socket(void **state)
{
    (void)state;
    on_worker(body_dual);
}

static void body_connected(void)
{
    static const size_t sizes[] = {300, 300, 40};
    struct dialer d = {0};
    struct addr a, other;
    struct packet *server = bound("127.0.0.1", &a), *stranger = bound("127.0.0.1", &other), *client;
    struct dest dest = dest_of_addr(&a);
    struct batch *b = batch_get(), *in = batch_get();
    struct error err;

    check(b && in);
    check_int(dialer_packet(&d, NULL, &dest, &client, &err), 0);
    /* The datagrams' peer is ignored. */
    through(client, server, &other, sizes, 3, NULL);
    add(b, 5, &other);
    check_int(packet_send(client, b), 0);
    check_int(packet_receive(server, in, NEVER), 1);
    struct addr from = dest_addr(&in->at[0].peer);
    check_int(packet_send(server, in), 0);
    b->at[0].peer = dest_of_addr(&from);
    check_int(packet_send(stranger, b), 0);
    check_int(packet_receive(client, in, loop_now() + 1000), 1);
    check(dest_eq(&in->at[0].peer, &dest));
    check_int(packet_receive(client, in, loop_now() + 3), -ETIMEDOUT);
    /* Nobody is there any more. */
    packet_close(server);
    check_int(packet_send(client, b), 0);
    check_int(packet_receive(client, in, loop_now() + 1000), -ECONNREFUSED);
    batch_put(b);
    batch_put(in);
    packet_close(client);
    packet_close(stranger);
    check_int(dest_set_host(&dest, TEXT("a.test"), 1), 0);
    check_int(dialer_packet(&d, NULL, &dest, &client, &err), -EHOSTUNREACH);
}

static void a_connected_path_talks_to_one_server_only(void **state)
{
    (void)state;
    on_worker(body_connected);
}

/* ---- a packet path in memory ------------------------------------------------------------- */

struct fake {
    struct packet packet;
    struct event readable;
    unsigned waiting; /* datagrams to be received */
    unsigned sent;
    int receive_fails;
    int send_fails;
};

static int fake_receive(struct packet *p, struct batch *b)
{
    struct fake *f = container_of(p, struct fake, packet);

    b->count = 0;
    b->used = 0;
    if (f->receive_fails)
        return f->receive_fails;
    while (f->waiting && b->count < BATCH_MAX) {
        add(b, 10, &(struct addr){0});
        f->waiting--;
    }
    return b->count ? (int)b->count : -EAGAIN;
}

static int fake_send(struct packet *p, struct batch *b)
{
    struct fake *f = container_of(p, struct fake, packet);

    f->sent += b->count;
    return f->send_fails;
}

static void fake_close(struct packet *p)
{
    (void)p;
}

static struct event *fake_readable(struct packet *p)
{
    return &container_of(p, struct fake, packet)->readable;
}

static const struct packet_ops fake_ops = {
    .name = "fake", .receive = fake_receive, .send = fake_send, .close = fake_close, .readable = fake_readable,
};

static int relay(struct fake *a, struct fake *b, int64_t idle_ms, struct session *s)
{
    a->packet.ops = b->packet.ops = &fake_ops;
    return relay_packets(s, &a->packet, &b->packet, idle_ms);
}

static void body_relay(void)
{
    struct session *s = session_new(NULL, NETWORK_UDP, &(struct addr){0});
    int64_t before = loop_now();

    check(s != NULL);
    struct fake a = {.waiting = 5000}, b = {.waiting = 7};
    check_int(relay(&a, &b, 10, s), 0);
    check(loop_now() - before >= 10);
    check_int(b.sent, 5000);
    check_int(a.sent, 7);
    check_int(s->up, 50000);
    check_int(s->down, 70);

    a = (struct fake){.receive_fails = -ECONNREFUSED};
    b = (struct fake){0};
    check_int(relay(&a, &b, 10000, s), -ECONNREFUSED);
    a = (struct fake){.waiting = 1};
    b = (struct fake){.send_fails = -ECONNRESET};
    check_int(relay(&a, &b, 10000, s), -ECONNRESET);
    a = (struct fake){.receive_fails = -EPIPE}; /* a path over a stream has come to its end */
    b = (struct fake){0};
    check_int(relay(&a, &b, 10000, s), 0);
    session_free(s);
}

static void a_relay_of_datagrams_ends_by_silence_or_failure(void **state)
{
    (void)state;
    on_worker(body_relay);
}

static void relay_for_long(void *arg)
{
    struct session *s = session_new(NULL, NETWORK_UDP, &(struct addr){0});
    struct fake a = {0}, b = {0};

    check(s != NULL);
    *(int *)arg = relay(&a, &b, 60000, s);
    session_free(s);
}

static void body_relay_ends(void)
{
    struct group g;
    int r = 1;

    group_init(&g, co_group());
    group_set_deadline(&g, loop_now() + 5);
    check_int(co_spawn(&g, "relay", relay_for_long, &r), 0);
    group_wait(&g);
    check_int(r, 0); /* told as silence is */
    group_done(&g);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "relay", relay_for_long, &r), 0);
    check_int(co_yield(), 0);
    group_done(&g);
    check_int(r, -ECANCELED);
}

static void a_relay_ends_with_its_group(void **state)
{
    (void)state;
    on_worker(body_relay_ends);
}

/* ---- the NAT table ----------------------------------------------------------------------- */

struct nat {
    struct router router;
    struct inbound in;
    struct udp_nat *nat;
    unsigned flows, running, received, answered;
    struct addr answered_to;
    struct event may_start;
    bool waits;
};

static void carry_packets(struct router *r, struct session *s, struct packet *client)
{
    struct nat *t = container_of(r, struct nat, router);
    struct batch *b = batch_get();

    check(b != NULL);
    t->flows++;
    t->running++;
    check(s->network == NETWORK_UDP && s->dest.port == 53);
    if (t->waits)
        (void)!event_wait(&t->may_start, NEVER, "test");
    while (packet_receive(client, b, loop_now() + s->idle_ms) > 0) {
        t->received += b->count;
        check_int(packet_send(client, b), 0);
    }
    batch_put(b);
    packet_close(client);
    t->running--;
}

static int answer(void *arg, struct bytes key, const struct addr *source, struct batch *b)
{
    struct nat *t = arg;

    check(key.len > 0);
    t->answered += b->count;
    t->answered_to = *source;
    return 0;
}

static void nat_begin(struct nat *t)
{
    static const struct router_ops ops = {.carry_packets = carry_packets};

    *t = (struct nat){.router.ops = &ops};
    t->in = (struct inbound){.tag = "in", .router = &t->router, .udp_idle_ms = 10};
    t->nat = udp_nat_new(&t->in, answer, t);
    check(t->nat != NULL);
}

static int deliver(struct nat *t, const void *key, size_t n, uint16_t from)
{
    uint8_t bytes[4] = "abc";
    struct addr to = addr_v4(0x01010101, 53), source = addr_v4(0x7f000001, from);
    struct datagram d = {.ptr = bytes, .len = 3, .peer = dest_of_addr(&to)};

    return udp_nat_deliver(t->nat, (struct bytes){.ptr = key, .len = n}, &source, NULL, &d);
}

static void body_flows(void)
{
    struct nat t;

    nat_begin(&t);
    check_int(deliver(&t, "a", 1, 1), 0);
    check_int(deliver(&t, "a", 1, 1), 0);
    check_int(deliver(&t, "b", 1, 2), 0);
    check_int(co_sleep(1), 0);
    check_int(t.flows, 2);
    check_int(t.received, 3);
    check_int(t.answered, 3);
    /* The client has moved: answers follow it. */
    check_int(deliver(&t, "a", 1, 9), 0);
    check_int(co_sleep(1), 0);
    check_int(addr_port(&t.answered_to), 9);
    check_int(t.flows, 2);
    check_int(co_sleep(25), 0);
    check_int(t.running, 0);
    /* After the end of a flow the same key begins a new one. */
    check_int(deliver(&t, "a", 1, 1), 0);
    check_int(co_sleep(1), 0);
    check_int(t.flows, 3);
    check_int(t.received, 5);
    udp_nat_free(t.nat);
    check_int(t.running, 0);
    udp_nat_free(NULL);
}

static void each_key_is_a_flow_until_it_is_idle(void **state)
{
    (void)state;
    on_worker(body_flows);
}

static void body_bounds(void)
{
    struct nat t;
    uint8_t key[UDP_KEY_MAX + 1] = {1};

    nat_begin(&t);
    t.waits = true;
    for (int i = 0; i < UDP_FLOW_QUEUE; i++)
        check_int(deliver(&t, "a", 1, 1), 0);
    check_int(deliver(&t, "a", 1, 1), -EAGAIN);
    check_int(co_yield(), 0);
    check_int(deliver(&t, "a", 1, 1), -EAGAIN);
    t.waits = false;
    check_int(deliver(&t, key, UDP_KEY_MAX, 1), 0);
    check_int(deliver(&t, key, UDP_KEY_MAX + 1, 1), -ENOMEM);
    event_set(&t.may_start);
    check_int(co_sleep(2), 0);
    check_int(t.received, UDP_FLOW_QUEUE + 1);
    check_int(deliver(&t, "a", 1, 1), 0);
    udp_nat_free(t.nat);
    check_int(t.running, 0);
}

static void a_flow_that_is_still_opening_holds_so_many_datagrams(void **state)
{
    (void)state;
    on_worker(body_bounds);
}

static void body_limit(void)
{
    struct nat t;

    nat_begin(&t);
    t.in.udp_idle_ms = 60000;
    for (uint32_t i = 0; i < 200; i++)
        check_int(deliver(&t, &i, sizeof i, 1), 0);
    check_int(co_sleep(1), 0);
    check_int(t.running, 200);
    /* Cancelling reaches all of them, with what they hold. */
    udp_nat_free(t.nat);
    check_int(t.running, 0);
}

static void ending_the_table_ends_every_flow(void **state)
{
    (void)state;
    on_worker(body_limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_keep_their_sizes_and_order_through_gso_and_gro),
        cmocka_unit_test(a_full_batch_arrives_whole),
        cmocka_unit_test(what_cannot_be_sent_is_lost_alone),
        cmocka_unit_test(ipv4_goes_through_a_dual_stack_socket),
        cmocka_unit_test(a_connected_path_talks_to_one_server_only),
        cmocka_unit_test(a_relay_of_datagrams_ends_by_silence_or_failure),
        cmocka_unit_test(a_relay_ends_with_its_group),
        cmocka_unit_test(each_key_is_a_flow_until_it_is_idle),
        cmocka_unit_test(a_flow_that_is_still_opening_holds_so_many_datagrams),
        cmocka_unit_test(ending_the_table_ends_every_flow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
