#include "policy/route_internal.h"

#include <errno.h>

#include "base/map.h"

void route_table_free(struct route_table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->list_count; i++)
        matcher_free(t->lists[i].matcher);
    vec_done(&t->actions);
    vec_done(&t->files);
    arena_done(&t->arena);
    mem_free(t);
}

/* ---- building ---------------------------------------------------------------------------- */

struct builder {
    const struct route_source *source;
    struct route_table *table;
    struct map routes;              /* plain ROUTE actions by tag: value = 1 + index */
    const struct source *last_file; /* rules of one file stand together */
};

static void builder_done(struct builder *b)
{
    map_done(&b->routes);
}

/* "rules.yaml:12: rule 'X': " before the text. */
static int blame(const struct rule_spec *s, int code, struct error *err)
{
    int len = (int)min_of(s->line.len, (size_t)100);

    code = error_prepend(err, code, "rule '%.*s'", len, s->line.ptr);
    if (s->at.line == 0 || !s->at.source)
        return code;
    return error_prepend(err, code, "%.*s:%u", TEXT_ARG(s->at.source->name), s->at.line);
}

static const char *keep_text(struct route_table *t, struct text text)
{
    return arena_text(&t->arena, text).ptr;
}

static bool has_override(const struct rule_spec *s)
{
    return dest_is_name(&s->override) || addr_is_set(&s->override.ip) || s->override.port;
}

static int find_outbound(struct builder *b, const struct rule_spec *s, struct route_action *a, struct error *err)
{
    if (s->action != RULE_ROUTE)
        return 0;
    a->outbound = b->source->outbound(b->source->arg, s->outbound);
    return a->outbound ? 0 : error_set(err, -ENOENT, "there is no outbound '%.*s'", TEXT_ARG(s->outbound));
}

static int find_list(struct builder *b, const struct rule_spec *s, struct route_action *a, struct error *err)
{
    if (s->action != RULE_SUB_RULE)
        return 0;
    int list = route_table_list(b->table, s->sub_rule);
    if (list < 0)
        return error_set(err, list, "there is no list of sub-rules '%.*s'", TEXT_ARG(s->sub_rule));
    a->list = (uint32_t)list;
    return 0;
}

static int make_action(struct builder *b, const struct rule_spec *s, struct route_action *a, struct error *err)
{
    struct arena *arena = &b->table->arena;

    *a = (struct route_action){.kind = s->action, .method = s->reject, .no_drop = s->no_drop,
                               .sniff_override = s->sniff_override, .sniff_timeout_ms = s->sniff_timeout_ms,
                               .strategy = s->strategy, .udp_idle_ms = s->udp_idle_ms};
    int r = find_outbound(b, s, a, err);
    if (r == 0)
        r = find_list(b, s, a, err);
    if (r < 0)
        return r;
    if (has_override(s)) {
        struct dest *copy = arena_new(arena, struct dest);
        if (!copy)
            return error_errno(err, -ENOMEM, "action");
        *copy = s->override;
        a->override = copy;
    }
    if (s->action == RULE_REJECT && !(a->meter = arena_new(arena, struct reject_meter)))
        return error_errno(err, -ENOMEM, "action");
    return sniff_set(&s->sniffers, &a->sniffers, err);
}

static bool is_plain_route(const struct rule_spec *s)
{
    return s->action == RULE_ROUTE && !has_override(s) && s->udp_idle_ms == 0 && s->outbound.len > 0;
}

/* The number of the rule's action; lines with one target share it. */
static int add_action(struct builder *b, const struct rule_spec *s, uint32_t *out, struct error *err)
{
    struct route_table *t = b->table;
    struct route_action a;

    uintptr_t known = is_plain_route(s) ? (uintptr_t)map_get_text(&b->routes, s->outbound) : 0;
    if (known) {
        *out = (uint32_t)(known - 1);
        return 0;
    }
    int r = make_action(b, s, &a, err);
    if (r < 0)
        return r;
    if (vec_push(&t->actions, a) < 0 ||
        (is_plain_route(s) && map_put_text(&b->routes, s->outbound, (void *)(uintptr_t)t->actions.len) < 0))
        return error_errno(err, -ENOMEM, "action");
    *out = (uint32_t)(t->actions.len - 1);
    return 0;
}

static int add_file(struct builder *b, const struct rule_spec *s, struct route_rule *rule)
{
    struct route_table *t = b->table;

    if (!s->at.source || s->at.line == 0)
        return 0;
    if (s->at.source != b->last_file && t->files.len < UINT16_MAX) {
        const char *name = keep_text(t, s->at.source->name);
        if (!name || vec_push(&t->files, name) < 0)
            return -ENOMEM;
        b->last_file = s->at.source;
    }
    rule->file = (uint16_t)(t->files.len - 1);
    rule->line = s->at.line;
    return 0;
}

static int add_rule(struct builder *b, struct route_list *list, const struct rule_spec *s, struct error *err)
{
    struct route_rule *rule = &list->rules[list->count];
    char made[32];
    struct text line = s->line;

    if (line.len == 0) {
        (void)snprintf(made, sizeof made, "rule[%u]", list->count);
        line = text_of(made);
    }
    rule->text = keep_text(b->table, line);
    if (!rule->text || add_file(b, s, rule) < 0)
        return error_errno(err, -ENOMEM, "rule");
    int r = add_action(b, s, &rule->action, err);
    if (r < 0)
        return blame(s, r, err);
    list->count++;
    return 0;
}

