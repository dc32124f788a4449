#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "net/open.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { UNIX_RETRY_MS = 10 };

static void set(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static int bind_source(int fd, int family, const struct dial_options *o)
{
    const struct addr *a = family == AF_INET6 ? &o->bind_v6 : &o->bind_v4;

    if (!addr_is_set(a))
        return 0;
    if (o->bind_address_no_port)
        set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (o->reuse_addr)
        set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return bind(fd, &a->sa, addr_len(a)) < 0 ? -errno : 0;
}

static int make_socket(int family, const struct dial_options *o)
{
    struct open_options open = {.bind_interface = o->bind_interface, .netns = o->netns, .mark = o->mark,
                                .mptcp = o->tcp_multi_path};
    int fd = open_socket(family, SOCK_STREAM, &open, NULL);

    if (fd < 0)
        return fd;
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    tcp_set_keep_alive(fd, o->no_keep_alive, o->keep_alive_ms, o->keep_alive_interval_ms);
    if (o->tcp_fast_open)
        set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
    int r = bind_source(fd, family, o);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}

/* Parks until the connection stands or failed. */
static int await(struct stream *s, int64_t deadline)
{
    struct watch *w = &socket_of(s)->watch;
    int r = watch_writable(w, deadline, "connect");

    if (r < 0)
        return r;
    if (!w->has_hup)
        return 0;
    int code = 0;
    socklen_t len = sizeof code;
    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
        code = errno;
    return -code;
}

static int connect_fd(int fd, const struct sockaddr *sa, socklen_t len, int64_t deadline, struct stream **out)
{
    struct stream *s;
    int done = connect(fd, sa, len);

    if (done < 0 && errno != EINPROGRESS) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    int r = socket_stream(fd, done < 0, &s);
    if (r < 0)
        return r;
    if (done < 0)
        r = await(s, deadline);
    if (r < 0) {
        stream_close(s);
        return r;
    }
    *out = s;
    return 0;
}

int socket_connect(const struct addr *a, const struct dial_options *o, int64_t deadline, struct stream **out)
{
    int fd = make_socket(addr_family(a), o);

    return fd < 0 ? fd : connect_fd(fd, &a->sa, addr_len(a), deadline, out);
}

int socket_connect_unix(const char *path, int64_t deadline, struct stream **out)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    if (!text_copy(text_of(path), sun.sun_path, sizeof sun.sun_path))
        return -EINVAL;
    /* While the listener's queue is full the kernel says EAGAIN, and no event tells when that ends. */
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int r = fd < 0 ? -errno : connect_fd(fd, (struct sockaddr *)&sun, sizeof sun, deadline, out);
        if (r != -EAGAIN)
            return r;
        r = loop_now() >= deadline ? -ETIMEDOUT : co_sleep(UNIX_RETRY_MS);
        if (r < 0)
            return r;
    }
}
