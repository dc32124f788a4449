/*
 * dns, hosts and sniffer. weir asks the system's servers; with --allow-unsupported they stand in
 * for all others. The sniffer becomes rules in front of the list.
 */
#include <errno.h>

#include "config/mihomo/mihomo.h"

#define INSTEAD "names are asked of the system's servers"

struct dns_fields {
    bool enable;
    bool use_hosts;
    bool use_system_hosts;
    const struct node *servers[6];
    struct text mode;
    bool left_out;
};

static const char *const server_keys[] = {
    "nameserver", "default-nameserver", "proxy-server-nameserver", "direct-nameserver", "fallback", "nameserver-policy",
};

#define F struct dns_fields
#define LEFT_OUT(key) OPT_CUSTOM(F, left_out, field_leave_out, NULL, .mihomo = key)
#define NO_EFFECT(key) OPT_CUSTOM(F, left_out, field_warn_only, NULL, .mihomo = key)
OPTION_TABLE(struct dns_fields, dns_table) = {
    OPT_BOOL(F, enable, .mihomo = "enable", .help = "Use this section."),
    OPT_BOOL(F, use_hosts, .mihomo = "use-hosts", .def = 1, .help = "Use the section hosts."),
    OPT_BOOL(F, use_system_hosts, .mihomo = "use-system-hosts", .def = 1, .help = "Use /etc/hosts."),
    OPT_NODE(F, servers[0], .mihomo = "nameserver", .help = "The servers."),
    OPT_NODE(F, servers[1], .mihomo = "default-nameserver", .help = "Servers for names of servers."),
    OPT_NODE(F, servers[2], .mihomo = "proxy-server-nameserver", .help = "Servers for names of proxies."),
    OPT_NODE(F, servers[3], .mihomo = "direct-nameserver", .help = "Servers for what goes out directly."),
    OPT_NODE(F, servers[4], .mihomo = "fallback", .help = "Servers against poisoned answers."),
    OPT_NODE(F, servers[5], .mihomo = "nameserver-policy", .help = "Servers for some names."),
    OPT_STRING(F, mode, .mihomo = "enhanced-mode", .help = "redir-host, fake-ip or normal."),
    LEFT_OUT("listen"),
    LEFT_OUT("proxy-server-nameserver-policy"),
    OPT_IGNORED(.mihomo = "listen-routing-mark"),
    OPT_IGNORED(.mihomo = "direct-nameserver-follow-policy"),
    OPT_IGNORED(.mihomo = "fallback-filter"), /* goes with fallback, which is named */
    OPT_IGNORED(.mihomo = "fallback-lazy-query"),
    OPT_IGNORED(.mihomo = "fake-ip-range"), /* goes with enhanced-mode, which is named */
    OPT_IGNORED(.mihomo = "fake-ip-range6"),
    OPT_IGNORED(.mihomo = "fake-ip-filter"),
    OPT_IGNORED(.mihomo = "fake-ip-filter-mode"),
    OPT_IGNORED(.mihomo = "fake-ip-ttl"),
    NO_EFFECT("respect-rules"),
    OPT_IGNORED(.mihomo = "prefer-h3"), /* goes with https servers, which are named */
    OPT_IGNORED(.mihomo = "ipv6"),
    OPT_IGNORED(.mihomo = "ipv6-timeout"),
    OPT_IGNORED(.mihomo = "cache-algorithm"),
    OPT_IGNORED(.mihomo = "cache-max-size"),
    OPTION_END,
};
#undef F
#undef LEFT_OUT
#undef NO_EFFECT

static bool is_system(const struct node *n)
{
    struct text t = node_text(n);

    return text_is(t, "system") || text_is(t, "system://");
}

static void check_servers(struct reading *g, const struct node *n, const char *key)
{
    STEP(s);

    if (!n || option_is_off(n))
        return;
    step_enter(&s, g, text_of(key));
    if (n->kind != NODE_LIST) {
        not_carried(g, n->at, INSTEAD, "'%s'", key);
        return;
    }
    node_each(item, n) {
        if (!is_system(item->value)) {
            not_carried(g, item->value->at, INSTEAD, "DNS server '%.*s'", TEXT_ARG(node_text(item->value)));
            return; /* one for each list is enough */
        }
    }
}

