#include "format/node.h"

#include <errno.h>
#include <math.h>

int document_init(struct document *doc, struct text name, struct text text)
{
    *doc = (struct document){0};
    arena_init(&doc->arena, 0);
    if (text_starts(text, TEXT("\xef\xbb\xbf")))
        text = text_sub(text, 3, SIZE_MAX);
    doc->source.name = arena_text(&doc->arena, name);
    doc->source.text = arena_text(&doc->arena, text);
    return doc->source.name.ptr && doc->source.text.ptr ? 0 : -ENOMEM;
}

void document_done(struct document *doc)
{
    arena_done(&doc->arena);
    doc->root = NULL;
}

const char *node_kind_words(enum node_kind kind)
{
    switch (kind) {
    case NODE_NULL:
        return "null";
    case NODE_BOOL:
        return "a boolean";
    case NODE_INT:
        return "a whole number";
    case NODE_FLOAT:
        return "a number";
    case NODE_STRING:
        return "a string";
    case NODE_LIST:
        return "a list";
    case NODE_MAP:
        return "a map";
    }
    return "unknown";
}

struct node_item *node_find(const struct node *map, struct text key)
{
    if (!node_is(map, NODE_MAP))
        return NULL;
    node_each(item, map) {
        if (text_eq(item->key, key))
            return item;
    }
    return NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
    struct node_item *item = node_find(map, text_of(key));
    return item ? item->value : NULL;
}

struct node *node_at(const struct node *list, size_t index)
{
    if (!node_is(list, NODE_LIST))
        return NULL;
    node_each(item, list) {
        if (index-- == 0)
            return item->value;
    }
    return NULL;
}

struct text node_text(const struct node *n)
{
    return node_is(n, NODE_STRING) ? n->text : (struct text){0};
}

struct node *node_new(struct arena *a, enum node_kind kind)
{
    struct node *n = arena_new(a, struct node);

    if (n) {
        n->kind = kind;
        n->weight = 1;
    }
    return n;
}

struct node *node_new_text(struct arena *a, struct text t)
{
    struct node *n = node_new(a, NODE_STRING);

    if (n) {
        n->text = n->raw = t.ptr ? t : TEXT("");
        n->quoted = true;
    }
    return n;
}

struct node *node_new_int(struct arena *a, int64_t value)
{
    struct node *n = node_new(a, NODE_INT);
    char digits[32];

    if (!n)
        return NULL;
    int len = snprintf(digits, sizeof digits, "%lld", (long long)value);
    n->raw = arena_text(a, (struct text){.ptr = digits, .len = (size_t)len});
    n->integer = value;
    return n->raw.ptr ? n : NULL;
}

struct node *node_new_bool(struct arena *a, bool value)
{
    struct node *n = node_new(a, NODE_BOOL);

    if (n) {
        n->boolean = value;
        n->raw = value ? TEXT("true") : TEXT("false");
    }
    return n;
}

static void append(struct node *n, struct node_item *item)
{
    if (n->last)
        n->last->next = item;
    else
        n->first = item;
    n->last = item;
    n->count++;
    n->weight += item->value->weight;
}

int node_add(struct arena *a, struct node *list, struct node *value)
{
    struct node_item *item = value && list ? arena_new(a, struct node_item) : NULL;

    if (!item)
        return -ENOMEM;
    item->value = value;
    append(list, item);
    return 0;
}

int node_set(struct arena *a, struct node *map, struct text key, struct node *value)
{
    if (!value || !map)
        return -ENOMEM;
    struct node_item *item = node_find(map, key);
    if (item) {
        map->weight += value->weight - item->value->weight;
        item->value = value;
        return 0;
    }
    item = arena_new(a, struct node_item);
    if (!item)
        return -ENOMEM;
    item->key = key;
    item->value = value;
    append(map, item);
    return 0;
}

struct node *node_copy(struct arena *a, const struct node *n)
{
    struct node *copy = arena_new(a, struct node);

    if (!copy)
        return NULL;
    *copy = *n;
    if (n->kind != NODE_LIST && n->kind != NODE_MAP)
        return copy;
    copy->first = copy->last = NULL;
    copy->count = 0;
    copy->weight = 1;
    node_each(item, n) {
        struct node_item *to = arena_new(a, struct node_item);
        struct node *value = node_copy(a, item->value);
        if (!to || !value)
            return NULL;
        *to = *item;
        to->next = NULL;
        to->value = value;
        append(copy, to);
    }
    return copy;
}

static bool items_eq(const struct node *a, const struct node *b)
{
    const struct node_item *y = b->first;

    node_each(x, a) {
        /* The same order is the usual case; only else is the entry searched. */
        const struct node_item *twin = y;
        if (a->kind == NODE_MAP && !(twin && text_eq(twin->key, x->key)))
            twin = node_find(b, x->key);
        if (!twin || !node_eq(x->value, twin->value))
            return false;
        y = y ? y->next : NULL;
    }
    return true;
}

bool node_eq(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case NODE_NULL:
        return true;
    case NODE_BOOL:
        return a->boolean == b->boolean;
    case NODE_INT:
        return a->integer == b->integer;
    case NODE_FLOAT:
        return a->number == b->number || (isnan(a->number) && isnan(b->number));
    case NODE_STRING:
        return text_eq(a->text, b->text);
    case NODE_LIST:
    case NODE_MAP:
        return a->count == b->count && items_eq(a, b);
    }
    return false;
}

void key_path_print(const struct key_path *path, struct strbuf *out)
{
    if (!path)
        return;
    key_path_print(path->up, out);
    if (!path->key.ptr)
        strbuf_addf(out, "[%zu]", path->index);
    else if (out->len)
        strbuf_addf(out, ".%.*s", TEXT_ARG(path->key));
    else
        strbuf_add_text(out, path->key);
}
