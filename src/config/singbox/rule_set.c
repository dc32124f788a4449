/*
 * Inline rule sets. A rule and each rule of the sets it names are merged, field by field, and
 * the results are alternatives: sing-box's "included rule-sets can be considered merged".
 */
#include <errno.h>

#include "config/singbox/singbox.h"

enum { EXPANDED_RULES_MAX = 200000 }; /* of all rules that name sets */

static int note_rule_set(struct reading *g, const struct node *set, const struct node *tag)
{
    const struct node *type = node_get(set, "type");
    bool is_inline = !type || text_is(node_text(type), "inline") || text_is(node_text(type), "");
    struct node *value = node_get(set, "rules");
    union {
        const struct node *in;
        struct node *out;
    } u = {.in = is_inline && value ? value : set};

    if (tag->kind != NODE_STRING || !tag->text.len)
        return reported(option_expected(tag, "a tag", &g->r));
    if (map_get_text(&g->rule_sets, tag->text)) {
        diag_error(g->diag, tag->at, g->r.path, "the tag '%.*s' is used twice", TEXT_ARG(tag->text));
        return 0;
    }
    if (!is_inline && !text_is(node_text(type), "local") && !text_is(node_text(type), "remote")) {
        diag_error(g->diag, type->at, g->r.path, "there is no rule set type '%.*s', expected inline, local or remote",
                   TEXT_ARG(node_text(type)));
        return 0;
    }
    if (!is_inline)
        not_carried(g, type->at, "rules with it are left out", "rule set '%.*s' of type '%.*s'", TEXT_ARG(tag->text),
                    TEXT_ARG(node_text(type)));
    return map_put_text(&g->rule_sets, tag->text, u.out);
}

