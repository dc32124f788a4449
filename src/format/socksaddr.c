#include "format/socksaddr.h"

#include <errno.h>

const struct socksaddr_form socksaddr_socks5 = {.ipv4 = 1, .name = 3, .ipv6 = 4};
const struct socksaddr_form socksaddr_vmess = {.ipv4 = 1, .name = 2, .ipv6 = 3, .port_first = true};
const struct socksaddr_form socksaddr_uot = {.ipv4 = 0, .name = 2, .ipv6 = 1};

static int read_host(struct reader *r, const struct socksaddr_form *form, struct dest *out)
{
    uint8_t kind = read_u8(r);

    if (r->failed)
        return 0;
    if (kind == form->ipv4 || kind == form->ipv6) {
        struct bytes ip = read_bytes(r, kind == form->ipv4 ? 4 : 16);
        if (ip.ptr)
            out->ip = addr_from_bytes(ip.ptr, ip.len, 0);
        return 0;
    }
    if (kind != form->name)
        return -EAFNOSUPPORT;
    struct bytes name = read_bytes(r, read_u8(r));
    if (r->failed)
        return 0;
    return dest_set_host(out, (struct text){.ptr = (const char *)name.ptr, .len = name.len}, 0);
}

ssize_t socksaddr_read(struct reader *r, const struct socksaddr_form *form, struct dest *out)
{
    struct reader ahead = *r;
    struct dest d = {0};

    if (form->port_first)
        d.port = read_u16(&ahead);
    uint16_t port = d.port;
    int error = read_host(&ahead, form, &d);
    if (error < 0)
        return error;
    d.port = form->port_first ? port : read_u16(&ahead);
    if (ahead.failed)
        return 0;
    size_t used = reader_left(r) - reader_left(&ahead);
    r->at = ahead.at;
    *out = d;
    return (ssize_t)used;
}

/* What is on the wire for an address that is no name. */
static struct addr wire_ip(const struct dest *d)
{
    return addr_unmap(d->ip);
}

size_t socksaddr_size(const struct dest *d)
{
    if (dest_is_name(d))
        return 1u + 1u + d->name_len + 2u;
    struct addr ip = wire_ip(d);
    return 1 + addr_ip(&ip).len + 2;
}

void socksaddr_write(struct writer *w, const struct socksaddr_form *form, const struct dest *d)
{
    if (form->port_first)
        write_u16(w, d->port);
    if (dest_is_name(d)) {
        write_u8(w, form->name);
        write_u8(w, d->name_len);
        write_bytes(w, d->name, d->name_len);
    } else {
        struct addr addr = wire_ip(d);
        struct bytes ip = addr_ip(&addr);
        if (ip.len == 0) /* unset, or a UNIX path: no form can carry it */
            w->failed = true;
        write_u8(w, ip.len == 4 ? form->ipv4 : form->ipv6);
        write_bytes(w, ip.ptr, ip.len);
    }
    if (!form->port_first)
        write_u16(w, d->port);
}