static int fill_list(struct builder *b, struct route_list *list, const struct rule_list *in, struct error *err)
{
    size_t bad = SIZE_MAX;

    list->rules = arena_alloc(&b->table->arena, in->rules.len * sizeof *list->rules);
    if (!list->rules)
        return error_errno(err, -ENOMEM, "rules");
    for (size_t i = 0; i < in->rules.len; i++) {
        int r = add_rule(b, list, &in->rules.at[i], err);
        if (r < 0)
            return r;
    }
    int r = matcher_new(in->rules.at, in->rules.len, b->source->addresses_resolve, &list->matcher, &bad, err);
    if (r < 0 && bad < in->rules.len && in->rules.at[bad].at.source)
        return error_prepend(err, r, "%.*s:%u", TEXT_ARG(in->rules.at[bad].at.source->name), in->rules.at[bad].at.line);
    return r;
}

enum { DEPTH_OPEN = UINT8_MAX };

/*
 * How many lists a walk may have open from this one on, or -ELOOP. depth[]: 0 not known yet,
 * DEPTH_OPEN being looked at.
 */
static int list_depth(const struct route_table *t, uint32_t list, uint8_t *depth, unsigned room)
{
    int deepest = 0;

    if (room == 0 || depth[list] == DEPTH_OPEN)
        return -ELOOP;
    if (depth[list])
        return depth[list] <= room ? depth[list] : -ELOOP;
    depth[list] = DEPTH_OPEN;
    for (uint32_t i = 0; i < t->lists[list].count; i++) {
        const struct route_action *a = &t->actions.at[t->lists[list].rules[i].action];
        int below = a->kind == RULE_SUB_RULE ? list_depth(t, a->list, depth, room - 1) : 0;
        if (below < 0)
            return below;
        deepest = max_of(deepest, below);
    }
    depth[list] = (uint8_t)(deepest + 1);
    return deepest + 1;
}

static int check_depths(const struct route_table *t, struct error *err)
{
    OWNED uint8_t *depth = mem_alloc(t->list_count);

    if (!depth)
        return error_errno(err, -ENOMEM, "sub-rules");
    for (uint32_t i = 0; i < t->list_count; i++) {
        if (list_depth(t, i, depth, SUB_RULES_DEEP) < 0)
            return error_set(err, -ELOOP, "sub-rules of '%s' lead back to themselves or are deeper than %d lists",
                             t->lists[i].name, SUB_RULES_DEEP);
    }
    return 0;
}

static int name_lists(struct route_table *t, const struct route_source *source)
{
    t->lists = arena_alloc(&t->arena, source->count * sizeof *t->lists);
    if (!t->lists || vec_push(&t->files, "") < 0)
        return -ENOMEM;
    for (; t->list_count < source->count; t->list_count++) {
        t->lists[t->list_count].name = keep_text(t, source->lists[t->list_count].name);
        if (!t->lists[t->list_count].name)
            return -ENOMEM;
    }
    return 0;
}

int route_table_new(const struct route_source *source, struct route_table **out, struct error *err)
{
    CLEANUP(route_table_cleanup) struct route_table *t = mem_new(struct route_table);
    CLEANUP(builder_done) struct builder b = {.source = source, .table = t};

    map_init(&b.routes);
    if (!t)
        return error_errno(err, -ENOMEM, "rules");
    arena_init(&t->arena, 0);
    if (name_lists(t, source) < 0)
        return error_errno(err, -ENOMEM, "rules");
    for (size_t i = 0; i < source->count; i++) {
        int r = fill_list(&b, &t->lists[i], &source->lists[i], err);
        if (r < 0)
            return r;
    }
    int r = check_depths(t, err);
    if (r < 0)
        return r;
    *out = take(t);
    return 0;
}

/* ---- reading ----------------------------------------------------------------------------- */

int route_table_list(const struct route_table *t, struct text name)
{
    for (size_t i = 0; i < t->list_count; i++) {
        if (text_is(name, t->lists[i].name))
            return (int)i;
    }
    return -ENOENT;
}

const char *route_list_name(const struct route_table *t, uint32_t list)
{
    return t->lists[list].name;
}

const char *route_rule_text(const struct route_table *t, struct rule_id id)
{
    return t->lists[id.list].rules[id.rule].text;
}

const char *route_rule_place(const struct route_table *t, struct rule_id id, char *out, size_t size)
{
    const struct route_rule *rule = &t->lists[id.list].rules[id.rule];

    out[0] = 0;
    if (rule->line)
        (void)snprintf(out, size, "%s:%u", t->files.at[rule->file], rule->line);
    return out;
}

size_t route_table_size(const struct route_table *t)
{
    size_t size = sizeof *t + t->arena.total + t->actions.cap * sizeof *t->actions.at;

    for (size_t i = 0; i < t->list_count; i++)
        size += matcher_size(t->lists[i].matcher);
    return size;
}
