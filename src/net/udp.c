/* The packet path of a UDP socket. */
#include <errno.h>
#include <netinet/udp.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/open.h"
#include "net/proxy.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    SOCKET_BUFFER = 1 << 20,   /* asked for; the kernel may give less */
    GSO_BYTES = 65535 - 48,    /* of one send: IP's length field less the headers */
    GSO_SEGMENTS = 64,         /* UDP_MAX_SEGMENTS of Linux before 6.x */
    SCRATCH = 65536,
};

struct udp {
    struct packet packet;
    struct watch watch;
    struct addr peer;    /* set: connected */
    int family;
    bool no_gso;
};

static struct udp *udp_of(struct packet *p)
{
    return container_of(p, struct udp, packet);
}

static uint8_t *scratch(void)
{
    struct loop_local *local = loop_local(LOOP_SCRATCH);

    if (!local->value)
        *local = (struct loop_local){.value = mem_alloc(SCRATCH), .free = mem_free};
    return local->value;
}

/* ---- receiving --------------------------------------------------------------------------- */

/* The size of the segments that GRO put together, or the whole. */
static size_t segment_size(struct msghdr *m, size_t whole)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            return size > 0 ? min_of((size_t)size, whole) : whole;
        }
    }
    return whole;
}

static struct dest peer_of(const struct udp *u, const struct sockaddr_storage *from)
{
    struct addr a = u->peer;

    if (from->ss_family == AF_INET)
        memcpy(&a.in, from, sizeof a.in);
    else if (from->ss_family == AF_INET6)
        memcpy(&a.in6, from, sizeof a.in6);
    return dest_of_addr(&a);
}

/* Cuts what one call brought into datagrams. False when the batch is full. */
static bool split(struct batch *b, const uint8_t *p, size_t len, size_t size, const struct dest *peer)
{
    do {
        size_t part = min_of(len, size);
        uint8_t *room = batch_room(b, part);
        if (!room)
            return false; /* as if the socket's own queue had been full */
        memcpy(room, p, part);
        b->at[b->count].ptr = room;
        b->at[b->count].len = part;
        b->at[b->count].peer = *peer;
        b->count++;
        p += part;
        len -= part;
    } while (len);
    return true;
}

static ssize_t receive_one(struct udp *u, uint8_t *buf, struct sockaddr_storage *from, size_t *size)
{
    char control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {.iov_base = buf, .iov_len = SCRATCH};
    struct msghdr m = {.msg_name = from, .msg_namelen = sizeof *from, .msg_iov = &iov, .msg_iovlen = 1,
                       .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n;

    do
        n = recvmsg(u->watch.fd, &m, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *size = segment_size(&m, (size_t)n);
    return n;
}

static int udp_receive(struct packet *p, struct batch *b)
{
    struct udp *u = udp_of(p);
    uint8_t *buf = scratch();
    int failure = 0;

    b->count = 0;
    b->used = 0;
    if (!buf)
        return -ENOMEM;
    /* A GRO packet brings at most as many segments as a batch holds. */
    while (u->watch.may_read && (b->count == 0 || b->count + GSO_SEGMENTS <= BATCH_MAX)) {
        struct sockaddr_storage from = {0};
        size_t size = 0;
        ssize_t n = receive_one(u, buf, &from, &size);
        if (n < 0) {
            if (n == -EAGAIN)
                u->watch.may_read = false;
            failure = (int)n;
            break;
        }
        struct dest peer = peer_of(u, &from);
        if (!split(b, buf, (size_t)n, size, &peer))
            break;
    }
    return b->count ? (int)b->count : failure ? failure : -EAGAIN;
}

/* ---- sending ----------------------------------------------------------------------------- */

struct send_call {
    struct mmsghdr message[BATCH_MAX];
    struct iovec iov[BATCH_MAX];
    struct sockaddr_in6 name[BATCH_MAX];
    char control[BATCH_MAX][CMSG_SPACE(sizeof(uint16_t))];
};

static socklen_t fill_name(const struct udp *u, const struct dest *peer, struct sockaddr_in6 *out)
{
    struct addr a = dest_addr(peer);

    if (u->family == AF_INET6 && addr_family(&a) == AF_INET) {
        *out = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = a.in.sin_port};
        out->sin6_addr.s6_addr[10] = out->sin6_addr.s6_addr[11] = 0xff;
        memcpy(&out->sin6_addr.s6_addr[12], &a.in.sin_addr, 4);
        return sizeof *out;
    }
    memcpy(out, &a.sa, addr_len(&a));
    return addr_len(&a);
}

static bool can_reach(const struct udp *u, const struct dest *peer)
{
    return !dest_is_name(peer) && (u->family == AF_INET6 || addr_family(&peer->ip) == AF_INET);
}

/* How many datagrams from `first` on form one GSO send: equal sizes, the last may be shorter. */
static unsigned run_length(const struct udp *u, const struct batch *b, unsigned first)
{
    size_t size = b->at[first].len, total = size;
    unsigned n = 1;

    if (u->no_gso || size == 0)
        return 1;
    while (first + n < b->count && n < GSO_SEGMENTS) {
        const struct datagram *d = &b->at[first + n];
        if (d->len > size || d->len == 0 || total + d->len > GSO_BYTES ||
            (!addr_is_set(&u->peer) && !dest_eq(&d->peer, &b->at[first].peer)))
            break;
        total += d->len;
        n++;
        if (d->len < size)
            break;
    }
    return n;
}

static void fill_message(const struct udp *u, struct send_call *c, unsigned index, const struct batch *b,
                         unsigned first, unsigned n)
{
    struct msghdr *m = &c->message[index].msg_hdr;

    *m = (struct msghdr){.msg_iov = &c->iov[first], .msg_iovlen = n};
    for (unsigned i = first; i < first + n; i++)
        c->iov[i] = (struct iovec){.iov_base = b->at[i].ptr, .iov_len = b->at[i].len};
    if (!addr_is_set(&u->peer)) {
        m->msg_namelen = fill_name(u, &b->at[first].peer, &c->name[index]);
        m->msg_name = &c->name[index];
    }
    if (n > 1) {
        uint16_t size = (uint16_t)b->at[first].len;
        m->msg_control = c->control[index];
        m->msg_controllen = sizeof c->control[index];
        struct cmsghdr *h = CMSG_FIRSTHDR(m);
        *h = (struct cmsghdr){.cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof size)};
        memcpy(CMSG_DATA(h), &size, sizeof size);
    }
}

