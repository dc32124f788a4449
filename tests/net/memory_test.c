/* What net does when an allocation fails: an error, nothing leaked, the descriptor closed. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/packet.h"
#include "net/proxy_protocol.h"
#include "net/socket.h"
#include "worker.h"

#ifdef WEIR_FAILING_ALLOC

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 100; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* As torture() of torture.h, but with check(): this runs on a coroutine. A body that fails or ends must leave as many descriptors as there were. */
static void everywhere(int (*body)(void))
{
    int r = -ENOMEM;

    (void)body(); /* what a worker keeps is made once */
    int before = open_descriptors();
    for (long n = 1; r < 0; n++) {
        check(n < 100);
        mem_fail_at(n);
        r = body();
        bool has_failed = mem_has_failed();
        mem_fail_at(0);
        check(r < 0 || !has_failed);
        check(r >= 0 || r == -ENOMEM);
        check_int(open_descriptors(), before);
    }
}

static int replayed(void)
{
    struct stream *end[2];
    struct addr source, dest;
    struct error err;
    char c;

    int r = stream_pair(64, end);
    if (r < 0)
        return r;
    r = stream_write(end[0], "PROXY UNKNOWN\r\nx", 16);
    if (r == 0)
        r = proxy_header_accept(&end[1], &source, &dest, &err);
    if (r == 0) {
        check_int(stream_read(end[1], &c, 1), 1);
        check(c == 'x');
    }
    stream_close(end[0]);
    stream_close(end[1]);
    return r;
}

static int connected(void)
{
    struct listen_options l = {.addr = addr_v4(0x7f000001, 0)};
    struct dialer d = {.options.fallback_delay_ms = 10};
    struct stream *s = NULL;
    struct error err;
    struct addr a = {0};
    socklen_t len = sizeof a;
    int fd = socket_listen(&l, &err);

    check(fd >= 0);
    check_int(getsockname(fd, &a.sa, &len), 0);
    struct dest dest = dest_of_addr(&a);
    int r = dialer_connect(&d, NULL, &dest, &s, &err);
    stream_close(s);
    check_int(close(fd), 0);
    return r;
}

static int packets(void)
{
    struct dialer d = {0};
    struct packet *p = NULL;
    struct error err;
    int r = dialer_packet(&d, NULL, NULL, &p, &err);
    struct batch *b = r == 0 ? batch_get() : NULL;

    if (b) {
        struct addr to = addr_v4(0x7f000001, 9);
        uint8_t *room = batch_room(b, 4);
        check(room != NULL);
        memset(room, 0, 4);
        b->at[0] = (struct datagram){.ptr = room, .len = 4, .peer = dest_of_addr(&to)};
        b->count = 1;
        r = packet_send(p, b);
    }
    batch_put(b);
    packet_close(p);
    return r;
}

static void body(void)
{
    everywhere(replayed);
    everywhere(connected);
    everywhere(packets);
}

static void without_memory_there_is_an_error_and_nothing_stays(void **state)
{
    (void)state;
    on_worker(body);
}

#else

static void without_memory_there_is_an_error_and_nothing_stays(void **state)
{
    (void)state;
    skip();
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_there_is_an_error_and_nothing_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
