#include "format/diag.h"

#include "format/excerpt.h"
#include "format/utf8.h"

enum { MESSAGE_MAX = 2000 };

void diag_init(struct diag *d)
{
    *d = (struct diag){0};
    arena_init(&d->arena, 0);
}

void diag_done(struct diag *d)
{
    arena_done(&d->arena);
    *d = (struct diag){0};
}

/* Whether the value at the end of the path, or the list it stands in, has a secret's name. */
static bool path_is_secret(const struct key_path *path)
{
    while (path && !path->key.ptr)
        path = path->up;
    return path && diag_is_secret(path->key);
}

static bool fill(struct diag *d, struct diag_entry *e, struct place at, const struct key_path *path)
{
    STRBUF text;

    strbuf_init(&text, MESSAGE_MAX);
    key_path_print(path, &text);
    e->path = arena_text(&d->arena, strbuf_text(&text));
    if (!at.source)
        return e->path.ptr;
    e->file = arena_text(&d->arena, at.source->name);
    e->line = at.line;
    e->column = at.column;
    if (at.line && !excerpt_make(e, at, path_is_secret(path), &d->arena))
        return false;
    return e->path.ptr && e->file.ptr;
}

static PRINTF(2, 0) struct text format(struct diag *d, const char *fmt, va_list args)
{
    STRBUF text;

    strbuf_init(&text, MESSAGE_MAX);
    strbuf_vaddf(&text, fmt, args);
    if (text.failed)
        return TEXT("(the message is too long)");
    return arena_text(&d->arena, strbuf_text(&text));
}

/* The new entry without its message; NULL when it is only counted. */
static struct diag_entry *add(struct diag *d, enum diag_severity severity, struct place at,
                              const struct key_path *path)
{
    d->last_kept = false;
    *(severity == DIAG_ERROR ? &d->errors : &d->warnings) += 1;
    if (d->kept == DIAG_ENTRIES_MAX)
        return NULL;
    struct diag_entry *e = arena_new(&d->arena, struct diag_entry);
    if (!e || !fill(d, e, at, path))
        return NULL;
    e->severity = severity;
    return e;
}

static void link_entry(struct diag *d, struct diag_entry *e, struct text message)
{
    if (!message.ptr)
        return;
    e->message = message;
    if (d->last)
        d->last->next = e;
    else
        d->first = e;
    d->last = e;
    d->kept++;
    d->last_kept = true;
}

void diag_error(struct diag *d, struct place at, const struct key_path *path, const char *fmt, ...)
{
    struct diag_entry *e = add(d, DIAG_ERROR, at, path);
    va_list args;

    if (!e)
        return;
    va_start(args, fmt);
    link_entry(d, e, format(d, fmt, args));
    va_end(args);
}

void diag_warn(struct diag *d, struct place at, const struct key_path *path, const char *fmt, ...)
{
    struct diag_entry *e = add(d, DIAG_WARNING, at, path);
    va_list args;

    if (!e)
        return;
    va_start(args, fmt);
    link_entry(d, e, format(d, fmt, args));
    va_end(args);
}

void diag_hint(struct diag *d, const char *fmt, ...)
{
    va_list args;

    if (!d->last_kept)
        return;
    va_start(args, fmt);
    d->last->hint = format(d, fmt, args);
    va_end(args);
}

/* ---- printing ---- */

/* Text from a file must not steer the terminal. */
static void add_clean(struct strbuf *out, struct text t)
{
    while (t.len) {
        uint32_t c;
        size_t n = utf8_decode(t, &c);
        if (n == 0 || utf8_is_control(c))
            strbuf_add_char(out, '?');
        else
            strbuf_add(out, t.ptr, n);
        t = text_sub(t, n ? n : 1, SIZE_MAX);
    }
}

