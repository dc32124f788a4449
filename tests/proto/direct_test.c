#include "proto/fake.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/socket.h"
#include "proto/block/block.h"
#include "proto/direct/direct.h"

static struct fake_router router;

static struct inbound *make(struct direct_inbound_options o)
{
    struct inbound_setup setup = {.tag = "in", .options = &o, .router = &router.router};
    struct inbound *in = NULL;
    struct error err;

    fake_router_init(&router);
    check_int(direct_protocol.inbound_new(&setup, &in, &err), 0);
    return in;
}

static void unmake(struct inbound *in)
{
    fake_router_done(&router);
    in->ops->free(in);
}

/* ---- inbound ---- */

static void tcp(void)
{
    struct inbound *in = make((struct direct_inbound_options){.target = TEXT("a.b:80")});
    struct served v;

    served_open(&v, in);
    say(v.client, "up");
    check_int(co_yield(), 0);
    check(strcmp(router.dest[0], "a.b:80") == 0);
    expect(router.far[0], "up");
    say(router.far[0], "down");
    expect(v.client, "down");
    served_close(&v);
    unmake(in);
}

static void override(void)
{
    static const struct {
        struct text address;
        uint16_t port;
        const char *dest;
    } cases[] = {{TEXT("x.y"), 81, "x.y:81"}, {TEXT(""), 81, "127.0.0.9:81"}, {TEXT("x.y"), 0, "x.y:53"},
                 {TEXT(""), 0, "127.0.0.9:53"}, {TEXT("::1"), 0, "[::1]:53"}};
    struct direct_override o;
    struct error err;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct addr local = addr_v4(0x7f000009, 53);
        struct dest d = dest_of_addr(&local);
        char text[DEST_TEXT];
        check_int(direct_override_init(&o, cases[i].address, cases[i].port, &err), 0);
        direct_override_apply(&o, &d);
        check(strcmp(dest_print(&d, text), cases[i].dest) == 0);
    }
    check_int(direct_override_init(&o, TEXT("a b"), 0, &err), -EINVAL);
}

struct listening {
    struct inbound *in;
    struct packet *socket;
    struct addr local;
};

static void listen_udp(void *arg)
{
    struct listening *l = arg;

    l->in->ops->serve_packets(l->in, l->socket, &l->local);
}

static int bound_udp(struct addr *a)
{
    socklen_t len = sizeof *a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    *a = addr_v4(0x7f000001, 0);
    check(fd >= 0 && bind(fd, &a->sa, addr_len(a)) == 0 && getsockname(fd, &a->sa, &len) == 0);
    return fd;
}

static void ask(int fd, const struct addr *to, const char *words)
{
    char got[64];
    ssize_t n = -1;

    check_int(sendto(fd, words, strlen(words), 0, &to->sa, addr_len(to)), strlen(words));
    for (int i = 0; i < 200 && n < 0; i++) {
        check_int(co_sleep(1), 0);
        n = recv(fd, got, sizeof got, 0);
    }
    check(n == (ssize_t)strlen(words) && memcmp(got, words, (size_t)n) == 0);
}

static void udp(void)
{
    struct inbound *in = make((struct direct_inbound_options){.override_address = TEXT("192.0.2.1"), .override_port = 53});
    struct listening l = {.in = in};
    struct addr own;
    struct group g;
    int one = bound_udp(&own), two = bound_udp(&own);

    check_int(socket_packet(bound_udp(&l.local), NULL, &l.socket), 0);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "listen", listen_udp, &l), 0);
    ask(one, &l.local, "hello");
    ask(two, &l.local, "hi");
    ask(one, &l.local, "again");
    check_int(router.opens, 2);
    check(strcmp(router.dest[0], "192.0.2.1:53") == 0);
    group_done(&g);
    close(one);
    close(two);
    unmake(in);
}

static void networks(void)
{
    struct inbound *in = make((struct direct_inbound_options){.network = {.tcp = true}});

    check(in->ops->serve && !in->ops->serve_packets);
    unmake(in);
    in = make((struct direct_inbound_options){.network = {.udp = true}});
    check(!in->ops->serve && in->ops->serve_packets);
    unmake(in);
    in = make((struct direct_inbound_options){0});
    check(in->ops->serve && in->ops->serve_packets);
    unmake(in);
}

/* ---- outbound ---- */

static struct outbound *make_out(struct direct_outbound_options o, struct dialer *dialer)
{
    struct outbound_setup setup = {.tag = "out", .options = &o, .dialer = dialer};
    struct outbound *out = NULL;
    struct error err;

    check_int(direct_protocol.outbound_new(&setup, &out, &err), 0);
    return out;
}

