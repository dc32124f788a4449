#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

struct addr addr_v4(uint32_t host_order, uint16_t port)
{
    return (struct addr){.in = {.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(host_order)}};
}

struct addr addr_from_bytes(const void *ip, size_t n, uint16_t port)
{
    struct addr a = {0};

    if (n == 4) {
        a.in.sin_family = AF_INET;
        a.in.sin_port = htons(port);
        memcpy(&a.in.sin_addr, ip, 4);
    } else if (n == 16) {
        a.in6.sin6_family = AF_INET6;
        a.in6.sin6_port = htons(port);
        memcpy(&a.in6.sin6_addr, ip, 16);
    }
    return a;
}

int addr_parse(struct text t, uint16_t port, struct addr *out)
{
    char buf[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE];
    uint8_t ip[16];

    if (t.len >= sizeof buf || !text_copy(t, buf, sizeof buf) || strlen(buf) != t.len)
        return -EINVAL;
    if (inet_pton(AF_INET, buf, ip) == 1) {
        *out = addr_from_bytes(ip, 4, port);
        return 0;
    }
    char *scope = strchr(buf, '%');
    if (scope)
        *scope++ = 0;
    if (inet_pton(AF_INET6, buf, ip) != 1)
        return -EINVAL;
    struct addr a = addr_from_bytes(ip, 16, port);
    if (scope) {
        uint64_t index = if_nametoindex(scope);
        if (index == 0 && (text_to_u64(text_of(scope), &index) < 0 || index > UINT32_MAX))
            return -EINVAL;
        a.in6.sin6_scope_id = (uint32_t)index;
    }
    *out = a;
    return 0;
}

socklen_t addr_len(const struct addr *a)
{
    return addr_family(a) == AF_INET6 ? sizeof a->in6 : sizeof a->in;
}

uint16_t addr_port(const struct addr *a)
{
    /* The port lies at the same place in both families. */
    return ntohs(a->in.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
    a->in.sin_port = htons(port);
}

struct bytes addr_ip(const struct addr *a)
{
    if (addr_family(a) == AF_INET)
        return (struct bytes){.ptr = (const uint8_t *)&a->in.sin_addr, .len = 4};
    if (addr_family(a) == AF_INET6)
        return (struct bytes){.ptr = (const uint8_t *)&a->in6.sin6_addr, .len = 16};
    return (struct bytes){0};
}

struct addr addr_unmap(struct addr a)
{
    if (addr_family(&a) == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr))
        return addr_from_bytes((const uint8_t *)&a.in6.sin6_addr + 12, 4, addr_port(&a));
    return a;
}

bool addr_same_ip(const struct addr *a, const struct addr *b)
{
    return addr_family(a) == addr_family(b) && bytes_eq(addr_ip(a), addr_ip(b));
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_same_ip(a, b) && addr_port(a) == addr_port(b);
}

bool addr_is_loopback(const struct addr *a)
{
    if (addr_family(a) == AF_INET)
        return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
    return addr_family(a) == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

bool addr_is_unspecified(const struct addr *a)
{
    struct bytes ip = addr_ip(a);

    for (size_t i = 0; i < ip.len; i++) {
        if (ip.ptr[i])
            return false;
    }
    return ip.len > 0;
}

bool addr_is_multicast(const struct addr *a)
{
    if (addr_family(a) == AF_INET)
        return ntohl(a->in.sin_addr.s_addr) >> 28 == 14;
    return addr_family(a) == AF_INET6 && IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}

bool addr_is_private(const struct addr *addr)
{
    /* A mapped address leads to the IPv4 host that it names. */
    const struct addr bare = addr_unmap(*addr), *a = &bare;
    static const struct {
        uint32_t base;
        uint8_t bits;
    } v4[] = {
        {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8}, {0xa9fe0000, 16},
        {0xac100000, 12}, {0xc0a80000, 16}, {0xe0000000, 4},  {0xf0000000, 4},
    };

    if (addr_family(a) == AF_INET) {
        uint32_t ip = ntohl(a->in.sin_addr.s_addr);
        for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
            if ((ip ^ v4[i].base) >> (32 - v4[i].bits) == 0)
                return true;
        }
        return false;
    }
    if (addr_family(a) != AF_INET6)
        return false;
    const uint8_t *ip = addr_ip(a).ptr;
    return addr_is_loopback(a) || addr_is_unspecified(a) || addr_is_multicast(a) || (ip[0] & 0xfe) == 0xfc ||
           (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}

const char *addr_print_ip(const struct addr *a, char *out)
{
    struct bytes ip = addr_ip(a);

    if (!ip.len || !inet_ntop(addr_family(a), ip.ptr, out, ADDR_TEXT))
        (void)snprintf(out, ADDR_TEXT, "-");
    if (addr_family(a) == AF_INET6 && a->in6.sin6_scope_id) {
        size_t n = strlen(out);
        (void)snprintf(out + n, ADDR_TEXT - n, "%%%u", a->in6.sin6_scope_id);
    }
    return out;
}

const char *addr_print(const struct addr *a, char *out)
{
    char ip[ADDR_TEXT];

    (void)addr_print_ip(a, ip);
    (void)snprintf(out, ADDR_TEXT, addr_family(a) == AF_INET6 ? "[%.68s]:%u" : "%.68s:%u", ip, addr_port(a));
    return out;
}

int cidr_parse(struct text t, struct cidr *out)
{
    ssize_t slash = text_find(t, '/');
    struct cidr c = {0};
    uint64_t bits;

    int r = addr_parse(slash < 0 ? t : text_sub(t, 0, (size_t)slash), 0, &c.base);
    if (r < 0)
        return r;
    size_t full = addr_ip(&c.base).len * 8;
    c.bits = (uint8_t)full;
    if (slash >= 0) {
        if (text_to_u64(text_sub(t, (size_t)slash + 1, SIZE_MAX), &bits) < 0 || bits > full)
            return -EINVAL;
        c.bits = (uint8_t)bits;
    }
    *out = c;
    return 0;
}

bool cidr_has(const struct cidr *c, const struct addr *a)
{
    struct bytes base = addr_ip(&c->base), ip = addr_ip(a);
    size_t whole = c->bits / 8, rest = c->bits % 8;

    if (base.len != ip.len || ip.len == 0 || memcmp(base.ptr, ip.ptr, whole) != 0)
        return false;
    return rest == 0 || (base.ptr[whole] ^ ip.ptr[whole]) >> (8 - rest) == 0;
}
