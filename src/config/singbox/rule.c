/* Route rules: items and actions. Which keys an action allows is which table it reads. */
#include <errno.h>

#include "config/singbox/singbox.h"

/* ---- items ---- */

struct cidr_list {
    struct cidr *at;
    size_t len;
};

struct range_list {
    struct port_range *at;
    size_t len;
};

/* Calls `add` with each member of a list, or with a single value. */
static int each_value(const struct node *n, void *field, struct option_reader *r,
                      int (*add)(const struct node *, void *, struct option_reader *))
{
    const struct key_path *up = r->path;
    size_t index = 0;
    int result = 0;

    if (n->kind != NODE_LIST)
        return add(n, field, r);
    node_each(item, n) {
        struct key_path path = {.up = up, .index = index++};
        r->path = &path;
        int one = add(item->value, field, r);
        r->path = up;
        if (one == -ENOMEM)
            return one;
        if (one < 0)
            result = one;
    }
    return result;
}

/* Room for one more at the end of a list in the arena: lists grow by doubling, `len` says how far. */
static void *list_room(struct arena *a, void *at, size_t len, size_t size)
{
    if (len && (len & (len - 1)) != 0)
        return at;
    char *grown = arena_alloc(a, (len ? len * 2 : 1) * size);
    if (grown && len)
        memcpy(grown, at, len * size);
    return grown;
}

static int add_cidr(const struct node *n, void *field, struct option_reader *r)
{
    struct cidr_list *list = field;
    struct cidr c;
    struct text t;

    int result = option_string(n, &t, r);
    if (result < 0)
        return result;
    if (cidr_parse(t, &c) < 0)
        return option_expected(n, "an address or prefix such as 10.0.0.0/8", r);
    void *at = list_room(r->arena, list->at, list->len, sizeof c);
    if (!at)
        return -ENOMEM;
    list->at = at;
    list->at[list->len++] = c;
    return 0;
}

static int read_cidrs(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    return each_value(n, field, r, add_cidr);
}

static int add_range(struct range_list *list, uint16_t first, uint16_t last, struct option_reader *r)
{
    void *at = list_room(r->arena, list->at, list->len, sizeof *list->at);

    if (!at)
        return -ENOMEM;
    list->at = at;
    list->at[list->len++] = (struct port_range){first, last};
    return 0;
}

static int add_port(const struct node *n, void *field, struct option_reader *r)
{
    int64_t value;

    int result = option_integer(n, &value, r);
    if (result < 0)
        return result;
    if (value < 0 || value > UINT16_MAX)
        return option_expected(n, "0 to 65535", r);
    return add_range(field, (uint16_t)value, (uint16_t)value, r);
}

static int add_port_range(const struct node *n, void *field, struct option_reader *r)
{
    uint16_t first, last;
    struct text t;

    int result = option_string(n, &t, r);
    if (result < 0)
        return result;
    if (text_find(t, ':') < 0 || port_range_parse(t, ':', &first, &last) < 0)
        return option_expected(n, "a range such as \"1000:2000\", \":1000\" or \"2000:\"", r);
    return add_range(field, first, last, r);
}

static int read_ports(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    return each_value(n, field, r, add_port);
}

static int read_port_ranges(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    return each_value(n, field, r, add_port_range);
}

static int read_version(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    int64_t value;

    (void)o;
    int result = option_integer(n, &value, r);
    if (result < 0)
        return result;
    if (value != 4 && value != 6)
        return option_expected(n, "4 or 6", r);
    *(uint8_t *)field = (uint8_t)value;
    return 0;
}

static int add_network(const struct node *n, void *field, struct option_reader *r)
{
    struct text t;

    (void)field;
    int result = option_string(n, &t, r);
    if (result < 0)
        return result;
    if (text_is(t, "tcp") || text_is(t, "udp") || text_is(t, "icmp"))
        return 0;
    return option_expected(n, "tcp, udp or icmp", r);
}

/* A check after the list was read. */
static int check_networks(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    return each_value(n, field, r, add_network);
}

