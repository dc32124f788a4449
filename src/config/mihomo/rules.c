/* rules, sub-rules and inline rule-providers. */
#include <errno.h>

#include "config/mihomo/mihomo.h"

/* Sets what becomes of a flow that the rule matches. False: nothing (PASS), the rule is not needed. */
static bool set_target(struct rule_spec *rule, struct text target)
{
    if (rule->action == RULE_SUB_RULE)
        rule->sub_rule = target;
    else
        rule->outbound = target;
    if (rule->action == RULE_SUB_RULE)
        return true;
    if (text_is(target, "PASS") || text_is(target, "PASS-RULE"))
        return false;
    if (text_is(target, "REJECT") || text_is(target, "REJECT-DROP")) {
        rule->action = RULE_REJECT;
        rule->reject = text_is(target, "REJECT") ? REJECT_DEFAULT : REJECT_DROP;
        rule->no_drop = true;
    }
    return true;
}

static int add_rule(struct mihomo *m, const struct node *n, struct rule_vec *v)
{
    struct reading *g = m->g;
    struct rule_line l = {.m = m, .at = n->at};
    struct text target;

    if (n->kind != NODE_STRING)
        return reported(option_expected(n, "a rule such as \"DOMAIN,example.org,DIRECT\"", &g->r));
    struct rule_spec *rule = rule_vec_add(v);
    if (!rule)
        return -ENOMEM;
    size_t index = v->list.len - 1;
    g->r.met_unsupported = false;
    int r = mihomo_parse_rule(&l, n->text, &target, rule);
    if (r < 0 || g->r.met_unsupported) {
        v->list.len = index;
        return reported(r);
    }
    target = kept(g, target);
    rule->line = kept(g, n->text);
    if (!target.ptr || !rule->line.ptr)
        return -ENOMEM;
    r = reading_ref(g, rule->action == RULE_SUB_RULE ? REF_SUB_RULE : REF_RULE, target, n->at);
    if (r == 0 && !set_target(rule, target))
        v->list.len = index;
    return r;
}

static int add_rules(struct mihomo *m, const struct node *list, struct rule_vec *v)
{
    size_t index = 0;

    if (list->kind == NODE_NULL)
        return 0;
    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list of rules", &m->g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, m->g, index++);
        int r = add_rule(m, item->value, v);
        if (r < 0)
            return r;
    }
    return 0;
}

int mihomo_read_rules(struct mihomo *m, const struct node *list)
{
    return add_rules(m, list, &m->g->before);
}

static int add_sub_rules(struct mihomo *m, const struct node_item *item)
{
    struct rule_vec v = {0};
    struct text name = kept(m->g, item->key);
    STEP(s);

    if (!name.ptr)
        return -ENOMEM;
    step_enter(&s, m->g, item->key);
    int r = add_rules(m, item->value, &v);
    if (r == 0)
        r = reading_add_rules(m->g, name, &v);
    vec_done(&v.list);
    return r;
}

