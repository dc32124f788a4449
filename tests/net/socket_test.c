/* Socket streams, dialing, happy eyeballs, buffers, pipes. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/buffers.h"
#include "net/pipes.h"
#include "net/session.h"
#include "net/socket.h"
#include "worker.h"

/* ---- listeners and clients for the tests ------------------------------------------------- */

static struct addr local_of(int fd)
{
    struct addr a = {0};
    socklen_t len = sizeof a;

    check_int(getsockname(fd, &a.sa, &len), 0);
    return a;
}

static int listen_at(uint32_t ip, struct addr *out)
{
    struct listen_options o = {.addr = addr_v4(ip, 0)};
    struct error err;
    int fd = socket_listen(&o, &err);

    check(fd >= 0);
    *out = local_of(fd);
    return fd;
}

/* Both ends of one TCP connection. */
static void tcp_pair(struct stream **client, struct stream **server)
{
    struct dial_options o = {0};
    struct addr a;
    int fd = listen_at(0x7f000001, &a);

    check_int(socket_connect(&a, &o, NEVER, client), 0);
    int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
    check(got >= 0);
    check_int(socket_stream(got, false, server), 0);
    check_int(close(fd), 0);
}

/* A listener whose queue is full drops what knocks: nobody answers there. */
struct silent {
    int fd;
    struct stream *filler[4];
};

