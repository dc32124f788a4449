#include <errno.h>

#include "config/singbox/singbox.h"

struct common_fields {
    struct text type;
    struct text tag;
};

OPTION_TABLE(struct common_fields, common_table) = {
    OPT_STRING(struct common_fields, type, .singbox = "type"),
    OPT_STRING(struct common_fields, tag, .singbox = "tag"),
    OPTION_END,
};

/* Groups by their name here. The last two are weir's own: sing-box has no such groups. */
static const struct group_type {
    const char *name;
    enum group_kind kind;
} group_types[] = {
    {"selector", GROUP_SELECTOR},
    {"urltest", GROUP_URLTEST},
    {"fallback", GROUP_FALLBACK},
    {"load-balance", GROUP_LOAD_BALANCE},
};

static const struct group_type *find_group(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(group_types); i++) {
        if (text_is(name, group_types[i].name))
            return &group_types[i];
    }
    return NULL;
}

static int read_group(struct reading *g, const struct node *n, struct text tag, enum group_kind kind)
{
    struct common_fields common;
    struct group_fields fields;
    struct option_target targets[] = {{common_table, &common}, {group_table, &fields}};
    struct group_spec *spec = arena_new(&g->model->arena, struct group_spec);

    if (!spec)
        return -ENOMEM;
    int r = options_read_all(targets, ARRAY_LEN(targets), n, &g->r);
    if (r == -ENOMEM)
        return r;
    spec->kind = kind;
    group_spec_fill(&fields, spec);
    if (!spec->outbounds.len && r == 0) {
        STEP(s);
        step_enter(&s, g, TEXT("outbounds"));
        diag_error(g->diag, place_of(n, "outbounds"), g->r.path, "is empty, expected the tags of the members");
    }
    return reading_add_group(g, tag, n, spec);
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

static int read_proxy(struct reading *g, const struct node *n, struct text tag, struct text type)
{
    struct outbound_draft d = {.node = n, .tag = tag};
    struct text type_z = kept(g, type);
    const struct known_type *known = known_type_find(singbox_outbound_types, type);

    if (!type_z.ptr)
        return -ENOMEM;
    d.protocol = protocol_find(g->options->registry, type_z.ptr);
    if (!d.protocol || !d.protocol->outbound_new) {
        not_carried(g, place_of(n, "type"), "the outbound is left out", "type '%.*s'", TEXT_ARG(type));
        if (known && known->instead)
            diag_hint(g->diag, "write %s", known->instead);
        return reading_drop(&g->dropped, tag);
    }
    bool met = g->r.met_unsupported;
    g->r.met_unsupported = false;
    int r = read_options(g, &d);
    bool lacks = g->r.met_unsupported;
    g->r.met_unsupported |= met;
    if (r < 0)
        return r;
    /* Without TLS, a plugin or a detour that was asked for, it would dial in a weaker way. */
    if (lacks && g->options->allow_unsupported) {
        diag_warn(g->diag, n->at, g->r.path, "the outbound '%.*s' is left out", TEXT_ARG(tag));
        return reading_drop(&g->dropped, tag);
    }
    return reading_add_outbound(g, &d);
}

static int read_outbound(struct reading *g, const struct node *n, size_t index)
{
    struct text tag = node_text(node_get(n, "tag"));
    struct text type = node_text(node_get(n, "type"));
    const struct group_type *group = find_group(type);

    if (n->kind != NODE_MAP)
        return reported(option_expected(n, "a map", &g->r));
    bool is_dns = text_is(type, "dns"); /* removed in sing-box 1.13 */
    if (!group && !is_dns)
        type = singbox_type(g, n, singbox_outbound_types);
    if (!type.len)
        return 0;
    if (tag.len)
        tag = kept(g, tag);
    else {
        struct text type_z = kept(g, type);
        tag = type_z.ptr ? made_tag(g, type_z.ptr, index) : type_z;
    }
    if (!tag.ptr)
        return -ENOMEM;
    int r = reading_name_outbound(g, tag, place_of(n, "tag"));
    if (r < 0)
        return r;
    if (!g->model->final.len && index == 0)
        g->model->final = tag; /* until route.final says otherwise */
    if (is_dns) {
        diag_warn(g->diag, place_of(n, "type"), g->r.path, "an outbound of type 'dns' is deprecated");
        diag_hint(g->diag, "write a rule {\"action\": \"hijack-dns\"} instead");
        r = reading_drop(&g->dns_outbounds, tag);
        return r < 0 ? r : reading_drop(&g->dropped, tag);
    }
    return group ? read_group(g, n, tag, group->kind) : read_proxy(g, n, tag, type);
}

int singbox_read_outbounds(struct reading *g, const struct node *list)
{
    size_t index = 0;

    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list", &g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, g, index);
        int r = read_outbound(g, item->value, index++);
        if (r < 0)
            return r;
    }
    return 0;
}

int singbox_read_endpoints(struct reading *g, const struct node *list)
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
        struct text type = singbox_type(g, item->value, singbox_endpoint_types);
        struct text tag = kept(g, node_text(node_get(item->value, "tag")));
        if (!tag.ptr)
            return -ENOMEM;
        if (type.len)
            not_carried(g, place_of(item->value, "type"), "the endpoint is left out", "type '%.*s'", TEXT_ARG(type));
        if (!tag.len)
            continue;
        int r = reading_name_outbound(g, tag, place_of(item->value, "tag"));
        if (r == 0)
            r = reading_drop(&g->dropped, tag);
        if (r == 0) /* an endpoint is an inbound too */
            r = reading_drop(&g->dropped_inbounds, tag);
        if (r < 0)
            return r;
    }
    return 0;
}

int singbox_read_services(struct reading *g, const struct node *list)
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
        struct text type = singbox_type(g, item->value, singbox_service_types);
        if (type.len)
            not_carried(g, place_of(item->value, "type"), "the service is left out", "type '%.*s'", TEXT_ARG(type));
    }
    return 0;
}
