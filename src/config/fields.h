/*
 * The option tables that no protocol owns: how to dial, how to listen, and groups. Each struct
 * is what a table fills; the functions below turn it into what the lower floors want.
 */
#ifndef WEIR_CONFIG_FIELDS_H
#define WEIR_CONFIG_FIELDS_H

#include "format/option.h"
#include "net/socket.h"
#include "policy/group.h"

/* `domain_resolver`: the tag of a DNS server, or a map with it. */
struct resolver_fields {
    struct text server;
    int strategy; /* enum ip_strategy */
};

struct dial_fields {
    struct text detour;
    struct text bind_interface;
    struct addr bind_v4;
    struct addr bind_v6;
    struct text netns;
    uint32_t mark;
    bool reuse_addr;
    bool bind_address_no_port;
    bool tcp_fast_open;
    bool tcp_multi_path;
    bool no_keep_alive;
    bool udp_fragment;
    int64_t keep_alive; /* nanoseconds, like all durations of tables */
    int64_t keep_alive_interval;
    int64_t connect_timeout;
    int64_t fallback_delay;
    struct resolver_fields resolver;
    int strategy;
    uint16_t proxy_protocol;
    bool left_out;
};
OPTION_TABLE_SHARED(struct dial_fields, dial_table);

/* Texts are borrowed from `f`. */
struct dial_options dial_options_of(const struct dial_fields *f);
struct dial_fields dial_fields_of(const struct dial_options *o, struct text detour);

/* Numbers of ports, "200,302" and "401-429/500": what mihomo's `port` may be. */
struct port_list {
    uint16_t *at;
    size_t len;
};
enum { LISTEN_PORTS_MAX = 1024 };

struct listen_fields {
    struct addr addr;
    struct text unix_path;
    struct port_list ports;
    struct text bind_interface;
    struct text netns;
    uint32_t mark;
    bool reuse_addr;
    bool tcp_fast_open;
    bool tcp_multi_path;
    bool no_keep_alive;
    bool udp_fragment;
    bool proxy_protocol;
    int64_t keep_alive;
    int64_t keep_alive_interval;
    int64_t udp_timeout;
    struct text detour;
    struct text outbound;
    struct text sub_rule;
    bool sniff; /* inbound keys of sing-box before 1.13, now rule actions */
    bool sniff_override;
    int64_t sniff_timeout;
    int strategy;
    bool left_out;
};
OPTION_TABLE_SHARED(struct listen_fields, listen_table);

/* With the port `f->ports.at[index]`, or 0 when there is none. */
struct listen_options listen_options_of(const struct listen_fields *f, size_t index);
struct listen_fields listen_fields_of(const struct listen_options *o);

struct group_fields {
    struct text_list outbounds;
    struct text chosen;
    struct text url;
    int64_t interval;
    int64_t timeout;
    int64_t idle;
    uint32_t tolerance;
    int8_t lazy; /* -1: as the dialect has it */
    uint32_t max_failed;
    struct text expected_status;
    int strategy;
    bool interrupt_exist_connections;
    bool disable_udp;
    struct text_list use;
    struct text filter;
    struct text exclude_filter;
    struct text exclude_type;
    bool include_all;
    bool include_all_proxies;
    bool include_all_providers;
    struct text empty_fallback;
};
OPTION_TABLE_SHARED(struct group_fields, group_table);

/* Lists and texts are borrowed. */
void group_spec_fill(const struct group_fields *f, struct group_spec *out);
void group_fields_fill(const struct group_spec *g, struct group_fields *out);

/* enum ip_strategy under sing-box's names. */
extern const struct option_choice singbox_strategies[];

/* Readers and writers of values that several tables have. */
option_read_fn field_read_addr, field_read_mark, field_read_ports;
/*
 * For keys that are not carried but without which the rest still means what it says: unlike OPT_UNSUPPORTED,
 * --allow-unsupported leaves out the key, not the whole item. The field is not touched.
 */
option_read_fn field_leave_out;
/* For keys whose absence a user hardly notices: always a warning only. The field is not touched. */
option_read_fn field_warn_only;
option_write_fn field_write_addr, field_write_mark, field_write_ports;

/*
 * Ports and ranges "80", "100-200", "1000:2000" (with `mark` between): 0 or -EINVAL. A missing end is the
 * lowest or highest port.
 */
int port_range_parse(struct text t, char mark, uint16_t *first, uint16_t *last) CHECKED;

#endif
