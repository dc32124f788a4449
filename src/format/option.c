#include "format/option.h"

#include <errno.h>

#include "format/option_table.h"

static bool is_integer(const struct option *o)
{
    switch (o->type) {
    case OPTION_TYPE_BOOL:
    case OPTION_TYPE_TRI:
    case OPTION_TYPE_U16:
    case OPTION_TYPE_PORT:
    case OPTION_TYPE_U32:
    case OPTION_TYPE_I64:
    case OPTION_TYPE_SIZE:
    case OPTION_TYPE_DURATION:
    case OPTION_TYPE_ENUM:
        return true;
    case OPTION_TYPE_END:
    case OPTION_TYPE_FLOAT:
    case OPTION_TYPE_STRING:
    case OPTION_TYPE_STRING_LIST:
    case OPTION_TYPE_NUMBER_LIST:
    case OPTION_TYPE_MAP:
    case OPTION_TYPE_OBJECT:
    case OPTION_TYPE_OBJECT_PTR:
    case OPTION_TYPE_OBJECT_LIST:
    case OPTION_TYPE_NODE:
    case OPTION_TYPE_CUSTOM:
    case OPTION_TYPE_UNSUPPORTED:
    case OPTION_TYPE_IGNORED:
        return false;
    }
    return false;
}

static void set_default(const struct option *o, void *object)
{
    void *field = option_field(o, object);
    struct text text = text_of(o->def_text);

    if ((o->flags & OPTION_ALIAS) || o->type == OPTION_TYPE_UNSUPPORTED || o->type == OPTION_TYPE_IGNORED)
        return;
    if (o->type == OPTION_TYPE_OBJECT)
        options_default(o->table, field);
    else if (is_integer(o))
        option_store(o, field, o->def);
    else if (o->type == OPTION_TYPE_FLOAT)
        memcpy(field, &o->def_float, sizeof o->def_float);
    else if (o->type == OPTION_TYPE_STRING)
        memcpy(field, &text, sizeof text);
    else if (o->type == OPTION_TYPE_OBJECT_LIST)
        memset(field, 0, sizeof(struct text_list)); /* o->size is that of one object */
    else if (o->type == OPTION_TYPE_OBJECT_PTR)
        memset(field, 0, sizeof(void *));
    else
        memset(field, 0, o->size);
}

void options_default(const struct option *table, void *out)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++)
        set_default(o, out);
}

/* ---- finding ---- */

static char fold(char c)
{
    return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool key_matches(struct text key, const char *name, enum dialect dialect)
{
    if (!name || !name[0])
        return false;
    if (dialect == DIALECT_SINGBOX)
        return text_is(key, name);
    for (size_t i = 0; i < key.len; i++) {
        if (!name[i] || fold(key.ptr[i]) != fold(name[i]))
            return false;
    }
    return name[key.len] == 0;
}

struct found {
    const struct option *option;
    void *object;
};

static struct found find_in(const struct option *table, void *object, struct text key, enum dialect dialect)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        if (option_is_inline(o, dialect)) {
            struct found f = find_in(o->table, option_field(o, object), key, dialect);
            if (f.option)
                return f;
        } else if (key_matches(key, option_key(o, dialect), dialect))
            return (struct found){o, object};
    }
    return (struct found){0};
}

/* What is read now: one map and the tables its keys may come from. */
struct reading {
    const struct option_target *targets;
    size_t count;
    const struct node *map;
    struct option_reader *r;
};

static void offer_all(struct nearest *near, const struct option *table, enum dialect dialect)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        if (option_is_inline(o, dialect))
            offer_all(near, o->table, dialect);
        else if (option_key(o, dialect) && !o->deprecated)
            nearest_offer(near, text_of(option_key(o, dialect)));
    }
}

static void hint_for(const struct reading *g, struct text key)
{
    enum dialect dialect = g->r->dialect;
    enum dialect other = dialect == DIALECT_SINGBOX ? DIALECT_MIHOMO : DIALECT_SINGBOX;
    struct nearest near = nearest_to(key);

    for (size_t i = 0; i < g->count; i++) {
        struct found f = find_in(g->targets[i].table, g->targets[i].out, key, other);
        if (f.option && option_key(f.option, dialect) && option_key(f.option, dialect)[0]) {
            diag_hint(g->r->diag, "that is its name in %s; here it is '%s'",
                      other == DIALECT_MIHOMO ? "mihomo" : "sing-box", option_key(f.option, dialect));
            return;
        }
        offer_all(&near, g->targets[i].table, dialect);
    }
    if (near.best.ptr)
        diag_hint(g->r->diag, "did you mean '%.*s'?", TEXT_ARG(near.best));
}

static int unknown(const struct reading *g, const struct node_item *item)
{
    struct option_reader *r = g->r;

    if (r->dialect == DIALECT_SINGBOX)
        diag_error(r->diag, item->key_at, r->path, "unknown key, expected one that this object has");
    else
        diag_warn(r->diag, item->key_at, r->path, "unknown key, it is ignored");
    hint_for(g, item->key);
    return r->dialect == DIALECT_SINGBOX ? -EINVAL : 0;
}

