/* A model as a sing-box configuration. */
#include <errno.h>

#include "config/writing.h"

static int put_duration(struct writing *w, struct node *map, const char *key, int64_t ms)
{
    char text[32];

    if (!ms)
        return 0;
    duration_print(ms * OPTION_MS, text);
    struct text t = arena_text(&w->arena, text_of(text));
    return t.ptr ? put_text(w, map, key, t) : -ENOMEM;
}

static int put_cidrs(struct writing *w, struct node *map, const char *key, const struct cidr *at, size_t len)
{
    struct node *list = node_new(&w->arena, NODE_LIST);
    char text[ADDR_TEXT + 8];
    char ip[ADDR_TEXT];

    if (!len)
        return 0;
    for (size_t i = 0; list && i < len; i++) {
        (void)snprintf(text, sizeof text, "%s/%u", addr_print_ip(&at[i].base, ip), at[i].bits);
        struct text t = arena_text(&w->arena, text_of(text));
        if (!t.ptr || node_add(&w->arena, list, node_new_text(&w->arena, t)) < 0)
            return -ENOMEM;
    }
    return put(w, map, key, list);
}

static int put_ports(struct writing *w, struct node *map, const char *prefix, const struct port_range *at, size_t len)
{
    struct node *ports = node_new(&w->arena, NODE_LIST);
    struct node *ranges = node_new(&w->arena, NODE_LIST);
    char text[32];
    int r = ports && ranges ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < len; i++) {
        if (at[i].first == at[i].last) {
            r = node_add(&w->arena, ports, node_new_int(&w->arena, at[i].first));
            continue;
        }
        (void)snprintf(text, sizeof text, "%u:%u", at[i].first, at[i].last);
        struct text t = arena_text(&w->arena, text_of(text));
        r = t.ptr ? node_add(&w->arena, ranges, node_new_text(&w->arena, t)) : -ENOMEM;
    }
    (void)snprintf(text, sizeof text, "%sport", prefix);
    struct text key = arena_text(&w->arena, text_of(text));
    (void)snprintf(text, sizeof text, "%sport_range", prefix);
    struct text range_key = arena_text(&w->arena, text_of(text));
    if (r == 0 && (!key.ptr || !range_key.ptr))
        r = -ENOMEM;
    if (r == 0 && ports->count)
        r = put(w, map, key.ptr, ports);
    return r == 0 && ranges->count ? put(w, map, range_key.ptr, ranges) : r;
}

/* False when sing-box has no word for an item of the rule. */
static bool can_say(struct writing *w, const struct rule_spec *rule, struct place at)
{
    if (rule->inbound_port.len || rule->inbound_type.len || rule->domain_wildcard.len || rule->match_all) {
        cannot(w, at, "%s in a rule",
               rule->inbound_port.len      ? "IN-PORT"
               : rule->inbound_type.len    ? "IN-TYPE"
               : rule->domain_wildcard.len ? "DOMAIN-WILDCARD"
                                           : "MATCH");
        return false;
    }
    for (size_t i = 0; i < rule->rules.len; i++) {
        if (!can_say(w, &rule->rules.at[i], at))
            return false;
    }
    return true;
}

static int put_items(struct writing *w, struct node *map, const struct rule_spec *rule)
{
    const struct {
        const char *key;
        const struct text_list *list;
    } lists[] = {
        {"inbound", &rule->inbound},          {"network", &rule->network},
        {"auth_user", &rule->auth_user},      {"protocol", &rule->protocol},
        {"client", &rule->client},            {"domain", &rule->domain},
        {"domain_suffix", &rule->domain_suffix}, {"domain_keyword", &rule->domain_keyword},
        {"domain_regex", &rule->domain_regex},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++)
        r = put_texts(w, map, lists[i].key, lists[i].list);
    if (r == 0)
        r = put_int(w, map, "ip_version", rule->ip_version);
    if (r == 0)
        r = put_cidrs(w, map, "source_ip_cidr", rule->source_ip_cidr.at, rule->source_ip_cidr.len);
    if (r == 0)
        r = put_bool(w, map, "source_ip_is_private", rule->source_ip_is_private);
    if (r == 0)
        r = put_cidrs(w, map, "ip_cidr", rule->ip_cidr.at, rule->ip_cidr.len);
    if (r == 0)
        r = put_bool(w, map, "ip_is_private", rule->ip_is_private);
    if (r == 0)
        r = put_ports(w, map, "source_", rule->source_port.at, rule->source_port.len);
    if (r == 0)
        r = put_ports(w, map, "", rule->port.at, rule->port.len);
    return r < 0 ? r : put_bool(w, map, "invert", rule->invert);
}

