/*
 * Share links of single outbounds, in and out:
 *     ss://BASE64URL(method:password)@host:port/?plugin=...#name    (SIP002; the 2022 methods stand unencoded)
 *     ss://BASE64(method:password@host:port)#name                   (the old form, read only)
 *     socks://, socks4://, socks4a://, socks5://, socks5h://, http://, https://  user:password@host:port#name
 * The other side is an outbound in sing-box's keys, as a reader of that dialect takes it.
 */
#ifndef WEIR_CONFIG_LINKS_LINKS_H
#define WEIR_CONFIG_LINKS_LINKS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "format/node.h"

enum {
    LINK_SIZE_MAX = 8192,
    LINK_PART_MAX = 1024, /* of a name, a password */
};

/* A map {"type": ..., "tag": ..., "server": ...}: 0, -EINVAL or -ENOTSUP with err, -ENOMEM. */
int link_read(struct arena *a, struct text link, struct node **out, struct error *err) CHECKED;
/* Appends the link: 0, or -ENOTSUP with err when links have no words for the outbound or an option of it. */
int link_write(const struct node *outbound, struct strbuf *out, struct error *err) CHECKED;

#endif
