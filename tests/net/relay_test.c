#include "test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/buffers.h"
#include "net/proxy.h"
#include "net/relay.h"
#include "net/socket.h"
#include "worker.h"

/* A chain: writer -> a [relay] b -> reader, over sockets or pairs in memory. */
struct chain {
    struct stream *left;    /* the client's own end */
    struct stream *a, *b;   /* what is relayed */
    struct stream *right;   /* the server's own end */
    struct session *session;
    struct relay_limits limits;
    int result;
    bool is_over;
};

static void socket_pair(struct stream **x, struct stream **y)
{
    int fd[2];

    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    check_int(socket_stream(fd[0], false, x), 0);
    check_int(socket_stream(fd[1], false, y), 0);
}

static void memory_pair(struct stream **x, struct stream **y)
{
    struct stream *out[2];

    check_int(stream_pair(5000, out), 0);
    *x = out[0];
    *y = out[1];
}

static void chain_open(struct chain *c, bool over_sockets)
{
    *c = (struct chain){.limits = {.idle_ms = 10000}};
    if (over_sockets) {
        socket_pair(&c->left, &c->a);
        socket_pair(&c->b, &c->right);
    } else {
        memory_pair(&c->left, &c->a);
        memory_pair(&c->b, &c->right);
    }
    c->session = session_new(NULL, NETWORK_TCP, &(struct addr){0});
    check(c->session != NULL);
}

static void chain_close(struct chain *c)
{
    stream_close(c->left);
    stream_close(c->right);
    stream_close(c->a);
    stream_close(c->b);
    session_free(c->session);
    check_int(buffers_in_use(), 0);
}

static void relay_body(void *arg)
{
    struct chain *c = arg;

    c->result = relay_streams(c->session, c->a, c->b, &c->limits);
    c->is_over = true;
    stream_close(take(c->a));
    stream_close(take(c->b));
}

enum { BULK = 12 << 20 };

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

static void write_bulk(void *arg)
{
    struct stream *s = arg;
    uint8_t *buf = mem_alloc(70000);
    size_t at = 0;

    check(buf != NULL);
    while (at < BULK) {
        size_t n = min_of((size_t)BULK - at, (size_t)1 + at % 69999);
        for (size_t i = 0; i < n; i++)
            buf[i] = pattern(at + i);
        check_int(stream_write(s, buf, n), 0);
        at += n;
    }
    check_int(stream_shutdown(s), 0);
    mem_free(buf);
}

static void read_bulk(struct stream *s)
{
    uint8_t *buf = mem_alloc(30000);
    size_t at = 0;
    ssize_t n;

    check(buf != NULL);
    while ((n = stream_read(s, buf, 1 + at % 29999)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            check(buf[i] == pattern(at + (size_t)i));
        at += (size_t)n;
    }
    check_int(n, 0);
    check_int(at, BULK);
    mem_free(buf);
}

static void both_ways(bool over_sockets)
{
    struct chain c;
    struct group g;

    chain_open(&c, over_sockets);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "relay", relay_body, &c), 0);
    check_int(co_spawn(&g, "writer", write_bulk, c.left), 0);
    check_int(co_spawn(&g, "writer", write_bulk, c.right), 0);
    read_bulk(c.left);
    read_bulk(c.right);
    group_wait(&g);
    check_int(c.result, 0);
    check_int(c.session->up, BULK);
    check_int(c.session->down, BULK);
    group_done(&g);
    chain_close(&c);
}

static void over_sockets(void)
{
    both_ways(true);
}

static void over_memory(void)
{
    both_ways(false);
}

static void bytes_arrive_intact_both_ways_between_sockets(void **state)
{
    (void)state;
    on_worker(over_sockets);
}

static void bytes_arrive_intact_both_ways_between_layers(void **state)
{
    (void)state;
    on_worker(over_memory);
}

static void half_closed(bool sockets)
{
    struct chain c;
    struct group g;
    char buf[16];

    chain_open(&c, sockets);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "relay", relay_body, &c), 0);
    check_int(stream_write(c.left, "ask", 3), 0);
    check_int(stream_shutdown(c.left), 0);
    check_int(stream_read_full(c.right, buf, 3), 0);
    check_int(stream_read(c.right, buf, 16), 0);
    check(!c.is_over);
    check_int(stream_write(c.right, "answer", 6), 0);
    check_int(stream_read_full(c.left, buf, 6), 0);
    check_int(stream_shutdown(c.right), 0);
    check_int(stream_read(c.left, buf, 16), 0);
    group_wait(&g);
    check_int(c.result, 0);
    group_done(&g);
    chain_close(&c);
}

