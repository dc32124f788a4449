#include <errno.h>

#include "format/option_table.h"

static int write_duration(const struct option *o, enum dialect dialect, int64_t value, struct arena *a,
                          struct node **out)
{
    int64_t unit = o->unit ? o->unit : OPTION_SECOND;
    char words[32];

    if (dialect == DIALECT_MIHOMO && value % unit == 0)
        *out = node_new_int(a, value / unit);
    else {
        duration_print(value, words);
        struct text t = arena_text(a, text_of(words));
        *out = t.ptr ? node_new_text(a, t) : NULL;
    }
    return *out ? 0 : -ENOMEM;
}

static int write_integer(const struct option *o, enum dialect dialect, int64_t value, struct arena *a,
                         struct node **out)
{
    if (value == o->def && !(o->flags & OPTION_REQUIRED))
        return 0;
    if (o->type == OPTION_TYPE_DURATION)
        return write_duration(o, dialect, value, a, out);
    if (o->type == OPTION_TYPE_BOOL || o->type == OPTION_TYPE_TRI)
        *out = node_new_bool(a, value);
    else if (o->type != OPTION_TYPE_ENUM)
        *out = node_new_int(a, value);
    else {
        const struct option_choice *c = o->choices;
        while (c->name && c->value != value)
            c++;
        *out = node_new_text(a, text_of(c->name));
    }
    return *out ? 0 : -ENOMEM;
}

static int write_float(const struct option *o, double value, struct arena *a, struct node **out)
{
    char words[40];

    if (memcmp(&value, &o->def_float, sizeof value) == 0 && !(o->flags & OPTION_REQUIRED))
        return 0;
    int len = snprintf(words, sizeof words, "%.15g", value);
    *out = node_new(a, NODE_FLOAT);
    if (!*out)
        return -ENOMEM;
    (*out)->number = value;
    (*out)->raw = arena_text(a, (struct text){.ptr = words, .len = (size_t)len});
    return (*out)->raw.ptr ? 0 : -ENOMEM;
}

static int write_text(const struct option *o, struct text value, struct arena *a, struct node **out)
{
    if (text_eq(value, text_of(o->def_text)) && !(o->flags & OPTION_REQUIRED))
        return 0;
    *out = node_new_text(a, value);
    return *out ? 0 : -ENOMEM;
}

static int write_texts(struct text_list list, struct arena *a, struct node **out)
{
    if (!list.len)
        return 0;
    *out = node_new(a, NODE_LIST);
    for (size_t i = 0; i < list.len; i++) {
        if (node_add(a, *out, node_new_text(a, list.at[i])) < 0)
            return -ENOMEM;
    }
    return *out ? 0 : -ENOMEM;
}

static int write_numbers(struct number_list list, struct arena *a, struct node **out)
{
    if (!list.len)
        return 0;
    *out = node_new(a, NODE_LIST);
    for (size_t i = 0; i < list.len; i++) {
        if (node_add(a, *out, node_new_int(a, list.at[i])) < 0)
            return -ENOMEM;
    }
    return *out ? 0 : -ENOMEM;
}

/* A name's second value makes its entry a list. */
static int add_pair(const struct text_pair *pair, struct arena *a, struct node *map)
{
    struct node_item *old = node_find(map, pair->key);
    struct node *value = node_new_text(a, pair->value);

    if (!old)
        return node_set(a, map, pair->key, value);
    if (old->value->kind == NODE_LIST)
        return node_add(a, old->value, value);
    struct node *list = node_new(a, NODE_LIST);
    if (node_add(a, list, old->value) < 0 || node_add(a, list, value) < 0)
        return -ENOMEM;
    old->value = list;
    return 0;
}

static int write_map(struct text_map map, struct arena *a, struct node **out)
{
    if (!map.len)
        return 0;
    *out = node_new(a, NODE_MAP);
    for (size_t i = 0; *out && i < map.len; i++) {
        if (add_pair(&map.at[i], a, *out) < 0)
            return -ENOMEM;
    }
    return *out ? 0 : -ENOMEM;
}

static int write_object(const struct option *o, enum dialect dialect, const void *object, struct arena *a,
                        struct node **out)
{
    *out = node_new(a, NODE_MAP);
    return *out ? options_write(o->table, dialect, object, a, *out) : -ENOMEM;
}

static int write_objects(const struct option *o, enum dialect dialect, const void *field, struct arena *a,
                         struct node **out)
{
    struct text_list list; /* every list has this shape */

    memcpy(&list, field, sizeof list);
    if (!list.len)
        return 0;
    *out = node_new(a, NODE_LIST);
    for (size_t i = 0; *out && i < list.len; i++) {
        struct node *map = NULL;
        if (write_object(o, dialect, (const char *)(const void *)list.at + i * o->size, a, &map) < 0 ||
            node_add(a, *out, map) < 0)
            return -ENOMEM;
    }
    return *out ? 0 : -ENOMEM;
}

static int write_nested(const struct option *o, enum dialect dialect, const void *field, struct arena *a,
                        struct node **out)
{
    const void *object = field;

    if (o->type == OPTION_TYPE_OBJECT_PTR)
        memcpy(&object, field, sizeof object);
    if (!object)
        return 0;
    int r = write_object(o, dialect, object, a, out);
    /* An embedded object of defaults says nothing; a pointer says that the key was there. */
    if (r == 0 && o->type == OPTION_TYPE_OBJECT && !(*out)->count)
        *out = NULL;
    return r;
}

static int write_value(const struct option *o, enum dialect dialect, const void *field, struct arena *a,
                       struct node **out)
{
    const struct node *node;

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
        return write_integer(o, dialect, option_load(o, field), a, out);
    case OPTION_TYPE_FLOAT:
        return write_float(o, *(const double *)field, a, out);
    case OPTION_TYPE_STRING:
        return write_text(o, *(const struct text *)field, a, out);
    case OPTION_TYPE_STRING_LIST:
        return write_texts(*(const struct text_list *)field, a, out);
    case OPTION_TYPE_NUMBER_LIST:
        return write_numbers(*(const struct number_list *)field, a, out);
    case OPTION_TYPE_MAP:
        return write_map(*(const struct text_map *)field, a, out);
    case OPTION_TYPE_OBJECT:
    case OPTION_TYPE_OBJECT_PTR:
        return write_nested(o, dialect, field, a, out);
    case OPTION_TYPE_OBJECT_LIST:
        return write_objects(o, dialect, field, a, out);
    case OPTION_TYPE_NODE:
        memcpy(&node, field, sizeof node);
        *out = node ? node_copy(a, node) : NULL;
        return node && !*out ? -ENOMEM : 0;
    case OPTION_TYPE_CUSTOM:
        return o->write ? o->write(o, field, a, out) : 0;
    case OPTION_TYPE_UNSUPPORTED:
    case OPTION_TYPE_IGNORED:
    case OPTION_TYPE_END:
        break;
    }
    return 0;
}

int options_write(const struct option *table, enum dialect dialect, const void *in, struct arena *a,
                  struct node *map)
{
    int r = 0;

    for (const struct option *o = table; r == 0 && o->type != OPTION_TYPE_END; o++) {
        const char *key = option_key(o, dialect);
        const void *field = (const char *)in + o->offset;
        struct node *value = NULL;
        if (!key || (o->flags & OPTION_ALIAS) || o->deprecated)
            continue;
        if (option_is_inline(o, dialect)) {
            r = options_write(o->table, dialect, field, a, map);
            continue;
        }
        r = write_value(o, dialect, field, a, &value);
        if (r == 0 && value)
            r = node_set(a, map, text_of(key), value);
    }
    return r;
}
