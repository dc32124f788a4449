/*
 * The dns section. weir asks the system's servers and knows host names of its own; any other
 * server is "not carried yet". With --allow-unsupported the system's servers stand in for all.
 */
#include <errno.h>

#include "config/singbox/singbox.h"

#define INSTEAD "names are asked of the system's servers"

struct dns_fields {
    const struct node *servers;
    const struct node *rules;
    struct text final;
    int strategy;
    bool left_out;
};

#define F struct dns_fields
#define LEFT_OUT(key) OPT_CUSTOM(F, left_out, field_leave_out, NULL, .singbox = key)
#define NO_EFFECT(key) OPT_CUSTOM(F, left_out, field_warn_only, NULL, .singbox = key)
OPTION_TABLE(struct dns_fields, dns_table) = {
    OPT_NODE(F, servers, .singbox = "servers", .help = "DNS servers."),
    OPT_NODE(F, rules, .singbox = "rules", .help = "Which server is asked for which name."),
    OPT_STRING(F, final, .singbox = "final", .help = "Tag of the server for all other names."),
    OPT_ENUM(F, strategy, singbox_strategies, .singbox = "strategy", .help = "Which addresses of a name are used."),
    LEFT_OUT("reverse_mapping"),
    LEFT_OUT("client_subnet"),
    LEFT_OUT("fakeip"),
    NO_EFFECT("timeout"),
    NO_EFFECT("disable_cache"),
    NO_EFFECT("disable_expire"),
    NO_EFFECT("independent_cache"),
    NO_EFFECT("cache_capacity"),
    NO_EFFECT("optimistic"),
    OPTION_END,
};

struct hosts_fields {
    const struct node *predefined;
    struct text_list path;
};

OPTION_TABLE(struct hosts_fields, hosts_table) = {
    OPT_IGNORED(.singbox = "type"),
    OPT_IGNORED(.singbox = "tag"),
    OPT_NODE(struct hosts_fields, predefined, .singbox = "predefined", .help = "Names and their addresses."),
    OPT_STRING_LIST(struct hosts_fields, path, .singbox = "path", .help = "Hosts files."),
    OPTION_END,
};

static int add_address(struct reading *g, const struct node *n, struct model_host *host)
{
    struct addr a;

    if (addr_parse(node_text(n), 0, &a) < 0)
        return reported(option_expected(n, "an IP address", &g->r));
    if (host->addrs.count == RESOLVED_MAX)
        diag_warn(g->diag, n->at, g->r.path, "only the first %d addresses of a name are used", RESOLVED_MAX);
    else
        host->addrs.at[host->addrs.count++] = a;
    return 0;
}

static int read_host(struct reading *g, const struct node_item *item)
{
    struct model_host *host;
    STEP(s);

    step_enter(&s, g, item->key);
    host = arena_new(&g->model->arena, struct model_host);
    if (!host)
        return -ENOMEM;
    host->name = kept(g, item->key);
    if (!host->name.ptr)
        return -ENOMEM;
    if (item->value->kind == NODE_LIST) {
        node_each(one, item->value) {
            int r = add_address(g, one->value, host);
            if (r < 0)
                return r;
        }
    } else {
        int r = add_address(g, item->value, host);
        if (r < 0)
            return r;
    }
    return vec_push(&g->model->hosts, *host);
}

static int read_hosts(struct reading *g, const struct node *n)
{
    struct hosts_fields f;
    STEP(s);

    int r = reported(options_read(hosts_table, n, &f, &g->r));
    if (r < 0)
        return r;
    if (f.path.len)
        not_carried(g, place_of(n, "path"), "the files are not read", "'path' of a hosts server");
    step_enter(&s, g, TEXT("predefined"));
    if (f.predefined && f.predefined->kind != NODE_MAP)
        return reported(option_expected(f.predefined, "a map", &g->r));
    if (f.predefined) {
        node_each(item, f.predefined) {
            r = read_host(g, item);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* The form of before 1.12: {"address": "tls://1.1.1.1"}. */
static int read_old_server(struct reading *g, const struct node *n)
{
    struct text address = node_text(node_get(n, "address"));

    if (text_is(address, "local")) {
        diag_warn(g->diag, place_of(n, "address"), g->r.path, "'address' of a DNS server is deprecated");
        diag_hint(g->diag, "write \"type\": \"local\"");
        return 0;
    }
    not_carried(g, place_of(n, "address"), INSTEAD, "DNS server '%.*s'", TEXT_ARG(address));
    return 0;
}

static int read_server(struct reading *g, const struct node *n)
{
    if (n->kind != NODE_MAP)
        return reported(option_expected(n, "a map", &g->r));
    struct text tag = kept(g, node_text(node_get(n, "tag")));
    if (!tag.ptr)
        return -ENOMEM;
    if (tag.len && map_get_text(&g->dns_servers, tag))
        diag_error(g->diag, place_of(n, "tag"), g->r.path, "the tag '%.*s' is used twice", TEXT_ARG(tag));
    else if (tag.len) {
        int r = reading_drop(&g->dns_servers, tag);
        if (r < 0)
            return r;
    }
    if (!node_get(n, "type") && node_get(n, "address"))
        return read_old_server(g, n);
    struct text type = singbox_type(g, n, singbox_dns_types);
    if (!type.len || text_is(type, "local"))
        return 0;
    if (text_is(type, "hosts"))
        return read_hosts(g, n);
    not_carried(g, place_of(n, "type"), INSTEAD, "type '%.*s'", TEXT_ARG(type));
    return 0;
}

static int read_servers(struct reading *g, const struct node *list)
{
    size_t index = 0;
    STEP(at);

    step_enter(&at, g, TEXT("servers"));
    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list", &g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, g, index++);
        int r = read_server(g, item->value);
        if (r < 0)
            return r;
    }
    return 0;
}

int singbox_read_dns(struct reading *g, const struct node *map)
{
    struct dns_fields f;

    int r = reported(options_read(dns_table, map, &f, &g->r));
    if (r == 0 && f.servers)
        r = read_servers(g, f.servers);
    if (r < 0)
        return r;
    g->model->strategy = (enum ip_strategy)f.strategy;
    if (f.rules && !option_is_off(f.rules)) {
        STEP(s);
        step_enter(&s, g, TEXT("rules"));
        not_carried(g, f.rules->at, INSTEAD, "DNS rules: what they decide");
    }
    return reading_ref_key(g, REF_DNS_SERVER, f.final, map, "final");
}