static int put_match(struct writing *w, struct node *map, const struct rule_spec *rule)
{
    struct node *list = node_new(&w->arena, NODE_LIST);

    if (rule->kind == RULE_DEFAULT)
        return put_items(w, map, rule);
    int r = put_text(w, map, "type", TEXT("logical"));
    if (r == 0)
        r = put_text(w, map, "mode", rule->kind == RULE_AND ? TEXT("and") : TEXT("or"));
    for (size_t i = 0; r == 0 && i < rule->rules.len; i++) {
        struct node *one = node_new(&w->arena, NODE_MAP);
        r = one ? put_match(w, one, &rule->rules.at[i]) : -ENOMEM;
        if (r == 0)
            r = list ? node_add(&w->arena, list, one) : -ENOMEM;
    }
    if (r == 0)
        r = put(w, map, "rules", list);
    return r < 0 ? r : put_bool(w, map, "invert", rule->invert);
}

static struct text strategy_text(enum ip_strategy s)
{
    for (const struct option_choice *c = singbox_strategies; c->name; c++) {
        if (c->value == (int)s)
            return text_of(c->name);
    }
    return (struct text){0};
}

static int put_override(struct writing *w, struct node *map, const struct rule_spec *rule)
{
    char text[DEST_TEXT];
    struct text host = {0};

    if (dest_is_name(&rule->override) || addr_is_set(&rule->override.ip)) {
        host = arena_text(&w->arena, text_of(dest_print_host(&rule->override, text)));
        if (!host.ptr)
            return -ENOMEM;
    }
    int r = put_text(w, map, "override_address", host);
    if (r == 0)
        r = put_int(w, map, "override_port", rule->override.port);
    return r < 0 ? r : put_duration(w, map, "udp_timeout", rule->udp_idle_ms);
}

static int put_action(struct writing *w, struct node *map, const struct rule_spec *rule)
{
    int r = 0;

    switch (rule->action) {
    case RULE_ROUTE:
        r = put_text(w, map, "outbound", rule->outbound);
        return r < 0 ? r : put_override(w, map, rule);
    case RULE_REJECT:
        r = put_text(w, map, "action", TEXT("reject"));
        if (r == 0 && rule->reject == REJECT_DROP)
            r = put_text(w, map, "method", TEXT("drop"));
        return r < 0 || rule->reject == REJECT_DROP ? r : put_bool(w, map, "no_drop", rule->no_drop);
    case RULE_SNIFF:
        if (rule->sniff_override)
            cannot(w, rule->at, "sniffing that changes the destination");
        r = put_text(w, map, "action", TEXT("sniff"));
        if (r == 0)
            r = put_texts(w, map, "sniffer", &rule->sniffers);
        return r < 0 ? r : put_duration(w, map, "timeout", rule->sniff_timeout_ms);
    case RULE_RESOLVE:
        r = put_text(w, map, "action", TEXT("resolve"));
        return r < 0 ? r : put_text(w, map, "strategy", strategy_text(rule->strategy));
    case RULE_OPTIONS:
        r = put_text(w, map, "action", TEXT("route-options"));
        return r < 0 ? r : put_override(w, map, rule);
    case RULE_HIJACK_DNS:
        return put_text(w, map, "action", TEXT("hijack-dns"));
    case RULE_SUB_RULE:
        break;
    }
    return 0;
}

static int put_rule(struct writing *w, struct node *list, const struct rule_spec *rule, struct text *final)
{
    struct node *map = node_new(&w->arena, NODE_MAP);

    if (rule->match_all && rule->action == RULE_ROUTE) {
        *final = rule->outbound;
        return 0;
    }
    if (rule->action == RULE_SUB_RULE) {
        cannot(w, rule->at, "SUB-RULE");
        return 0;
    }
    if (!can_say(w, rule, rule->at))
        return 0;
    if (!map)
        return -ENOMEM;
    int r = put_match(w, map, rule);
    if (r == 0)
        r = put_action(w, map, rule);
    return r < 0 ? r : node_add(&w->arena, list, map);
}

