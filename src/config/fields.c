#include "config/fields.h"

#include <errno.h>

#include "base/vec.h"

const struct option_choice singbox_strategies[] = {
    {"prefer_ipv4", IP_PREFER_V4}, {"prefer_ipv6", IP_PREFER_V6}, {"ipv4_only", IP_V4_ONLY},
    {"ipv6_only", IP_V6_ONLY},     {"", IP_AS_IS},                {NULL, 0},
};

static const struct option_choice mihomo_strategies[] = {
    {"dual", IP_AS_IS},   {"ipv4-prefer", IP_PREFER_V4}, {"ipv6-prefer", IP_PREFER_V6},
    {"ipv4", IP_V4_ONLY}, {"ipv6", IP_V6_ONLY},          {"", IP_AS_IS},
    {NULL, 0},
};

static const struct option_choice balance_choices[] = {
    {"consistent-hashing", BALANCE_CONSISTENT_HASHING},
    {"round-robin", BALANCE_ROUND_ROBIN},
    {"sticky-sessions", BALANCE_STICKY_SESSIONS},
    {NULL, 0},
};

/* ---- values ---- */

int field_read_addr(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct text t;

    (void)o;
    int result = option_string(n, &t, r);
    if (result < 0 || !t.len)
        return result;
    return addr_parse(t, 0, field) < 0 ? option_expected(n, "an IP address", r) : 0;
}

int field_write_addr(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    char text[ADDR_TEXT];

    (void)o;
    if (!addr_is_set(field))
        return 0;
    struct text t = arena_text(a, text_of(addr_print_ip(field, text)));
    *out = t.ptr ? node_new_text(a, t) : NULL;
    return *out ? 0 : -ENOMEM;
}

int field_warn_only(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    (void)field;
    if (!option_is_off(n))
        diag_warn(r->diag, n->at, r->path, "has no effect yet");
    return 0;
}

int field_leave_out(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    (void)field;
    if (option_is_off(n))
        return 0;
    if (r->allow_unsupported) {
        diag_warn(r->diag, n->at, r->path, "is not carried yet: it is left out");
        return 0;
    }
    diag_error(r->diag, n->at, r->path, "is not carried yet");
    diag_hint(r->diag, "with --allow-unsupported it is left out");
    return -EINVAL;
}

/* A number, or the hexadecimal text that `ip rule` prints. */
int field_read_mark(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct node number;
    int64_t value = -1;

    (void)o;
    if (n->kind == NODE_STRING) {
        number = (struct node){.kind = NODE_STRING, .at = n->at};
        node_set_plain(&number, n->text);
        if (number.kind == NODE_INT)
            value = number.integer;
    } else if (option_integer(n, &value, r) < 0)
        return -EINVAL;
    if (value < 0 || value > UINT32_MAX)
        return option_expected(n, "a mark: 0 to 4294967295 or \"0x...\"", r);
    *(uint32_t *)field = (uint32_t)value;
    return 0;
}

int field_write_mark(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    uint32_t mark = *(const uint32_t *)field;

    (void)o;
    if (!mark)
        return 0;
    *out = node_new_int(a, mark);
    return *out ? 0 : -ENOMEM;
}

static int parse_port(struct text t, uint16_t *out)
{
    uint64_t value;

    if (text_to_u64(text_trim(t), &value) < 0 || value > UINT16_MAX)
        return -EINVAL;
    *out = (uint16_t)value;
    return 0;
}

int port_range_parse(struct text t, char mark, uint16_t *first, uint16_t *last)
{
    ssize_t at = text_find(t, mark);

    if (at < 0) {
        if (parse_port(t, first) < 0)
            return -EINVAL;
        *last = *first;
        return 0;
    }
    struct text low = text_trim(text_sub(t, 0, (size_t)at));
    struct text high = text_trim(text_sub(t, (size_t)at + 1, SIZE_MAX));
    *first = 0;
    *last = UINT16_MAX;
    if ((!low.len && !high.len) || (low.len && parse_port(low, first) < 0) ||
        (high.len && parse_port(high, last) < 0))
        return -EINVAL;
    return *first <= *last ? 0 : -EINVAL;
}

