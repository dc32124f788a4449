/* proxy-groups: which proxies belong to one is worked out here, once. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>
#include <pcre2.h>

#include "config/mihomo/mihomo.h"

enum { FILTERS_MAX = 64 };

struct filters {
    pcre2_code *code[FILTERS_MAX];
    size_t len;
    pcre2_match_data *match;
};

static void filters_done(struct filters *f)
{
    for (size_t i = 0; i < f->len; i++)
        pcre2_code_free(f->code[i]);
    pcre2_match_data_free(f->match);
}

/* Regular expressions separated by back-ticks. 0, -EINVAL (reported), -ENOMEM. */
static int filters_init(struct filters *f, struct reading *g, const struct node *n, struct text t)
{
    struct text one;
    int code;
    PCRE2_SIZE at;

    f->match = pcre2_match_data_create(1, NULL);
    if (!f->match)
        return -ENOMEM;
    while (t.len && text_next(&t, '`', &one)) {
        if (!one.len)
            continue;
        pcre2_code *re = pcre2_compile((PCRE2_SPTR)one.ptr, one.len, PCRE2_UTF, &code, &at, NULL);
        if (!re || f->len == FILTERS_MAX) {
            PCRE2_UCHAR why[120] = "too many expressions";
            if (!re)
                (void)pcre2_get_error_message(code, why, sizeof why);
            pcre2_code_free(re);
            diag_error(g->diag, n->at, g->r.path, "is no regular expression: %s", (const char *)why);
            return -EINVAL;
        }
        f->code[f->len++] = re;
    }
    return 0;
}

static bool filters_match(const struct filters *f, struct text name)
{
    for (size_t i = 0; i < f->len; i++) {
        if (pcre2_match(f->code[i], (PCRE2_SPTR)name.ptr, name.len, 0, 0, f->match, NULL) > 0)
            return true;
    }
    return false;
}

/* A group while its members are collected. */
struct draft {
    struct mihomo *m;
    const struct node *node;
    struct text name;
    struct group_fields fields;
    struct filters filter;
    struct filters exclude;
    struct text_vec members;
    bool lost; /* a provider or member is not carried */
};

static void draft_done(struct draft *d)
{
    filters_done(&d->filter);
    filters_done(&d->exclude);
    vec_done(&d->members.list);
}

static bool is_member(const struct draft *d, struct text name)
{
    for (size_t i = 0; i < d->members.list.len; i++) {
        if (text_eq(d->members.list.at[i], name))
            return true;
    }
    return false;
}

static bool is_excluded(const struct draft *d, struct text name)
{
    const char *type = map_get_text(&d->m->types, name);
    struct text rest = d->fields.exclude_type;
    struct text one;

    if (d->exclude.len && filters_match(&d->exclude, name))
        return true;
    while (type && rest.len && text_next(&rest, '|', &one)) {
        one = text_trim(one);
        if (text_is_nocase(one, type) || (text_is_nocase(one, "shadowsocks") && strcmp(type, "ss") == 0) ||
            (text_is_nocase(one, "shadowsocksr") && strcmp(type, "ssr") == 0))
            return true;
    }
    return false;
}

static int add_member(struct draft *d, struct text name)
{
    return is_excluded(d, name) || is_member(d, name) ? 0 : vec_push(&d->members.list, name);
}

