/* Shorthands for tests of trees. */
#ifndef WEIR_TESTS_FORMAT_TREE_H
#define WEIR_TESTS_FORMAT_TREE_H

#include "test.h"

#include "base/mem.h"
#include "format/diag.h"
#include "format/json.h"
#include "format/yaml.h"

/* A text that was read, with what was said about it. */
struct tree {
    struct document doc;
    struct diag diag;
    struct strbuf said;
    int result;
};

typedef int read_fn(struct document *, struct text, struct text, struct diag *);

static inline void tree_read_text(struct tree *t, read_fn *read, struct text text)
{
    diag_init(&t->diag);
    t->result = read(&t->doc, TEXT("t"), text, &t->diag);
    strbuf_init(&t->said, 1 << 20);
    diag_print(&t->diag, false, &t->said);
}

static inline void tree_read(struct tree *t, read_fn *read, const char *text)
{
    tree_read_text(t, read, text_of(text));
}

static inline void tree_done(struct tree *t)
{
    strbuf_done(&t->said);
    diag_done(&t->diag);
    document_done(&t->doc);
}

static inline void assert_same(struct text got, const char *wanted)
{
    char *copy = text_dup(got);
    assert_string_equal(copy, wanted);
    mem_free(copy);
}

/* Reading fails and exactly this is said. */
static inline void assert_says(read_fn *read, const char *text, const char *said)
{
    struct tree t;

    tree_read(&t, read, text);
    assert_int_not_equal(t.result, 0);
    assert_null(t.doc.root);
    assert_same(strbuf_text(&t.said), said);
    tree_done(&t);
}

static inline void assert_place(struct place at, unsigned line, unsigned column)
{
    assert_int_equal(at.line, line);
    assert_int_equal(at.column, column);
}

#endif
