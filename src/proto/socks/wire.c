#include "proto/socks/wire.h"

#include <errno.h>
#include <string.h>

enum {
    SOCKS4_GRANTED = 0x5a,
    SOCKS4_REJECTED = 0x5b,
    SOCKS4_NO_IDENT = 0x5c,
    SOCKS4_OTHER_USER = 0x5d,
};

/* ---- SOCKS 4 ---- */

/* A text that ends in a zero byte, at p[at]. Returns where the next field is, 0 or -EINVAL. */
static ssize_t read_zero_text(const uint8_t *p, size_t n, size_t at, struct text *out)
{
    size_t room = min_of(n - at, (size_t)SOCKS4_TEXT_MAX + 1);
    const uint8_t *end = memchr(p + at, 0, room);

    if (!end)
        return room > SOCKS4_TEXT_MAX ? -EINVAL : 0;
    *out = (struct text){.ptr = (const char *)p + at, .len = (size_t)(end - p) - at};
    return (ssize_t)(end - p) + 1;
}

/*
 *   | 4 | command | port 2 | address 4 | user id ... 0 | 4a, address 0.0.0.x with x != 0: name ... 0 |
 *
 * "SOCKS: A protocol for TCP proxy across firewalls" and "SOCKS 4A", both by Ying-Da Lee.
 */
ssize_t socks4_read_request(const void *p, size_t n, struct socks_request *out)
{
    struct reader r = reader_of(p, n);
    struct text user, name;

    if (n > 0 && read_u8(&r) != 4)
        return -EINVAL;
    uint8_t command = read_u8(&r);
    uint16_t port = read_u16(&r);
    uint32_t ip = read_u32(&r);
    if (r.failed)
        return 0;
    ssize_t at = read_zero_text(p, n, 8, &user);
    if (at <= 0)
        return at;
    if (ip != 0 && ip <= 0xff) {
        at = read_zero_text(p, n, (size_t)at, &name);
        if (at <= 0)
            return at;
        if (dest_set_host(&out->dest, name, port) < 0)
            return -EINVAL;
    } else {
        struct addr a = addr_v4(ip, port);
        out->dest = dest_of_addr(&a);
    }
    out->command = command;
    out->user = user;
    return at;
}

void socks4_write_request(struct writer *w, const struct dest *d, struct text user, bool with_a)
{
    struct addr ip = addr_unmap(d->ip);

    if (user.len > SOCKS4_TEXT_MAX || (user.len && memchr(user.ptr, 0, user.len)) ||
        (dest_is_name(d) ? !with_a : addr_family(&ip) != AF_INET)) {
        w->failed = true;
        return;
    }
    write_u8(w, 4);
    write_u8(w, SOCKS_CONNECT);
    write_u16(w, d->port);
    if (dest_is_name(d))
        write_u32(w, 1);
    else
        write_bytes(w, addr_ip(&ip).ptr, 4);
    write_bytes(w, user.ptr, user.len);
    write_u8(w, 0);
    if (dest_is_name(d)) {
        write_bytes(w, d->name, d->name_len);
        write_u8(w, 0);
    }
}

/*   | 0 | code | port 2 | address 4 |   */
void socks4_write_reply(struct writer *w, int result, const struct addr *bound)
{
    struct addr a = bound ? addr_unmap(*bound) : (struct addr){0};
    bool has_ip = addr_family(&a) == AF_INET;

    write_u8(w, 0);
    if (result == 0)
        write_u8(w, SOCKS4_GRANTED);
    else
        write_u8(w, result == -EKEYREJECTED ? SOCKS4_OTHER_USER : SOCKS4_REJECTED);
    write_u16(w, has_ip ? addr_port(&a) : 0);
    if (has_ip)
        write_bytes(w, addr_ip(&a).ptr, 4);
    else
        write_u32(w, 0);
}

ssize_t socks4_read_reply(const void *p, size_t n, int *result)
{
    struct reader r = reader_of(p, n);
    uint8_t version = read_u8(&r);
    uint8_t code = read_u8(&r);

    /* The version is 0; some servers say 4. */
    if (n > 0 && version != 0 && version != 4)
        return -EINVAL;
    (void)read_bytes(&r, 6);
    if (r.failed)
        return 0;
    if (code == SOCKS4_GRANTED)
        *result = 0;
    else if (code == SOCKS4_NO_IDENT || code == SOCKS4_OTHER_USER)
        *result = -EKEYREJECTED;
    else
        *result = -ECONNREFUSED;
    return SOCKS4_REPLY;
}

/* ---- SOCKS 5 ---- */

/*   | 5 | count | method ... |   */
ssize_t socks5_read_greeting(const void *p, size_t n, struct socks_request *out)
{
    struct reader r = reader_of(p, n);

    if (n > 0 && read_u8(&r) != 5)
        return -EINVAL;
    struct bytes methods = read_bytes(&r, read_u8(&r));
    if (r.failed)
        return 0;
    out->offers_no_auth = out->offers_password = false;
    for (size_t i = 0; i < methods.len; i++) {
        out->offers_no_auth |= methods.ptr[i] == SOCKS5_NO_AUTH;
        out->offers_password |= methods.ptr[i] == SOCKS5_PASSWORD;
    }
    return 2 + (ssize_t)methods.len;
}

void socks5_write_greeting(struct writer *w, bool with_password)
{
    write_u8(w, 5);
    write_u8(w, with_password ? 2 : 1);
    write_u8(w, SOCKS5_NO_AUTH);
    if (with_password)
        write_u8(w, SOCKS5_PASSWORD);
}