static void print_excerpt(const struct diag_entry *e, bool colour, struct strbuf *out)
{
    struct text rest = e->excerpt;
    uint32_t c;

    strbuf_add_text(out, TEXT("    "));
    strbuf_add_text(out, e->excerpt);
    strbuf_add_text(out, TEXT("\n    "));
    for (uint32_t i = 0; i < e->caret; i++) {
        size_t n = utf8_decode(rest, &c);
        if (n == 0)
            break;
        strbuf_add_text(out, c == '\t' ? TEXT("\t") : excerpt_is_wide(c) ? TEXT("  ") : TEXT(" "));
        rest = text_sub(rest, n, SIZE_MAX);
    }
    strbuf_add_text(out, colour ? TEXT("\033[1;32m^") : TEXT("^"));
    for (uint32_t i = 0; i < e->width; i++) {
        size_t n = utf8_decode(rest, &c);
        bool wide = n && excerpt_is_wide(c);
        strbuf_add_text(out, i == 0 ? (wide ? TEXT("~") : TEXT("")) : wide ? TEXT("~~") : TEXT("~"));
        rest = text_sub(rest, n, SIZE_MAX);
    }
    strbuf_add_text(out, colour ? TEXT("\033[0m\n") : TEXT("\n"));
}

static const char *severity_name(enum diag_severity severity)
{
    return severity == DIAG_ERROR ? "error" : "warning";
}

static void print_entry(const struct diag_entry *e, bool colour, struct strbuf *out)
{
    const char *paint = e->severity == DIAG_ERROR ? "\033[1;31m" : "\033[1;35m";

    add_clean(out, e->file);
    if (e->line)
        strbuf_addf(out, ":%u:%u", e->line, e->column);
    if (e->file.len)
        strbuf_add_text(out, TEXT(": "));
    strbuf_addf(out, "%s%s:%s ", colour ? paint : "", severity_name(e->severity), colour ? "\033[0m" : "");
    if (e->path.len) {
        add_clean(out, e->path);
        strbuf_add_text(out, TEXT(": "));
    }
    add_clean(out, e->message);
    strbuf_add_char(out, '\n');
    if (e->excerpt.len)
        print_excerpt(e, colour, out);
    if (e->hint.len) {
        strbuf_add_text(out, TEXT("    hint: "));
        add_clean(out, e->hint);
        strbuf_add_char(out, '\n');
    }
}

void diag_print(const struct diag *d, bool colour, struct strbuf *out)
{
    for (const struct diag_entry *e = d->first; e; e = e->next)
        print_entry(e, colour, out);
    if (d->errors + d->warnings > d->kept)
        strbuf_addf(out, "and %zu more\n", d->errors + d->warnings - d->kept);
}

static void json_member(struct strbuf *out, const char *name, struct text value)
{
    if (!value.len)
        return;
    strbuf_addf(out, ", \"%s\": ", name);
    strbuf_add_json(out, value);
}

void diag_print_json(const struct diag *d, struct strbuf *out)
{
    strbuf_add_char(out, '[');
    for (const struct diag_entry *e = d->first; e; e = e->next) {
        strbuf_addf(out, "%s\n  {\"severity\": \"%s\"", e == d->first ? "" : ",",
                    severity_name(e->severity));
        json_member(out, "file", e->file);
        if (e->line)
            strbuf_addf(out, ", \"line\": %u, \"column\": %u", e->line, e->column);
        json_member(out, "path", e->path);
        json_member(out, "message", e->message);
        json_member(out, "hint", e->hint);
        json_member(out, "excerpt", e->excerpt);
        strbuf_add_char(out, '}');
    }
    strbuf_add_text(out, d->first ? TEXT("\n]\n") : TEXT("]\n"));
}

/* ---- nearest name ---- */

struct nearest nearest_to(struct text wanted)
{
    /* A third of the letters may be wrong, but a short name allows for one only. */
    unsigned limit = wanted.len < 6 ? 1 : wanted.len < 9 ? 2 : 3;
    return (struct nearest){.wanted = wanted, .distance = limit + 1};
}

void nearest_offer(struct nearest *n, struct text name)
{
    unsigned distance = text_distance(n->wanted, name, n->distance);

    if (distance < n->distance && distance < name.len) {
        n->distance = distance;
        n->best = name;
    }
}
