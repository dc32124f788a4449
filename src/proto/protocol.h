/*
 * What a protocol's room exports: one constant object, listed in main/registry.c. A field left
 * NULL is a side that the protocol does not have.
 *
 * Adding a protocol is one folder, one line in the registry, one page, one scenario.
 */
#ifndef WEIR_PROTO_PROTOCOL_H
#define WEIR_PROTO_PROTOCOL_H

#include "format/option.h"
#include "net/proxy.h"

/* Everything lives as long as the configuration it comes from, and longer than what is built. */
struct outbound_setup {
    const char *tag;
    const void *options;   /* read by protocol.outbound_options */
    struct dialer *dialer;
    const struct log *log;
};

struct inbound_setup {
    const char *tag;
    const void *options;   /* read by protocol.inbound_options */
    struct router *router;
    const struct log *log;
    int64_t udp_idle_ms;
    const struct protocol *const *registry; /* ends in NULL; for `mixed` */
};

struct protocol {
    const char *name;            /* sing-box "type" */
    const char *mihomo_proxy;    /* "type" of proxies[]; NULL: not there */
    const char *mihomo_listener; /* "type" of listeners[]; NULL: not there */
    const char *summary;         /* one line for the reference */

    const struct option *outbound_options;
    size_t outbound_size; /* of what they fill */
    int (*outbound_new)(const struct outbound_setup *setup, struct outbound **out, struct error *err);

    const struct option *inbound_options;
    size_t inbound_size;
    int (*inbound_new)(const struct inbound_setup *setup, struct inbound **out, struct error *err);

    /* Further checks over several options, with positions: 0 or -EINVAL after adding to r->diag. May be NULL. */
    int (*outbound_check)(const void *options, const struct node *at, struct option_reader *r);
    int (*inbound_check)(const void *options, const struct node *at, struct option_reader *r);
};

/* By sing-box name in a registry that ends in NULL, or NULL. */
const struct protocol *protocol_find(const struct protocol *const *registry, const char *name);

#endif
