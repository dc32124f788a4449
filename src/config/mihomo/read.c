/* The top level of a mihomo configuration. */
#include <errno.h>

#include "config/mihomo/mihomo.h"
#include "proto/block/block.h"

static char fold(char c)
{
    return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

struct node *mihomo_get(const struct node *map, const char *key)
{
    if (!node_is(map, NODE_MAP))
        return NULL;
    node_each(item, map) {
        size_t i = 0;
        while (i < item->key.len && key[i] && fold(item->key.ptr[i]) == fold(key[i]))
            i++;
        if (i == item->key.len && !key[i])
            return item->value;
    }
    return NULL;
}

static const struct option_choice levels[] = {
    {"silent", LOG_SILENT}, {"error", LOG_ERROR}, {"warning", LOG_WARN}, {"warn", LOG_WARN},
    {"info", LOG_INFO},     {"debug", LOG_DEBUG}, {NULL, 0},
};

static const struct option_choice modes[] = {{"rule", 0}, {"global", 1}, {"direct", 2}, {"", 0}, {NULL, 0}};

struct profile_fields {
    bool store_selected;
    bool left_out;
};

OPTION_TABLE(struct profile_fields, profile_table) = {
    OPT_BOOL(struct profile_fields, store_selected, .mihomo = "store-selected", .def = 1,
             .help = "Keep what was selected over a restart."),
    OPT_CUSTOM(struct profile_fields, left_out, field_warn_only, NULL, .mihomo = "store-fake-ip"),
    OPTION_END,
};

struct sections {
    bool allow_lan;
    struct text bind_address;
    int mode;
    int level;
    bool ipv6;
    struct text interface;
    uint32_t mark;
    int64_t keep_alive;
    int64_t keep_alive_interval;
    bool no_keep_alive;
    struct profile_fields profile;
    struct text_list lan_allowed;
    struct text_list lan_disallowed;
    const struct node *authentication;
    const struct node *proxies, *groups, *proxy_providers, *rule_providers;
    const struct node *rules, *sub_rules, *listeners, *tunnels, *hosts, *dns, *sniffer;
    bool left_out;
};

#define S struct sections
#define LEFT_OUT(key) OPT_CUSTOM(S, left_out, field_leave_out, NULL, .mihomo = key)
#define NO_EFFECT(key) OPT_CUSTOM(S, left_out, field_warn_only, NULL, .mihomo = key)
/* Read where it is used: listener.c, or by what names it. */
#define ELSEWHERE(key) OPT_IGNORED(.mihomo = key)
OPTION_TABLE(struct sections, sections_table) = {
    ELSEWHERE("port"),
    ELSEWHERE("socks-port"),
    ELSEWHERE("mixed-port"),
    ELSEWHERE("redir-port"),
    ELSEWHERE("tproxy-port"),
    ELSEWHERE("inbound-tfo"),
    ELSEWHERE("inbound-mptcp"),
    LEFT_OUT("ss-config"),
    LEFT_OUT("vmess-config"),
    LEFT_OUT("tuic-server"),
    OPT_NODE(S, authentication, .mihomo = "authentication", .help = "Users as \"name:password\"."),
    LEFT_OUT("skip-auth-prefixes"),
    OPT_STRING_LIST(S, lan_allowed, .mihomo = "lan-allowed-ips", .help = "Who may use the ports."),
    OPT_STRING_LIST(S, lan_disallowed, .mihomo = "lan-disallowed-ips", .help = "Who may not."),
    OPT_BOOL(S, allow_lan, .mihomo = "allow-lan", .help = "Listen for other machines too."),
    OPT_STRING(S, bind_address, .mihomo = "bind-address", .def_text = "*", .help = "Where the ports listen."),
    OPT_ENUM(S, mode, modes, .mihomo = "mode", .help = "rule, global or direct."),
    OPT_ENUM(S, level, levels, .mihomo = "log-level", .def = LOG_INFO, .help = "The least level written."),
    OPT_BOOL(S, ipv6, .mihomo = "ipv6", .def = 1, .help = "Use IPv6."),
    OPT_STRING(S, interface, .mihomo = "interface-name", .help = "The interface that proxies dial from."),
    OPT_CUSTOM(S, mark, field_read_mark, field_write_mark, .mihomo = "routing-mark", .help = "SO_MARK of proxies."),
    OPT_DURATION(S, keep_alive, .mihomo = "keep-alive-idle", .help = "Idle time before a keep-alive probe."),
    OPT_DURATION(S, keep_alive_interval, .mihomo = "keep-alive-interval", .help = "Time between probes."),
    OPT_BOOL(S, no_keep_alive, .mihomo = "disable-keep-alive", .help = "No TCP keep-alive."),
    ELSEWHERE("tcp-concurrent"), /* addresses are always raced (RFC 8305) */
    NO_EFFECT("unified-delay"),
    ELSEWHERE("find-process-mode"), /* only rules on processes need it, and these are named */
    NO_EFFECT("global-client-fingerprint"),
    ELSEWHERE("global-ua"), /* of downloads, which are named */
    ELSEWHERE("etag-support"),
    LEFT_OUT("external-controller"),
    LEFT_OUT("external-controller-tls"),
    LEFT_OUT("external-controller-unix"),
    LEFT_OUT("external-controller-pipe"),
    ELSEWHERE("external-controller-cors"), /* these go with external-controller */
    ELSEWHERE("external-controller-routing-mark"),
    ELSEWHERE("external-ui"),
    ELSEWHERE("external-ui-name"),
    ELSEWHERE("external-ui-url"),
    ELSEWHERE("external-doh-server"),
    ELSEWHERE("secret"),
    ELSEWHERE("geo-auto-update"), /* these go with GEOIP and GEOSITE rules */
    ELSEWHERE("geo-update-interval"),
    ELSEWHERE("geodata-mode"),
    ELSEWHERE("geodata-loader"),
    ELSEWHERE("geosite-matcher"),
    ELSEWHERE("geox-url"),
    OPT_NODE(S, proxies, .mihomo = "proxies", .help = "Where flows go out."),
    OPT_NODE(S, groups, .mihomo = "proxy-groups", .help = "Choices between proxies."),
    OPT_NODE(S, proxy_providers, .mihomo = "proxy-providers", .help = "Proxies from elsewhere."),
    OPT_NODE(S, rule_providers, .mihomo = "rule-providers", .help = "Rules from elsewhere."),
    OPT_NODE(S, rules, .mihomo = "rules", .help = "Which flow goes where."),
    OPT_NODE(S, sub_rules, .mihomo = "sub-rules", .help = "Lists that rules and listeners name."),
    OPT_NODE(S, listeners, .mihomo = "listeners", .help = "Where flows come in."),
    OPT_NODE(S, tunnels, .mihomo = "tunnels", .help = "Ports that lead to one target."),
    OPT_NODE(S, hosts, .mihomo = "hosts", .help = "Names and their addresses."),
    OPT_NODE(S, dns, .mihomo = "dns", .help = "Names and their servers."),
    OPT_NODE(S, sniffer, .mihomo = "sniffer", .help = "Names from the first bytes."),
    OPT_OBJECT(S, profile, profile_table, .mihomo = "profile", .help = "State."),
    LEFT_OUT("ntp"),
    LEFT_OUT("tun"),
    LEFT_OUT("iptables"),
    LEFT_OUT("tls"),
    NO_EFFECT("experimental"),
    ELSEWHERE("clash-for-android"),
    OPTION_END,
};
#undef S

static int section(struct mihomo *m, const struct node *n, const char *name,
                   int (*read)(struct mihomo *, const struct node *))
{
    STEP(s);

    if (!n)
        return 0;
    step_enter(&s, m->g, text_of(name));
    return read(m, n);
}

static void read_general(struct mihomo *m, const struct sections *f)
{
    static const char *const mode_names[] = {"rule", "global", "direct"};
    struct model *model = m->g->model;

    m->allow_lan = f->allow_lan;
    m->bind_address = f->bind_address;
    m->authentication = f->authentication;
    model->allow_lan = f->allow_lan;
    model->mode = text_of(mode_names[f->mode]);
    model->log.level = f->level;
    model->no_ipv6 = !f->ipv6;
    model->interface_name = f->interface;
    model->mark = f->mark;
    model->store_selected = f->profile.store_selected;
    model->cache_file = TEXT("cache.db");
}

static int check_authentication(struct reading *g, const struct node *n)
{
    size_t index = 0;
    STEP(s);

    if (!n)
        return 0;
    step_enter(&s, g, TEXT("authentication"));
    if (n->kind != NODE_LIST)
        return reported(option_expected(n, "a list of \"name:password\"", &g->r));
    node_each(item, n) {
        STEP(at);
        step_enter_index(&at, g, index++);
        if (text_find(node_text(item->value), ':') < 0)
            diag_error(g->diag, item->value->at, g->r.path, "is not of the form \"name:password\"");
    }
    return 0;
}

/* ---- who may use the ports ---- */

static int parse_prefixes(struct reading *g, const struct text_list *list, const char *key, struct rule_spec *rule)
{
    rule->source_ip_cidr.at = arena_alloc(&g->model->arena, list->len * sizeof(struct cidr) + 1);
    if (!rule->source_ip_cidr.at)
        return -ENOMEM;
    rule->at = place_of(g->root, key);
    for (size_t i = 0; i < list->len; i++) {
        if (cidr_parse(list->at[i], &rule->source_ip_cidr.at[rule->source_ip_cidr.len]) < 0)
            diag_error(g->diag, rule->at, NULL, "%s: '%.*s' is no prefix such as 10.0.0.0/8", key,
                       TEXT_ARG(list->at[i]));
        else
            rule->source_ip_cidr.len++;
    }
    return 0;
}

/* A rule in front that refuses clients; `invert`: those that are not listed. */
static int refuse_clients(struct reading *g, const struct text_list *list, const char *key, bool invert)
{
    static const char *const types[] = {"http", "socks", "mixed"};
    struct text names[ARRAY_LEN(types)];
    struct rule_spec *rule;

    if (!list->len)
        return 0;
    struct rule_spec *prefixes = arena_alloc(&g->model->arena, 2 * sizeof *prefixes);
    rule = rule_vec_add(&g->before);
    if (!prefixes || !rule)
        return -ENOMEM;
    rule->kind = RULE_AND;
    rule->action = RULE_REJECT;
    rule->reject = REJECT_DROP;
    rule->line = text_of(key);
    rule->rules.at = prefixes;
    rule->rules.len = 2;
    rule->at = place_of(g->root, key);
    prefixes[0].invert = invert;
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        names[i] = text_of(types[i]);
    int r = text_list_keep(&g->model->arena, names, ARRAY_LEN(names), &prefixes[1].inbound_type);
    return r < 0 ? r : parse_prefixes(g, list, key, &prefixes[0]);
}

/* ---- built-in outbounds ---- */

static int add_global(struct mihomo *m)
{
    struct reading *g = m->g;
    struct text_vec members = {0};
    struct group_spec *spec = arena_new(&g->model->arena, struct group_spec);
    int r = 0;

    if (map_get_text(&g->outbounds, TEXT("GLOBAL")))
        return 0;
    if (!spec)
        return -ENOMEM;
    r = vec_push(&members.list, TEXT("DIRECT"));
    if (r == 0)
        r = vec_push(&members.list, TEXT("REJECT"));
    for (size_t i = 0; r == 0 && i < m->proxies.list.len; i++) {
        if (!map_get_text(&g->dropped, m->proxies.list.at[i]))
            r = vec_push(&members.list, m->proxies.list.at[i]);
    }
    for (size_t i = 0; r == 0 && i < m->groups.list.len; i++)
        r = vec_push(&members.list, m->groups.list.at[i]);
    if (r == 0)
        r = text_list_keep(&g->model->arena, members.list.at, members.list.len, &spec->outbounds);
    vec_done(&members.list);
    if (r == 0)
        r = reading_name_outbound(g, TEXT("GLOBAL"), (struct place){0});
    struct model_outbound out = {.tag = TEXT("GLOBAL"), .group = spec};
    return r < 0 ? r : vec_push(&g->model->outbounds, out);
}

/* No dialect has a key for the way in which something is refused. */
static void make_drop(struct model *m, const char *tag)
{
    struct model_outbound *o = m->outbounds.len ? &m->outbounds.at[m->outbounds.len - 1] : NULL;

    if (o && text_is(o->tag, tag) && o->protocol->outbound_size == sizeof(struct block_options))
        ((struct block_options *)o->options)->method = BLOCK_DROP;
}

static int add_built_in(struct mihomo *m)
{
    static const struct {
        const char *tag;
        const char *type;
    } all[] = {{"DIRECT", "direct"}, {"REJECT", "block"}, {"REJECT-DROP", "block"}, {"COMPATIBLE", "direct"}};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(all); i++) {
        r = reading_add_built_in(m->g, all[i].tag, all[i].type);
        if (r == 0 && text_is(text_of(all[i].tag), "REJECT-DROP"))
            make_drop(m->g->model, all[i].tag);
    }
    /* PASS decides nothing: a rule to it is as good as none, and groups cannot have it. */
    if (r == 0)
        r = reading_name_outbound(m->g, TEXT("PASS"), (struct place){0});
    return r < 0 ? r : reading_name_outbound(m->g, TEXT("PASS-RULE"), (struct place){0});
}

