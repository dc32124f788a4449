/*
 * How an outbound reaches its server: options of the socket, name resolution, happy eyeballs,
 * or another outbound to go through (detour).
 */
#ifndef WEIR_NET_DIALER_H
#define WEIR_NET_DIALER_H

#include "net/packet.h"
#include "net/resolver.h"
#include "net/stream.h"

struct outbound;
struct session;

/* Filled from the dial fields of both dialects; zeroed means the defaults. Texts end in a zero byte or are NULL. */
struct dial_options {
    const char *bind_interface;
    struct addr bind_v4;     /* inet4_bind_address */
    struct addr bind_v6;
    const char *netns;       /* name below /run/netns, or a path */
    uint32_t mark;           /* SO_MARK; 0 = none */
    bool reuse_addr;
    bool bind_address_no_port;
    bool tcp_fast_open;
    bool tcp_multi_path;
    bool no_keep_alive;
    bool udp_fragment;       /* let IP fragment UDP (clears DF) */
    int64_t keep_alive_ms;          /* 0: 5 minutes */
    int64_t keep_alive_interval_ms; /* 0: 75 s */
    int64_t connect_timeout_ms;     /* 0: 5 s */
    int64_t fallback_delay_ms;      /* happy eyeballs; 0: 300 ms (RFC 8305 says 250) */
    enum ip_strategy strategy;
    int proxy_protocol;      /* version of the PROXY header to send first; 0 = none */
};

struct dialer {
    struct dial_options options;
    struct resolver *resolver;
    struct outbound *detour; /* NULL: the kernel's network */
};

/*
 * Connects to `dest`. `s` is the flow on whose behalf it dials (may be NULL). Names are resolved here
 * unless a detour takes them. May park. On failure `err` names the address or names tried.
 */
int dialer_connect(struct dialer *d, struct session *s, const struct dest *dest, struct stream **out,
                   struct error *err) CHECKED;
/*
 * A packet path to exchange datagrams. With `server`, a path to that one destination (which is resolved once); datagram
 * peers are then ignored on sending. Without, an unconnected socket (full cone) that sends to each datagram's peer;
 * names are resolved. May park.
 */
int dialer_packet(struct dialer *d, struct session *s, const struct dest *server, struct packet **out,
                  struct error *err) CHECKED;

#endif