int mihomo_read_dns(struct mihomo *m, const struct node *map)
{
    struct reading *g = m->g;
    const struct node *enable = mihomo_get(map, "enable");
    struct dns_fields f;

    if (map->kind == NODE_NULL || (map->kind == NODE_MAP && (!enable || option_is_off(enable))))
        return 0;
    int r = options_read(dns_table, map, &f, &g->r);
    if (r == -ENOMEM)
        return r;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(server_keys); i++)
        check_servers(g, f.servers[i], server_keys[i]);
    if (r == 0 && text_is_nocase(f.mode, "fake-ip"))
        not_carried(g, place_of(map, "enhanced-mode"), "names get their real addresses", "enhanced-mode 'fake-ip'");
    if (r == 0) {
        g->model->use_system_hosts = f.use_system_hosts;
        if (!f.use_hosts)
            g->model->hosts.len = 0;
    }
    return 0;
}

/* ---- hosts ---- */

static int add_value(struct mihomo *m, const struct node *n, struct model_host *host)
{
    struct reading *g = m->g;
    struct text t;
    struct addr a;

    int r = option_string(n, &t, &g->r);
    if (r < 0)
        return reported(r);
    if (addr_parse(t, 0, &a) < 0) {
        if (text_is(t, "lan"))
            not_carried(g, n->at, "the name is left out", "'lan' as an address");
        else
            host->alias = t;
        return 0;
    }
    if (host->addrs.count == RESOLVED_MAX)
        diag_warn(g->diag, n->at, g->r.path, "only the first %d addresses of a name are used", RESOLVED_MAX);
    else
        host->addrs.at[host->addrs.count++] = a;
    return 0;
}

static int read_host(struct mihomo *m, const struct node_item *item)
{
    struct reading *g = m->g;
    struct model_host *host = arena_new(&g->model->arena, struct model_host);
    int r = 0;
    STEP(s);

    step_enter(&s, g, item->key);
    if (!host)
        return -ENOMEM;
    host->name = kept(g, item->key);
    if (!host->name.ptr)
        return -ENOMEM;
    if (item->value->kind == NODE_LIST) {
        node_each(one, item->value)
            r = r < 0 ? r : add_value(m, one->value, host);
    } else
        r = add_value(m, item->value, host);
    if (r < 0)
        return r;
    return host->addrs.count || host->alias.len ? vec_push(&g->model->hosts, *host) : 0;
}

