/* The stream of a connected socket. */
#include "net/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/mem.h"

enum { IOV_PER_CALL = 16 };

static ssize_t socket_read(struct stream *s, void *buf, size_t n)
{
    struct watch *w = &socket_of(s)->watch;
    ssize_t got;

    if (!w->may_read)
        return -EAGAIN;
    do
        got = recv(w->fd, buf, n, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        if (errno == EAGAIN)
            w->may_read = false;
        return -errno;
    }
    if ((size_t)got < n)
        watch_drained(w);
    return got;
}

/* Moves *iov and *count past n bytes that were sent. */
static void advance(struct iovec *iov, int *first, int count, size_t n)
{
    while (*first < count && n >= iov[*first].iov_len)
        n -= iov[(*first)++].iov_len;
    if (n) {
        iov[*first].iov_base = (char *)iov[*first].iov_base + n;
        iov[*first].iov_len -= n;
    }
}

static int send_part(struct socket *s, struct iovec *iov, int count)
{
    int first = 0;

    while (first < count) {
        struct msghdr m = {.msg_iov = iov + first, .msg_iovlen = (size_t)(count - first)};
        ssize_t n = sendmsg(s->watch.fd, &m, MSG_NOSIGNAL);
        if (n >= 0) {
            advance(iov, &first, count, (size_t)n);
            continue;
        }
        if (errno == EINTR)
            continue;
        /* EINPROGRESS: TCP Fast Open without a cookie is still connecting. */
        if (errno != EAGAIN && errno != EINPROGRESS)
            return -errno;
        int r = watch_writable(&s->watch, s->stream.deadline, "write");
        if (r < 0)
            return r;
    }
    return 0;
}

static int socket_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct iovec part[IOV_PER_CALL];

    for (int at = 0; at < count; at += IOV_PER_CALL) {
        int n = min_of(count - at, (int)IOV_PER_CALL);
        memcpy(part, iov + at, (size_t)n * sizeof *iov);
        int r = send_part(socket_of(s), part, n);
        if (r < 0)
            return r;
    }
    return 0;
}

static int socket_shutdown(struct stream *s)
{
    struct socket *sock = socket_of(s);

    if (sock->was_shut)
        return 0;
    sock->was_shut = true;
    return shutdown(sock->watch.fd, SHUT_WR) < 0 && errno != ENOTCONN ? -errno : 0;
}

static void socket_close(struct stream *s)
{
    struct socket *sock = socket_of(s);

    watch_close(&sock->watch);
    mem_free(sock);
}

static struct event *socket_readable(struct stream *s)
{
    return &socket_of(s)->watch.readable;
}

int socket_stream(int fd, bool is_connecting, struct stream **out)
{
    static const struct stream_ops ops = {
        .name = "tcp",
        .read = socket_read,
        .writev = socket_writev,
        .shutdown = socket_shutdown,
        .close = socket_close,
        .readable = socket_readable,
    };
    struct socket *s = mem_new(struct socket);
    int r = s ? watch_init(&s->watch, fd, is_connecting ? WATCH_BOTH : WATCH_READ) : -ENOMEM;

    if (r < 0) {
        (void)close(fd);
        mem_free(s);
        return r;
    }
    stream_init(&s->stream, &ops, NULL);
    s->stream.flags = STREAM_SOCKET;
    *out = &s->stream;
    return 0;
}

static struct addr ask(struct stream *s, int (*fn)(int, struct sockaddr *, socklen_t *))
{
    struct stream *bottom = stream_bottom(s);
    struct addr a = {0};
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;

    if (!(bottom->flags & STREAM_SOCKET) || fn(socket_of(bottom)->watch.fd, (struct sockaddr *)&ss, &len) < 0)
        return a;
    if (ss.ss_family == AF_INET)
        memcpy(&a.in, &ss, sizeof a.in);
    else if (ss.ss_family == AF_INET6)
        memcpy(&a.in6, &ss, sizeof a.in6);
    return addr_unmap(a);
}

struct addr stream_local_addr(struct stream *s)
{
    return ask(s, getsockname);
}

struct addr stream_peer_addr(struct stream *s)
{
    return ask(s, getpeername);
}

void tcp_set_keep_alive(int fd, bool off, int64_t idle_ms, int64_t interval_ms)
{
    int on = !off;
    /* The kernel refuses more than this, and would then keep its two hours. */
    const int64_t most = 32767;
    int idle = (int)min_of((idle_ms ? idle_ms : 300000) / 1000, most), interval = (int)min_of(interval_ms / 1000, most);

    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (off)
        return;
    idle = max_of(idle, 1);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    if (!interval_ms)
        return; /* the kernel's own is 75 s, as sing-box's: a system call less for each connection */
    interval = max_of(interval, 1);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
}
