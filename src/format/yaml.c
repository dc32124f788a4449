/*
 * libfyaml only cuts the text into events; anchors, aliases and merge keys are ours, so that
 * their cost is bounded by counting before anything is built, and nothing recurses on the input.
 */
#include <libfyaml.h>

#include "format/yaml.h"

#include <errno.h>

#include "base/map.h"
#include "base/vec.h"
#include "format/source.h"

enum {
    FEW_KEYS = 16,
    LINE_MAX_BYTES = 1 << 20, /* libfyaml holds a whole line of brackets in tokens, 100 times its size */
};

/* A list or map that is not closed yet. */
struct frame {
    struct node *node;
    struct node_item *key; /* map: read, its value comes next */
    struct text anchor;
    struct node_item *merge; /* values of <<, applied when the map closes */
};

struct anchor {
    struct text name;
    struct node *node; /* NULL while it is still open: an alias would be a cycle */
};

struct reader {
    struct document *doc;
    struct diag *diag;
    struct fy_parser *parser;
    struct frame stack[NODE_DEPTH_MAX];
    unsigned depth;
    struct map anchors;
    unsigned documents;
    uint32_t merged; /* values looked at for <<, also where nothing came of it */
};

static int fail(struct reader *y, struct place at, const char *text)
{
    diag_error(y->diag, at, NULL, "%s", text);
    return -EINVAL;
}

static struct place place_of(const struct reader *y, const struct fy_mark *mark)
{
    struct place p = {.source = &y->doc->source};

    if (mark) {
        p.line = (uint32_t)mark->line + 1;
        p.column = (uint32_t)mark->column + 1;
        p.offset = (uint32_t)min_of(mark->input_pos, y->doc->source.text.len);
    }
    return p;
}

/* libfyaml's marks stand behind the quote, or the star of an alias; ours on it. */
static struct place place_with(const struct reader *y, struct fy_event *e, const char *leads)
{
    struct place p = place_of(y, fy_event_start_mark(e));

    if (p.line && p.column > 1 && strchr(leads, y->doc->source.text.ptr[p.offset - 1])) {
        p.column--;
        p.offset--;
    }
    return p;
}

static int token_text(struct reader *y, struct fy_token *token, struct text *out)
{
    size_t len = 0;
    const char *s = token ? fy_token_get_text(token, &len) : NULL;

    *out = (struct text){.ptr = "", .len = 0};
    if (!s || len == 0)
        return 0;
    *out = arena_text(&y->doc->arena, (struct text){.ptr = s, .len = len});
    return out->ptr ? 0 : -ENOMEM;
}

/*
 * A single-quoted text from the source itself: libfyaml 0.7 garbles one with many doubled quotes. YAML 1.2 section
 * 7.3.2: '' is a quote, a line break with the blanks around it is a space, n + 1 of them are n line breaks.
 */
static int single_quoted(struct reader *y, struct text in, struct text *out)
{
    char *to = arena_alloc(&y->doc->arena, in.len + 1);
    size_t n = 0, kept = 0; /* kept: not to be trimmed as blanks before a break */

    if (!to)
        return -ENOMEM;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c != '\n' && c != '\r') {
            to[n++] = c;
            i += c == '\'' && i + 1 < in.len && in.ptr[i + 1] == '\'';
            if (c != ' ' && c != '\t')
                kept = n;
            continue;
        }
        size_t breaks = 0;
        for (; i < in.len && strchr(" \t\r\n", in.ptr[i]); i++)
            breaks += in.ptr[i] == '\n' || (in.ptr[i] == '\r' && (i + 1 == in.len || in.ptr[i + 1] != '\n'));
        i--;
        n = kept;
        if (breaks == 1)
            to[n++] = ' ';
        for (; breaks > 1; breaks--)
            to[n++] = '\n';
        kept = n;
    }
    *out = (struct text){.ptr = to, .len = n};
    return 0;
}