/* A run that the device or the kernel does not segment: each datagram by itself. */
static void send_singly(const struct udp *u, struct msghdr *run)
{
    for (size_t i = 0; i < run->msg_iovlen; i++) {
        struct msghdr one = {.msg_name = run->msg_name, .msg_namelen = run->msg_namelen,
                             .msg_iov = &run->msg_iov[i], .msg_iovlen = 1};
        (void)sendmsg(u->watch.fd, &one, MSG_NOSIGNAL);
    }
}

/* Sends the messages; one that fails is skipped, as a network would lose it. */
static void send_all(struct udp *u, struct send_call *c, unsigned count)
{
    unsigned at = 0;

    while (at < count) {
        int n = sendmmsg(u->watch.fd, c->message + at, count - at, MSG_NOSIGNAL);
        if (n > 0) {
            at += (unsigned)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0 && c->message[at].msg_hdr.msg_iovlen > 1 && (errno == EIO || errno == EINVAL || errno == EMSGSIZE)) {
            u->no_gso |= errno == EIO;
            send_singly(u, &c->message[at].msg_hdr);
        }
        at++;
    }
}

static int udp_send(struct packet *p, struct batch *b)
{
    struct udp *u = udp_of(p);
    OWNED struct send_call *c = mem_alloc(sizeof *c);
    unsigned messages = 0;

    if (!c)
        return -ENOMEM;
    for (unsigned i = 0; i < b->count;) {
        if (!addr_is_set(&u->peer) && !can_reach(u, &b->at[i].peer)) {
            i++;
            continue;
        }
        unsigned n = run_length(u, b, i);
        fill_message(u, c, messages++, b, i, n);
        i += n;
    }
    send_all(u, c, messages);
    return 0;
}

/* ---- life -------------------------------------------------------------------------------- */

static void udp_close(struct packet *p)
{
    struct udp *u = udp_of(p);

    /* A listener's descriptor is a copy: closing it alone would leave it in epoll. */
    (void)close(watch_release(&u->watch));
    mem_free(u);
}

static struct event *udp_readable(struct packet *p)
{
    return &udp_of(p)->watch.readable;
}

int socket_packet(int fd, const struct addr *connected, struct packet **out)
{
    static const struct packet_ops ops = {
        .name = "udp",
        .receive = udp_receive,
        .send = udp_send,
        .close = udp_close,
        .readable = udp_readable,
    };
    struct udp *u = mem_new(struct udp);
    socklen_t len = sizeof(int);
    int on = 1, size = SOCKET_BUFFER;

    int r = u ? watch_init(&u->watch, fd, WATCH_READ) : -ENOMEM;
    if (r < 0) {
        (void)close(fd);
        mem_free(u);
        return r;
    }
    u->packet.ops = &ops;
    if (connected)
        u->peer = *connected;
    u->family = AF_INET;
    (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &u->family, &len);
    (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    *out = &u->packet;
    return 0;
}
