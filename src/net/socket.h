/* Streams and packet paths on sockets of the kernel, and the listeners. */
#ifndef WEIR_NET_SOCKET_H
#define WEIR_NET_SOCKET_H

#include "net/dialer.h"

/* The stream of a connected TCP or UNIX socket (STREAM_SOCKET). */
struct socket {
    struct stream stream;
    struct watch watch;
    bool was_shut; /* the write side */
};

/* Takes over a non-blocking descriptor, connected or connecting; closes it on failure. */
int socket_stream(int fd, bool is_connecting, struct stream **out) CHECKED;
static inline struct socket *socket_of(struct stream *s)
{
    return container_of(s, struct socket, stream);
}

struct listen_options {
    struct addr addr;
    const char *unix_path;   /* instead of addr */
    const char *bind_interface;
    const char *netns;
    uint32_t mark;
    bool reuse_addr;
    bool tcp_fast_open;
    bool tcp_multi_path;
    bool no_keep_alive;
    bool udp_fragment;
    bool transparent;        /* IP_TRANSPARENT, for tproxy */
    bool accept_proxy_protocol;
    int64_t keep_alive_ms;
    int64_t keep_alive_interval_ms;
};

/* A bound, listening, non-blocking TCP (or UNIX) descriptor with SO_REUSEPORT, or a negative code. Does not park. */
int socket_listen(const struct listen_options *o, struct error *err) CHECKED;
/* The same for UDP. */
int socket_bind_udp(const struct listen_options *o, struct error *err) CHECKED;
/* Connects one address; parks until done or `deadline`. */
int socket_connect(const struct addr *a, const struct dial_options *o, int64_t deadline, struct stream **out) CHECKED;
int socket_connect_unix(const char *path, int64_t deadline, struct stream **out) CHECKED;
/* The packet path of a UDP descriptor, with GRO and GSO where the kernel has them. Takes it over. */
int socket_packet(int fd, const struct addr *connected, struct packet **out) CHECKED;
/* Local address of a socket stream; not set if it has none. */
struct addr stream_local_addr(struct stream *s);
struct addr stream_peer_addr(struct stream *s);
void tcp_set_keep_alive(int fd, bool off, int64_t idle_ms, int64_t interval_ms);

#endif