/* The value of a scalar token. */
static int scalar_text(struct reader *y, struct fy_event *e, struct fy_token *token, struct text *out)
{
    const struct fy_mark *from = fy_event_start_mark(e), *to = fy_event_end_mark(e);
    struct text source = y->doc->source.text;

    if (token && fy_token_scalar_style(token) == FYSS_SINGLE_QUOTED && from && to && from->input_pos <= to->input_pos &&
        to->input_pos <= source.len) {
        struct text raw = text_sub(source, from->input_pos, to->input_pos - from->input_pos);
        if (text_search(raw, TEXT("''")) >= 0)
            return single_quoted(y, raw, out);
    }
    return token_text(y, token, out);
}

/* ---- anchors ---- */

/* Remembers that `name` is `node`; NULL while the node is open. A later anchor replaces one. */
static int set_anchor(struct reader *y, struct text name, struct node *node)
{
    if (!name.len)
        return 0;
    struct anchor *a = arena_new(&y->doc->arena, struct anchor);
    if (!a)
        return -ENOMEM;
    a->name = name;
    a->node = node;
    return map_put_text(&y->anchors, name, a);
}

/* ---- closing a map: keys that stand twice, merge keys ---- */

static void append(struct node *n, struct node_item *item)
{
    item->next = NULL;
    if (n->last)
        n->last->next = item;
    else
        n->first = item;
    n->last = item;
    n->count++;
}

static int add_weight(struct reader *y, struct node *n, uint32_t weight, struct place at)
{
    n->weight += weight;
    if (n->weight <= NODE_COUNT_MAX)
        return 0;
    diag_error(y->diag, at, NULL, "the aliases expand to more than %d values", NODE_COUNT_MAX);
    return -EINVAL;
}

struct merging {
    struct reader *y;
    struct node *into;
    struct map keys; /* of `into`; only with many */
};

static int merge_map(struct merging *m, const struct node *from, struct place alias)
{
    node_each(item, from) {
        if (map_get_text(&m->keys, item->key))
            continue;
        int r = add_weight(m->y, m->into, item->value->weight, alias);
        struct node_item *copy = r == 0 ? arena_new(&m->y->doc->arena, struct node_item) : NULL;
        if (!copy)
            return r < 0 ? r : -ENOMEM;
        *copy = *item;
        copy->before = copy->after = NULL;
        if (!copy->alias.line)
            copy->alias = alias;
        append(m->into, copy);
        r = map_put_text(&m->keys, copy->key, copy);
        if (r < 0)
            return r;
    }
    return 0;
}

static int merge_value(struct merging *m, const struct node *value, struct place alias)
{
    if (value->kind == NODE_MAP)
        return merge_map(m, value, alias);
    if (value->kind != NODE_LIST)
        return fail(m->y, alias, "'<<' needs an alias of a map, or a list of them");
    node_each(item, value) {
        struct place at = item->alias.line ? item->alias : item->value->at;
        if (item->value->kind != NODE_MAP)
            return fail(m->y, at, "'<<' needs an alias of a map, or a list of them");
        int r = merge_map(m, item->value, at);
        if (r < 0)
            return r;
    }
    return 0;
}

static int index_keys(struct reader *y, struct node *n, struct map *keys)
{
    int result = 0;

    node_each(item, n) {
        const struct node_item *old = map_get_text(keys, item->key);
        if (old) {
            diag_error(y->diag, item->key_at, NULL, "key '%.*s' stands twice, first on line %u",
                       TEXT_ARG(item->key), old->key_at.line);
            result = -EINVAL;
        } else {
            int r = map_put_text(keys, item->key, item);
            if (r < 0)
                return r;
        }
    }
    return result;
}

static int check_few(struct reader *y, struct node *n)
{
    int result = 0;

    node_each(item, n) {
        const struct node_item *old = n->first;
        while (!text_eq(old->key, item->key))
            old = old->next;
        if (old != item) {
            diag_error(y->diag, item->key_at, NULL, "key '%.*s' stands twice, first on line %u",
                       TEXT_ARG(item->key), old->key_at.line);
            result = -EINVAL;
        }
    }
    return result;
}