int mihomo_read_sub_rules(struct mihomo *m, const struct node *map)
{
    if (map->kind == NODE_NULL)
        return 0;
    if (map->kind != NODE_MAP)
        return reported(option_expected(map, "a map of lists of rules", &m->g->r));
    node_each(item, map) {
        int r = add_sub_rules(m, item);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- rule-providers ---- */

int mihomo_read_rule_providers(struct mihomo *m, const struct node *map)
{
    struct reading *g = m->g;

    if (map->kind == NODE_NULL)
        return 0;
    if (map->kind != NODE_MAP)
        return reported(option_expected(map, "a map of providers", &g->r));
    node_each(item, map) {
        const struct node *type = mihomo_get(item->value, "type");
        struct provider *p = arena_new(&g->model->arena, struct provider);
        STEP(s);
        step_enter(&s, g, item->key);
        struct text name = kept(g, item->key);
        if (!p || !name.ptr)
            return -ENOMEM;
        p->node = item->value;
        p->is_carried = text_is(node_text(type), "inline");
        if (!type)
            diag_error(g->diag, item->value->at, g->r.path, "has no type, expected inline, file or http");
        else if (!p->is_carried)
            not_carried(g, type->at, "rules with it are left out", "rule-provider of type '%.*s'",
                        TEXT_ARG(node_text(type)));
        int r = map_put_text(&m->rule_providers, name, p);
        if (r < 0)
            return r;
    }
    return 0;
}

/* An entry of behavior `domain`: "a.org", "+.a.org" (and below), ".a.org" (below), "*.a.org" (one label). */
static int add_domain(struct mihomo *m, struct text t, struct text_vec *lists)
{
    struct text whole = t;
    struct text copy;
    int which = 0; /* 0: domain, 1: suffix, 2: regex */
    STRBUF regex;

    strbuf_init(&regex, 2000);
    if (text_starts(t, TEXT("+."))) {
        whole = text_sub(t, 2, SIZE_MAX);
        which = 1;
    } else if (text_starts(t, TEXT(".")))
        which = 1;
    if (text_find(whole, '*') >= 0) {
        strbuf_add_text(&regex, which == 1 ? TEXT("(^|\\.)") : TEXT("^"));
        for (size_t i = 0; i < whole.len; i++) {
            if (whole.ptr[i] == '*')
                strbuf_add_text(&regex, TEXT("[^.]+"));
            else
                strbuf_addf(&regex, whole.ptr[i] == '.' ? "\\%c" : "%c", whole.ptr[i]);
        }
        strbuf_add_char(&regex, '$');
        whole = strbuf_text(&regex);
        which = 2;
    }
    copy = kept(m->g, whole);
    return copy.ptr ? vec_push(&lists[which].list, copy) : -ENOMEM;
}

static int read_domains(struct mihomo *m, const struct node *payload, struct rule_spec *out)
{
    struct arena *a = &m->g->model->arena;
    struct text_vec lists[3] = {0};
    int r = 0;

    node_each(item, payload) {
        if (r == 0)
            r = add_domain(m, item->value->kind == NODE_STRING ? item->value->text : item->value->raw, lists);
    }
    if (r == 0)
        r = text_list_keep(a, lists[0].list.at, lists[0].list.len, &out->domain);
    if (r == 0)
        r = text_list_keep(a, lists[1].list.at, lists[1].list.len, &out->domain_suffix);
    if (r == 0)
        r = text_list_keep(a, lists[2].list.at, lists[2].list.len, &out->domain_regex);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        vec_done(&lists[i].list);
    return r;
}

static int read_cidrs(struct mihomo *m, const struct node *payload, struct rule_spec *out)
{
    out->ip_cidr.at = arena_alloc(&m->g->model->arena, payload->count * sizeof *out->ip_cidr.at + 1);
    if (!out->ip_cidr.at)
        return -ENOMEM;
    node_each(item, payload) {
        if (cidr_parse(node_text(item->value), &out->ip_cidr.at[out->ip_cidr.len]) == 0)
            out->ip_cidr.len++;
        else
            diag_error(m->g->diag, item->value->at, m->g->r.path, "is no prefix such as 10.0.0.0/8");
    }
    return 0;
}

static int read_classical(struct mihomo *m, const struct node *payload, struct rule_spec *out)
{
    struct rule_line l = {.m = m};
    struct rule_spec *spec = NULL;

    out->kind = RULE_OR;
    out->rules.at = arena_alloc(&m->g->model->arena, payload->count * sizeof *spec + 1);
    if (!out->rules.at)
        return -ENOMEM;
    node_each(item, payload) {
        l.at = item->value->at;
        spec = &out->rules.at[out->rules.len];
        int r = mihomo_parse_rule(&l, node_text(item->value), NULL, spec);
        if (r == -ENOMEM)
            return r;
        out->rules.len += r == 0;
    }
    return 0;
}

static int read_payload(struct rule_line *l, struct provider *p)
{
    struct mihomo *m = l->m;
    const struct node *payload = mihomo_get(p->node, "payload");
    struct text behavior = node_text(mihomo_get(p->node, "behavior"));

    p->rule = arena_new(&m->g->model->arena, struct rule_spec);
    if (!p->rule)
        return -ENOMEM;
    p->rule->at = p->node->at;
    if (!node_is(payload, NODE_LIST)) {
        diag_error(m->g->diag, p->node->at, m->g->r.path, "an inline rule-provider has no list 'payload'");
        return 0;
    }
    if (text_is(behavior, "domain"))
        return read_domains(m, payload, p->rule);
    if (text_is(behavior, "ipcidr"))
        return read_cidrs(m, payload, p->rule);
    if (text_is(behavior, "classical"))
        return read_classical(m, payload, p->rule);
    diag_error(m->g->diag, p->node->at, m->g->r.path, "behavior is '%.*s', expected domain, ipcidr or classical",
               TEXT_ARG(behavior));
    return 0;
}

int mihomo_provider_rule(struct rule_line *l, struct text name, const struct rule_spec **out)
{
    struct reading *g = l->m->g;
    struct provider *p = map_get_text(&l->m->rule_providers, name);

    *out = NULL;
    if (!p) {
        diag_error(g->diag, l->at, g->r.path, "there is no rule-provider '%.*s'", TEXT_ARG(name));
        return -EINVAL;
    }
    if (!p->is_carried) { /* reported where it stands */
        g->r.met_unsupported = true;
        return 0;
    }
    if (p->is_being_read) {
        diag_error(g->diag, l->at, g->r.path, "rule-provider '%.*s' contains itself", TEXT_ARG(name));
        return -EINVAL;
    }
    if (!p->rule) {
        p->is_being_read = true;
        int r = read_payload(l, p);
        p->is_being_read = false;
        if (r < 0)
            return r;
    }
    *out = p->rule;
    return 0;
}
