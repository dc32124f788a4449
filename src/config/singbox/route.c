#include <errno.h>

#include "config/singbox/singbox.h"

struct route_fields {
    const struct node *rules;
    const struct node *rule_set;
    struct text final;
    struct text interface;
    uint32_t mark;
    const struct node *resolver;
    bool left_out;
};

#define F struct route_fields
#define LEFT_OUT(key) OPT_CUSTOM(F, left_out, field_leave_out, NULL, .singbox = key)
OPTION_TABLE(struct route_fields, route_table) = {
    OPT_NODE(F, rules, .singbox = "rules", .help = "The rules, first to last."),
    OPT_NODE(F, rule_set, .singbox = "rule_set", .help = "Sets of rules."),
    OPT_STRING(F, final, .singbox = "final", .help = "The outbound when no rule decided; the first."),
    OPT_STRING(F, interface, .singbox = "default_interface", .help = "The interface that outbounds dial from."),
    OPT_CUSTOM(F, mark, field_read_mark, field_write_mark, .singbox = "default_mark", .help = "SO_MARK of outbounds."),
    OPT_NODE(F, resolver, .singbox = "default_domain_resolver", .help = "The DNS server for names of outbounds."),
    OPT_IGNORED(.singbox = "auto_detect_interface"), /* keeps flows out of one's own TUN device: there is none */
    OPT_IGNORED(.singbox = "find_process"),          /* only rules on processes need it, and these are named */
    OPT_IGNORED(.singbox = "find_neighbor"),
    LEFT_OUT("dhcp_lease_files"),
    LEFT_OUT("override_android_vpn"),
    LEFT_OUT("default_network_strategy"),
    LEFT_OUT("default_network_type"),
    LEFT_OUT("default_fallback_network_type"),
    LEFT_OUT("default_fallback_delay"),
    LEFT_OUT("default_http_client"),
    OPT_UNSUPPORTED(.singbox = "geoip", .unsupported = "sing-box removed it in 1.12; write rule_set"),
    OPT_UNSUPPORTED(.singbox = "geosite", .unsupported = "sing-box removed it in 1.12; write rule_set"),
    OPTION_END,
};

static int read_resolver(struct reading *g, const struct node *n)
{
    const struct node *server = n->kind == NODE_MAP ? node_get(n, "server") : n;
    const struct node *strategy = node_get(n, "strategy");
    STEP(s);

    step_enter(&s, g, TEXT("default_domain_resolver"));
    if (!server || server->kind != NODE_STRING)
        return reported(option_expected(server ? server : n, "the tag of a DNS server, or a map with it", &g->r));
    struct text tag = kept(g, server->text);
    if (!tag.ptr)
        return -ENOMEM;
    for (const struct option_choice *c = singbox_strategies; strategy && c->name; c++) {
        if (text_is(node_text(strategy), c->name))
            g->model->strategy = (enum ip_strategy)c->value;
    }
    return reading_ref(g, REF_DNS_SERVER, tag, server->at);
}

static int read_rules(struct reading *g, const struct node *rules, const struct node *sets)
{
    int r = 0;

    if (sets) {
        STEP(s);
        step_enter(&s, g, TEXT("rule_set"));
        r = singbox_read_rule_sets(g, sets);
    }
    if (r == 0 && rules) {
        STEP(s);
        step_enter(&s, g, TEXT("rules"));
        r = singbox_read_rules(g, rules);
    }
    return r;
}

int singbox_read_route(struct reading *g, const struct node *map)
{
    struct route_fields f;

    int r = reported(options_read(route_table, map, &f, &g->r));
    if (r == 0)
        r = read_rules(g, f.rules, f.rule_set);
    if (r == 0 && f.resolver)
        r = read_resolver(g, f.resolver);
    if (r < 0)
        return r;
    g->model->interface_name = f.interface;
    g->model->mark = f.mark;
    if (!f.final.len)
        return 0;
    g->model->final = f.final;
    g->model->final_at = place_of(map, "final");
    STEP(s);
    step_enter(&s, g, TEXT("final"));
    return reading_ref(g, REF_FINAL, f.final, g->model->final_at);
}
