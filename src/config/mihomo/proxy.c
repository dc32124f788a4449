/* proxies and inline proxy-providers. */
#include <errno.h>

#include "config/mihomo/mihomo.h"

struct common_fields {
    struct text name;
    struct text type;
};

OPTION_TABLE(struct common_fields, common_table) = {
    OPT_STRING(struct common_fields, name, .mihomo = "name"),
    OPT_STRING(struct common_fields, type, .mihomo = "type"),
    OPTION_END,
};

static const struct protocol *find_proxy(const struct reading *g, struct text type)
{
    const struct protocol *const *all = g->options->registry;

    for (size_t i = 0; all[i]; i++) {
        if (all[i]->outbound_new && all[i]->mihomo_proxy && text_is(type, all[i]->mihomo_proxy))
            return all[i];
    }
    return NULL;
}

static int read_options(struct reading *g, struct outbound_draft *d)
{
    const struct protocol *p = d->protocol;
    struct common_fields common;
    struct option_target targets[] = {{common_table, &common}, {dial_table, &d->dial}, {p->outbound_options, NULL}};
    size_t errors = g->diag->errors;

    d->options = arena_alloc(&g->model->arena, p->outbound_size ? p->outbound_size : 1);
    if (!d->options)
        return -ENOMEM;
    targets[2].out = d->options;
    int r = options_read_all(targets, p->outbound_options ? 3 : 2, d->node, &g->r);
    if (r == 0 && p->outbound_check && errors == g->diag->errors)
        r = p->outbound_check(d->options, d->node, &g->r);
    return reported(r);
}

static int add_carried(struct reading *g, struct outbound_draft *d)
{
    g->r.met_unsupported = false;
    int r = read_options(g, d);
    if (r < 0)
        return r;
    /* Without TLS or a plugin that was asked for, it would dial in a weaker way. */
    if (g->r.met_unsupported && g->options->allow_unsupported) {
        diag_warn(g->diag, d->node->at, g->r.path, "the proxy '%.*s' is left out", TEXT_ARG(d->tag));
        return reading_drop(&g->dropped, d->tag);
    }
    return reading_add_outbound(g, d);
}

/* The name and type of a proxy or group; false when one is missing (reported). */
static bool name_and_type(struct reading *g, const struct node *n, struct text *name, struct text *type)
{
    const struct node *name_node = mihomo_get(n, "name");
    const struct node *type_node = mihomo_get(n, "type");

    if (n->kind != NODE_MAP) {
        (void)option_expected(n, "a map", &g->r);
        return false;
    }
    if (!name_node || option_string(name_node, name, &g->r) < 0 || !name->len) {
        diag_error(g->diag, n->at, g->r.path, "has no name");
        return false;
    }
    if (!type_node || option_string(type_node, type, &g->r) < 0 || !type->len) {
        diag_error(g->diag, n->at, g->r.path, "has no type");
        return false;
    }
    return true;
}

/* A provider's proxies have names of their own: "provider/name" where the plain one is taken. */
static int provider_name(struct reading *g, const char *provider, struct text *name)
{
    STRBUF longer;

    strbuf_init(&longer, 4096);
    if (!provider || !map_get_text(&g->outbounds, *name))
        return 0;
    strbuf_addf(&longer, "%s/%.*s", provider, TEXT_ARG(*name));
    *name = kept(g, strbuf_text(&longer));
    return name->ptr ? 0 : -ENOMEM;
}