#define R struct rule_spec
const struct option singbox_item_table[] = {
    OPT_IGNORED(.singbox = "type"),
    OPT_STRING_LIST(R, inbound, .singbox = "inbound", .help = "Tags of inbounds."),
    OPT_CUSTOM(R, ip_version, read_version, NULL, .singbox = "ip_version", .help = "4 or 6."),
    OPT_STRING_LIST(R, network, .singbox = "network", .read = check_networks, .help = "tcp, udp."),
    OPT_STRING_LIST(R, auth_user, .singbox = "auth_user", .help = "Names of users."),
    OPT_STRING_LIST(R, protocol, .singbox = "protocol", .help = "Sniffed protocols."),
    OPT_STRING_LIST(R, client, .singbox = "client", .help = "Sniffed clients."),
    OPT_STRING_LIST(R, domain, .singbox = "domain", .help = "Whole names."),
    OPT_STRING_LIST(R, domain_suffix, .singbox = "domain_suffix", .help = "Names and what is below them."),
    OPT_STRING_LIST(R, domain_keyword, .singbox = "domain_keyword", .help = "Parts of names."),
    OPT_STRING_LIST(R, domain_regex, .singbox = "domain_regex", .help = "Regular expressions for names."),
    OPT_UNSUPPORTED(.singbox = "geosite", .unsupported = "sing-box removed it in 1.12; write rule_set"),
    OPT_UNSUPPORTED(.singbox = "source_geoip", .unsupported = "sing-box removed it in 1.12; write rule_set"),
    OPT_UNSUPPORTED(.singbox = "geoip", .unsupported = "sing-box removed it in 1.12; write rule_set"),
    OPT_CUSTOM(R, source_ip_cidr, read_cidrs, NULL, .singbox = "source_ip_cidr", .help = "Source prefixes."),
    OPT_BOOL(R, source_ip_is_private, .singbox = "source_ip_is_private", .help = "The source is a private address."),
    OPT_CUSTOM(R, ip_cidr, read_cidrs, NULL, .singbox = "ip_cidr", .help = "Destination prefixes."),
    OPT_BOOL(R, ip_is_private, .singbox = "ip_is_private", .help = "The destination is a private address."),
    OPT_CUSTOM(R, source_port, read_ports, NULL, .singbox = "source_port", .help = "Source ports."),
    OPT_CUSTOM(R, source_port, read_port_ranges, NULL, .singbox = "source_port_range", .flags = OPTION_ALIAS,
               .help = "Ranges of source ports: \"1000:2000\"."),
    OPT_CUSTOM(R, port, read_ports, NULL, .singbox = "port", .help = "Destination ports."),
    OPT_CUSTOM(R, port, read_port_ranges, NULL, .singbox = "port_range", .flags = OPTION_ALIAS,
               .help = "Ranges of destination ports: \"1000:2000\"."),
    OPT_UNSUPPORTED(.singbox = "process_name"),
    OPT_UNSUPPORTED(.singbox = "process_path"),
    OPT_UNSUPPORTED(.singbox = "process_path_regex"),
    OPT_UNSUPPORTED(.singbox = "package_name", .unsupported = "it serves Android only"),
    OPT_UNSUPPORTED(.singbox = "package_name_regex", .unsupported = "it serves Android only"),
    OPT_UNSUPPORTED(.singbox = "user"),
    OPT_UNSUPPORTED(.singbox = "user_id"),
    OPT_UNSUPPORTED(.singbox = "clash_mode"),
    OPT_UNSUPPORTED(.singbox = "network_type"),
    OPT_UNSUPPORTED(.singbox = "network_is_expensive"),
    OPT_UNSUPPORTED(.singbox = "network_is_constrained"),
    OPT_UNSUPPORTED(.singbox = "wifi_ssid"),
    OPT_UNSUPPORTED(.singbox = "wifi_bssid"),
    OPT_UNSUPPORTED(.singbox = "interface_address"),
    OPT_UNSUPPORTED(.singbox = "network_interface_address"),
    OPT_UNSUPPORTED(.singbox = "default_interface_address"),
    OPT_UNSUPPORTED(.singbox = "source_mac_address"),
    OPT_UNSUPPORTED(.singbox = "source_hostname"),
    OPT_UNSUPPORTED(.singbox = "preferred_by"),
    OPT_UNSUPPORTED(.singbox = "query_type", .unsupported = "it is of DNS rules"),
    OPT_IGNORED(.singbox = "rule_set"), /* read by rule_set.c */
    OPT_IGNORED(.singbox = "rule_set_ip_cidr_match_source"),
    OPT_IGNORED(.singbox = "rule_set_ipcidr_match_source", .deprecated = "rule_set_ip_cidr_match_source"),
    OPT_BOOL(R, invert, .singbox = "invert", .help = "Match what the items do not."),
    OPTION_END,
};