static int finish_map(struct reader *y, struct frame *f)
{
    struct merging m = {.y = y, .into = f->node};

    if (!f->merge && f->node->count <= FEW_KEYS)
        return check_few(y, f->node);
    map_init(&m.keys);
    int r = index_keys(y, f->node, &m.keys);
    for (struct node_item *item = f->merge; r == 0 && item; item = item->next)
        r = merge_value(&m, item->value, item->alias.line ? item->alias : item->key_at);
    map_done(&m.keys);
    return r;
}

/* ---- placing what was read ---- */

static int add_merge(struct reader *y, struct frame *f, struct node_item *item)
{
    y->merged += item->value->weight;
    if (y->merged > NODE_COUNT_MAX)
        return fail(y, item->key_at, "the merge keys ('<<') expand to too many values");
    if (f->merge)
        return fail(y, item->key_at, "'<<' stands twice in one map, expected a list of aliases");
    f->merge = item;
    return 0;
}

/* A complete value, in the list or map that is open now. */
static int place_value(struct reader *y, struct node *value, struct place alias)
{
    if (y->depth == 0) {
        y->doc->root = value;
        return 0;
    }
    struct frame *f = &y->stack[y->depth - 1];
    struct node_item *item = f->key ? f->key : arena_new(&y->doc->arena, struct node_item);
    if (!item)
        return -ENOMEM;
    f->key = NULL;
    item->value = value;
    item->alias = alias;
    bool is_merge = f->node->kind == NODE_MAP && text_is(item->key, "<<");
    if (is_merge)
        return add_merge(y, f, item);
    append(f->node, item);
    return add_weight(y, f->node, value->weight, alias.line ? alias : value->at);
}

static bool wants_key(const struct reader *y)
{
    const struct frame *f = y->depth ? &y->stack[y->depth - 1] : NULL;
    return f && f->node->kind == NODE_MAP && !f->key;
}

static int add_key(struct reader *y, struct text key, struct place at)
{
    struct node_item *item = arena_new(&y->doc->arena, struct node_item);

    if (!item)
        return -ENOMEM;
    item->key = key;
    item->key_at = at;
    y->stack[y->depth - 1].key = item;
    return 0;
}

/* ---- events ---- */

/* Kind and value by an explicit tag (!!str 123) or by how the scalar looks. */
static int type_scalar(struct reader *y, struct node *n, struct text value, struct fy_token *tag)
{
    size_t len = 0;
    const char *s = tag ? fy_token_get_text(tag, &len) : NULL;
    struct text name = {.ptr = s ? s : "", .len = s ? len : 0};

    if (text_ends(name, TEXT(":str")) || text_is(name, "!"))
        n->quoted = true;
    else if (text_ends(name, TEXT(":binary")))
        return fail(y, n->at, "the tag !!binary is not supported, expected text");
    else if (name.len && n->quoted)
        n->quoted = !(text_ends(name, TEXT(":int")) || text_ends(name, TEXT(":float")) ||
                      text_ends(name, TEXT(":bool")) || text_ends(name, TEXT(":null")));
    if (!n->quoted) {
        node_set_plain(n, value);
        return 0;
    }
    n->kind = NODE_STRING;
    n->text = n->raw = value;
    return 0;
}

static int on_scalar(struct reader *y, struct fy_event *e)
{
    struct fy_token *token = e->scalar.value;
    bool quoted = token && fy_token_scalar_style(token) != FYSS_PLAIN;
    struct place at = place_with(y, e, quoted ? "\"'" : "");
    struct text value, anchor;
    int r = scalar_text(y, e, token, &value);

    if (r == 0)
        r = token_text(y, e->scalar.anchor, &anchor);
    if (r < 0)
        return r;
    if (value.len && memchr(value.ptr, 0, value.len))
        return fail(y, at, "a zero byte in a text is not allowed");
    bool is_key = wants_key(y);
    struct node *n = node_new(&y->doc->arena, NODE_STRING);
    if (!n)
        return -ENOMEM;
    n->at = at;
    n->quoted = quoted;
    r = type_scalar(y, n, value, e->scalar.tag);
    if (r == 0)
        r = set_anchor(y, anchor, n);
    if (r < 0)
        return r;
    return is_key ? add_key(y, value, at) : place_value(y, n, (struct place){0});
}