static int add_matching(struct draft *d, const struct text *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (d->filter.len && !filters_match(&d->filter, names[i]))
            continue;
        int r = add_member(d, names[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    const struct text *x = a;
    const struct text *y = b;
    int r = memcmp(x->ptr, y->ptr, min_of(x->len, y->len));

    return r ? r : (x->len > y->len) - (x->len < y->len);
}

/* include-all takes the proxies in the order of their names, as mihomo does. */
static int add_all_proxies(struct draft *d)
{
    const struct text_vec *all = &d->m->proxies;
    struct text *sorted;
    int r;

    if (!all->list.len)
        return 0;
    sorted = mem_dup(all->list.at, all->list.len * sizeof *sorted);
    if (!sorted)
        return -ENOMEM;
    qsort(sorted, all->list.len, sizeof *sorted, compare_texts);
    r = add_matching(d, sorted, all->list.len);
    mem_free(sorted);
    return r;
}

static int add_provider(struct draft *d, struct text name, struct place at)
{
    struct reading *g = d->m->g;
    const struct provider *p = map_get_text(&d->m->proxy_providers, name);

    if (!p) {
        diag_error(g->diag, at, g->r.path, "there is no proxy-provider '%.*s'", TEXT_ARG(name));
        return 0;
    }
    if (!p->is_carried) {
        d->lost = true;
        if (g->options->allow_unsupported)
            diag_warn(g->diag, at, g->r.path, "provider '%.*s' was left out: the group goes without it", TEXT_ARG(name));
        return 0;
    }
    return add_matching(d, p->members.at, p->members.len);
}

static int add_providers(struct draft *d)
{
    struct place at = place_of(d->node, "use");
    int r = 0;

    if (d->fields.include_all || d->fields.include_all_providers) {
        map_each(slot, &d->m->proxy_providers) {
            struct text name = {.ptr = (const char *)slot->key.ptr, .len = slot->key.len};
            r = r < 0 ? r : add_provider(d, name, d->node->at);
        }
        return r;
    }
    for (size_t i = 0; r == 0 && i < d->fields.use.len; i++)
        r = add_provider(d, d->fields.use.at[i], at);
    return r;
}

static int add_named(struct draft *d)
{
    struct reading *g = d->m->g;
    struct text_list *names = &d->fields.outbounds;

    for (size_t i = 0; i < names->len; i++) {
        if (text_is(names->at[i], "PASS") || text_is(names->at[i], "PASS-RULE")) {
            not_carried(g, place_of(d->node, "proxies"), "the group goes without it", "%.*s as a member",
                        TEXT_ARG(names->at[i]));
            d->lost = true;
            continue;
        }
        int r = add_member(d, names->at[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int collect(struct draft *d)
{
    struct reading *g = d->m->g;
    const struct node *filter = mihomo_get(d->node, "filter");
    const struct node *exclude = mihomo_get(d->node, "exclude-filter");
    struct text fallback = d->fields.empty_fallback.len ? d->fields.empty_fallback : TEXT("COMPATIBLE");

    int r = reported(filters_init(&d->filter, g, filter ? filter : d->node, d->fields.filter));
    if (r == 0)
        r = reported(filters_init(&d->exclude, g, exclude ? exclude : d->node, d->fields.exclude_filter));
    if (r == 0)
        r = add_named(d);
    if (r == 0 && (d->fields.include_all || d->fields.include_all_proxies))
        r = add_all_proxies(d);
    if (r == 0)
        r = add_providers(d);
    if (r < 0 || d->members.list.len)
        return r;
    bool asks = d->fields.include_all || d->fields.include_all_proxies || d->fields.include_all_providers ||
                d->fields.use.len || d->fields.outbounds.len;
    if (!asks)
        diag_error(g->diag, d->node->at, g->r.path, "the group has neither 'proxies' nor 'use'");
    if (!d->lost)
        return vec_push(&d->members.list, fallback);
    if (g->options->allow_unsupported)
        diag_warn(g->diag, d->node->at, g->r.path, "the group '%.*s' has no members left: what goes there is refused",
                  TEXT_ARG(d->name));
    return vec_push(&d->members.list, TEXT("REJECT"));
}

static const struct group_type {
    const char *name;
    enum group_kind kind;
} group_types[] = {
    {"select", GROUP_SELECTOR},
    {"url-test", GROUP_URLTEST},
    {"fallback", GROUP_FALLBACK},
    {"load-balance", GROUP_LOAD_BALANCE},
};

static const struct group_type *find_type(struct reading *g, const struct node *n, struct text type)
{
    const struct known_type *known = known_type_find(mihomo_group_types, type);

    for (size_t i = 0; i < ARRAY_LEN(group_types); i++) {
        if (text_is(type, group_types[i].name))
            return &group_types[i];
    }
    diag_error(g->diag, place_of(n, "type"), g->r.path,
               known ? "groups of type '%.*s' are refused" : "there is no group type '%.*s'", TEXT_ARG(type));
    struct text near = known_type_nearest(mihomo_group_types, type);
    if (known)
        diag_hint(g->diag, "write %s", known->instead);
    else if (near.ptr)
        diag_hint(g->diag, "did you mean '%.*s'?", TEXT_ARG(near));
    return NULL;
}

struct common_fields {
    struct text name;
    struct text type;
};

OPTION_TABLE(struct common_fields, common_table) = {
    OPT_STRING(struct common_fields, name, .mihomo = "name", .flags = OPTION_REQUIRED),
    OPT_STRING(struct common_fields, type, .mihomo = "type", .flags = OPTION_REQUIRED),
    OPTION_END,
};

/* mihomo's defaults differ from sing-box's. */
static void set_defaults(struct group_spec *spec, const struct group_fields *f)
{
    spec->lazy = f->lazy != 0;
    if (!spec->interval_ms && spec->kind != GROUP_SELECTOR)
        spec->interval_ms = 300000;
}

static int read_group(struct mihomo *m, const struct node *n)
{
    struct reading *g = m->g;
    CLEANUP(draft_done) struct draft d = {.m = m, .node = n};
    struct common_fields common;
    struct option_target targets[] = {{common_table, &common}, {group_table, &d.fields}};

    int r = options_read_all(targets, ARRAY_LEN(targets), n, &g->r);
    if (r == -ENOMEM || !common.name.len || !common.type.len)
        return reported(r);
    d.name = common.name;
    r = reading_name_outbound(g, d.name, place_of(n, "name"));
    if (r == 0)
        r = vec_push(&m->groups.list, d.name);
    const struct group_type *type = find_type(g, n, common.type);
    if (r < 0 || !type)
        return r;
    struct group_spec *spec = arena_new(&g->model->arena, struct group_spec);
    if (!spec)
        return -ENOMEM;
    r = collect(&d);
    if (r < 0)
        return r;
    spec->kind = type->kind;
    r = text_list_keep(&g->model->arena, d.members.list.at, d.members.list.len, &d.fields.outbounds);
    if (r < 0)
        return r;
    group_spec_fill(&d.fields, spec);
    set_defaults(spec, &d.fields);
    return reading_add_group(g, d.name, n, spec);
}

int mihomo_read_groups(struct mihomo *m, const struct node *list)
{
    size_t index = 0;

    if (list->kind == NODE_NULL)
        return 0;
    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list of groups", &m->g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, m->g, index++);
        if (item->value->kind != NODE_MAP) {
            (void)option_expected(item->value, "a map", &m->g->r);
            continue;
        }
        int r = read_group(m, item->value);
        if (r < 0)
            return r;
    }
    return 0;
}
