#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/open.h"

enum { BACKLOG = 4096, FAST_OPEN_QUEUE = 256 };

static void set(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static int bind_address(int fd, const struct listen_options *o, struct error *err)
{
    char text[ADDR_TEXT];

    if (addr_family(&o->addr) == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !addr_is_unspecified(&o->addr));
    if (o->transparent) {
        set(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
        if (addr_family(&o->addr) == AF_INET6)
            set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
    }
    if (bind(fd, &o->addr.sa, addr_len(&o->addr)) < 0)
        return error_errno(err, -errno, "listen on %s", addr_print(&o->addr, text));
    return 0;
}

static struct open_options common(const struct listen_options *o)
{
    return (struct open_options){.bind_interface = o->bind_interface, .netns = o->netns, .mark = o->mark,
                                 .mptcp = o->tcp_multi_path};
}

/* A socket file that a dead process left behind is in the way; one with a listener is not ours to remove. */
static void remove_stale(const struct sockaddr_un *sun)
{
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)sun, sizeof *sun) < 0 && errno == ECONNREFUSED &&
        stat(sun->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
        (void)unlink(sun->sun_path);
    (void)close(fd);
}

static int listen_unix(const char *path, struct error *err)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    if (!text_copy(text_of(path), sun.sun_path, sizeof sun.sun_path))
        return error_set(err, -EINVAL, "listen on %s: path is longer than %zu bytes", path, sizeof sun.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_errno(err, -errno, "socket");
    remove_stale(&sun);
    if (bind(fd, (struct sockaddr *)&sun, sizeof sun) < 0 || listen(fd, BACKLOG) < 0) {
        int r = error_errno(err, -errno, "listen on %s", path);
        (void)close(fd);
        return r;
    }
    return fd;
}

int socket_listen(const struct listen_options *o, struct error *err)
{
    struct open_options open = common(o);

    if (o->unix_path)
        return listen_unix(o->unix_path, err);
    int fd = open_socket(addr_family(&o->addr), SOCK_STREAM, &open, err);
    if (fd < 0)
        return fd;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    /* Accepted sockets inherit these: no system call for each of them. */
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    tcp_set_keep_alive(fd, o->no_keep_alive, o->keep_alive_ms, o->keep_alive_interval_ms);
    if (o->tcp_fast_open)
        set(fd, IPPROTO_TCP, TCP_FASTOPEN, FAST_OPEN_QUEUE);
    int r = bind_address(fd, o, err);
    if (r == 0 && listen(fd, BACKLOG) < 0)
        r = error_errno(err, -errno, "listen");
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}

int socket_bind_udp(const struct listen_options *o, struct error *err)
{
    struct open_options open = common(o);

    open.mptcp = false;
    int fd = open_socket(addr_family(&o->addr), SOCK_DGRAM, &open, err);
    if (fd < 0)
        return fd;
    set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    open_set_fragment(fd, addr_family(&o->addr), o->udp_fragment);
    int r = bind_address(fd, o, err);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}
