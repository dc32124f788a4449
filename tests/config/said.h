/* Reads a configuration and keeps the model and what was said about it, as text. */
#ifndef WEIR_TESTS_CONFIG_SAID_H
#define WEIR_TESTS_CONFIG_SAID_H

#include "fake.h"

struct loaded {
    struct model model;
    struct diag diag;
    int result;
    struct strbuf said; /* "LINE:COLUMN: error: path: message" for each entry, without excerpts */
};

static UNUSED void load_all(struct loaded *l, const char *const *texts, size_t count, bool allow_unsupported)
{
    struct config_options o = {.registry = fake_registry, .allow_unsupported = allow_unsupported};
    struct config_source sources[4];

    for (size_t i = 0; i < count; i++)
        sources[i] = (struct config_source){.name = TEXT("t"), .text = text_of(texts[i])};
    diag_init(&l->diag);
    strbuf_init(&l->said, 1 << 20);
    l->result = config_read(sources, count, &o, &l->model, &l->diag);
    for (const struct diag_entry *e = l->diag.first; e; e = e->next) {
        strbuf_addf(&l->said, "%u:%u: %s: %.*s%s%.*s\n", e->line, e->column,
                    e->severity == DIAG_ERROR ? "error" : "warning", TEXT_ARG(e->path), e->path.len ? ": " : "",
                    TEXT_ARG(e->message));
    }
}

static UNUSED void load(struct loaded *l, const char *text, bool allow_unsupported)
{
    load_all(l, &text, 1, allow_unsupported);
}

static UNUSED void unload(struct loaded *l)
{
    model_done(&l->model);
    diag_done(&l->diag);
    strbuf_done(&l->said);
}

static UNUSED const struct model_outbound *outbound_named(const struct loaded *l, const char *tag)
{
    for (size_t i = 0; i < l->model.outbounds.len; i++) {
        if (text_is(l->model.outbounds.at[i].tag, tag))
            return &l->model.outbounds.at[i];
    }
    return NULL;
}

#define assert_said(l, s) assert_string_equal((l)->said.ptr ? (l)->said.ptr : "", s)
#define assert_text(t, s) assert_true(text_is(t, s))

/* Only this is said about the text. */
#define assert_says(text, allow, s)                                                                                    \
    do {                                                                                                               \
        struct loaded l_;                                                                                              \
        load(&l_, text, allow);                                                                                        \
        assert_said(&l_, s);                                                                                           \
        unload(&l_);                                                                                                   \
    } while (0)

#endif