int singbox_read_rule_sets(struct reading *g, const struct node *list)
{
    size_t index = 0;

    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list", &g->r));
    node_each(item, list) {
        const struct node *tag = node_get(item->value, "tag");
        STEP(s);
        int r = 0;
        step_enter_index(&s, g, index++);
        if (!node_is(item->value, NODE_MAP) || !tag) {
            diag_error(g->diag, item->value->at, g->r.path, "a rule set has to be a map with a tag");
            continue;
        }
        if (tag->kind == NODE_LIST) {
            node_each(one, tag)
                r = r < 0 ? r : note_rule_set(g, item->value, one->value);
        } else
            r = note_rule_set(g, item->value, tag);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- merging ---- */

/* Appends list `from` to list `to`, members of `size` bytes; both are {pointer, length}. */
static int join(struct arena *a, void *to, const void *from, size_t size)
{
    struct text_list x, y;

    memcpy(&x, to, sizeof x);
    memcpy(&y, from, sizeof y);
    if (!y.len)
        return 0;
    char *at = arena_alloc(a, (x.len + y.len) * size);
    if (!at)
        return -ENOMEM;
    if (x.len)
        memcpy(at, x.at, x.len * size);
    memcpy(at + x.len * size, y.at, y.len * size);
    x.at = (struct text *)(void *)at;
    x.len += y.len;
    memcpy(to, &x, sizeof x);
    return 0;
}

/* Where the lists of a rule stand, and the size of their members. */
static const struct list_field {
    size_t offset;
    size_t size;
} list_fields[] = {
#define LIST(f) {offsetof(struct rule_spec, f), sizeof *((struct rule_spec *)0)->f.at}
    LIST(domain),  LIST(domain_suffix), LIST(domain_keyword), LIST(domain_regex), LIST(ip_cidr), LIST(source_ip_cidr),
    LIST(port),    LIST(source_port),   LIST(network),        LIST(inbound),      LIST(auth_user), LIST(protocol),
    LIST(client),
#undef LIST
};

static int merge_into(struct arena *a, struct rule_spec *to, const struct rule_spec *from)
{
    for (size_t i = 0; i < ARRAY_LEN(list_fields); i++) {
        const struct list_field *f = &list_fields[i];
        int r = join(a, (char *)to + f->offset, (const char *)from + f->offset, f->size);
        if (r < 0)
            return r;
    }
    to->ip_is_private |= from->ip_is_private;
    to->source_ip_is_private |= from->source_ip_is_private;
    to->ip_version = to->ip_version ? to->ip_version : from->ip_version;
    return 0;
}

/* One alternative: `outer` and `inner` merged, or where that is no plain rule, both as AND. */
static int combine(struct reading *g, const struct rule_spec *outer, struct rule_spec *inner, struct rule_spec *out)
{
    struct arena *a = &g->model->arena;

    *out = *outer;
    if (inner->kind == RULE_DEFAULT && !inner->invert)
        return merge_into(a, out, inner);
    memset(out, 0, sizeof *out);
    out->kind = RULE_AND;
    out->at = outer->at;
    out->rules.len = 2;
    out->rules.at = arena_alloc(a, 2 * sizeof *out->rules.at);
    if (!out->rules.at)
        return -ENOMEM;
    out->rules.at[0] = *outer;
    out->rules.at[1] = *inner;
    return 0;
}

static bool has_items(const struct rule_spec *rule)
{
    for (size_t i = 0; i < ARRAY_LEN(list_fields); i++) {
        struct text_list list;
        memcpy(&list, (const char *)rule + list_fields[i].offset, sizeof list);
        if (list.len)
            return true;
    }
    return rule->ip_is_private || rule->source_ip_is_private || rule->ip_version;
}

static void use_as_source(struct rule_spec *rule)
{
    if (!rule->source_ip_cidr.len) {
        memcpy(&rule->source_ip_cidr, &rule->ip_cidr, sizeof rule->source_ip_cidr);
        memset(&rule->ip_cidr, 0, sizeof rule->ip_cidr);
    }
    for (size_t i = 0; i < rule->rules.len; i++)
        use_as_source(&rule->rules.at[i]);
}

struct expansion {
    const struct rule_spec *outer;
    bool match_source;
    struct rule_vec found;
};

static int expand_rule(struct reading *g, const struct node *n, struct expansion *e)
{
    struct rule_spec *inner = arena_new(&g->model->arena, struct rule_spec);
    struct rule_spec *out = rule_vec_add(&e->found);

    if (!inner || !out)
        return -ENOMEM;
    g->in_rule_set = true;
    int r = singbox_read_items(g, n, inner);
    g->in_rule_set = false;
    if (r < 0)
        return r;
    if (e->match_source)
        use_as_source(inner);
    if (has_items(e->outer))
        return combine(g, e->outer, inner, out);
    *out = *inner;
    return 0;
}

static int expand_set(struct reading *g, const struct node *name, struct expansion *e)
{
    const struct node *rules = map_get_text(&g->rule_sets, node_text(name));
    size_t index = 0;

    if (name->kind != NODE_STRING)
        return reported(option_expected(name, "the tag of a rule set", &g->r));
    if (!rules) {
        diag_error(g->diag, name->at, g->r.path, "there is no rule set '%.*s'", TEXT_ARG(name->text));
        return 0;
    }
    if (rules->kind == NODE_MAP) { /* not inline: reported where it stands */
        g->r.met_unsupported = true;
        return 0;
    }
    if (rules->kind != NODE_LIST)
        return reported(option_expected(rules, "a list of rules", &g->r));
    if (g->expanded + rules->count > EXPANDED_RULES_MAX) {
        diag_error(g->diag, name->at, g->r.path, "the rules of all rule sets are more than %d", EXPANDED_RULES_MAX);
        return 0;
    }
    g->expanded += rules->count;
    node_each(item, rules) {
        STEP(s);
        step_enter_index(&s, g, index++);
        int r = expand_rule(g, item->value, e);
        if (r < 0)
            return r;
    }
    return 0;
}

int singbox_expand_rule_sets(struct reading *g, const struct node *n, bool match_source, struct rule_spec *rule)
{
    struct rule_spec *outer = arena_new(&g->model->arena, struct rule_spec);
    struct expansion e = {.outer = outer, .match_source = match_source};
    int r = 0;

    if (!outer)
        return -ENOMEM;
    *outer = *rule;
    outer->invert = false;
    STEP(s);
    step_enter(&s, g, TEXT("rule_set"));
    if (n->kind == NODE_LIST) {
        node_each(item, n)
            r = r < 0 ? r : expand_set(g, item->value, &e);
    } else
        r = expand_set(g, n, &e);
    bool invert = rule->invert;
    struct place at = rule->at;
    memset(rule, 0, sizeof *rule);
    rule->kind = RULE_OR;
    rule->invert = invert;
    rule->at = at;
    size_t count = e.found.list.len;
    rule->rules.at = arena_alloc(&g->model->arena, count ? count * sizeof *rule : 1);
    if (!rule->rules.at)
        r = -ENOMEM;
    if (r == 0 && count) {
        memcpy(rule->rules.at, e.found.list.at, count * sizeof *rule);
        rule->rules.len = count;
    }
    vec_done(&e.found.list);
    return r;
}
