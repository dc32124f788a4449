#include "policy/hosts.h"

#include <errno.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "net/dest.h"

enum { ALIASES_MAX = 8, PATTERN_MAX = DEST_NAME + 2 };

struct entry {
    char *pattern; /* lower case, without a last dot */
    char *alias;
    struct addr *addrs;
    unsigned count;
};

struct hosts {
    struct map map;          /* all patterns but those of `stars` */
    VEC(struct entry *) stars; /* with a `*` elsewhere than as their first label */
};

struct hosts *hosts_new(void)
{
    struct hosts *h = mem_new(struct hosts);

    if (h)
        map_init(&h->map);
    return h;
}

static void entry_free(struct entry *e)
{
    mem_free(e->pattern);
    mem_free(e->alias);
    mem_free(e->addrs);
    mem_free(e);
}

void hosts_free(struct hosts *h)
{
    if (!h)
        return;
    map_each(s, &h->map)
        entry_free(s->value);
    for (size_t i = 0; i < h->stars.len; i++)
        entry_free(h->stars.at[i]);
    vec_done(&h->stars);
    map_done(&h->map);
    mem_free(h);
}

/* ---- filling ----------------------------------------------------------------------------- */

/* Lower case and without the last dot; returns the length, 0 for what is no name. */
static size_t normalize(struct text t, char out[PATTERN_MAX])
{
    if (t.len > 1 && t.ptr[t.len - 1] == '.')
        t.len--;
    if (t.len == 0 || t.len > DEST_NAME)
        return 0;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.ptr[i];
        if ((unsigned char)c <= ' ' || c == 0x7f)
            return 0;
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    return t.len;
}

/* No empty labels (but before the first dot of ".a"), `+` only first, `*` only as a whole label. */
static bool is_pattern(struct text t)
{
    struct text label;
    bool is_first = true;

    while (text_next(&t, '.', &label)) {
        if (label.len == 0 && !(is_first && t.ptr))
            return false;
        if (text_is(label, "+") && !is_first)
            return false;
        if (label.len > 1 && text_find(label, '*') >= 0)
            return false;
        is_first = false;
    }
    return true;
}

static struct entry *find_pattern(const struct hosts *h, struct text pattern)
{
    struct entry *e = map_get_text(&h->map, pattern);

    for (size_t i = h->stars.len; !e && i > 0; i--) {
        if (text_eq(text_of(h->stars.at[i - 1]->pattern), pattern))
            e = h->stars.at[i - 1];
    }
    return e;
}

static int insert(struct hosts *h, struct text pattern, struct entry *e)
{
    e->pattern = text_dup(pattern);
    if (!e->pattern)
        return -ENOMEM;
    ssize_t star = text_find_last(pattern, '*');
    if (star > 0)
        return vec_push(&h->stars, e);
    return map_put_text(&h->map, text_of(e->pattern), e);
}

static int entry_for(struct hosts *h, struct text pattern, struct entry **out)
{
    char lower[PATTERN_MAX];
    size_t len = normalize(pattern, lower);
    struct text t = {.ptr = lower, .len = len};

    if (len == 0 || !is_pattern(t))
        return -EINVAL;
    struct entry *e = find_pattern(h, t);
    if (!e) {
        e = mem_new(struct entry);
        if (!e)
            return -ENOMEM;
        int r = insert(h, t, e);
        if (r < 0) {
            entry_free(e);
            return r;
        }
    }
    *out = e;
    return 0;
}

int hosts_add(struct hosts *h, struct text pattern, const struct addr *addrs, unsigned count)
{
    struct entry *e;
    int r = entry_for(h, pattern, &e);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < count && e->count < RESOLVED_MAX; i++) {
        struct addr *grown = mem_resize(e->addrs, (e->count + 1) * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        e->addrs = grown;
        e->addrs[e->count] = addrs[i];
        addr_set_port(&e->addrs[e->count++], 0);
    }
    mem_free(take(e->alias));
    return 0;
}

int hosts_add_alias(struct hosts *h, struct text pattern, struct text alias)
{
    char lower[PATTERN_MAX];
    size_t len = normalize(alias, lower);
    struct entry *e;

    if (len == 0)
        return -EINVAL;
    int r = entry_for(h, pattern, &e);
    if (r < 0)
        return r;
    char *copy = text_dup((struct text){.ptr = lower, .len = len});
    if (!copy)
        return -ENOMEM;
    mem_free(e->alias);
    e->alias = copy;
    e->count = 0;
    return 0;
}

/* ---- finding ----------------------------------------------------------------------------- */

/* prefix + rest as a key of the map. */
static struct entry *find_joined(const struct hosts *h, const char *prefix, struct text rest)
{
    char key[PATTERN_MAX + 2];
    size_t n = strlen(prefix);

    if (n + rest.len > sizeof key)
        return NULL;
    memcpy(key, prefix, n);
    memcpy(key + n, rest.ptr, rest.len);
    return map_get_text(&h->map, (struct text){.ptr = key, .len = n + rest.len});
}

static bool star_matches(struct text pattern, struct text name)
{
    struct text want, have;

    while (text_next(&pattern, '.', &want)) {
        if (!text_next(&name, '.', &have) || (!text_is(want, "*") && !text_eq(want, have)))
            return false;
    }
    return !name.ptr || name.len == 0;
}

static struct entry *match(const struct hosts *h, struct text name)
{
    struct entry *e = map_get_text(&h->map, name);
    ssize_t dot = text_find(name, '.');
    struct text rest = name;

    if (!e && dot >= 0)
        e = find_joined(h, "*", text_sub(name, (size_t)dot, name.len));
    for (size_t i = h->stars.len; !e && i > 0; i--) {
        if (star_matches(text_of(h->stars.at[i - 1]->pattern), name))
            e = h->stars.at[i - 1];
    }
    if (!e)
        e = find_joined(h, "+.", name);
    while (!e && (dot = text_find(rest, '.')) >= 0) {
        struct text below = text_sub(rest, (size_t)dot, rest.len);
        e = find_joined(h, "+", below);
        if (!e)
            e = find_joined(h, "", below);
        rest = text_sub(below, 1, below.len);
    }
    return e;
}

int hosts_find(const struct hosts *h, struct text *name, struct addr_list *out)
{
    char lower[PATTERN_MAX];
    struct text at = *name;
    struct addr literal;

    for (unsigned i = 0; i <= ALIASES_MAX; i++) {
        size_t len = normalize(at, lower);
        struct entry *e = len ? match(h, (struct text){.ptr = lower, .len = len}) : NULL;
        if (!e) {
            *name = at;
            return 0;
        }
        if (!e->alias) {
            memcpy(out->at, e->addrs, e->count * sizeof *e->addrs);
            out->count = e->count;
            return 1;
        }
        at = text_of(e->alias);
        if (addr_parse(at, 0, &literal) == 0) {
            out->at[0] = literal;
            out->count = 1;
            return 1;
        }
    }
    return -ELOOP;
}