static void out_tcp(void)
{
    struct fake_server server;
    struct error err;
    struct session *s = session_new(NULL, NETWORK_TCP, &(struct addr){0});
    struct stream *stream;

    check(s && dest_parse(TEXT("a.b:80"), &s->dest) == 0);
    fake_server_init(&server);
    struct outbound *out = make_out((struct direct_outbound_options){.override_port = 81}, &server.dialer);
    check_int(outbound_open(out, s, &stream, &err), 0);
    check(strcmp(server.dest, "a.b:81") == 0);
    stream_close(stream);
    stream_close(server.end);
    out->ops->free(out);
    session_free(s);
}

static void out_udp(void)
{
    struct dialer dialer = {0};
    struct direct_outbound_options o = {.override_address = TEXT("127.0.0.1")};
    struct session *s = session_new(NULL, NETWORK_UDP, &(struct addr){0});
    struct batch *b = batch_get();
    struct packet *p;
    struct error err;
    struct addr at, from;
    socklen_t len = sizeof from;
    char got[8];
    int fd = bound_udp(&at);

    check(s && b && dest_parse(TEXT("192.0.2.1:53"), &s->dest) == 0);
    o.override_port = addr_port(&at);
    struct outbound *out = make_out(o, &dialer);
    check_int(outbound_open_packet(out, s, &p, &err), 0);
    b->at[0].ptr = batch_room(b, 2);
    memcpy(b->at[0].ptr, "hi", 2);
    b->at[0].len = 2;
    b->at[0].peer = s->dest;
    b->count = 1;
    check_int(packet_send(p, b), 0);
    check_int(recvfrom(fd, got, sizeof got, 0, &from.sa, &len), 2);
    check_int(sendto(fd, "yo", 2, 0, &from.sa, len), 2);
    check_int(packet_receive(p, b, loop_now() + 5000), 1);
    check(dest_eq(&b->at[0].peer, &s->dest));
    batch_put(b);
    packet_close(p);
    close(fd);
    out->ops->free(out);
    session_free(s);
}

/* ---- block ---- */

static struct outbound *make_block(enum block_method method)
{
    struct block_options o = {.method = (int)method};
    struct outbound_setup setup = {.tag = "no", .options = &o};
    struct outbound *out = NULL;
    struct error err;

    check_int(block_protocol.outbound_new(&setup, &out, &err), 0);
    return out;
}

static void refuse(void)
{
    struct outbound *out = make_block(BLOCK_REFUSE);
    struct session *s = session_new(NULL, NETWORK_TCP, &(struct addr){0});
    struct stream *stream;
    struct packet *p;
    struct batch *b = batch_get();
    struct error err;

    check(s && b);
    check_int(outbound_open(out, s, &stream, &err), -EACCES);
    check(!s->has_replied);
    check_int(outbound_open_packet(out, s, &p, &err), 0);
    b->count = 1;
    check_int(packet_send(p, b), 0);
    check_int(packet_receive(p, b, loop_now() + 5), -ETIMEDOUT);
    packet_close(p);
    batch_put(b);
    session_free(s);
    out->ops->free(out);
}

struct dropping {
    struct outbound *out;
    struct session *s;
    int result;
};

static void drop_one(void *arg)
{
    struct dropping *d = arg;
    struct stream *stream;
    struct error err;

    d->result = outbound_open(d->out, d->s, &stream, &err);
}

static void drop(void)
{
    const struct addr none = {0};
    struct dropping d = {.out = make_block(BLOCK_DROP), .s = session_new(NULL, NETWORK_TCP, &none), .result = 1};
    struct group g;

    check(d.s != NULL);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "drop", drop_one, &d), 0);
    check_int(co_sleep(5), 0);
    check(d.result == 1 && d.s->has_replied);
    group_done(&g);
    check_int(d.result, -ECANCELED);
    session_free(d.s);
    d.out->ops->free(d.out);
}

#define TEST(name, body)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }

TEST(all_goes_to_the_target, tcp)
TEST(parts_of_the_destination_are_replaced, override)
TEST(each_udp_source_is_a_flow, udp)
TEST(the_network_chooses_what_is_listened_on, networks)
TEST(the_outbound_overrides, out_tcp)
TEST(overridden_udp_seems_to_come_from_the_destination, out_udp)
TEST(block_refuses_at_once_and_swallows_datagrams, refuse)
TEST(drop_holds_without_an_answer, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_goes_to_the_target),
        cmocka_unit_test(parts_of_the_destination_are_replaced),
        cmocka_unit_test(each_udp_source_is_a_flow),
        cmocka_unit_test(the_network_chooses_what_is_listened_on),
        cmocka_unit_test(the_outbound_overrides),
        cmocka_unit_test(overridden_udp_seems_to_come_from_the_destination),
        cmocka_unit_test(block_refuses_at_once_and_swallows_datagrams),
        cmocka_unit_test(drop_holds_without_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