struct ports {
    VEC(uint16_t) list;
};

/* "200,302,401-429": 0, -EINVAL, -ENOMEM. */
static int parse_ports(struct text t, struct ports *out)
{
    struct text part;
    uint16_t first, last;

    for (size_t i = 0; i < t.len; i++) {
        if (t.ptr[i] == '/')
            return -EINVAL;
    }
    while (text_next(&t, ',', &part)) {
        if (port_range_parse(text_trim(part), '-', &first, &last) < 0)
            return -EINVAL;
        for (unsigned p = first; p <= last; p++) {
            if (out->list.len == LISTEN_PORTS_MAX)
                return -EINVAL;
            int r = vec_push(&out->list, (uint16_t)p);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int field_read_ports(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct port_list *out = field;
    struct ports ports = {0};
    struct text t;

    (void)o;
    /* sing-box: a plain port number only. */
    if (r->dialect == DIALECT_SINGBOX && n->kind != NODE_INT)
        return option_expected(n, "0 to 65535", r);
    int result = 0;
    if (n->kind == NODE_INT)
        t = n->raw;
    else
        result = option_string(n, &t, r);
    if (result < 0)
        return result;
    result = parse_ports(t, &ports);
    if (result == 0 && ports.list.len) {
        out->at = arena_alloc(r->arena, ports.list.len * sizeof *out->at);
        if (out->at) {
            memcpy(out->at, ports.list.at, ports.list.len * sizeof *out->at);
            out->len = ports.list.len;
        } else
            result = -ENOMEM;
    }
    vec_done(&ports.list);
    if (result == -EINVAL)
        return option_expected(n, r->dialect == DIALECT_SINGBOX ? "0 to 65535" : "ports like 7890 or \"200,401-429\"", r);
    return result;
}

int field_write_ports(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct port_list *ports = field;

    (void)o;
    if (!ports->len || !ports->at[0])
        return 0;
    *out = node_new_int(a, ports->at[0]);
    return *out ? 0 : -ENOMEM;
}

/* ---- dial ---- */

OPTION_TABLE(struct resolver_fields, resolver_table) = {
    OPT_STRING(struct resolver_fields, server, .singbox = "server", .help = "Tag of the DNS server."),
    OPT_ENUM(struct resolver_fields, strategy, singbox_strategies, .singbox = "strategy",
             .help = "Which addresses of a name are used."),
    OPT_IGNORED(.singbox = "timeout"),
    OPT_IGNORED(.singbox = "disable_cache"),
    OPT_IGNORED(.singbox = "disable_optimistic_cache"),
    OPT_IGNORED(.singbox = "rewrite_ttl"),
    OPT_UNSUPPORTED(.singbox = "client_subnet"),
    OPTION_END,
};

static int read_resolver(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct resolver_fields *out = field;

    (void)o;
    *out = (struct resolver_fields){0};
    if (n->kind == NODE_MAP)
        return options_read(resolver_table, n, out, r);
    struct text t;
    int result = option_string(n, &t, r);
    if (result < 0)
        return result;
    out->server = t;
    return 0;
}

const struct option dial_table[] = {
    OPT_STRING(struct dial_fields, detour, .singbox = "detour", .mihomo = "dialer-proxy",
               .help = "The outbound through which this one dials its server."),
    OPT_STRING(struct dial_fields, bind_interface, .singbox = "bind_interface", .mihomo = "interface-name",
               .help = "The network interface to dial from."),
    OPT_CUSTOM(struct dial_fields, bind_v4, field_read_addr, field_write_addr, .singbox = "inet4_bind_address",
               .help = "The IPv4 address to dial from."),
    OPT_CUSTOM(struct dial_fields, bind_v6, field_read_addr, field_write_addr, .singbox = "inet6_bind_address",
               .help = "The IPv6 address to dial from."),
    OPT_BOOL(struct dial_fields, bind_address_no_port, .singbox = "bind_address_no_port",
             .help = "Choose the source port late, so that more connections fit one address."),
    OPT_CUSTOM(struct dial_fields, left_out, field_leave_out, NULL, .singbox = "protect_path"),
    OPT_CUSTOM(struct dial_fields, mark, field_read_mark, field_write_mark, .singbox = "routing_mark",
               .mihomo = "routing-mark", .help = "SO_MARK of the sockets."),
    OPT_BOOL(struct dial_fields, reuse_addr, .singbox = "reuse_addr", .help = "Set SO_REUSEADDR."),
    OPT_STRING(struct dial_fields, netns, .singbox = "netns", .help = "The network namespace to dial from: a name or a path."),
    OPT_DURATION(struct dial_fields, connect_timeout, .singbox = "connect_timeout", .help = "Time to connect; 5s."),
    OPT_BOOL(struct dial_fields, tcp_fast_open, .singbox = "tcp_fast_open", .mihomo = "tfo",
             .help = "Send the first bytes with the SYN."),
    OPT_BOOL(struct dial_fields, tcp_multi_path, .singbox = "tcp_multi_path", .mihomo = "mptcp",
             .help = "Use MPTCP."),
    OPT_BOOL(struct dial_fields, no_keep_alive, .singbox = "disable_tcp_keep_alive", .help = "No TCP keep-alive."),
    OPT_DURATION(struct dial_fields, keep_alive, .singbox = "tcp_keep_alive",
                 .help = "Idle time before the first keep-alive probe; 5m."),
    OPT_DURATION(struct dial_fields, keep_alive_interval, .singbox = "tcp_keep_alive_interval",
                 .help = "Time between probes; 75s."),
    OPT_BOOL(struct dial_fields, udp_fragment, .singbox = "udp_fragment", .help = "Let IP fragment UDP."),
    OPT_CUSTOM(struct dial_fields, resolver, read_resolver, NULL, .singbox = "domain_resolver",
               .help = "The DNS server for the outbound's own names, or a map with it."),
    OPT_ENUM(struct dial_fields, strategy, singbox_strategies, .singbox = "domain_strategy",
             .help = "Which addresses of a name are dialled."),
    OPT_ENUM(struct dial_fields, strategy, mihomo_strategies, .mihomo = "ip-version",
             .help = "Which addresses of a name are dialled."),
    OPT_CUSTOM(struct dial_fields, left_out, field_leave_out, NULL, .singbox = "network_strategy"),
    OPT_CUSTOM(struct dial_fields, left_out, field_leave_out, NULL, .singbox = "network_type"),
    OPT_CUSTOM(struct dial_fields, left_out, field_leave_out, NULL, .singbox = "fallback_network_type"),
    OPT_DURATION(struct dial_fields, fallback_delay, .singbox = "fallback_delay",
                 .help = "Happy eyeballs: how long one address is given before the next; 300ms."),
    OPT_U16(struct dial_fields, proxy_protocol, .singbox = "proxy_protocol", .mihomo = "proxy-protocol", .max = 2,
            .help = "Version of the PROXY protocol header to send first; 0 is none."),
    OPTION_END,
};

static int64_t ms(int64_t ns)
{
    return (ns + OPTION_MS - 1) / OPTION_MS;
}

static const char *c_string(struct text t)
{
    return t.len ? t.ptr : NULL;
}

struct dial_options dial_options_of(const struct dial_fields *f)
{
    return (struct dial_options){
        .bind_interface = c_string(f->bind_interface),
        .bind_v4 = f->bind_v4,
        .bind_v6 = f->bind_v6,
        .netns = c_string(f->netns),
        .mark = f->mark,
        .reuse_addr = f->reuse_addr,
        .bind_address_no_port = f->bind_address_no_port,
        .tcp_fast_open = f->tcp_fast_open,
        .tcp_multi_path = f->tcp_multi_path,
        .no_keep_alive = f->no_keep_alive,
        .udp_fragment = f->udp_fragment,
        .keep_alive_ms = ms(f->keep_alive),
        .keep_alive_interval_ms = ms(f->keep_alive_interval),
        .connect_timeout_ms = ms(f->connect_timeout),
        .fallback_delay_ms = ms(f->fallback_delay),
        .strategy = (enum ip_strategy)(f->strategy ? f->strategy : f->resolver.strategy),
        .proxy_protocol = f->proxy_protocol,
    };
}

struct dial_fields dial_fields_of(const struct dial_options *o, struct text detour)
{
    return (struct dial_fields){
        .detour = detour,
        .bind_interface = text_of(o->bind_interface),
        .bind_v4 = o->bind_v4,
        .bind_v6 = o->bind_v6,
        .netns = text_of(o->netns),
        .mark = o->mark,
        .reuse_addr = o->reuse_addr,
        .bind_address_no_port = o->bind_address_no_port,
        .tcp_fast_open = o->tcp_fast_open,
        .tcp_multi_path = o->tcp_multi_path,
        .no_keep_alive = o->no_keep_alive,
        .udp_fragment = o->udp_fragment,
        .keep_alive = o->keep_alive_ms * OPTION_MS,
        .keep_alive_interval = o->keep_alive_interval_ms * OPTION_MS,
        .connect_timeout = o->connect_timeout_ms * OPTION_MS,
        .fallback_delay = o->fallback_delay_ms * OPTION_MS,
        .strategy = (int)o->strategy,
        .proxy_protocol = (uint16_t)o->proxy_protocol,
    };
}

/* ---- listen ---- */

/* An address, or the path of a UNIX socket. */
static int read_listen(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct listen_fields *f = container_of((struct addr *)field, struct listen_fields, addr);
    struct text t;

    (void)o;
    int result = option_string(n, &t, r);
    if (result < 0 || !t.len)
        return result;
    if (t.ptr[0] == '/') {
        f->unix_path = t;
        return 0;
    }
    if (r->dialect == DIALECT_MIHOMO && text_is(t, "*"))
        t = TEXT("::");
    return addr_parse(t, 0, &f->addr) < 0 ? option_expected(n, "an IP address", r) : 0;
}

static int write_listen(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct listen_fields *f = field;

    f = (const struct listen_fields *)(const void *)((const char *)field - offsetof(struct listen_fields, addr));
    if (!f->unix_path.len)
        return field_write_addr(o, field, a, out);
    *out = node_new_text(a, f->unix_path);
    return *out ? 0 : -ENOMEM;
}

#define SNIFF_ACTION "a rule {\"action\": \"sniff\"} in route.rules"

const struct option listen_table[] = {
    OPT_CUSTOM(struct listen_fields, addr, read_listen, write_listen, .singbox = "listen", .mihomo = "listen",
               .help = "The address to listen on."),
    OPT_CUSTOM(struct listen_fields, ports, field_read_ports, field_write_ports, .singbox = "listen_port",
               .mihomo = "port", .help = "The port to listen on."),
    OPT_STRING(struct listen_fields, bind_interface, .singbox = "bind_interface",
               .help = "The network interface to listen on."),
    OPT_CUSTOM(struct listen_fields, mark, field_read_mark, field_write_mark, .singbox = "routing_mark",
               .mihomo = "routing-mark", .help = "SO_MARK of the sockets."),
    OPT_BOOL(struct listen_fields, reuse_addr, .singbox = "reuse_addr", .help = "Set SO_REUSEADDR."),
    OPT_STRING(struct listen_fields, netns, .singbox = "netns",
               .help = "The network namespace to listen in: a name or a path."),
    OPT_BOOL(struct listen_fields, no_keep_alive, .singbox = "disable_tcp_keep_alive", .help = "No TCP keep-alive."),
    OPT_DURATION(struct listen_fields, keep_alive, .singbox = "tcp_keep_alive",
                 .help = "Idle time before the first keep-alive probe; 5m."),
    OPT_DURATION(struct listen_fields, keep_alive_interval, .singbox = "tcp_keep_alive_interval",
                 .help = "Time between probes; 75s."),
    OPT_BOOL(struct listen_fields, tcp_fast_open, .singbox = "tcp_fast_open", .help = "Accept data with the SYN."),
    OPT_BOOL(struct listen_fields, tcp_multi_path, .singbox = "tcp_multi_path", .help = "Accept MPTCP."),
    OPT_BOOL(struct listen_fields, udp_fragment, .singbox = "udp_fragment", .help = "Let IP fragment UDP."),
    OPT_DURATION(struct listen_fields, udp_timeout, .singbox = "udp_timeout", .mihomo = "udp-timeout",
                 .help = "A UDP session ends when idle so long; 5m."),
    OPT_STRING(struct listen_fields, detour, .singbox = "detour",
               .help = "The inbound to which connections are handed."),
    OPT_STRING(struct listen_fields, outbound, .mihomo = "proxy", .help = "The outbound that takes everything."),
    OPT_STRING(struct listen_fields, sub_rule, .mihomo = "rule", .help = "The sub-rules that decide."),
    OPT_BOOL(struct listen_fields, proxy_protocol, .singbox = "proxy_protocol", .mihomo = "proxy-protocol",
             .help = "Clients send a PROXY protocol header first."),
    OPT_UNSUPPORTED(.singbox = "proxy_protocol_accept_no_header"),
    OPT_BOOL(struct listen_fields, sniff, .singbox = "sniff", .deprecated = SNIFF_ACTION),
    OPT_BOOL(struct listen_fields, sniff_override, .singbox = "sniff_override_destination", .deprecated = SNIFF_ACTION),
    OPT_DURATION(struct listen_fields, sniff_timeout, .singbox = "sniff_timeout", .deprecated = SNIFF_ACTION),
    OPT_ENUM(struct listen_fields, strategy, singbox_strategies, .singbox = "domain_strategy",
             .deprecated = "a rule {\"action\": \"resolve\", \"strategy\": ...} in route.rules"),
    OPT_CUSTOM(struct listen_fields, left_out, field_leave_out, NULL, .singbox = "udp_disable_domain_unmapping"),
    OPTION_END,
};

struct listen_options listen_options_of(const struct listen_fields *f, size_t index)
{
    struct listen_options o = {
        .addr = f->addr,
        .unix_path = c_string(f->unix_path),
        .bind_interface = c_string(f->bind_interface),
        .netns = c_string(f->netns),
        .mark = f->mark,
        .reuse_addr = f->reuse_addr,
        .tcp_fast_open = f->tcp_fast_open,
        .tcp_multi_path = f->tcp_multi_path,
        .no_keep_alive = f->no_keep_alive,
        .udp_fragment = f->udp_fragment,
        .accept_proxy_protocol = f->proxy_protocol,
        .keep_alive_ms = ms(f->keep_alive),
        .keep_alive_interval_ms = ms(f->keep_alive_interval),
    };

    if (addr_is_set(&o.addr))
        addr_set_port(&o.addr, index < f->ports.len ? f->ports.at[index] : 0);
    return o;
}

struct listen_fields listen_fields_of(const struct listen_options *o)
{
    return (struct listen_fields){
        .addr = o->addr,
        .unix_path = text_of(o->unix_path),
        .bind_interface = text_of(o->bind_interface),
        .netns = text_of(o->netns),
        .mark = o->mark,
        .reuse_addr = o->reuse_addr,
        .tcp_fast_open = o->tcp_fast_open,
        .tcp_multi_path = o->tcp_multi_path,
        .no_keep_alive = o->no_keep_alive,
        .udp_fragment = o->udp_fragment,
        .proxy_protocol = o->accept_proxy_protocol,
        .keep_alive = o->keep_alive_ms * OPTION_MS,
        .keep_alive_interval = o->keep_alive_interval_ms * OPTION_MS,
    };
}

/* ---- groups ---- */

const struct option group_table[] = {
    OPT_STRING_LIST(struct group_fields, outbounds, .singbox = "outbounds", .mihomo = "proxies",
                    .help = "Tags of the members."),
    OPT_STRING(struct group_fields, chosen, .singbox = "default", .mihomo = "default-selected",
               .help = "The member chosen at first."),
    OPT_STRING(struct group_fields, url, .singbox = "url", .mihomo = "url", .help = "What a test fetches."),
    OPT_DURATION(struct group_fields, interval, .singbox = "interval", .mihomo = "interval",
                 .help = "Time between tests; 3m."),
    OPT_DURATION(struct group_fields, timeout, .singbox = "timeout", .mihomo = "timeout", .unit = OPTION_MS,
                 .help = "How long a test may take; 5s."),
    OPT_DURATION(struct group_fields, idle, .singbox = "idle_timeout",
                 .help = "Tests pause when the group was not used for so long; 30m."),
    OPT_U32(struct group_fields, tolerance, .singbox = "tolerance", .mihomo = "tolerance", .max = 65535,
            .help = "Milliseconds by which another member must be faster; 50."),
    OPT_TRI(struct group_fields, lazy, .singbox = "lazy", .mihomo = "lazy", .def = -1,
            .help = "Test only while the group is used."),
    OPT_U32(struct group_fields, max_failed, .singbox = "max_failed_times", .mihomo = "max-failed-times",
            .help = "Failed dials that trigger a test; 5."),
    OPT_STRING(struct group_fields, expected_status, .singbox = "expected_status", .mihomo = "expected-status",
               .help = "HTTP status of a good answer: \"200/204\", \"200-299\", \"*\"."),
    OPT_ENUM(struct group_fields, strategy, balance_choices, .singbox = "strategy", .mihomo = "strategy",
             .help = "How a load-balance group picks."),
    OPT_BOOL(struct group_fields, interrupt_exist_connections, .singbox = "interrupt_exist_connections",
             .help = "Close connections through the old member when another is chosen."),
    OPT_BOOL(struct group_fields, disable_udp, .mihomo = "disable-udp", .help = "Refuse UDP."),
    OPT_STRING_LIST(struct group_fields, use, .mihomo = "use", .help = "Names of proxy-providers."),
    OPT_STRING(struct group_fields, filter, .mihomo = "filter",
               .help = "Regular expressions, separated by `, that names must match."),
    OPT_STRING(struct group_fields, exclude_filter, .mihomo = "exclude-filter",
               .help = "Regular expressions, separated by `, that names must not match."),
    OPT_STRING(struct group_fields, exclude_type, .mihomo = "exclude-type",
               .help = "Types, separated by |, that are left out."),
    OPT_BOOL(struct group_fields, include_all, .mihomo = "include-all", .help = "All proxies and providers."),
    OPT_BOOL(struct group_fields, include_all_proxies, .mihomo = "include-all-proxies", .help = "All proxies."),
    OPT_BOOL(struct group_fields, include_all_providers, .mihomo = "include-all-providers", .help = "All providers."),
    OPT_STRING(struct group_fields, empty_fallback, .mihomo = "empty-fallback",
               .help = "The proxy that is used when the group is empty."),
    OPT_IGNORED(.mihomo = "hidden"),
    OPT_IGNORED(.mihomo = "icon"),
    OPT_IGNORED(.mihomo = "interface-name", .deprecated = "it at each proxy: a group has none"),
    OPT_IGNORED(.mihomo = "routing-mark", .deprecated = "it at each proxy: a group has none"),
    OPT_IGNORED(.mihomo = "dialer-proxy", .deprecated = "it at each proxy: a group has none"),
    OPTION_END,
};

void group_spec_fill(const struct group_fields *f, struct group_spec *out)
{
    out->outbounds = f->outbounds;
    out->chosen = f->chosen;
    out->url = f->url;
    out->interval_ms = ms(f->interval);
    out->timeout_ms = ms(f->timeout);
    out->idle_ms = ms(f->idle);
    out->tolerance_ms = f->tolerance;
    out->lazy = f->lazy > 0;
    out->max_failed = f->max_failed;
    out->expected_status = f->expected_status;
    out->strategy = (enum group_strategy)f->strategy;
    out->interrupt_exist_connections = f->interrupt_exist_connections;
    out->disable_udp = f->disable_udp;
}

void group_fields_fill(const struct group_spec *g, struct group_fields *out)
{
    *out = (struct group_fields){
        .outbounds = g->outbounds,
        .chosen = g->chosen,
        .url = g->url,
        .interval = g->interval_ms * OPTION_MS,
        .timeout = g->timeout_ms * OPTION_MS,
        .idle = g->idle_ms * OPTION_MS,
        .tolerance = (uint32_t)g->tolerance_ms,
        .lazy = g->lazy,
        .max_failed = g->max_failed,
        .expected_status = g->expected_status,
        .strategy = (int)g->strategy,
        .interrupt_exist_connections = g->interrupt_exist_connections,
        .disable_udp = g->disable_udp,
    };
}