static int on_alias(struct reader *y, struct fy_event *e)
{
    struct place at = place_with(y, e, "*");
    struct text name;
    int r = token_text(y, e->alias.anchor, &name);

    if (r < 0)
        return r;
    const struct anchor *a = map_get_text(&y->anchors, name);
    if (!a) {
        diag_error(y->diag, at, NULL, "unknown alias '*%.*s', expected the name of an anchor above",
                   TEXT_ARG(name));
        return -EINVAL;
    }
    if (!a->node) {
        diag_error(y->diag, at, NULL, "alias '*%.*s' stands inside its own anchor: that never ends",
                   TEXT_ARG(name));
        return -EINVAL;
    }
    if (!wants_key(y))
        return place_value(y, a->node, at);
    if (a->node->kind == NODE_LIST || a->node->kind == NODE_MAP)
        return fail(y, at, "a key is a list or map, expected a single value");
    return add_key(y, a->node->raw, at);
}

static int on_open(struct reader *y, struct fy_event *e, enum node_kind kind, struct fy_token *anchor)
{
    struct place at = place_of(y, fy_event_start_mark(e));

    if (wants_key(y))
        return fail(y, at, "a key is a list or map, expected a single value");
    if (y->depth == NODE_DEPTH_MAX) {
        diag_error(y->diag, at, NULL, "lists and maps are nested too deeply, expected at most %d levels",
                   NODE_DEPTH_MAX);
        return -EINVAL;
    }
    struct frame *f = &y->stack[y->depth];
    *f = (struct frame){.node = node_new(&y->doc->arena, kind)};
    if (!f->node)
        return -ENOMEM;
    f->node->at = at;
    int r = token_text(y, anchor, &f->anchor);
    if (r == 0)
        r = set_anchor(y, f->anchor, NULL);
    y->depth++;
    return r;
}

static int on_close(struct reader *y)
{
    struct frame *f = &y->stack[y->depth - 1];
    int r = f->node->kind == NODE_MAP ? finish_map(y, f) : 0;

    if (r == 0)
        r = set_anchor(y, f->anchor, f->node);
    y->depth--;
    return r < 0 ? r : place_value(y, f->node, (struct place){0});
}

static int on_document(struct reader *y, struct fy_event *e)
{
    if (y->documents++ == 0)
        return 0;
    return fail(y, place_of(y, fy_event_start_mark(e)),
                "a second document starts here ('---'), expected one document in the file");
}

static int on_event(struct reader *y, struct fy_event *e)
{
    switch (e->type) {
    case FYET_DOCUMENT_START:
        return on_document(y, e);
    case FYET_MAPPING_START:
        return on_open(y, e, NODE_MAP, e->mapping_start.anchor);
    case FYET_SEQUENCE_START:
        return on_open(y, e, NODE_LIST, e->sequence_start.anchor);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return on_close(y);
    case FYET_SCALAR:
        return on_scalar(y, e);
    case FYET_ALIAS:
        return on_alias(y, e);
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        return 0;
    }
    return 0;
}

/* ---- the parser ---- */

/* The byte that line and column (from 1, in characters) stand for. */
static size_t offset_of(struct text t, uint32_t line, uint32_t column)
{
    size_t i = 0;

    for (; line > 1 && i < t.len; i++)
        line -= t.ptr[i] == '\n';
    for (; column > 1 && i < t.len && t.ptr[i] != '\n'; column--) {
        i++;
        while (i < t.len && ((uint8_t)t.ptr[i] & 0xc0) == 0x80)
            i++;
    }
    return i;
}