static int read_proxy(struct mihomo *m, const struct node *n, struct text_vec *names, const char *provider)
{
    struct reading *g = m->g;
    struct outbound_draft d = {.node = n};
    struct text type = {0};

    if (!name_and_type(g, n, &d.tag, &type))
        return 0;
    int r = provider_name(g, provider, &d.tag);
    if (r == 0)
        r = reading_name_outbound(g, d.tag, place_of(n, "name"));
    if (r == 0)
        r = vec_push(&names->list, d.tag);
    if (r < 0)
        return r;
    if (!known_type_find(mihomo_proxy_types, type)) {
        diag_error(g->diag, place_of(n, "type"), g->r.path, "there is no proxy type '%.*s'", TEXT_ARG(type));
        struct text near = known_type_nearest(mihomo_proxy_types, type);
        if (near.ptr)
            diag_hint(g->diag, "did you mean '%.*s'?", TEXT_ARG(near));
        return 0;
    }
    union {
        const char *in;
        void *out;
    } type_z = {.in = type.ptr};
    r = map_put_text(&m->types, d.tag, type_z.out);
    if (r < 0)
        return r;
    d.protocol = find_proxy(g, type);
    if (d.protocol)
        return add_carried(g, &d);
    not_carried(g, place_of(n, "type"), "the proxy is left out", "type '%.*s'", TEXT_ARG(type));
    return reading_drop(&g->dropped, d.tag);
}

int mihomo_read_proxies(struct mihomo *m, const struct node *list)
{
    size_t index = 0;

    if (list->kind == NODE_NULL)
        return 0;
    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list of proxies", &m->g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, m->g, index++);
        int r = read_proxy(m, item->value, &m->proxies, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- providers ---- */

static int read_payload(struct mihomo *m, struct provider *p, const char *name)
{
    struct reading *g = m->g;
    const struct node *payload = mihomo_get(p->node, "payload");
    struct text_vec names = {0};
    size_t index = 0;
    int r = 0;
    STEP(at);

    step_enter(&at, g, TEXT("payload"));
    if (!node_is(payload, NODE_LIST)) {
        diag_error(g->diag, p->node->at, g->r.path, "an inline provider needs a list of proxies");
        return 0;
    }
    node_each(item, payload) {
        STEP(s);
        step_enter_index(&s, g, index++);
        if (r == 0)
            r = read_proxy(m, item->value, &names, name);
    }
    if (r == 0)
        r = text_list_keep(&g->model->arena, names.list.at, names.list.len, &p->members);
    vec_done(&names.list);
    return r;
}

/* Keys that would change an inline provider's proxies. */
static void check_provider_keys(struct reading *g, const struct node *n)
{
    static const char *const keys[] = {"override",       "filter",       "exclude-filter", "exclude-type",
                                       "dialer-proxy",   "health-check", "override-expr"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct node *value = mihomo_get(n, keys[i]);
        if (value && !option_is_off(value))
            not_carried(g, value->at, "it is left out", "'%s' of a provider", keys[i]);
    }
}

static int read_provider(struct mihomo *m, const struct node_item *item)
{
    struct reading *g = m->g;
    const struct node *type = mihomo_get(item->value, "type");
    struct provider *p = arena_new(&g->model->arena, struct provider);
    struct text name = kept(g, item->key);
    STEP(s);

    if (!p || !name.ptr)
        return -ENOMEM;
    step_enter(&s, g, item->key);
    p->node = item->value;
    int r = map_put_text(&m->proxy_providers, name, p);
    if (r < 0)
        return r;
    p->is_carried = text_is(node_text(type), "inline");
    if (!type) {
        diag_error(g->diag, item->value->at, g->r.path, "has no type, expected inline, file or http");
        return 0;
    }
    if (!p->is_carried) {
        not_carried(g, type->at, "groups go without it", "proxy-provider of type '%.*s'", TEXT_ARG(node_text(type)));
        return 0;
    }
    check_provider_keys(g, item->value);
    return read_payload(m, p, name.ptr);
}

int mihomo_read_proxy_providers(struct mihomo *m, const struct node *map)
{
    if (map->kind == NODE_NULL)
        return 0;
    if (map->kind != NODE_MAP)
        return reported(option_expected(map, "a map of providers", &m->g->r));
    node_each(item, map) {
        int r = read_provider(m, item);
        if (r < 0)
            return r;
    }
    return 0;
}