static void apply_keep_alive(struct model *m, const struct sections *f)
{
    for (size_t i = 0; i < m->outbounds.len; i++) {
        struct dial_options *o = &m->outbounds.at[i].dial;
        o->keep_alive_ms = f->keep_alive / OPTION_MS;
        o->keep_alive_interval_ms = f->keep_alive_interval / OPTION_MS;
        o->no_keep_alive |= f->no_keep_alive;
    }
    for (size_t i = 0; i < m->inbounds.len; i++) {
        struct listen_options *o = &m->inbounds.at[i].listen;
        o->keep_alive_ms = f->keep_alive / OPTION_MS;
        o->keep_alive_interval_ms = f->keep_alive_interval / OPTION_MS;
        o->no_keep_alive |= f->no_keep_alive;
    }
}

/* ---- all of it ---- */

static int read_outbounds(struct mihomo *m, const struct sections *f)
{
    int r = section(m, f->proxies, "proxies", mihomo_read_proxies);

    if (r == 0)
        r = section(m, f->proxy_providers, "proxy-providers", mihomo_read_proxy_providers);
    if (r == 0)
        r = section(m, f->groups, "proxy-groups", mihomo_read_groups);
    if (r == 0)
        r = add_global(m);
    return r < 0 ? r : add_built_in(m);
}

