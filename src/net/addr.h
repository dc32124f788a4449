/* An IP address with a port, or the path of a UNIX socket. */
#ifndef WEIR_NET_ADDR_H
#define WEIR_NET_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <string.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/text.h"

/* Room for "[v6%scope]:port" and its zero byte. */
enum { ADDR_TEXT = 80 };

struct addr {
    union {
        struct sockaddr sa; /* sa_family AF_UNSPEC: no address */
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
};

struct addr addr_v4(uint32_t host_order, uint16_t port);
/* 4 or 16 bytes in network order. */
struct addr addr_from_bytes(const void *ip, size_t n, uint16_t port);
/* Reads a literal without port: "192.0.2.1", "2001:db8::1", "fe80::1%eth0". 0 or -EINVAL. */
int addr_parse(struct text t, uint16_t port, struct addr *out) CHECKED;

static inline int addr_family(const struct addr *a)
{
    return a->sa.sa_family;
}
static inline bool addr_is_set(const struct addr *a)
{
    return a->sa.sa_family != AF_UNSPEC;
}
socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
/* The IP in network order: 4 or 16 bytes; empty for other families. */
struct bytes addr_ip(const struct addr *a);
/* ::ffff:a.b.c.d becomes a.b.c.d; anything else stays. */
struct addr addr_unmap(struct addr a);
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_same_ip(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);
bool addr_is_unspecified(const struct addr *a);
/* Not reachable from the public internet: RFC 1918, 4193, 6598, loopback, link-local ... */
bool addr_is_private(const struct addr *a);
bool addr_is_multicast(const struct addr *a);

/* "192.0.2.1:80", "[2001:db8::1]:80"; returns `out`, which takes ADDR_TEXT bytes. */
const char *addr_print(const struct addr *a, char *out);
const char *addr_print_ip(const struct addr *a, char *out);

/* A prefix such as 10.0.0.0/8. */
struct cidr {
    struct addr base;
    uint8_t bits;
};
/* "10.0.0.0/8", or a plain address as a full-length prefix. Host bits are ignored. */
int cidr_parse(struct text t, struct cidr *out) CHECKED;
bool cidr_has(const struct cidr *c, const struct addr *a);

#endif
