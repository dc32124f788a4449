#include "net/proxy_protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/wire.h"

/*
 * Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n", at most 107 bytes.
 * Version 2:  12 bytes signature | version 2, command 0 LOCAL, 1 PROXY | family, transport | length u16
 *             | source address, destination address, source port, destination port | TLVs
 */
static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
enum { V1_MAX = 107, V2_HEAD = 16, V2_BODY_MAX = 512 };

static int write_v1(const struct addr *source, const struct addr *dest, uint8_t *out, size_t size)
{
    char a[ADDR_TEXT], b[ADDR_TEXT], line[V1_MAX + 1];
    bool is_known = addr_family(source) == addr_family(dest) && addr_is_set(source);
    struct addr from = *source, to = *dest;

    /* A scope means nothing on another machine, and no parser takes it. */
    if (is_known && addr_family(source) == AF_INET6)
        from.in6.sin6_scope_id = to.in6.sin6_scope_id = 0;
    int n = is_known ? snprintf(line, sizeof line, "PROXY TCP%c %.45s %.45s %u %u\r\n",
                                addr_family(source) == AF_INET ? '4' : '6', addr_print_ip(&from, a),
                                addr_print_ip(&to, b), addr_port(source), addr_port(dest))
                     : snprintf(line, sizeof line, "PROXY UNKNOWN\r\n");
    if (n < 0 || (size_t)n >= sizeof line || (size_t)n > size)
        return -EINVAL;
    memcpy(out, line, (size_t)n);
    return n;
}

static int write_v2(const struct addr *source, const struct addr *dest, uint8_t *out, size_t size)
{
    struct writer w = writer_of(out, size);
    struct bytes a = addr_ip(source), b = addr_ip(dest);
    bool is_known = a.len && a.len == b.len;

    write_bytes(&w, signature, sizeof signature);
    write_u8(&w, is_known ? 0x21 : 0x20);
    write_u8(&w, !is_known ? 0x00 : a.len == 4 ? 0x11 : 0x21);
    write_u16(&w, is_known ? (uint16_t)(2 * a.len + 4) : 0);
    if (is_known) {
        write_bytes(&w, a.ptr, a.len);
        write_bytes(&w, b.ptr, b.len);
        write_u16(&w, addr_port(source));
        write_u16(&w, addr_port(dest));
    }
    return w.failed ? -EINVAL : (int)writer_len(&w);
}

int proxy_header_write(int version, const struct addr *source, const struct addr *dest, uint8_t *out, size_t size)
{
    return version == 1 ? write_v1(source, dest, out, size) : write_v2(source, dest, out, size);
}

static int parse_v1_addresses(const struct text field[6], struct addr *source, struct addr *dest)
{
    int family = text_is(field[1], "TCP4") ? AF_INET : text_is(field[1], "TCP6") ? AF_INET6 : AF_UNSPEC;
    struct addr a, b;
    uint64_t from, to;

    if (family == AF_UNSPEC || text_to_u64(field[4], &from) < 0 || text_to_u64(field[5], &to) < 0 ||
        from > 65535 || to > 65535 || addr_parse(field[2], (uint16_t)from, &a) < 0 ||
        addr_parse(field[3], (uint16_t)to, &b) < 0 || addr_family(&a) != family || addr_family(&b) != family)
        return -EPROTO;
    *source = a;
    *dest = b;
    return 0;
}

static int parse_v1(struct text t, struct addr *source, struct addr *dest)
{
    ssize_t end = text_search(t, TEXT("\r\n"));
    struct text field[6] = {0}, rest;
    unsigned n = 0;

    if (end < 0)
        return t.len < V1_MAX ? 0 : -EPROTO;
    rest = text_sub(t, 0, (size_t)end);
    while (n < 6 && text_next(&rest, ' ', &field[n]))
        n++;
    int used = (int)end + 2;
    if (n >= 2 && text_is(field[1], "UNKNOWN"))
        return used;
    if (n != 6 || rest.ptr || parse_v1_addresses(field, source, dest) < 0)
        return -EPROTO;
    return used;
}

static int parse_v2(const uint8_t *p, size_t n, struct addr *source, struct addr *dest)
{
    struct reader r = reader_of(p, n);

    (void)read_bytes(&r, sizeof signature);
    uint8_t command = read_u8(&r), family = read_u8(&r);
    uint16_t length = read_u16(&r);
    if (r.failed)
        return 0;
    if (command >> 4 != 2 || (command & 15) > 1 || length > V2_BODY_MAX)
        return -EPROTO;
    struct reader body = read_sub(&r, length);
    if (r.failed)
        return 0;
    if ((command & 15) == 1 && (family >> 4 == 1 || family >> 4 == 2)) {
        size_t size = family >> 4 == 1 ? 4 : 16;
        struct bytes a = read_bytes(&body, size), b = read_bytes(&body, size);
        uint16_t from = read_u16(&body), to = read_u16(&body);
        if (body.failed)
            return -EPROTO;
        *source = addr_from_bytes(a.ptr, size, from);
        *dest = addr_from_bytes(b.ptr, size, to);
    }
    return V2_HEAD + length;
}

int proxy_header_parse(const uint8_t *p, size_t n, struct addr *source, struct addr *dest)
{
    size_t common = min_of(n, sizeof signature);

    if (memcmp(p, signature, common) == 0)
        return common < sizeof signature ? 0 : parse_v2(p, n, source, dest);
    if (memcmp(p, "PROXY ", min_of(n, (size_t)6)) == 0)
        return n < 6 ? 0 : parse_v1((struct text){.ptr = (const char *)p, .len = min_of(n, (size_t)V1_MAX)}, source, dest);
    return -EPROTO;
}

int proxy_header_accept(struct stream **s, struct addr *source, struct addr *dest, struct error *err)
{
    uint8_t buf[V2_HEAD + 512];
    size_t len = 0;

    for (;;) {
        int used = len ? proxy_header_parse(buf, len, source, dest) : 0;
        if (used < 0 || (used == 0 && len == sizeof buf))
            return error_set(err, -EPROTO, "no PROXY header, but this listener requires one");
        if (used > 0) {
            *s = stream_replay(*s, buf + used, len - (size_t)used);
            return *s ? 0 : error_set(err, -ENOMEM, "out of memory");
        }
        ssize_t n = stream_read(*s, buf + len, sizeof buf - len);
        if (n <= 0)
            return error_errno(err, n < 0 ? (int)n : -EPIPE, "PROXY header");
        len += (size_t)n;
    }
}