OPTION_TABLE(struct rule_spec, logical_table) = {
    OPT_IGNORED(.singbox = "type"),
    OPT_IGNORED(.singbox = "mode"),
    OPT_IGNORED(.singbox = "rules"),
    OPT_BOOL(R, invert, .singbox = "invert", .help = "Match what the rules do not."),
    OPTION_END,
};
#undef R

/* ---- actions ---- */

struct action_fields {
    struct text outbound;
    struct text address;
    uint16_t port;
    int64_t udp_timeout;
    int method;
    bool no_drop;
    struct text_list sniffers;
    int64_t timeout;
    struct text server;
    int strategy;
    bool left_out;
};

static const struct option_choice reject_methods[] = {
    {"default", REJECT_DEFAULT}, {"drop", REJECT_DROP}, {"", REJECT_DEFAULT}, {"reply", REJECT_DEFAULT}, {NULL, 0}};

#define A struct action_fields
#define LEFT_OUT(key) OPT_CUSTOM(A, left_out, field_leave_out, NULL, .singbox = key)
#define ROUTE_OPTIONS                                                                                                  \
    OPT_STRING(A, address, .singbox = "override_address", .help = "Another destination host."),                        \
        OPT_U16(A, port, .singbox = "override_port", .help = "Another destination port."),                             \
        OPT_DURATION(A, udp_timeout, .singbox = "udp_timeout", .help = "Idle time of UDP."),                           \
        LEFT_OUT("network_strategy"), LEFT_OUT("fallback_delay"), LEFT_OUT("network_type"),                            \
        LEFT_OUT("fallback_network_type"), LEFT_OUT("udp_disable_domain_unmapping"), LEFT_OUT("udp_connect"),          \
        LEFT_OUT("tls_fragment"), LEFT_OUT("tls_fragment_fallback_delay"), LEFT_OUT("tls_record_fragment"),            \
        LEFT_OUT("tls_spoof"), LEFT_OUT("tls_spoof_method")

OPTION_TABLE(struct action_fields, route_table) = {
    OPT_IGNORED(.singbox = "action"),
    OPT_STRING(A, outbound, .singbox = "outbound", .help = "Tag of the outbound."),
    ROUTE_OPTIONS,
    OPTION_END,
};
OPTION_TABLE(struct action_fields, route_options_table) = {
    OPT_IGNORED(.singbox = "action"),
    ROUTE_OPTIONS,
    OPTION_END,
};
OPTION_TABLE(struct action_fields, reject_table) = {
    OPT_IGNORED(.singbox = "action"),
    OPT_ENUM(A, method, reject_methods, .singbox = "method", .help = "default, or drop: no answer at all."),
    OPT_BOOL(A, no_drop, .singbox = "no_drop", .help = "Never change to drop, however often it matches."),
    OPTION_END,
};
OPTION_TABLE(struct action_fields, sniff_table) = {
    OPT_IGNORED(.singbox = "action"),
    OPT_STRING_LIST(A, sniffers, .singbox = "sniffer", .help = "Protocols to look for; all when empty."),
    OPT_DURATION(A, timeout, .singbox = "timeout", .help = "How long to wait for the first bytes; 300ms."),
    OPTION_END,
};
OPTION_TABLE(struct action_fields, resolve_table) = {
    OPT_IGNORED(.singbox = "action"),
    OPT_STRING(A, server, .singbox = "server", .help = "Tag of the DNS server."),
    OPT_ENUM(A, strategy, singbox_strategies, .singbox = "strategy", .help = "Which addresses of a name are used."),
    OPT_IGNORED(.singbox = "timeout"),
    OPT_IGNORED(.singbox = "disable_cache"),
    OPT_IGNORED(.singbox = "disable_optimistic_cache"),
    OPT_IGNORED(.singbox = "rewrite_ttl"),
    LEFT_OUT("client_subnet"),
    OPTION_END,
};
OPTION_TABLE(struct action_fields, bare_table) = {OPT_IGNORED(.singbox = "action"), OPTION_END};
#undef A

static const struct action {
    const char *name;
    enum rule_action action;
    const struct option *table;
    bool is_carried;
} actions[] = {
    {"route", RULE_ROUTE, route_table, true},
    {"route-options", RULE_OPTIONS, route_options_table, true},
    {"reject", RULE_REJECT, reject_table, true},
    {"sniff", RULE_SNIFF, sniff_table, true},
    {"resolve", RULE_RESOLVE, resolve_table, true},
    {"hijack-dns", RULE_HIJACK_DNS, bare_table, false},
    {"bypass", RULE_ROUTE, route_table, false},
    {"direct", RULE_ROUTE, route_table, false},
};

