/* The top level of a sing-box configuration. */
#include <errno.h>

#include "config/singbox/singbox.h"

static const struct option_choice levels[] = {
    {"trace", LOG_TRACE}, {"debug", LOG_DEBUG}, {"info", LOG_INFO},   {"warn", LOG_WARN}, {"warning", LOG_WARN},
    {"error", LOG_ERROR}, {"fatal", LOG_ERROR}, {"panic", LOG_ERROR}, {"", LOG_INFO},     {NULL, 0},
};

OPTION_TABLE(struct model_log, log_table) = {
    OPT_BOOL(struct model_log, disabled, .singbox = "disabled", .help = "Write no log."),
    OPT_ENUM(struct model_log, level, levels, .singbox = "level", .def = LOG_INFO, .help = "The least level written."),
    OPT_STRING(struct model_log, output, .singbox = "output", .help = "A file; standard error when empty."),
    OPT_BOOL(struct model_log, timestamp, .singbox = "timestamp", .help = "Write the time on each line."),
    OPTION_END,
};

struct cache_fields {
    bool enabled;
    struct text path;
    bool left_out;
};

#define F struct cache_fields
#define LEFT_OUT(key) OPT_CUSTOM(F, left_out, field_leave_out, NULL, .singbox = key)
OPTION_TABLE(struct cache_fields, cache_table) = {
    OPT_BOOL(F, enabled, .singbox = "enabled", .help = "Keep what was selected over a restart."),
    OPT_STRING(F, path, .singbox = "path", .def_text = "cache.db", .help = "The file."),
    LEFT_OUT("cache_id"),
    LEFT_OUT("store_fakeip"),
    LEFT_OUT("store_rdrc"),
    LEFT_OUT("rdrc_timeout"),
    LEFT_OUT("store_dns"),
    OPTION_END,
};
#undef F
#undef LEFT_OUT

struct experimental_fields {
    struct cache_fields cache;
    bool left_out;
};

#define LEFT_OUT(key) OPT_CUSTOM(struct experimental_fields, left_out, field_leave_out, NULL, .singbox = key)
OPTION_TABLE(struct experimental_fields, experimental_table) = {
    OPT_OBJECT(struct experimental_fields, cache, cache_table, .singbox = "cache_file"),
    LEFT_OUT("clash_api"),
    LEFT_OUT("v2ray_api"),
    LEFT_OUT("debug"),
    OPTION_END,
};
#undef LEFT_OUT

struct sections {
    struct model_log log;
    struct experimental_fields experimental;
    const struct node *dns;
    const struct node *endpoints;
    const struct node *inbounds;
    const struct node *outbounds;
    const struct node *route;
    const struct node *services;
    bool left_out;
};

#define S struct sections
#define LEFT_OUT(key) OPT_CUSTOM(S, left_out, field_leave_out, NULL, .singbox = key)
OPTION_TABLE(struct sections, sections_table) = {
    OPT_IGNORED(.singbox = "$schema"),
    OPT_OBJECT(S, log, log_table, .singbox = "log", .help = "The log."),
    OPT_NODE(S, dns, .singbox = "dns", .help = "Names and their servers."),
    LEFT_OUT("ntp"),
    LEFT_OUT("certificate"),
    LEFT_OUT("certificate_providers"),
    LEFT_OUT("http_clients"),
    LEFT_OUT("network_namespaces"),
    OPT_NODE(S, endpoints, .singbox = "endpoints", .help = "What is inbound and outbound at once."),
    OPT_NODE(S, inbounds, .singbox = "inbounds", .help = "Where flows come in."),
    OPT_NODE(S, outbounds, .singbox = "outbounds", .help = "Where flows go out."),
    OPT_NODE(S, route, .singbox = "route", .help = "Which flow goes where."),
    OPT_NODE(S, services, .singbox = "services", .help = "What runs besides."),
    OPT_OBJECT(S, experimental, experimental_table, .singbox = "experimental", .help = "State and interfaces."),
    OPTION_END,
};
#undef S
#undef LEFT_OUT

static int read_section(struct reading *g, const struct node *n, const char *name,
                        int (*read)(struct reading *, const struct node *))
{
    STEP(s);

    if (!n)
        return 0;
    step_enter(&s, g, text_of(name));
    return read(g, n);
}

static int add_default_outbound(struct reading *g)
{
    if (g->model->final.len || g->model->outbounds.len)
        return 0;
    g->model->final = TEXT("direct");
    return reading_add_built_in(g, "direct", "direct");
}

/* The main list: what old keys stand for, then the rules themselves. */
static int add_rules(struct reading *g)
{
    for (size_t i = 0; i < g->rules.list.len; i++) {
        struct rule_spec *rule = rule_vec_add(&g->before);
        if (!rule)
            return -ENOMEM;
        *rule = g->rules.list.at[i];
    }
    return reading_add_rules(g, (struct text){0}, &g->before);
}

int singbox_read(struct reading *g)
{
    struct sections f;
    struct model *m = g->model;

    int r = reported(options_read(sections_table, g->root, &f, &g->r));
    if (r < 0)
        return r;
    m->log = f.log;
    if (f.experimental.cache.enabled) {
        m->cache_file = f.experimental.cache.path;
        m->store_selected = true;
    }
    r = read_section(g, f.dns, "dns", singbox_read_dns);
    if (r == 0)
        r = read_section(g, f.inbounds, "inbounds", singbox_read_inbounds);
    if (r == 0)
        r = read_section(g, f.outbounds, "outbounds", singbox_read_outbounds);
    if (r == 0)
        r = read_section(g, f.endpoints, "endpoints", singbox_read_endpoints);
    if (r == 0)
        r = read_section(g, f.services, "services", singbox_read_services);
    if (r == 0)
        r = read_section(g, f.route, "route", singbox_read_route);
    if (r == 0)
        r = add_default_outbound(g);
    return r < 0 ? r : add_rules(g);
}
