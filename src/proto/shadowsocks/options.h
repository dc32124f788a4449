/* What a configuration can say, in both dialects, and its checks. */
#ifndef WEIR_PROTO_SHADOWSOCKS_OPTIONS_H
#define WEIR_PROTO_SHADOWSOCKS_OPTIONS_H

#include "layer/obfs/obfs.h"
#include "proto/protocol.h"
#include "proto/uot_option.h"
#include "proto/users.h"

enum ss_plugin {
    SS_PLUGIN_NONE,
    SS_PLUGIN_OBFS,
    SS_PLUGIN_OTHER, /* known by name and refused */
};

/* "obfs=tls;obfs-host=a.test", {mode: tls, host: a.test}, simple-obfs {enable, mode} */
struct ss_obfs_option {
    enum obfs_mode mode; /* OBFS_NONE: not said */
    struct text host;
};

struct ss_outbound_options {
    struct text server;
    uint16_t server_port;
    int method;
    struct text password;
    int plugin;
    struct ss_obfs_option obfs;
    struct network_option network;
    struct uot_option udp_over_tcp;
};

struct ss_user_option {
    struct text name;
    struct text password;
};

struct ss_target_option {
    struct text name;
    struct text password;
    struct text server;
    uint16_t server_port;
};

struct ss_inbound_options {
    struct network_option network; /* sing-box */
    bool udp;                      /* mihomo; default true */
    int method;
    struct text password;
    int plugin;
    struct ss_obfs_option obfs;
    OBJECT_LIST(struct ss_user_option) users;
    OBJECT_LIST(struct ss_target_option) destinations;
};

extern const struct option ss_outbound_table[];
extern const struct option ss_inbound_table[];
int ss_outbound_check(const void *options, const struct node *at, struct option_reader *r);
int ss_inbound_check(const void *options, const struct node *at, struct option_reader *r);

#endif
