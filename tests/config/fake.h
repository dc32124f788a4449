/* Protocols that exist only in tests, and readers that keep what was said. */
#ifndef WEIR_TESTS_CONFIG_FAKE_H
#define WEIR_TESTS_CONFIG_FAKE_H

#include <errno.h>
#include <stdio.h>

#include "config/read.h"

struct fake_user {
    struct text username;
    struct text password;
};

OPTION_TABLE(struct fake_user, fake_user_table) = {
    OPT_STRING(struct fake_user, username, .singbox = "username", .mihomo = "username"),
    OPT_STRING(struct fake_user, password, .singbox = "password", .mihomo = "password"),
    OPTION_END,
};

struct fake_in {
    OBJECT_LIST(struct fake_user) users;
    struct text_list network;
    struct text override_address;
    uint16_t override_port;
    struct text target;
    struct text method;
    struct text password;
    bool udp;
};

OPTION_TABLE(struct fake_in, fake_in_table) = {
    OPT_OBJECT_LIST(struct fake_in, users, fake_user_table, .singbox = "users", .mihomo = "users"),
    OPT_STRING_LIST(struct fake_in, network, .singbox = "network", .mihomo = "network"),
    OPT_STRING(struct fake_in, override_address, .singbox = "override_address"),
    OPT_U16(struct fake_in, override_port, .singbox = "override_port"),
    OPT_STRING(struct fake_in, target, .mihomo = "target"),
    OPT_STRING(struct fake_in, method, .singbox = "method", .mihomo = "cipher"),
    OPT_STRING(struct fake_in, password, .singbox = "password", .mihomo = "password"),
    OPT_BOOL(struct fake_in, udp, .mihomo = "udp", .def = 1),
    OPT_UNSUPPORTED(.singbox = "tls", .mihomo = "certificate"),
    OPT_UNSUPPORTED(.singbox = "multiplex", .mihomo = "mux-option"),
    OPTION_END,
};

struct fake_out {
    struct text server;
    uint16_t server_port;
    struct text username;
    struct text password;
    struct text method;
    struct text plugin;
    struct text version;
    bool udp;
};

#define FAKE_OUT struct fake_out
OPTION_TABLE(FAKE_OUT, fake_out_table) = {
    OPT_STRING(FAKE_OUT, server, .singbox = "server", .mihomo = "server", .flags = OPTION_REQUIRED),
    OPT_PORT(FAKE_OUT, server_port, .singbox = "server_port", .mihomo = "port", .flags = OPTION_REQUIRED),
    OPT_STRING(FAKE_OUT, username, .singbox = "username", .mihomo = "username"),
    OPT_STRING(FAKE_OUT, password, .singbox = "password", .mihomo = "password", .flags = OPTION_SECRET),
    OPT_STRING(FAKE_OUT, method, .singbox = "method", .mihomo = "cipher"),
    OPT_STRING(FAKE_OUT, version, .singbox = "version"),
    OPT_BOOL(FAKE_OUT, udp, .mihomo = "udp"),
    OPT_UNSUPPORTED(.singbox = "plugin", .mihomo = "plugin"),
    OPT_UNSUPPORTED(.singbox = "tls", .mihomo = "tls"),
    OPT_UNSUPPORTED(.singbox = "multiplex", .mihomo = "smux"),
    OPT_IGNORED(.singbox = "network"),
    OPTION_END,
};
#undef FAKE_OUT

static int fake_new_outbound(const struct outbound_setup *setup, struct outbound **out, struct error *err)
{
    (void)setup;
    (void)out;
    (void)err;
    return -ENOSYS;
}

static int fake_new_inbound(const struct inbound_setup *setup, struct inbound **out, struct error *err)
{
    (void)setup;
    (void)out;
    (void)err;
    return -ENOSYS;
}

#define FAKE_IN(type, listener)                                                                                        \
    .name = type, .mihomo_listener = listener, .inbound_options = fake_in_table, .inbound_size = sizeof(struct fake_in), \
    .inbound_new = fake_new_inbound
#define FAKE_OUTBOUND(proxy)                                                                                           \
    .mihomo_proxy = proxy, .outbound_options = fake_out_table, .outbound_size = sizeof(struct fake_out),              \
    .outbound_new = fake_new_outbound

static const struct protocol fake_protocols[] = {
    {.name = "block", .mihomo_proxy = "reject", .outbound_new = fake_new_outbound},
    {FAKE_IN("direct", "tunnel"), .mihomo_proxy = "direct", .outbound_new = fake_new_outbound},
    {FAKE_IN("http", "http"), FAKE_OUTBOUND("http")},
    {FAKE_IN("mixed", "mixed")},
    {FAKE_IN("shadowsocks", "shadowsocks"), FAKE_OUTBOUND("ss")},
    {FAKE_IN("socks", "socks"), FAKE_OUTBOUND("socks5")},
};

static const struct protocol *const fake_registry[] = {
    &fake_protocols[0], &fake_protocols[1], &fake_protocols[2], &fake_protocols[3], &fake_protocols[4],
    &fake_protocols[5], NULL,
};

#endif