static void be_silent(struct silent *s, uint32_t ip, uint16_t port)
{
    struct dial_options o = {0};
    struct addr a = addr_v4(ip, port);
    int on = 1;

    *s = (struct silent){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    check_int(setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    check_int(bind(s->fd, &a.sa, sizeof a.in), 0);
    check_int(listen(s->fd, 0), 0);
    for (int i = 0; i < 4; i++) {
        if (socket_connect(&a, &o, loop_now() + 5, &s->filler[i]) < 0)
            return;
    }
}

static void silent_done(struct silent *s)
{
    for (int i = 0; i < 4; i++)
        stream_close(s->filler[i]);
    check_int(close(s->fd), 0);
}

/* ---- streams ----------------------------------------------------------------------------- */

enum { PARTS = 100, PART = 9000 };

static void write_parts(void *arg)
{
    struct stream *s = arg;
    struct iovec iov[PARTS];
    uint8_t *bytes = mem_alloc((size_t)PARTS * PART);

    check(bytes != NULL);
    for (size_t i = 0; i < (size_t)PARTS * PART; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    for (size_t i = 0; i < PARTS; i++) /* some are empty */
        iov[i] = (struct iovec){.iov_base = bytes + i * PART, .iov_len = i % 5 ? PART : 0};
    check_int(stream_writev(s, iov, PARTS), 0);
    check_int(iov[1].iov_len, PART); /* the caller's own vector stays as it was */
    check_int(stream_writev(s, iov, 0), 0);
    check_int(stream_shutdown(s), 0);
    check_int(stream_shutdown(s), 0);
    mem_free(bytes);
}

static void body_writev(void)
{
    struct stream *c, *s;
    struct group g;
    uint8_t buf[5000];
    ssize_t n;
    size_t part = 1, at = 0, total = 0;
    int small = 5000;

    tcp_pair(&c, &s);
    check_int(setsockopt(socket_of(c)->watch.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "writer", write_parts, c), 0);
    while ((n = stream_read(s, buf, sizeof buf)) > 0) {
        for (ssize_t k = 0; k < n; k++) {
            size_t i = part * PART + at;
            check(buf[k] == (uint8_t)(i * 7 + (i >> 8)));
            if (++at == PART) {
                at = 0;
                part += part % 5 == 4 ? 2 : 1;
            }
        }
        total += (size_t)n;
    }
    check_int(n, 0);
    check_int(total, (PARTS - PARTS / 5) * PART);
    /* Half closed: the other way still works. */
    check_int(stream_write(s, "answer", 6), 0);
    check_int(stream_read_full(c, buf, 6), 0);
    check_int(stream_try_read(c, buf, 1), -EAGAIN);
    group_done(&g);
    stream_close(c);
    stream_close(s);
}

static void many_vectors_arrive_whole_through_a_small_socket(void **state)
{
    (void)state;
    on_worker(body_writev);
}

static void body_ends(void)
{
    struct stream *c, *s;
    char buf[16];

    tcp_pair(&c, &s);
    stream_set_deadline(c, loop_now() + 3);
    check_int(stream_read(c, buf, 1), -ETIMEDOUT);
    stream_set_deadline(c, NEVER);
    check_int(stream_write(s, "ab", 2), 0);
    stream_close(s);
    check_int(stream_read_full(c, buf, 3), -EPIPE); /* two bytes, then the end */
    check_int(stream_read(c, buf, 1), 0);
    stream_close(c);

    tcp_pair(&c, &s);
    check_int(stream_write(c, "unread", 6), 0);
    stream_abort(s);
    check_int(stream_read(c, buf, 1), -ECONNRESET);
    check_int(stream_write(c, "a", 1), -EPIPE);
    stream_close(c);
    stream_close(NULL);
    stream_abort(NULL);
}

static void ends_resets_and_deadlines_are_told_apart(void **state)
{
    (void)state;
    on_worker(body_ends);
}

static void body_write_deadline(void)
{
    struct stream *c, *s;
    char *much = mem_alloc(32 << 20);

    check(much != NULL);
    tcp_pair(&c, &s);
    stream_set_deadline(c, loop_now() + 10);
    check_int(stream_write(c, much, 32 << 20), -ETIMEDOUT);
    mem_free(much);
    stream_close(c);
    stream_close(s);
}

static void a_write_that_nobody_reads_ends_at_the_deadline(void **state)
{
    (void)state;
    on_worker(body_write_deadline);
}

static void body_replay(void)
{
    struct stream *end[2];
    char buf[16] = "";

    check_int(stream_pair(100, end), 0);
    check(stream_replay(end[1], "", 0) == end[1]);
    struct stream *r = stream_replay(end[1], "abc", 3);
    check(r && stream_bare(r) == r);
    check_int(stream_wait(r, NEVER), 0);
    check_int(stream_read(r, buf, 2), 2);
    check_int(stream_wait(r, NEVER), 0);
    check_int(stream_read(r, buf + 2, 10), 1);
    check(strcmp(buf, "abc") == 0);
    check(stream_bare(r) == end[1] && stream_bottom(r) == end[1]);
    check_int(stream_try_read(r, buf, 1), -EAGAIN);
    check_int(stream_write(end[0], "d", 1), 0);
    check_int(stream_read(r, buf, 1), 1);
    check_int(stream_write(r, "e", 1), 0);
    check_int(stream_shutdown(r), 0);
    check_int(stream_read(end[0], buf, 2), 1);
    check_int(stream_read(end[0], buf, 2), 0);
    stream_close(r);
    stream_close(end[0]);
}

static void replayed_bytes_come_first_and_then_the_layer_is_transparent(void **state)
{
    (void)state;
    on_worker(body_replay);
}

static void body_unix(void)
{
    char path[64];
    struct listen_options o = {.unix_path = path};
    struct stream *c[2] = {NULL};
    struct error err;
    char much[200];

    (void)snprintf(path, sizeof path, "/tmp/weir-test-%d", (int)getpid());
    int fd = socket_listen(&o, &err);
    check(fd >= 0);
    check_int(socket_listen(&o, &err), -EADDRINUSE);
    check_int(socket_connect_unix(path, NEVER, &c[0]), 0);
    struct addr none = stream_local_addr(c[0]);
    check(!addr_is_set(&none));
    stream_close(take(c[0]));
    /* With a full queue a caller waits, and not for ever. */
    check_int(listen(fd, 0), 0);
    (void)!socket_connect_unix(path, loop_now() + 1, &c[0]);
    check_int(socket_connect_unix(path, loop_now() + 15, &c[1]), -ETIMEDOUT);
    stream_close(c[0]);
    check_int(close(fd), 0);
    check_int(socket_connect_unix(path, NEVER, &c[0]), -ECONNREFUSED);
    /* What a dead process left behind is in nobody's way. */
    fd = socket_listen(&o, &err);
    check(fd >= 0);
    check_int(close(fd), 0);
    check_int(unlink(path), 0);
    check_int(socket_connect_unix(path, NEVER, &c[0]), -ENOENT);
    memset(much, 'a', sizeof much - 1);
    much[sizeof much - 1] = 0;
    check_int(socket_connect_unix(much, NEVER, &c[0]), -EINVAL);
    o.unix_path = much;
    check_int(socket_listen(&o, &err), -EINVAL);
    check(strstr(err.text, "longer than 107") != NULL);
}

static void unix_sockets_are_reached_by_path(void **state)
{
    (void)state;
    on_worker(body_unix);
}

/* ---- dialing ----------------------------------------------------------------------------- */

static int option(struct stream *s, int level, int name)
{
    int v = -1;
    socklen_t len = sizeof v;

    check_int(getsockopt(socket_of(s)->watch.fd, level, name, &v, &len), 0);
    return v;
}

static void body_options(void)
{
    struct dial_options o = {.bind_v4 = addr_v4(0x7f000005, 0), .keep_alive_ms = 42000,
                             .keep_alive_interval_ms = 7000, .tcp_fast_open = true, .bind_address_no_port = true,
                             .reuse_addr = true};
    struct stream *s;
    struct addr a;
    int fd = listen_at(0x7f000001, &a);

    o.mark = geteuid() == 0 ? 77 : 0;
    check_int(socket_connect(&a, &o, NEVER, &s), 0);
    struct addr local = stream_local_addr(s), peer = stream_peer_addr(s);
    check(addr_same_ip(&local, &o.bind_v4));
    check(!addr_is_set(&peer) || addr_eq(&peer, &a));
    check_int(option(s, SOL_SOCKET, SO_MARK), o.mark);
    check_int(option(s, SOL_SOCKET, SO_KEEPALIVE), 1);
    check_int(option(s, IPPROTO_TCP, TCP_KEEPIDLE), 42);
    check_int(option(s, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    check_int(option(s, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 1);
    check_int(option(s, IPPROTO_TCP, TCP_NODELAY), 1);
    stream_close(s);

    o = (struct dial_options){.no_keep_alive = true};
    check_int(socket_connect(&a, &o, NEVER, &s), 0);
    check_int(option(s, SOL_SOCKET, SO_KEEPALIVE), 0);
    stream_close(s);
    o = (struct dial_options){.keep_alive_ms = INT64_MAX, .keep_alive_interval_ms = INT64_MAX};
    check_int(socket_connect(&a, &o, NEVER, &s), 0);
    check_int(option(s, IPPROTO_TCP, TCP_KEEPIDLE), 32767);
    check_int(option(s, IPPROTO_TCP, TCP_KEEPINTVL), 32767);
    stream_close(s);
    o = (struct dial_options){.bind_v4 = addr_v4(0x08080808, 0)};
    check_int(socket_connect(&a, &o, NEVER, &s), -EADDRNOTAVAIL);
    o = (struct dial_options){.netns = "no-such-namespace"};
    check_int(socket_connect(&a, &o, NEVER, &s), -ENOENT);
    check_int(close(fd), 0);
}

static void dial_options_reach_the_socket(void **state)
{
    (void)state;
    on_worker(body_options);
}

/* Gives the addresses of `list` for every name. */
struct fixed {
    struct resolver resolver;
    struct addr_list list;
};

static int fixed_lookup(struct resolver *r, struct text name, enum ip_strategy strategy, struct addr_list *out,
                        struct error *err)
{
    (void)name;
    (void)strategy;
    (void)err;
    *out = container_of(r, struct fixed, resolver)->list;
    return 0;
}

static int dial(struct dial_options *o, const struct addr *list, unsigned n, uint16_t port, struct stream **out,
                struct error *err)
{
    static const struct resolver_ops ops = {.lookup = fixed_lookup};
    struct fixed f = {.resolver.ops = &ops, .list.count = n};
    struct dialer d = {.options = *o, .resolver = &f.resolver};
    struct dest dest;

    for (unsigned i = 0; i < n; i++)
        f.list.at[i] = list[i];
    check_int(dest_set_host(&dest, TEXT("host.test"), port), 0);
    return dialer_connect(&d, NULL, &dest, out, err);
}

static void body_refused(void)
{
    struct dial_options o = {.fallback_delay_ms = 5000};
    struct stream *s;
    struct error err;
    struct addr a;
    char text[ADDR_TEXT + 8];
    int fd = listen_at(0x7f000001, &a);
    int64_t before = loop_now();

    /* A refusal moves on at once. */
    struct addr list[] = {addr_v4(0x7f000002, 0), addr_v4(0x7f000003, 0), addr_v4(0x7f000001, 0)};
    check_int(dial(&o, list, 3, addr_port(&a), &s, &err), 0);
    struct addr peer = stream_peer_addr(s);
    check(addr_eq(&peer, &a));
    stream_close(s);
    check(loop_now() - before < 1000);

    check_int(dial(&o, list, 2, addr_port(&a), &s, &err), -ECONNREFUSED);
    (void)snprintf(text, sizeof text, "connect 127.0.0.2:%u", addr_port(&a));
    check(strstr(err.text, text) != NULL && strstr(err.text, "connection refused") != NULL);
    check_int(dial(&o, list, 0, 1, &s, &err), -EHOSTUNREACH);
    check_int(close(fd), 0);
}

static void refusals_move_on_and_the_first_is_named(void **state)
{
    (void)state;
    on_worker(body_refused);
}

static void body_silent(void)
{
    struct dial_options o = {.fallback_delay_ms = 10, .connect_timeout_ms = 2000};
    struct silent silent;
    struct stream *s;
    struct error err;
    struct addr a;
    int fd = listen_at(0x7f000001, &a);

    be_silent(&silent, 0x7f000002, addr_port(&a));
    int64_t before = loop_now();
    check_int(dial(&o, (struct addr[]){addr_v4(0x7f000002, 0), addr_v4(0x7f000001, 0)}, 2, addr_port(&a), &s, &err), 0);
    check(loop_now() - before >= 10 && loop_now() - before < 1000);
    struct addr peer = stream_peer_addr(s);
    check(addr_eq(&peer, &a));
    stream_close(s);
    /* Nobody at all: the timeout of the whole. */
    o.connect_timeout_ms = 20;
    before = loop_now();
    check_int(dial(&o, (struct addr[]){addr_v4(0x7f000002, 0)}, 1, addr_port(&a), &s, &err), -ETIMEDOUT);
    check_int(dial(&o, (struct addr[]){addr_v4(0x7f000002, 0), addr_v4(0x7f000002, 0)}, 2, addr_port(&a), &s, &err),
              -ETIMEDOUT);
    check(loop_now() - before < 1000);
    silent_done(&silent);
    check_int(close(fd), 0);
}

static void a_silent_address_is_overtaken_after_the_delay(void **state)
{
    (void)state;
    on_worker(body_silent);
}

struct dialing {
    uint16_t port;
    int result;
};

static void dial_silent(void *arg)
{
    struct dialing *d = arg;
    struct dial_options o = {.fallback_delay_ms = 3, .connect_timeout_ms = 5000};
    struct addr list[] = {addr_v4(0x7f000002, 0), addr_v4(0x7f000002, 0), addr_v4(0x7f000002, 0)};
    struct stream *s;
    struct error err;

    d->result = dial(&o, list, 3, d->port, &s, &err);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 300; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void body_cancelled_race(void)
{
    struct silent silent;
    struct group g;
    struct addr a;
    int fd = listen_at(0x7f000001, &a);
    struct dialing d = {.port = addr_port(&a)};

    be_silent(&silent, 0x7f000002, d.port);
    int before = open_descriptors();
    group_init(&g, co_group());
    check_int(co_spawn(&g, "dial", dial_silent, &d), 0);
    check_int(co_sleep(10), 0);
    check(open_descriptors() > before);
    group_done(&g);
    check_int(d.result, -ECANCELED);
    check_int(open_descriptors(), before);
    /* A group's deadline ends it as well, long before its own. */
    group_init(&g, co_group());
    group_set_deadline(&g, loop_now() + 8);
    check_int(co_spawn(&g, "dial", dial_silent, &d), 0);
    group_wait(&g);
    check_int(d.result, -ETIMEDOUT);
    check_int(open_descriptors(), before);
    group_done(&g);
    silent_done(&silent);
    check_int(close(fd), 0);
}

static void a_race_that_is_cancelled_or_late_leaves_nothing_behind(void **state)
{
    (void)state;
    on_worker(body_cancelled_race);
}

static void body_families(void)
{
    struct dial_options o = {.fallback_delay_ms = 15, .connect_timeout_ms = 3000};
    struct listen_options l = {0};
    struct silent silent;
    struct stream *s;
    struct error err;
    struct addr six, four, a;

    check_int(addr_parse(TEXT("::1"), 0, &six), 0);
    int fd = listen_at(0x7f000001, &four);
    l.addr = six;
    addr_set_port(&l.addr, addr_port(&four));
    int fd6 = socket_listen(&l, &err);
    if (fd6 < 0) { /* no IPv6 here */
        check_int(close(fd), 0);
        return;
    }
    be_silent(&silent, 0x7f000002, addr_port(&four));
    int64_t before = loop_now();
    /* 4, 4, 4, 4, 6 in the resolver's order: the second that is tried is the 6. */
    a = addr_v4(0x7f000002, 0);
    check_int(dial(&o, (struct addr[]){a, a, a, a, six}, 5, addr_port(&four), &s, &err), 0);
    check(loop_now() - before < 2 * o.fallback_delay_ms);
    struct addr peer = stream_peer_addr(s);
    check_int(addr_family(&peer), AF_INET6);
    stream_close(s);
    silent_done(&silent);
    check_int(close(fd), 0);
    check_int(close(fd6), 0);
}

static void families_take_turns(void **state)
{
    (void)state;
    on_worker(body_families);
}

/* ---- buffers and pipes ------------------------------------------------------------------- */

static char order[8];

static void borrow(void *arg)
{
    const char *name = arg;
    void *b = buffer_get(NEVER);

    if (!b)
        return;
    check(strlen(order) < sizeof order - 1);
    order[strlen(order)] = *name;
    (void)!co_sleep(1);
    buffer_put(b);
}

static void body_buffers(void)
{
    static char names[] = "abcd";
    struct group g, gone;
    void *b[2];

    memset(order, 0, sizeof order);
    buffers_set_limit(2 * BUFFER_SIZE);
    group_init(&g, co_group());
    group_init(&gone, co_group());
    for (int i = 0; i < 2; i++)
        check((b[i] = buffer_get(NEVER)) != NULL);
    check_int(co_spawn(&gone, "borrower", borrow, &names[3]), 0);
    for (int i = 0; i < 3; i++)
        check_int(co_spawn(&g, "borrower", borrow, &names[i]), 0);
    check_int(co_yield(), 0);
    group_done(&gone);
    check_int(buffers_in_use(), 2 * BUFFER_SIZE);
    /* Both come back before any of those that wait has run; nobody overtakes them. */
    buffer_put(b[0]);
    buffer_put(b[1]);
    check(buffer_try_get() == NULL);
    check_int(co_yield(), 0);
    check(strcmp(order, "ab") == 0);
    group_wait(&g);
    check(strcmp(order, "abc") == 0);
    check_int(buffers_in_use(), 0);
    /* A higher ceiling lets in those that wait. */
    buffers_set_limit(BUFFER_SIZE);
    check((b[0] = buffer_get(NEVER)) != NULL);
    check_int(co_spawn(&g, "borrower", borrow, &names[3]), 0);
    check_int(co_yield(), 0);
    buffers_set_limit(0);
    check_int(co_yield(), 0);
    check(strcmp(order, "abcd") == 0);
    buffer_put(b[0]);
    buffer_put(NULL);
    group_wait(&g);
    group_done(&g);
    check_int(buffers_in_use(), 0);
}

static void buffers_go_to_those_that_wait_in_their_order(void **state)
{
    (void)state;
    on_worker(body_buffers);
}

static void body_pipes(void)
{
    struct pipe *p[20];

    for (int i = 0; i < 20; i++) {
        p[i] = pipe_get();
        check(p[i] && p[i]->size >= 4096 && p[i]->queued == 0);
    }
    check_int(write(p[0]->in, "a", 1), 1);
    p[0]->queued = 1;
    int fd = p[0]->in;
    pipe_put(p[0]); /* not empty: nobody may get another flow's bytes */
    check_int(fcntl(fd, F_GETFD), -1);
    pipe_put(p[1]);
    check(pipe_get() == p[1]);
    for (int i = 1; i < 20; i++)
        pipe_put(p[i]);
    pipe_put(NULL);
}

static void a_pipe_with_bytes_in_it_is_never_used_again(void **state)
{
    (void)state;
    on_worker(body_pipes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_vectors_arrive_whole_through_a_small_socket),
        cmocka_unit_test(ends_resets_and_deadlines_are_told_apart),
        cmocka_unit_test(a_write_that_nobody_reads_ends_at_the_deadline),
        cmocka_unit_test(replayed_bytes_come_first_and_then_the_layer_is_transparent),
        cmocka_unit_test(unix_sockets_are_reached_by_path),
        cmocka_unit_test(dial_options_reach_the_socket),
        cmocka_unit_test(refusals_move_on_and_the_first_is_named),
        cmocka_unit_test(a_silent_address_is_overtaken_after_the_delay),
        cmocka_unit_test(a_race_that_is_cancelled_or_late_leaves_nothing_behind),
        cmocka_unit_test(families_take_turns),
        cmocka_unit_test(buffers_go_to_those_that_wait_in_their_order),
        cmocka_unit_test(a_pipe_with_bytes_in_it_is_never_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