/* libfyaml's own words, which it collected instead of printing them. */
static int report_syntax(struct reader *y, struct fy_diag *fy)
{
    struct fy_diag_error *error;
    void *next = NULL;
    bool any = false;

    while ((error = fy_diag_errors_iterate(fy, &next))) {
        struct place at = {.source = &y->doc->source};
        if (error->line > 0) {
            at.line = (uint32_t)error->line;
            at.column = (uint32_t)max_of(error->column, 1);
            at.offset = (uint32_t)offset_of(y->doc->source.text, at.line, at.column);
        }
        diag_error(y->diag, at, NULL, "%s", error->msg ? error->msg : "syntax error");
        any = true;
    }
    if (any)
        return -EINVAL;
    /* It says nothing when memory ran out, and sometimes when it stops. */
    return fail(y, (struct place){.source = &y->doc->source}, "is no YAML that can be read");
}

static int read_events(struct reader *y, struct fy_diag *fy)
{
    struct fy_event *e;
    int r = 0;
    bool ended = false;

    while (r == 0 && !ended && (e = fy_parser_parse(y->parser))) {
        ended = e->type == FYET_STREAM_END;
        r = on_event(y, e);
        fy_parser_event_free(y->parser, e);
    }
    if (r == 0 && (!ended || fy_parser_get_stream_error(y->parser)))
        r = report_syntax(y, fy);
    return r;
}

static int read_with(struct reader *y, struct fy_diag *fy)
{
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DISABLE_RECYCLING |
                                        FYPCF_DEFAULT_VERSION_AUTO | FYPCF_JSON_NONE,
                               .diag = fy};

    y->parser = fy_parser_create(&cfg);
    if (!y->parser)
        return -ENOMEM;
    int r = fy_parser_set_string(y->parser, y->doc->source.text.ptr, y->doc->source.text.len);
    r = r < 0 ? -ENOMEM : read_events(y, fy);
    fy_parser_destroy(y->parser);
    return r;
}

static void drop_text(struct fy_diag *diag, void *user, const char *buf, size_t len)
{
    (void)diag, (void)user, (void)buf, (void)len;
}

static int read_document(struct document *doc, struct diag *diag)
{
    struct fy_diag_cfg cfg;
    struct reader *y = arena_new(&doc->arena, struct reader); /* too large for a coroutine's stack */

    fy_diag_cfg_default(&cfg);
    cfg.fp = NULL;
    cfg.output_fn = drop_text;
    cfg.colorize = false;
    struct fy_diag *fy = y ? fy_diag_create(&cfg) : NULL;
    if (!fy)
        return -ENOMEM;
    fy_diag_set_collect_errors(fy, true);
    y->doc = doc;
    y->diag = diag;
    map_init(&y->anchors);
    int r = read_with(y, fy);
    map_done(&y->anchors);
    fy_diag_destroy(fy);
    if (r < 0)
        doc->root = NULL;
    return r;
}

static int check_lines(struct document *doc, struct diag *diag)
{
    struct text t = doc->source.text;
    size_t start = 0;

    while (start < t.len) {
        ssize_t n = text_find(text_sub(t, start, SIZE_MAX), '\n');
        size_t len = n < 0 ? t.len - start : (size_t)n;
        if (len > LINE_MAX_BYTES) {
            diag_error(diag, source_place(&doc->source, start), NULL,
                       "the line has %zu bytes, expected at most %d", len, LINE_MAX_BYTES);
            return -EINVAL;
        }
        start += len + 1;
    }
    return 0;
}

int yaml_read(struct document *doc, struct text name, struct text text, struct diag *diag)
{
    int r = source_open(doc, name, text, diag);

    if (r == 0)
        r = check_lines(doc, diag);
    if (r == 0)
        r = read_document(doc, diag);
    if (r == 0 && !doc->root) {
        doc->root = node_new(&doc->arena, NODE_NULL);
        r = doc->root ? 0 : -ENOMEM;
    }
    return r;
}