static struct text read_short_text(struct reader *r)
{
    struct bytes b = read_bytes(r, read_u8(r));

    return (struct text){.ptr = (const char *)b.ptr, .len = b.len};
}

/*   | 1 | length | user | length | password |   (RFC 1929 section 2)   */
ssize_t socks5_read_auth(const void *p, size_t n, struct socks_request *out)
{
    struct reader r = reader_of(p, n);

    if (n > 0 && read_u8(&r) != 1)
        return -EINVAL;
    struct text user = read_short_text(&r);
    struct text password = read_short_text(&r);
    if (r.failed)
        return 0;
    out->user = user;
    out->password = password;
    return 3 + (ssize_t)(user.len + password.len);
}

void socks5_write_auth(struct writer *w, struct text user, struct text password)
{
    if (user.len == 0 || user.len > 255 || password.len > 255)
        w->failed = true;
    write_u8(w, 1);
    write_u8(w, (uint8_t)user.len);
    write_bytes(w, user.ptr, user.len);
    write_u8(w, (uint8_t)password.len);
    write_bytes(w, password.ptr, password.len);
}

/*   | 5 | command | 0 | address and port |   (RFC 1928 section 4)   */
ssize_t socks5_read_request(const void *p, size_t n, struct socks_request *out)
{
    struct reader r = reader_of(p, n);

    if (n > 0 && read_u8(&r) != 5)
        return -EINVAL;
    uint8_t command = read_u8(&r);
    (void)read_u8(&r);
    if (r.failed)
        return 0;
    out->command = command;
    ssize_t len = socksaddr_read(&r, &socksaddr_socks5, &out->dest);
    return len <= 0 ? len : len + 3;
}

void socks5_write_request(struct writer *w, enum socks_command command, const struct dest *d)
{
    write_u8(w, 5);
    write_u8(w, (uint8_t)command);
    write_u8(w, 0);
    socksaddr_write(w, &socksaddr_socks5, d);
}

/*   | 5 | code | 0 | address and port |   (RFC 1928 section 6)   */
void socks5_write_reply(struct writer *w, int result, const struct addr *bound)
{
    struct addr none = addr_v4(0, 0);
    struct dest d = dest_of_addr(bound && (addr_family(bound) == AF_INET || addr_family(bound) == AF_INET6) ? bound : &none);

    write_u8(w, 5);
    write_u8(w, socks5_code(result));
    write_u8(w, 0);
    socksaddr_write(w, &socksaddr_socks5, &d);
}

ssize_t socks5_read_reply(const void *p, size_t n, int *result, struct dest *bound)
{
    struct reader r = reader_of(p, n);

    if (n > 0 && read_u8(&r) != 5)
        return -EINVAL;
    uint8_t code = read_u8(&r);
    (void)read_u8(&r);
    if (r.failed)
        return 0;
    struct reader peek = r;
    uint8_t kind = read_u8(&peek);
    uint8_t name_len = read_u8(&peek);
    if (peek.failed)
        return 0;
    *result = socks5_result(code);
    /* An empty name means "no address"; old servers send it with a failure. */
    if (kind == socksaddr_socks5.name && name_len == 0) {
        *bound = (struct dest){0};
        return n < SOCKS5_REPLY_MIN ? 0 : SOCKS5_REPLY_MIN;
    }
    ssize_t len = socksaddr_read(&r, &socksaddr_socks5, bound);
    return len <= 0 ? len : len + 3;
}

/* ---- datagrams ---- */

/*   | 0 0 | fragment | address and port | payload ... |   (RFC 1928 section 7)   */
ssize_t socks_udp_read(const void *p, size_t n, struct dest *out)
{
    struct reader r = reader_of(p, n);

    (void)read_u16(&r); /* "reserved": not all clients send zeros */
    if (read_u8(&r) != 0)
        return -EOPNOTSUPP;
    if (r.failed)
        return -EINVAL;
    ssize_t len = socksaddr_read(&r, &socksaddr_socks5, out);
    return len <= 0 ? -EINVAL : len + 3;
}

void socks_udp_write(struct writer *w, const struct dest *d)
{
    write_be(w, 0, 3);
    socksaddr_write(w, &socksaddr_socks5, d);
}

size_t socks_udp_size(const struct dest *d)
{
    return 3 + socksaddr_size(d);
}

/* ---- reply codes (RFC 1928 section 6) ---- */

static const struct {
    int result;
    uint8_t code;
} codes[] = {
    {0, 0},
    /* the first of a code is what reading it gives */
    {-EREMOTEIO, 1},
    {-EACCES, 2},     {-EPERM, 2},
    {-ENETUNREACH, 3}, {-ENETDOWN, 3}, {-EADDRNOTAVAIL, 3},
    {-EHOSTUNREACH, 4}, {-EHOSTDOWN, 4}, {-ENOENT, 4},
    {-ECONNREFUSED, 5}, {-ECONNRESET, 5},
    {-ETIMEDOUT, 6}, /* "TTL expired" is what is nearest */
    {-EOPNOTSUPP, 7},
    {-EAFNOSUPPORT, 8},
};

uint8_t socks5_code(int result)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].result == result)
            return codes[i].code;
    }
    return 1;
}

int socks5_result(uint8_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].code == code)
            return codes[i].result;
    }
    return -EREMOTEIO;
}
