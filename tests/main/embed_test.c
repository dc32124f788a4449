#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir.h"

/* ---- an echo server, and a client of SOCKS5, on blocking sockets ------------------------- */

static int listen_anywhere(uint16_t *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    *port = ntohs(sa.sin_port);
    return fd;
}

static void *echo_once(void *arg)
{
    int client = accept(*(int *)arg, NULL, NULL);
    char buf[256];
    ssize_t n;

    while ((n = read(client, buf, sizeof buf)) > 0)
        (void)!write(client, buf, (size_t)n);
    close(client);
    return NULL;
}

static void read_exactly(int fd, void *out, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t got = read(fd, (char *)out + at, n - at);
        assert_true(got > 0);
        at += (size_t)got;
    }
}

static int connect_to(int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Through the proxy to the echo server; returns the reply code, or the descriptor in *out when that is 0. */
static int socks_connect(int proxy_port, uint16_t port, int *out)
{
    uint8_t request[] = {5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(port >> 8), (uint8_t)port}, answer[10];
    int fd = connect_to(proxy_port);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "\5\1\0", 3), 3);
    read_exactly(fd, answer, 2);
    assert_int_equal(write(fd, request, sizeof request), sizeof request);
    read_exactly(fd, answer, sizeof answer);
    if (answer[1] != 0)
        close(fd);
    else
        *out = fd;
    return answer[1];
}

static void say_and_hear(int fd, const char *words)
{
    char buf[64];

    assert_int_equal(write(fd, words, strlen(words)), strlen(words));
    read_exactly(fd, buf, strlen(words));
    assert_memory_equal(buf, words, strlen(words));
}

static const char open_config[] =
    "{\"inbounds\": [{\"type\": \"socks\", \"tag\": \"in\", \"listen\": \"127.0.0.1\", \"listen_port\": 0}]}";
static const char closed_config[] =
    "{\"inbounds\": [{\"type\": \"socks\", \"tag\": \"in\", \"listen\": \"127.0.0.1\", \"listen_port\": 0}],"
    " \"route\": {\"rules\": [{\"network\": \"tcp\", \"action\": \"reject\"}]}}";

static struct weir *start(const char *config)
{
    struct weir *w = weir_new(&(struct weir_settings){.config = config, .workers = 2});

    assert_non_null(w);
    int r = weir_start(w);
    if (r < 0)
        fail_msg("%d: %s", r, weir_message(w));
    return w;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void two_instances_live_side_by_side(void **state)
{
    struct weir *open = start(open_config), *closed = start(closed_config);
    struct weir_counters counters;
    uint16_t port;
    int listener = listen_anywhere(&port), fd = -1;
    pthread_t echo;

    (void)state;
    assert_int_equal(pthread_create(&echo, NULL, echo_once, &listener), 0);
    assert_true(weir_port(open, "in") > 0);
    assert_true(weir_port(open, "in") != weir_port(closed, "in"));
    assert_int_equal(weir_port(open, "nobody"), -ENOENT);
    assert_int_equal(socks_connect(weir_port(closed, "in"), port, &fd), 2);
    assert_int_equal(socks_connect(weir_port(open, "in"), port, &fd), 0);
    weir_free(closed);
    say_and_hear(fd, "still here");
    close(fd);
    pthread_join(echo, NULL);
    assert_int_equal(weir_stop(open, 5000), 0);
    weir_get_counters(open, &counters);
    assert_int_equal(counters.sessions_total, 1);
    assert_int_equal(counters.bytes_up, 10);
    assert_int_equal(counters.bytes_down, 10);
    weir_free(open);
    close(listener);
}

static void a_reload_keeps_port_and_sessions(void **state)
{
    struct weir *w = start(open_config);
    struct weir_counters counters;
    uint16_t port;
    int listener = listen_anywhere(&port), fd = -1, other = -1;
    int before = weir_port(w, "in");
    pthread_t echo;

    (void)state;
    assert_int_equal(pthread_create(&echo, NULL, echo_once, &listener), 0);
    assert_int_equal(socks_connect(before, port, &fd), 0);
    say_and_hear(fd, "before");
    assert_int_equal(weir_reload(w, closed_config), 0);
    assert_int_equal(weir_port(w, "in"), before);
    say_and_hear(fd, "after");
    assert_int_equal(socks_connect(before, port, &other), 2);
    /* What runs in the old configuration counts. */
    weir_get_counters(w, &counters);
    assert_in_range(counters.sessions_active, 1, 2); /* the refused one is answered before it ends */
    assert_int_equal(counters.sessions_total, 2);
    close(fd);
    pthread_join(echo, NULL);
    weir_free(w);
    close(listener);
}

static void a_failed_reload_changes_nothing(void **state)
{
    struct weir *w = start(open_config);
    uint16_t port;
    int listener = listen_anywhere(&port), fd = -1;
    int before = weir_port(w, "in");
    char taken[256];
    pthread_t echo;

    (void)state;
    assert_true(weir_reload(w, "{\"inbounds\": [{\"type\": \"nonsense\"}]}") < 0);
    assert_non_null(strstr(weir_message(w), "config:1:"));
    /* A port that somebody holds. */
    (void)snprintf(taken, sizeof taken,
                   "{\"inbounds\": [{\"type\": \"socks\", \"listen\": \"127.0.0.1\", \"listen_port\": %u}]}", port);
    assert_true(weir_reload(w, taken) < 0);
    assert_non_null(strstr(weir_message(w), "already in use"));
    assert_int_equal(weir_port(w, "in"), before);
    assert_int_equal(pthread_create(&echo, NULL, echo_once, &listener), 0);
    assert_int_equal(socks_connect(before, port, &fd), 0);
    say_and_hear(fd, "as before");
    close(fd);
    pthread_join(echo, NULL);
    weir_free(w);
    close(listener);
}

static void stopping_cuts_what_does_not_end(void **state)
{
    struct weir *w = start(open_config);
    uint16_t port;
    int listener = listen_anywhere(&port), fd = -1;
    char c;
    pthread_t echo;

    (void)state;
    assert_int_equal(pthread_create(&echo, NULL, echo_once, &listener), 0);
    assert_int_equal(socks_connect(weir_port(w, "in"), port, &fd), 0);
    assert_int_equal(weir_stop(w, 30), 1);
    assert_true(read(fd, &c, 1) <= 0);
    close(fd);
    pthread_join(echo, NULL);
    /* A stopped instance starts again. */
    assert_int_equal(weir_start(w), 0);
    assert_true(weir_port(w, "in") > 0);
    weir_free(w);
    close(listener);
}

static void calls_out_of_order_are_refused(void **state)
{
    struct weir *w = weir_new(&(struct weir_settings){0});

    (void)state;
    assert_int_equal(weir_reload(w, open_config), -ENOTCONN);
    assert_int_equal(weir_start(w), -EINVAL);
    assert_non_null(strstr(weir_message(w), "no configuration"));
    assert_int_equal(weir_stop(w, 0), 0);
    weir_free(w);
    weir_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_instances_live_side_by_side),
        cmocka_unit_test(a_reload_keeps_port_and_sessions),
        cmocka_unit_test(a_failed_reload_changes_nothing),
        cmocka_unit_test(stopping_cuts_what_does_not_end),
        cmocka_unit_test(calls_out_of_order_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
