#include "net/dest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct dest dest_of_addr(const struct addr *a)
{
    struct dest d = {.port = addr_port(a)};

    d.ip = addr_unmap(*a);
    return d;
}

static bool is_host_char(char c)
{
    return (uint8_t)c > ' ' && c != 0x7f && c != '"' && c != '\\' && c != '/' && c != '[' && c != ']' && c != '@' &&
           c != ':'; /* a broken IPv6 literal is no name; and the text would not parse again */
}

int dest_set_host(struct dest *d, struct text host, uint16_t port)
{
    struct addr ip;

    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
        if (addr_parse(text_sub(host, 1, host.len - 2), port, &ip) < 0 || addr_family(&ip) != AF_INET6)
            return -EINVAL;
    } else if (addr_parse(host, port, &ip) < 0) {
        if (host.len == 0 || host.len > DEST_NAME)
            return -EINVAL;
        for (size_t i = 0; i < host.len; i++) {
            if (!is_host_char(host.ptr[i]))
                return -EINVAL;
        }
        d->ip = (struct addr){0};
        d->port = port;
        d->name_len = (uint8_t)host.len;
        memcpy(d->name, host.ptr, host.len);
        return 0;
    }
    d->ip = addr_unmap(ip);
    d->port = port;
    d->name_len = 0;
    return 0;
}

int dest_parse(struct text t, struct dest *out)
{
    ssize_t colon = text_find_last(t, ':');
    uint64_t port;

    if (colon < 0 || text_to_u64(text_sub(t, (size_t)colon + 1, SIZE_MAX), &port) < 0 || port > 65535)
        return -EINVAL;
    struct text host = text_sub(t, 0, (size_t)colon);
    /* An IPv6 literal without brackets would lose its last group to the port. */
    if (text_find(host, ':') >= 0 && host.ptr[0] != '[')
        return -EINVAL;
    return dest_set_host(out, host, (uint16_t)port);
}

struct addr dest_addr(const struct dest *d)
{
    struct addr a = d->ip;

    addr_set_port(&a, d->port);
    return a;
}

bool dest_eq(const struct dest *a, const struct dest *b)
{
    if (a->port != b->port || a->name_len != b->name_len)
        return false;
    return a->name_len ? text_eq_nocase(dest_name(a), dest_name(b)) : addr_same_ip(&a->ip, &b->ip);
}

const char *dest_print_host(const struct dest *d, char *out)
{
    if (!dest_is_name(d))
        return addr_print_ip(&d->ip, out);
    memcpy(out, d->name, d->name_len);
    out[d->name_len] = 0;
    return out;
}

const char *dest_print(const struct dest *d, char *out)
{
    if (!dest_is_name(d)) {
        struct addr a = dest_addr(d);
        return addr_print(&a, out);
    }
    (void)snprintf(out, DEST_TEXT, "%.*s:%u", d->name_len, d->name, d->port);
    return out;
}
