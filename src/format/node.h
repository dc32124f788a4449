/*
 * The tree that every configuration reader makes of a file, whatever its syntax. Each value
 * knows its place, so that whoever finds it wrong, however late, can point at it.
 *
 *     document -- root (MAP) -- item "outbounds" -- value (LIST) -- item -- value (MAP) ...
 *
 * Everything lies in the document's arena and lives as long as the document. An aliased YAML
 * node is shared: several items have the same value. A tree is therefore not changed in place
 * below its root; node_copy() first.
 */
#ifndef WEIR_FORMAT_NODE_H
#define WEIR_FORMAT_NODE_H

#include "base/arena.h"
#include "base/strbuf.h"

enum {
    NODE_DEPTH_MAX = 64,           /* maps and lists inside each other */
    NODE_COUNT_MAX = 2000000,      /* values in one document, each alias counted in full */
    SOURCE_SIZE_MAX = 64 << 20,    /* bytes of one file */
};

/* One file that was read, kept so that a diagnostic can show its lines. */
struct source {
    struct text name;
    struct text text; /* ends in a zero byte; without byte order mark */
};

/* Where something stands. line is 0 for what stands nowhere (made, not read). */
struct place {
    const struct source *source;
    uint32_t line;   /* from 1 */
    uint32_t column; /* from 1, in Unicode characters */
    uint32_t offset; /* byte in source->text */
};

enum node_kind {
    NODE_NULL,
    NODE_BOOL,
    NODE_INT,
    NODE_FLOAT, /* also whole numbers beyond int64_t: `raw` has all their digits */
    NODE_STRING,
    NODE_LIST,
    NODE_MAP,
};

/* A comment line with its own marks ("// x", "# x", or a whole block). */
struct comment {
    struct comment *next;
    struct text text;
};

struct node;

/* A member of a list, or an entry of a map. */
struct node_item {
    struct node_item *next;
    struct node *value;
    struct text key;        /* map only */
    struct place key_at;    /* map only */
    struct place alias;     /* of the *alias (or <<) through which the value came; line 0 if none */
    struct comment *before; /* own lines above */
    struct comment *after;  /* behind it on its last line */
};

struct node {
    enum node_kind kind;
    bool quoted; /* string written with quotes or as block: never to be taken for another kind */
    struct place at;
    struct text raw;  /* scalars: as written (for a string: its value) */
    uint32_t count;   /* items of a list or map */
    uint32_t weight;  /* values in this tree with itself, shared ones counted each time */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct text text;
        struct {
            struct node_item *first;
            struct node_item *last;
        };
    };
    struct comment *tail; /* list or map: comments before its end */
};

struct document {
    struct arena arena;
    struct source source;
    struct node *root; /* NULL when reading failed */
    struct comment *before;
    struct comment *after;
};

/*
 * An empty document that has its own copy of `name` and `text`: 0 or -ENOMEM; document_done()
 * it in both cases. The readers call this.
 */
int document_init(struct document *doc, struct text name, struct text text) CHECKED;
void document_done(struct document *doc);

/* "a string", "a list": for messages. */
const char *node_kind_words(enum node_kind kind);

/* The value of a map's entry, or NULL; also NULL when `map` is NULL or no map. */
struct node *node_get(const struct node *map, const char *key);
struct node_item *node_find(const struct node *map, struct text key);
/* The member of a list, or NULL. */
struct node *node_at(const struct node *list, size_t index);
/* The text of a string, else the empty text with ptr NULL. */
struct text node_text(const struct node *n);
static inline bool node_is(const struct node *n, enum node_kind kind)
{
    return n && n->kind == kind;
}

#define node_each(item, list_or_map)                                                               \
    for (struct node_item *item = (list_or_map)->first; item; item = item->next)

/* Makers for what is not read but written. NULL when memory ran out. Texts are borrowed. */
struct node *node_new(struct arena *a, enum node_kind kind) CHECKED;
struct node *node_new_text(struct arena *a, struct text t) CHECKED;
struct node *node_new_int(struct arena *a, int64_t value) CHECKED;
struct node *node_new_bool(struct arena *a, bool value) CHECKED;
/* Appends. `value` may be NULL, so that makers nest: -ENOMEM then. Else 0 or -ENOMEM. */
int node_add(struct arena *a, struct node *list, struct node *value) CHECKED;
/* Appends or replaces the entry `key`. */
int node_set(struct arena *a, struct node *map, struct text key, struct node *value) CHECKED;
/* A copy into `a` whose lists and maps may be changed; scalars' text is still borrowed. */
struct node *node_copy(struct arena *a, const struct node *n) CHECKED;

/* Same kinds and values; places, quotes and comments do not count, nor does a map's order. */
bool node_eq(const struct node *a, const struct node *b);

/*
 * Sets kind and value of a plain (unquoted) scalar by the rules of YAML 1.2 core with the
 * additions of Go's yaml.v3: null ~, true/false, 0x 0o 0b and leading 0 octal, 1_000, .inf.
 * yes, no, on and off stay strings.
 */
void node_set_plain(struct node *n, struct text raw);

/* The way to a value, as a list on the stack: outbounds[2].server_port. */
struct key_path {
    const struct key_path *up;
    struct text key; /* ptr NULL: `index` counts */
    size_t index;
};

void key_path_print(const struct key_path *path, struct strbuf *out);

#endif
