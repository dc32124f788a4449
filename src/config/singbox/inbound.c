#include <errno.h>

#include "config/singbox/singbox.h"

struct text singbox_type(struct reading *g, const struct node *n, const struct known_type *known)
{
    const struct node *type = node_get(n, "type");
    struct text name = node_text(type);
    STEP(s);

    step_enter(&s, g, TEXT("type"));
    if (!type) {
        diag_error(g->diag, n->at, g->r.path, "is missing, expected the name of a type");
        return (struct text){0};
    }
    if (type->kind != NODE_STRING || !name.len) {
        (void)option_expected(type, "the name of a type", &g->r);
        return (struct text){0};
    }
    if (known_type_find(known, name))
        return name;
    diag_error(g->diag, type->at, g->r.path, "there is no type '%.*s'", TEXT_ARG(name));
    struct text near = known_type_nearest(known, name);
    if (near.ptr)
        diag_hint(g->diag, "did you mean '%.*s'?", TEXT_ARG(near));
    return (struct text){0};
}

/* A rule that an inbound's old keys stand for. */
static struct rule_spec *rule_for_inbound(struct reading *g, const struct inbound_draft *d)
{
    struct rule_spec *rule = rule_vec_add(&g->before);

    if (!rule || text_list_keep(&g->model->arena, &d->tag, 1, &rule->inbound) < 0)
        return NULL;
    rule->at = d->node->at;
    return rule;
}

static int add_old_rules(struct reading *g, const struct inbound_draft *d)
{
    struct rule_spec *rule;

    if (d->listen.sniff) {
        rule = rule_for_inbound(g, d);
        if (!rule)
            return -ENOMEM;
        rule->action = RULE_SNIFF;
        rule->line = TEXT("sniff of the inbound");
        rule->sniff_override = d->listen.sniff_override;
        rule->sniff_timeout_ms = d->listen.sniff_timeout / OPTION_MS;
    }
    if (d->listen.strategy != IP_AS_IS) {
        rule = rule_for_inbound(g, d);
        if (!rule)
            return -ENOMEM;
        rule->action = RULE_RESOLVE;
        rule->line = TEXT("domain_strategy of the inbound");
        rule->strategy = (enum ip_strategy)d->listen.strategy;
    }
    return 0;
}

struct common_fields {
    struct text type;
    struct text tag;
};

OPTION_TABLE(struct common_fields, common_table) = {
    OPT_STRING(struct common_fields, type, .singbox = "type"),
    OPT_STRING(struct common_fields, tag, .singbox = "tag"),
    OPTION_END,
};

/* *lacks: with --allow-unsupported, something is missing without which it would be weaker than written. */
static int read_options(struct reading *g, struct inbound_draft *d, bool *lacks)
{
    const struct protocol *p = d->protocol;
    struct common_fields common;
    struct option_target targets[] = {
        {common_table, &common}, {listen_table, &d->listen}, {p->inbound_options, NULL}};
    size_t errors = g->diag->errors;

    d->options = arena_alloc(&g->model->arena, p->inbound_size ? p->inbound_size : 1);
    if (!d->options)
        return -ENOMEM;
    targets[2].out = d->options;
    bool met = g->r.met_unsupported;
    g->r.met_unsupported = false;
    int r = options_read_all(targets, p->inbound_options ? 3 : 2, d->node, &g->r);
    if (r == 0 && p->inbound_check && errors == g->diag->errors)
        r = p->inbound_check(d->options, d->node, &g->r);
    *lacks = g->r.met_unsupported && g->options->allow_unsupported;
    g->r.met_unsupported |= met;
    return reported(r);
}

static bool has_users(const struct node *n)
{
    const struct node *users = node_get(n, "users");

    return users && !option_is_off(users);
}

/* Keys that a listener can do without: they are named and left out, and the listener stays. */
static int without_extras(struct reading *g, const struct node *n, struct node **out)
{
    static const char *const extras[] = {"set_system_proxy", "domain_resolver"};
    struct arena *a = &g->model->arena;

    *out = node_copy(a, n);
    if (!*out)
        return -ENOMEM;
    for (size_t i = 0; i < ARRAY_LEN(extras); i++) {
        const struct node *value = node_get(n, extras[i]);
        STEP(s);
        if (!value || option_is_off(value))
            continue;
        step_enter(&s, g, text_of(extras[i]));
        not_carried(g, value->at, "it is left out", "'%s'", extras[i]);
        int r = node_set(a, *out, text_of(extras[i]), node_new(a, NODE_NULL));
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_inbound(struct reading *g, const struct node *n, size_t index)
{
    struct inbound_draft d = {.node = n, .has_users = has_users(n)};

    if (n->kind != NODE_MAP)
        return reported(option_expected(n, "a map", &g->r));
    struct text type = singbox_type(g, n, singbox_inbound_types);
    if (!type.len)
        return 0;
    struct text type_z = kept(g, type);
    struct text tag = node_text(node_get(n, "tag"));
    d.tag = type_z.ptr ? tag.len ? kept(g, tag) : made_tag(g, type_z.ptr, index) : type_z;
    if (!d.tag.ptr)
        return -ENOMEM;
    int r = reading_name_inbound(g, d.tag, place_of(n, "tag"));
    if (r < 0)
        return r;
    d.protocol = protocol_find(g->options->registry, type_z.ptr);
    if (!d.protocol || !d.protocol->inbound_new) {
        not_carried(g, place_of(n, "type"), "the inbound is left out", "type '%.*s'", TEXT_ARG(type));
        return reading_drop(&g->dropped_inbounds, d.tag);
    }
    struct node *map;
    bool lacks = false;
    r = without_extras(g, n, &map);
    if (r < 0)
        return r;
    d.node = map;
    r = read_options(g, &d, &lacks);
    if (r == 0 && lacks) {
        diag_warn(g->diag, n->at, g->r.path, "the inbound '%.*s' is left out", TEXT_ARG(d.tag));
        return reading_drop(&g->dropped_inbounds, d.tag);
    }
    if (!addr_is_set(&d.listen.addr) && !d.listen.unix_path.len)
        d.listen.addr = addr_v4(INADDR_LOOPBACK, 0);
    if (r == 0)
        r = add_old_rules(g, &d);
    return r < 0 ? r : reading_add_inbound(g, &d);
}

int singbox_read_inbounds(struct reading *g, const struct node *list)
{
    size_t index = 0;

    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list", &g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, g, index);
        int r = read_inbound(g, item->value, index++);
        if (r < 0)
            return r;
    }
    return 0;
}