static int put_route(struct writing *w)
{
    const struct model *m = w->model;
    struct node *route = node_new(&w->arena, NODE_MAP);
    struct node *list = node_new(&w->arena, NODE_LIST);
    struct text final = {0};
    int r = route && list ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && m->rules.len && i < m->rules.at[0].rules.len && !final.len; i++)
        r = put_rule(w, list, &m->rules.at[0].rules.at[i], &final);
    if (r == 0)
        r = put(w, route, "rules", list);
    if (r == 0)
        r = put_text(w, route, "final", final.len ? final : m->final);
    if (r == 0)
        r = put_text(w, route, "default_interface", m->interface_name);
    if (r == 0)
        r = put_int(w, route, "default_mark", m->mark);
    return r < 0 ? r : put(w, w->root, "route", route);
}

static int put_log(struct writing *w)
{
    static const char *const names[] = {"trace", "debug", "info", "warn", "error", "panic"};
    const struct model_log *log = &w->model->log;
    struct node *map = node_new(&w->arena, NODE_MAP);

    int r = put_bool(w, map, "disabled", log->disabled);
    if (r == 0)
        r = put_text(w, map, "level", text_of(names[log->level]));
    if (r == 0)
        r = put_text(w, map, "output", log->output);
    return r < 0 ? r : put(w, w->root, "log", map);
}

static int put_dns(struct writing *w)
{
    const struct model *m = w->model;
    struct node *server = node_new(&w->arena, NODE_MAP);
    struct node *names = node_new(&w->arena, NODE_MAP);
    struct node *list = node_new(&w->arena, NODE_LIST);
    struct node *dns = node_new(&w->arena, NODE_MAP);
    char ip[ADDR_TEXT];
    int r = server && names && list && dns ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < m->hosts.len; i++) {
        const struct model_host *h = &m->hosts.at[i];
        struct node *addrs = node_new(&w->arena, NODE_LIST);
        if (h->alias.len || text_find(h->name, '*') >= 0 || text_find(h->name, '+') >= 0) {
            cannot(w, (struct place){0}, "the host '%.*s'", TEXT_ARG(h->name));
            continue;
        }
        for (unsigned k = 0; addrs && r == 0 && k < h->addrs.count; k++) {
            struct text t = arena_text(&w->arena, text_of(addr_print_ip(&h->addrs.at[k], ip)));
            r = t.ptr ? node_add(&w->arena, addrs, node_new_text(&w->arena, t)) : -ENOMEM;
        }
        if (r == 0)
            r = addrs ? node_set(&w->arena, names, h->name, addrs) : -ENOMEM;
    }
    if (r < 0 || !names->count)
        return r;
    r = put_text(w, server, "type", TEXT("hosts"));
    if (r == 0)
        r = put_text(w, server, "tag", TEXT("hosts"));
    if (r == 0)
        r = put(w, server, "predefined", names);
    if (r == 0)
        r = node_add(&w->arena, list, server);
    if (r == 0)
        r = put(w, dns, "servers", list);
    return r < 0 ? r : put(w, w->root, "dns", dns);
}

static int put_cache(struct writing *w)
{
    struct node *file = node_new(&w->arena, NODE_MAP);
    struct node *experimental = node_new(&w->arena, NODE_MAP);

    if (!w->model->store_selected || !w->model->cache_file.len)
        return 0;
    int r = put_bool(w, file, "enabled", true);
    if (r == 0)
        r = put_text(w, file, "path", w->model->cache_file);
    if (r == 0)
        r = put(w, experimental, "cache_file", file);
    return r < 0 ? r : put(w, w->root, "experimental", experimental);
}

int singbox_write(struct writing *w)
{
    const struct model *m = w->model;
    struct node *inbounds = node_new(&w->arena, NODE_LIST);
    struct node *outbounds = node_new(&w->arena, NODE_LIST);
    bool failed = !inbounds || !outbounds;

    int r = put_log(w);
    if (r == 0)
        r = put_dns(w);
    for (size_t i = 0; r == 0 && !failed && i < m->inbounds.len; i++) {
        struct node *n = write_inbound(w, &m->inbounds.at[i], &failed);
        r = n ? node_add(&w->arena, inbounds, n) : 0;
    }
    for (size_t i = 0; r == 0 && !failed && i < m->outbounds.len; i++) {
        if (is_built_in(&m->outbounds.at[i]) && m->outbounds.at[i].group)
            continue; /* GLOBAL */
        struct node *n = write_outbound(w, &m->outbounds.at[i], &failed);
        r = n ? node_add(&w->arena, outbounds, n) : 0;
    }
    if (failed)
        r = -ENOMEM;
    if (r == 0)
        r = put(w, w->root, "inbounds", inbounds);
    if (r == 0)
        r = put(w, w->root, "outbounds", outbounds);
    if (r == 0)
        r = put_route(w);
    return r < 0 ? r : put_cache(w);
}