/* ---- reading ---- */

static int unsupported(const struct option *o, const struct node_item *item, struct option_reader *r)
{
    const char *more = o->unsupported ? o->unsupported : "";
    const char *comma = o->unsupported ? ": " : "";

    if (option_is_off(item->value))
        return 0;
    r->met_unsupported = true;
    if (r->allow_unsupported) {
        diag_warn(r->diag, item->key_at, r->path, "is not supported by weir yet%s%s", comma, more);
        return 0;
    }
    diag_error(r->diag, item->key_at, r->path, "is not supported by weir yet%s%s", comma, more);
    diag_hint(r->diag, "--allow-unsupported leaves it out");
    return -EINVAL;
}

static int read_found(const struct reading *g, struct found f, const struct node_item *item)
{
    const struct option *o = f.option;

    if (o->deprecated && item->value->kind != NODE_NULL) {
        diag_warn(g->r->diag, item->key_at, g->r->path, "is deprecated");
        diag_hint(g->r->diag, "write %s", o->deprecated);
    }
    if (o->type == OPTION_TYPE_UNSUPPORTED)
        return unsupported(o, item, g->r);
    if (o->type == OPTION_TYPE_IGNORED || item->value->kind == NODE_NULL)
        return 0;
    void *field = option_field(o, f.object);
    int r = option_read_value(o, item->value, field, g->r);
    if (r == 0 && o->read && o->type != OPTION_TYPE_CUSTOM)
        r = o->read(o, item->value, field, g->r);
    return r;
}

static int read_entry(const struct reading *g, const struct node_item *item)
{
    const struct key_path *up = g->r->path;
    struct key_path path = {.up = up, .key = item->key};
    struct found f = {0};

    for (size_t i = 0; i < g->count && !f.option; i++)
        f = find_in(g->targets[i].table, g->targets[i].out, item->key, g->r->dialect);
    g->r->path = &path;
    int r = f.option ? read_found(g, f, item) : unknown(g, item);
    g->r->path = up;
    return r;
}

static bool is_given(const struct reading *g, const char *name)
{
    if (!node_is(g->map, NODE_MAP))
        return false;
    node_each(item, g->map) {
        if (key_matches(item->key, name, g->r->dialect) && item->value->kind != NODE_NULL)
            return true;
    }
    return false;
}

/* Whether the field of `o` is given by its own key or by another row's. */
static bool is_field_given(const struct reading *g, const struct option *table, const struct option *o)
{
    for (const struct option *row = table; row->type != OPTION_TYPE_END; row++) {
        bool same = row == o || ((row->flags & OPTION_ALIAS) && row->offset == o->offset);
        if (same && is_given(g, option_key(row, g->r->dialect)))
            return true;
    }
    return false;
}

static int check_required(const struct reading *g, const struct option *table)
{
    int result = 0;

    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        const char *key = option_key(o, g->r->dialect);
        if (option_is_inline(o, g->r->dialect)) {
            if (check_required(g, o->table) < 0)
                result = -EINVAL;
            continue;
        }
        if (!(o->flags & OPTION_REQUIRED) || (o->flags & OPTION_ALIAS) || !key || is_field_given(g, table, o))
            continue;
        struct key_path path = {.up = g->r->path, .key = text_of(key)};
        diag_error(g->r->diag, g->map ? g->map->at : (struct place){0}, &path, "is missing, expected %s",
                   option_type_words(o));
        result = -EINVAL;
    }
    return result;
}

/* Lets those rows have their say whose default depends on the dialect. */
static int read_absent(const struct reading *g, const struct option_target *target)
{
    int result = 0;

    for (const struct option *o = target->table; o->type != OPTION_TYPE_END && result == 0; o++) {
        const char *key = option_key(o, g->r->dialect);
        if ((o->flags & OPTION_IF_ABSENT) && key && !is_given(g, key))
            result = o->read(o, NULL, option_field(o, target->out), g->r);
    }
    return result;
}

int options_read_all(const struct option_target *targets, size_t count, const struct node *map,
                     struct option_reader *r)
{
    struct reading g = {.targets = targets, .count = count, .map = map, .r = r};
    int result = 0;

    for (size_t i = 0; i < count; i++)
        options_default(targets[i].table, targets[i].out);
    if (map && map->kind != NODE_MAP)
        return option_expected(map, "a map", r);
    if (map) {
        node_each(item, map) {
            int one = read_entry(&g, item);
            if (one == -ENOMEM)
                return one;
            if (one < 0)
                result = one;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (check_required(&g, targets[i].table) < 0)
            result = -EINVAL;
        int absent = read_absent(&g, &targets[i]);
        if (absent < 0)
            result = absent;
    }
    return result;
}

int options_read(const struct option *table, const struct node *map, void *out, struct option_reader *r)
{
    struct option_target target = {.table = table, .out = out};

    return options_read_all(&target, 1, map, r);
}