static const struct action *find_action(struct reading *g, const struct node *n)
{
    const struct node *action = node_get(n, "action");
    struct nearest near;

    if (!action)
        return &actions[0];
    near = nearest_to(node_text(action));
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (text_is(near.wanted, actions[i].name))
            return &actions[i];
        nearest_offer(&near, text_of(actions[i].name));
    }
    STEP(s);
    step_enter(&s, g, TEXT("action"));
    if (action->kind != NODE_STRING)
        (void)option_expected(action, "the name of an action", &g->r);
    else
        diag_error(g->diag, action->at, g->r.path, "there is no action '%.*s'", TEXT_ARG(action->text));
    if (near.best.ptr)
        diag_hint(g->diag, "did you mean '%.*s'?", TEXT_ARG(near.best));
    return NULL;
}

static int set_override(struct reading *g, const struct node *n, const struct action_fields *f, struct rule_spec *rule)
{
    if (f->address.len && dest_set_host(&rule->override, f->address, f->port) < 0) {
        STEP(s);
        step_enter(&s, g, TEXT("override_address"));
        return option_expected(node_get(n, "override_address"), "an address or a name", &g->r);
    }
    rule->override.port = f->port;
    return 0;
}

static int apply_action(struct reading *g, const struct node *n, const struct action_fields *f, struct rule_spec *rule)
{
    rule->outbound = f->outbound;
    rule->udp_idle_ms = f->udp_timeout / OPTION_MS;
    rule->reject = (enum reject_method)f->method;
    rule->no_drop = f->no_drop;
    rule->sniffers = f->sniffers;
    rule->sniff_timeout_ms = f->timeout / OPTION_MS;
    rule->strategy = (enum ip_strategy)f->strategy;
    if (rule->action == RULE_ROUTE && !f->outbound.len)
        diag_error(g->diag, n->at, g->r.path, "the rule has no outbound and no other action");
    int r = reported(set_override(g, n, f, rule));
    if (r == 0)
        r = reading_ref_key(g, REF_RULE, f->outbound, n, "outbound");
    return r < 0 ? r : reading_ref_key(g, REF_DNS_SERVER, f->server, n, "server");
}

/* ---- rules ---- */

static bool is_logical(const struct node *n)
{
    return text_is(node_text(node_get(n, "type")), "logical");
}

static int read_mode(struct reading *g, const struct node *n, struct rule_spec *out)
{
    const struct node *mode = node_get(n, "mode");
    STEP(s);

    out->kind = text_is(node_text(mode), "or") ? RULE_OR : RULE_AND;
    step_enter(&s, g, TEXT("mode"));
    if (mode && !text_is(node_text(mode), "or") && !text_is(node_text(mode), "and"))
        return reported(option_expected(mode, "\"and\" or \"or\"", &g->r));
    if (!mode)
        diag_error(g->diag, n->at, g->r.path, "is missing, expected \"and\" or \"or\"");
    return 0;
}