static int read_inbounds(struct mihomo *m, const struct sections *f)
{
    int r = mihomo_read_ports(m, m->g->root);

    if (r == 0)
        r = section(m, f->listeners, "listeners", mihomo_read_listeners);
    return r < 0 ? r : section(m, f->tunnels, "tunnels", mihomo_read_tunnels);
}

static int read_routing(struct mihomo *m, const struct sections *f)
{
    struct reading *g = m->g;

    int r = refuse_clients(g, &f->lan_allowed, "lan-allowed-ips", true);
    if (r == 0)
        r = refuse_clients(g, &f->lan_disallowed, "lan-disallowed-ips", false);
    if (r == 0)
        r = section(m, f->sniffer, "sniffer", mihomo_read_sniffer);
    if (r == 0)
        r = section(m, f->rule_providers, "rule-providers", mihomo_read_rule_providers);
    if (r == 0)
        r = section(m, f->rules, "rules", mihomo_read_rules);
    if (r == 0)
        r = reading_add_rules(g, (struct text){0}, &g->before);
    g->model->final = TEXT("DIRECT");
    return r < 0 ? r : section(m, f->sub_rules, "sub-rules", mihomo_read_sub_rules);
}

static int read_sections(struct mihomo *m)
{
    struct reading *g = m->g;
    struct sections f;

    int r = reported(options_read(sections_table, g->root, &f, &g->r));
    if (r < 0)
        return r;
    read_general(m, &f);
    r = check_authentication(g, f.authentication);
    if (r == 0)
        r = section(m, f.hosts, "hosts", mihomo_read_hosts);
    if (r == 0)
        r = section(m, f.dns, "dns", mihomo_read_dns);
    if (r == 0)
        r = read_outbounds(m, &f);
    if (r == 0)
        r = read_inbounds(m, &f);
    if (r == 0)
        r = read_routing(m, &f);
    if (r == 0)
        apply_keep_alive(g->model, &f);
    return r;
}

int mihomo_read(struct reading *g)
{
    struct mihomo m = {.g = g};

    map_init(&m.proxy_providers);
    map_init(&m.rule_providers);
    map_init(&m.types);
    int r = read_sections(&m);
    map_done(&m.proxy_providers);
    map_done(&m.rule_providers);
    map_done(&m.types);
    vec_done(&m.proxies.list);
    vec_done(&m.groups.list);
    return r;
}
