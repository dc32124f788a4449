/* Where a flow goes: a name or an address, and a port. */
#ifndef WEIR_NET_DEST_H
#define WEIR_NET_DEST_H

#include "net/addr.h"

enum {
    DEST_NAME = 255,             /* octets of a name, RFC 1035 section 2.3.4 */
    DEST_TEXT = DEST_NAME + 12,  /* printed, with brackets, port and zero byte */
};

struct dest {
    struct addr ip;   /* not set while the destination is a name; its port is not used */
    uint16_t port;
    uint8_t name_len; /* 0: the destination is `ip` */
    char name[DEST_NAME];
};

static inline bool dest_is_name(const struct dest *d)
{
    return d->name_len != 0;
}

static inline struct text dest_name(const struct dest *d)
{
    return (struct text){.ptr = d->name, .len = d->name_len};
}

struct dest dest_of_addr(const struct addr *a);
/*
 * A host: an IP literal (brackets allowed) becomes an address, anything else a name. Names of
 * 1 to 255 octets without control characters, spaces, quotes and colons: 0 or -EINVAL.
 */
int dest_set_host(struct dest *d, struct text host, uint16_t port) CHECKED;
/* "host:port", "[v6]:port". */
int dest_parse(struct text t, struct dest *out) CHECKED;
/* The address with its port; only when dest_is_name() is false. */
struct addr dest_addr(const struct dest *d);
bool dest_eq(const struct dest *a, const struct dest *b);
/* "example.org:443", "[2001:db8::1]:443"; returns `out`, which takes DEST_TEXT bytes. */
const char *dest_print(const struct dest *d, char *out);
const char *dest_print_host(const struct dest *d, char *out);

#endif