int mihomo_read_hosts(struct mihomo *m, const struct node *map)
{
    if (map->kind == NODE_NULL)
        return 0;
    if (map->kind != NODE_MAP)
        return reported(option_expected(map, "a map of names", &m->g->r));
    node_each(item, map) {
        int r = read_host(m, item);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- sniffer ---- */

struct sniffer_fields {
    bool enable;
    bool override;
    const struct node *sniff;
    struct text_list sniffing;
    bool left_out;
};

#define F struct sniffer_fields
#define LEFT_OUT(key) OPT_CUSTOM(F, left_out, field_leave_out, NULL, .mihomo = key)
OPTION_TABLE(struct sniffer_fields, sniffer_table) = {
    OPT_BOOL(F, enable, .mihomo = "enable", .help = "Look for names in the first bytes."),
    OPT_BOOL(F, override, .mihomo = "override-destination", .def = 1, .help = "Dial the name that was found."),
    OPT_NODE(F, sniff, .mihomo = "sniff", .help = "Protocols and their ports."),
    OPT_STRING_LIST(F, sniffing, .mihomo = "sniffing", .deprecated = "sniff"),
    OPT_IGNORED(.mihomo = "force-dns-mapping"), /* there are no mapped names without a DNS server */
    OPT_IGNORED(.mihomo = "parse-pure-ip"),
    LEFT_OUT("force-domain"),
    LEFT_OUT("skip-domain"),
    LEFT_OUT("skip-src-address"),
    LEFT_OUT("skip-dst-address"),
    LEFT_OUT("port-whitelist"),
    OPTION_END,
};
#undef F
#undef LEFT_OUT

static const struct sniffer {
    const char *name;
    const char *protocol;
    uint16_t port; /* when the entry names none */
    bool udp;
} sniffers[] = {{"HTTP", "http", 80, false}, {"TLS", "tls", 443, false}, {"QUIC", "quic", 443, true}};

static int add_ports(struct reading *g, const struct sniffer *s, const struct node *ports, struct rule_spec *rule)
{
    size_t count = node_is(ports, NODE_LIST) ? ports->count : 0;

    rule->port.at = arena_alloc(&g->model->arena, (count + 1) * sizeof *rule->port.at);
    if (!rule->port.at)
        return -ENOMEM;
    if (!count) {
        rule->port.at[rule->port.len++] = (struct port_range){s->port, s->port};
        return 0;
    }
    node_each(item, ports) {
        struct port_range *p = &rule->port.at[rule->port.len];
        struct text t = item->value->kind == NODE_STRING ? item->value->text : item->value->raw;
        if (port_range_parse(t, '-', &p->first, &p->last) < 0)
            (void)option_expected(item->value, "a port or a range such as 8080-8880", &g->r);
        else
            rule->port.len++;
    }
    return 0;
}

static int add_sniffer(struct mihomo *m, const struct sniffer *s, const struct node *n, bool override)
{
    struct reading *g = m->g;
    struct arena *a = &g->model->arena;
    const struct node *own = mihomo_get(n, "override-destination");
    struct rule_spec *rule = rule_vec_add(&g->before);
    struct text protocol = text_of(s->protocol);
    struct text network = s->udp ? TEXT("udp") : TEXT("tcp");

    if (!rule)
        return -ENOMEM;
    rule->at = n->at;
    rule->action = RULE_SNIFF;
    rule->line = TEXT("sniffer");
    rule->sniff_timeout_ms = 1000;
    rule->sniff_override = own && own->kind == NODE_BOOL ? own->boolean : override;
    int r = text_list_keep(a, &protocol, 1, &rule->sniffers);
    if (r == 0)
        r = text_list_keep(a, &network, 1, &rule->network);
    return r < 0 ? r : add_ports(g, s, mihomo_get(n, "ports"), rule);
}

static int read_entry(struct mihomo *m, const struct node_item *item, bool override)
{
    struct reading *g = m->g;
    STEP(s);

    step_enter(&s, g, item->key);
    for (size_t i = 0; i < ARRAY_LEN(sniffers); i++) {
        if (text_is_nocase(item->key, sniffers[i].name))
            return add_sniffer(m, &sniffers[i], item->value, override);
    }
    diag_error(g->diag, item->key_at, g->r.path, "there is no sniffer of that name, expected HTTP, TLS or QUIC");
    return 0;
}

int mihomo_read_sniffer(struct mihomo *m, const struct node *map)
{
    struct reading *g = m->g;
    const struct node *enable = mihomo_get(map, "enable");
    struct sniffer_fields f;
    STEP(s);

    if (map->kind == NODE_NULL || (map->kind == NODE_MAP && (!enable || option_is_off(enable))))
        return 0;
    int r = options_read(sniffer_table, map, &f, &g->r);
    if (r < 0)
        return reported(r);
    for (size_t i = 0; i < ARRAY_LEN(sniffers); i++) {
        for (size_t k = 0; k < f.sniffing.len && !f.sniff; k++) {
            if (r == 0 && text_is_nocase(f.sniffing.at[k], sniffers[i].name))
                r = add_sniffer(m, &sniffers[i], map, f.override);
        }
    }
    step_enter(&s, g, TEXT("sniff"));
    if (f.sniff && f.sniff->kind != NODE_MAP)
        return reported(option_expected(f.sniff, "a map with HTTP, TLS or QUIC", &g->r));
    if (f.sniff) {
        node_each(item, f.sniff)
            r = r < 0 ? r : read_entry(m, item, f.override);
    }
    return r;
}