static int read_members(struct reading *g, const struct node *n, struct rule_spec *out)
{
    const struct node *rules = node_get(n, "rules");
    size_t index = 0;
    STEP(list);

    step_enter(&list, g, TEXT("rules"));
    if (!rules || rules->kind != NODE_LIST || !rules->count) {
        diag_error(g->diag, rules ? rules->at : n->at, g->r.path, "has to be a list of rules");
        return 0;
    }
    out->rules.at = arena_alloc(&g->model->arena, rules->count * sizeof *out->rules.at);
    if (!out->rules.at)
        return -ENOMEM;
    out->rules.len = rules->count;
    node_each(item, rules) {
        STEP(s);
        step_enter_index(&s, g, index);
        int r = singbox_read_items(g, item->value, &out->rules.at[index++]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Reads what a rule matches; `action` is the table of its further keys, or NULL. */
static int read_match(struct reading *g, const struct node *n, struct rule_spec *out, struct option_target action)
{
    struct option_target targets[] = {{is_logical(n) ? logical_table : singbox_item_table, out}, action};
    const struct node *type = node_get(n, "type");
    const struct node *sets = node_get(n, "rule_set");

    out->at = n->at;
    if (n->kind != NODE_MAP)
        return reported(option_expected(n, "a map", &g->r));
    if (type && !is_logical(n) && !text_is(node_text(type), "default") && !text_is(node_text(type), ""))
        diag_error(g->diag, type->at, g->r.path, "there is no rule type '%.*s', expected default or logical",
                   TEXT_ARG(node_text(type)));
    int r = reported(options_read_all(targets, action.table ? 2 : 1, n, &g->r));
    if (r < 0)
        return r;
    if (is_logical(n)) {
        r = read_mode(g, n, out);
        return r < 0 ? r : read_members(g, n, out);
    }
    const struct node *source = node_get(n, "rule_set_ip_cidr_match_source");
    if (!source)
        source = node_get(n, "rule_set_ipcidr_match_source");
    const struct node *inbound = node_get(n, "inbound");
    for (size_t i = 0; r == 0 && i < out->inbound.len; i++)
        r = reading_ref(g, REF_RULE_INBOUND, out->inbound.at[i], inbound ? inbound->at : n->at);
    if (r == 0 && sets && g->in_rule_set) {
        diag_error(g->diag, sets->at, g->r.path, "a rule of a rule set has no rule_set itself");
        return 0;
    }
    if (r == 0 && sets)
        r = singbox_expand_rule_sets(g, sets, node_is(source, NODE_BOOL) && source->boolean, out);
    return r;
}

int singbox_read_items(struct reading *g, const struct node *n, struct rule_spec *out)
{
    return read_match(g, n, out, (struct option_target){0});
}

/* How explain and the logs show a rule: its keys and values in short. */
static struct text rule_line(struct reading *g, const struct node *n)
{
    STRBUF line;

    strbuf_init(&line, 400);
    node_each(item, n) {
        const struct node *v = item->value;
        if (text_is(item->key, "action") || text_is(item->key, "outbound"))
            continue;
        strbuf_addf(&line, "%s%.*s=", line.len ? " " : "", TEXT_ARG(item->key));
        if (v->kind == NODE_LIST && v->first && v->first->value->kind != NODE_MAP)
            strbuf_addf(&line, "%.*s%s", TEXT_ARG(v->first->value->raw), v->count > 1 ? ",..." : "");
        else if (v->kind == NODE_LIST || v->kind == NODE_MAP)
            strbuf_addf(&line, "(%u)", v->count);
        else
            strbuf_add_text(&line, v->raw);
    }
    return kept(g, line.failed ? TEXT("(a long rule)") : strbuf_text(&line));
}

static bool is_dns_outbound(const struct reading *g, struct text tag)
{
    return tag.len && map_get_text(&g->dns_outbounds, tag);
}

static int read_rule(struct reading *g, const struct node *n)
{
    const struct action *action = find_action(g, n);
    struct action_fields fields = {0};
    size_t index = g->rules.list.len;
    size_t errors = g->diag->errors;

    if (!action)
        return 0;
    if (!action->is_carried) {
        not_carried(g, place_of(n, "action"), "the rule is left out", "action '%s'", action->name);
        return 0;
    }
    struct rule_spec *rule = rule_vec_add(&g->rules);
    if (!rule)
        return -ENOMEM;
    g->r.met_unsupported = false;
    int r = read_match(g, n, rule, (struct option_target){action->table, &fields});
    if (r < 0)
        return r;
    rule->action = action->action;
    rule->line = rule_line(g, n);
    if (!rule->line.ptr)
        return -ENOMEM;
    if (is_dns_outbound(g, fields.outbound)) {
        rule->action = RULE_HIJACK_DNS;
        not_carried(g, place_of(n, "outbound"), "the rule is left out", "the action hijack-dns");
    } else if (errors == g->diag->errors) {
        r = apply_action(g, n, &fields, rule);
        if (r < 0)
            return r;
    }
    if (g->r.met_unsupported && g->options->allow_unsupported) {
        diag_warn(g->diag, n->at, g->r.path, "the rule is left out");
        g->rules.list.len = index;
    }
    return 0;
}

int singbox_read_rules(struct reading *g, const struct node *list)
{
    size_t index = 0;

    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list", &g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, g, index++);
        if (item->value->kind != NODE_MAP) {
            (void)option_expected(item->value, "a map", &g->r);
            continue;
        }
        int r = read_rule(g, item->value);
        if (r < 0)
            return r;
    }
    return 0;
}
