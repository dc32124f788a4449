#include <errno.h>

#include "base/mem.h"
#include "policy/cache_file.h"
#include "policy/cache_internal.h"

enum { STRING_MAX = 1024 };

#define MAGIC "weir-cache 1"

void cache_data_init(struct cache_data *d)
{
    *d = (struct cache_data){0};
    map_init(&d->selected);
}

static void entry_free(struct cache_entry *e)
{
    if (!e)
        return;
    mem_free(e->group);
    mem_free(e->member);
    mem_free(e);
}

void cache_data_done(struct cache_data *d)
{
    map_each(s, &d->selected)
        entry_free(s->value);
    map_done(&d->selected);
    mem_free(take(d->mode));
}

int cache_data_select(struct cache_data *d, struct text group, struct text member)
{
    struct cache_entry *e = map_get_text(&d->selected, group);
    char *copy = text_dup(member);

    if (!copy)
        return -ENOMEM;
    if (!e) {
        e = mem_new(struct cache_entry);
        if (e)
            e->group = text_dup(group);
        if (!e || !e->group || map_put_text(&d->selected, text_of(e->group), e) < 0) {
            entry_free(e);
            mem_free(copy);
            return -ENOMEM;
        }
    }
    mem_free(e->member);
    e->member = copy;
    return 0;
}

int cache_data_set_mode(struct cache_data *d, struct text mode)
{
    char *copy = text_dup(mode);

    if (!copy)
        return -ENOMEM;
    mem_free(d->mode);
    d->mode = copy;
    return 0;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Only what strbuf_add_json() writes: short escapes, and \u00XX for control characters. */
static int escape(struct text *t, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint8_t code[2];

    if (t->len < 2)
        return -EBADMSG;
    char c = t->ptr[1];
    if (c == 'u') {
        if (t->len < 6 || hex_decode(text_sub(*t, 2, 4), code, sizeof code) != 2 || code[0] != 0 || code[1] > 0x7f)
            return -EBADMSG;
        *out = (char)code[1];
        *t = text_sub(*t, 6, t->len);
        return 0;
    }
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return -EBADMSG;
    *out = to[found - from];
    *t = text_sub(*t, 2, t->len);
    return 0;
}

/* A JSON string off the front of *t into `buf`: 0, -EBADMSG, -EMSGSIZE. */
static int read_string(struct text *t, char buf[STRING_MAX], struct text *out)
{
    size_t n = 0;

    while (t->len > 0 && t->ptr[0] == ' ')
        *t = text_sub(*t, 1, t->len);
    if (t->len == 0 || t->ptr[0] != '"')
        return -EBADMSG;
    *t = text_sub(*t, 1, t->len);
    while (t->len > 0 && t->ptr[0] != '"') {
        if (n == STRING_MAX)
            return -EMSGSIZE;
        if (t->ptr[0] == '\\') {
            if (escape(t, &buf[n++]) < 0)
                return -EBADMSG;
            continue;
        }
        buf[n++] = t->ptr[0];
        *t = text_sub(*t, 1, t->len);
    }
    if (t->len == 0)
        return -EBADMSG;
    *t = text_sub(*t, 1, t->len);
    *out = (struct text){.ptr = buf, .len = n};
    return 0;
}

static NOINLINE int read_selected(struct cache_data *d, struct text rest)
{
    char buf[STRING_MAX];
    struct text group, member;
    int r = read_string(&rest, buf, &group);

    if (r < 0)
        return r;
    OWNED char *copy = text_dup(group);
    if (!copy)
        return -ENOMEM;
    r = read_string(&rest, buf, &member);
    if (r < 0)
        return r;
    return rest.len ? -EBADMSG : cache_data_select(d, text_of(copy), member);
}

static NOINLINE int read_mode(struct cache_data *d, struct text rest)
{
    char buf[STRING_MAX];
    struct text mode;
    int r = read_string(&rest, buf, &mode);

    if (r < 0)
        return r;
    return rest.len ? -EBADMSG : cache_data_set_mode(d, mode);
}

static int read_line(struct cache_data *d, struct text line)
{
    struct text word;

    (void)text_next(&line, ' ', &word);
    if (text_is(word, "selected"))
        return read_selected(d, line);
    if (text_is(word, "mode"))
        return read_mode(d, line);
    /* A later version's line. */
    return 0;
}

int cache_data_parse(struct cache_data *d, struct text t)
{
    struct text line;

    if (!text_next(&t, '\n', &line) || !text_is(line, MAGIC))
        return -EBADMSG;
    while (text_next(&t, '\n', &line)) {
        /* Our lines end in a newline: what does not was cut off. */
        if (!t.ptr && line.len > 0)
            return -EBADMSG;
        int r = line.len ? read_line(d, line) : 0;
        if (r < 0)
            return r == -ENOMEM ? r : -EBADMSG;
    }
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

void cache_data_print(const struct cache_data *d, struct strbuf *out)
{
    strbuf_addf(out, MAGIC "\n");
    if (d->mode) {
        strbuf_addf(out, "mode ");
        strbuf_add_json(out, text_of(d->mode));
        strbuf_add_char(out, '\n');
    }
    map_each(s, &d->selected) {
        const struct cache_entry *e = s->value;
        strbuf_addf(out, "selected ");
        strbuf_add_json(out, text_of(e->group));
        strbuf_add_char(out, ' ');
        strbuf_add_json(out, text_of(e->member));
        strbuf_add_char(out, '\n');
    }
}
