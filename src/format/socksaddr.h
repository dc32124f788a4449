/*
 * The address-and-port fields of SOCKS5 and of the protocols that copied it. They differ in
 * the numbers for the kinds of address and in the port's place, so one table per form.
 *
 *   SOCKS5 (RFC 1928 section 5), Shadowsocks, Trojan:   | kind 1 | address | port 2 |
 *   VMess, VLESS, Mux.Cool:                            | port 2 | kind 1 | address |
 *   UDP over TCP (sing-box "uot"):                      as SOCKS5 with other kinds
 *
 *   address: 4 octets | 16 octets | length 1, name; the port is big endian
 */
#ifndef WEIR_FORMAT_SOCKSADDR_H
#define WEIR_FORMAT_SOCKSADDR_H

#include "base/wire.h"
#include "net/dest.h"

enum {
    SOCKSADDR_MIN = 7,                  /* an IPv4 address in any form */
    SOCKSADDR_MAX = 1 + 1 + 255 + 2,    /* the longest name */
};

struct socksaddr_form {
    uint8_t ipv4;
    uint8_t name;
    uint8_t ipv6;
    bool port_first;
};

extern const struct socksaddr_form socksaddr_socks5; /* 1, 3, 4 */
extern const struct socksaddr_form socksaddr_vmess;  /* port first; 1, 2, 3 */
extern const struct socksaddr_form socksaddr_uot;    /* 0, 2, 1 */

/*
 * Reads one address. Returns its length, 0 when `r` ends before it does (nothing is consumed
 * then), -EAFNOSUPPORT (unknown kind) or -EINVAL (a name that cannot be one). A name that is an
 * IP literal becomes that address.
 */
ssize_t socksaddr_read(struct reader *r, const struct socksaddr_form *form, struct dest *out) CHECKED;

/* Writes one address; `w` fails when there is no room. IPv4-mapped IPv6 goes out as IPv4. */
void socksaddr_write(struct writer *w, const struct socksaddr_form *form, const struct dest *d);

/* The octets that socksaddr_write will use, in any form. */
size_t socksaddr_size(const struct dest *d);

#endif