static void half_closed_sockets(void)
{
    half_closed(true);
}

static void half_closed_layers(void)
{
    half_closed(false);
}

static void a_half_close_is_carried_through(void **state)
{
    (void)state;
    on_worker(half_closed_sockets);
    on_worker(half_closed_layers);
}

static void idle_ends(bool sockets)
{
    struct chain c;
    struct group g;

    chain_open(&c, sockets);
    c.limits.idle_ms = 10;
    group_init(&g, co_group());
    check_int(co_spawn(&g, "relay", relay_body, &c), 0);
    group_wait(&g);
    check_int(c.result, -ETIMEDOUT);
    group_done(&g);
    chain_close(&c);
}

static void idle_bodies(void)
{
    idle_ends(true);
    idle_ends(false);
}

static void silence_ends_the_relay(void **state)
{
    (void)state;
    on_worker(idle_bodies);
}

static void stalled(void)
{
    struct chain c;
    struct group g;
    char buf[64] = "the other way";

    /* Nobody reads what the left end writes: the right end's bytes must still get through. */
    chain_open(&c, false);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "relay", relay_body, &c), 0);
    c.left->deadline = loop_now() + 20;
    char *much = mem_alloc(60000);
    check(much != NULL);
    check_int(stream_write(c.left, much, 60000), -ETIMEDOUT);
    mem_free(much);
    c.left->deadline = NEVER;
    check_int(stream_write(c.right, buf, 13), 0);
    check_int(stream_read_full(c.left, buf + 20, 13), 0);
    group_done(&g);
    chain_close(&c);
}

static void a_stalled_direction_does_not_stop_the_other(void **state)
{
    (void)state;
    on_worker(stalled);
}

static void limit(void)
{
    struct group g;
    void *first, *second;

    buffers_set_limit(BUFFER_SIZE);
    first = buffer_get(NEVER);
    check(first && !buffer_try_get());
    check(buffer_get(loop_now() + 5) == NULL);
    buffer_put(first);
    second = buffer_get(NEVER);
    check(second != NULL);
    buffer_put(second);
    group_init(&g, co_group());
    group_done(&g);
}

static void at_the_ceiling_a_borrower_waits(void **state)
{
    (void)state;
    on_worker(limit);
}

/* Chains whose reader never reads, more than there is memory for, and then one that is read. */
static void crowd(bool over_sockets)
{
    enum { STALLED = 12, ROOM = 4 * BUFFER_SIZE };
    struct chain c[STALLED + 1];
    struct group g;
    char *much = mem_alloc(2 << 20), buf[32] = "one more";

    check(much != NULL);
    buffers_set_limit(ROOM);
    group_init(&g, co_group());
    for (size_t i = 0; i <= STALLED; i++) {
        chain_open(&c[i], over_sockets);
        check_int(co_spawn(&g, "relay", relay_body, &c[i]), 0);
    }
    for (size_t i = 0; i < STALLED; i++) {
        c[i].left->deadline = loop_now() + 10;
        check_int(stream_write(c[i].left, much, 2 << 20), -ETIMEDOUT);
    }
    check(buffers_in_use() <= ROOM);
    for (int i = 0; i < 2; i++) {
        struct stream *from = i ? c[STALLED].right : c[STALLED].left, *to = i ? c[STALLED].left : c[STALLED].right;
        check_int(stream_write(from, buf, 8), 0);
        to->deadline = loop_now() + 5000;
        check_int(stream_read_full(to, buf + 16, 8), 0);
    }
    group_done(&g);
    mem_free(much);
    for (size_t i = 0; i <= STALLED; i++) {
        stream_close(c[i].left);
        stream_close(c[i].right);
        session_free(c[i].session);
    }
    check_int(buffers_in_use(), 0);
}

static void crowds(void)
{
    crowd(true);
    crowd(false);
}

static void stalled_transfers_leave_memory_for_others(void **state)
{
    (void)state;
    on_worker(crowds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_intact_both_ways_between_sockets),
        cmocka_unit_test(bytes_arrive_intact_both_ways_between_layers),
        cmocka_unit_test(a_half_close_is_carried_through),
        cmocka_unit_test(silence_ends_the_relay),
        cmocka_unit_test(a_stalled_direction_does_not_stop_the_other),
        cmocka_unit_test(at_the_ceiling_a_borrower_waits),
        cmocka_unit_test(stalled_transfers_leave_memory_for_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
