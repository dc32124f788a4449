#include "format/json.h"

#include <errno.h>
#include <math.h>

#include "base/map.h"
#include "format/source.h"
#include "format/utf8.h"

enum { FEW_KEYS = 16 }; /* up to here comparing each with each beats hashing */

struct parser {
    struct document *doc;
    struct diag *diag;
    const char *text; /* ends in a zero byte, which stands nowhere else */
    struct place now;
    unsigned depth;
    uint32_t nodes;
    struct comment *first; /* waiting for something to belong to */
    struct comment *last;
    struct node_item *item; /* finished last, on `item_line`: owns what follows on that line */
    uint32_t item_line;
};

static char peek(const struct parser *p)
{
    return p->text[p->now.offset];
}

static void advance(struct parser *p, size_t n)
{
    for (; n; n--) {
        uint8_t c = (uint8_t)p->text[p->now.offset++];
        if (c == '\n') {
            p->now.line++;
            p->now.column = 1;
        } else if ((c & 0xc0) != 0x80)
            p->now.column++;
    }
}

/* "expected ..., found 'x'" at the current place. */
static int unexpected(struct parser *p, const char *expected)
{
    struct text rest = {.ptr = p->text + p->now.offset,
                        .len = p->doc->source.text.len - p->now.offset};
    uint32_t c;
    size_t n = utf8_decode(rest, &c);

    if (n == 0)
        diag_error(p->diag, p->now, NULL, "the file ends here, expected %s", expected);
    else
        diag_error(p->diag, p->now, NULL, "found '%.*s', expected %s", (int)n, rest.ptr, expected);
    return -EINVAL;
}

/* ---- blanks and comments ---- */

static int keep_comment(struct parser *p, size_t start, uint32_t line)
{
    struct text t = {.ptr = p->text + start, .len = p->now.offset - start};
    struct comment *c = arena_new(&p->doc->arena, struct comment);

    if (!c)
        return -ENOMEM;
    c->text = text_trim(t);
    if (p->item && p->item_line == line) {
        struct comment **end = &p->item->after;
        while (*end)
            end = &(*end)->next;
        *end = c;
    } else if (p->last) {
        p->last->next = c;
        p->last = c;
    } else
        p->first = p->last = c;
    return 0;
}

static int read_comment(struct parser *p)
{
    struct place start = p->now;

    if (strncmp(p->text + start.offset, "/*", 2) == 0) {
        const char *end = strstr(p->text + start.offset + 2, "*/");
        if (!end) {
            diag_error(p->diag, start, NULL, "the comment is not closed, expected '*/'");
            return -EINVAL;
        }
        advance(p, (size_t)(end + 2 - p->text) - start.offset);
    } else
        advance(p, strcspn(p->text + start.offset, "\n"));
    return keep_comment(p, start.offset, start.line);
}

/* Skips blanks; comments are kept for what they belong to. */
static int skip_blank(struct parser *p)
{
    for (;;) {
        char c = peek(p);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            advance(p, 1);
            continue;
        }
        bool is_comment = c == '#' || (c == '/' && (p->text[p->now.offset + 1] == '/' ||
                                                    p->text[p->now.offset + 1] == '*'));
        if (!is_comment)
            return 0;
        int r = read_comment(p);
        if (r < 0)
            return r;
    }
}

static struct comment *take_comments(struct parser *p)
{
    struct comment *c = p->first;
    p->first = p->last = NULL;
    return c;
}

/* ---- scalars ---- */

static int hex4(const char *s, uint32_t *out)
{
    uint8_t b[2];

    for (int i = 0; i < 4; i++) {
        if (!s[i])
            return -EINVAL;
    }
    if (hex_decode((struct text){.ptr = s, .len = 4}, b, sizeof b) != 2)
        return -EINVAL;
    *out = (uint32_t)b[0] << 8 | b[1];
    return 0;
}

/* Decodes \uXXXX at `s`, or a pair of them; returns how many bytes it took, or 0. */
static size_t read_unicode(const char *s, uint32_t *out)
{
    uint32_t high, low;

    if (hex4(s + 2, &high) < 0 || high == 0)
        return 0;
    *out = high;
    if (high < 0xd800 || high > 0xdfff)
        return 6;
    *out = 0xfffd; /* half a pair, as Go reads it */
    if (high < 0xdc00 && s[6] == '\\' && s[7] == 'u' && hex4(s + 8, &low) == 0 && low >= 0xdc00 &&
        low <= 0xdfff) {
        *out = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return 12;
    }
    return 6;
}

/* Decodes the escape at the current place into `out`, which takes 4; adds the length to *len. */
static int read_escape(struct parser *p, char *out, size_t *len)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *s = p->text + p->now.offset;
    uint32_t c;

    if (s[1] == 'u') {
        size_t taken = read_unicode(s, &c);
        if (taken == 0) {
            diag_error(p->diag, p->now, NULL, "expected four hexadecimal digits, not all zero, after \\u");
            return -EINVAL;
        }
        *len += utf8_encode(c, out);
        advance(p, taken);
        return 0;
    }
    const char *at = s[1] ? strchr(names, s[1]) : NULL;
    if (!at) {
        diag_error(p->diag, p->now, NULL, "unknown escape, expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
        return -EINVAL;
    }
    *out = values[at - names];
    *len += 1;
    advance(p, 2);
    return 0;
}

/* Where the string that starts at the current quote ends (its closing quote). */
static int find_end(struct parser *p, size_t *end, bool *escapes)
{
    size_t i = p->now.offset + 1;

    for (*escapes = false; p->text[i] != '"'; i++) {
        if (p->text[i] == '\\' && p->text[i + 1]) {
            *escapes = true;
            i++;
        } else if (p->text[i] == 0 || p->text[i] == '\n' || p->text[i] == '\r') {
            diag_error(p->diag, p->now, NULL, "the string is not closed on its line, expected '\"'");
            return -EINVAL;
        } else if ((uint8_t)p->text[i] < 0x20) {
            advance(p, i - p->now.offset);
            diag_error(p->diag, p->now, NULL, "control character 0x%02x in a string, expected \\u%04x or \\t",
                       p->text[i], p->text[i]);
            return -EINVAL;
        }
    }
    *end = i;
    return 0;
}

static int read_string(struct parser *p, struct text *out)
{
    size_t end, len = 0;
    bool escapes;
    int r = find_end(p, &end, &escapes);

    if (r < 0)
        return r;
    advance(p, 1);
    struct text plain = {.ptr = p->text + p->now.offset, .len = end - p->now.offset};
    if (!escapes) {
        advance(p, plain.len + 1);
        *out = plain;
        return 0;
    }
    char *to = arena_alloc(&p->doc->arena, plain.len + 1); /* no escape is shorter than its character */
    if (!to)
        return -ENOMEM;
    while (p->now.offset < end) {
        if (peek(p) == '\\') {
            r = read_escape(p, to + len, &len);
            if (r < 0)
                return r;
        } else {
            to[len++] = peek(p);
            advance(p, 1);
        }
    }
    advance(p, 1);
    *out = (struct text){.ptr = to, .len = len};
    return 0;
}

/* RFC 8259, section 6. */
static bool is_number(struct text t)
{
    size_t i = t.ptr[0] == '-', start = i;

    while (i < t.len && t.ptr[i] >= '0' && t.ptr[i] <= '9')
        i++;
    if (i == start || (t.ptr[start] == '0' && i > start + 1))
        return false;
    if (i < t.len && t.ptr[i] == '.') {
        start = ++i;
        while (i < t.len && t.ptr[i] >= '0' && t.ptr[i] <= '9')
            i++;
        if (i == start)
            return false;
    }
    if (i < t.len && (t.ptr[i] | 0x20) == 'e') {
        i++;
        i += i < t.len && (t.ptr[i] == '+' || t.ptr[i] == '-');
        start = i;
        while (i < t.len && t.ptr[i] >= '0' && t.ptr[i] <= '9')
            i++;
        if (i == start)
            return false;
    }
    return i == t.len;
}

static int read_word(struct parser *p, struct node *n)
{
    size_t len = 0;
    const char *s = p->text + p->now.offset;

    while ((s[len] >= '0' && s[len] <= '9') || ((s[len] | 0x20) >= 'a' && (s[len] | 0x20) <= 'z') ||
           (s[len] && strchr("+-._", s[len])))
        len++;
    struct text t = {.ptr = s, .len = len};
    if (len == 0)
        return unexpected(p, s[0] == '\'' ? "a value (strings take double quotes)" : "a value");
    if (text_is(t, "true") || text_is(t, "false") || text_is(t, "null") || is_number(t)) {
        node_set_plain(n, t);
        bool fits = n->kind != NODE_STRING && (n->kind != NODE_FLOAT || isfinite(n->number));
        if (fits)
            advance(p, len);
        else
            diag_error(p->diag, p->now, NULL, "the number is too large");
        return fits ? 0 : -EINVAL;
    }
    /* The word is in the line shown below; it may be a secret that lost its quotes. */
    if ((s[0] >= '0' && s[0] <= '9') || s[0] == '-' || s[0] == '+' || s[0] == '.')
        diag_error(p->diag, p->now, NULL, "is no JSON number, expected one like 12, -3 or 1.5");
    else
        diag_error(p->diag, p->now, NULL, "is no JSON value, expected true, false, null, a number, or text in quotes");
    return -EINVAL;
}

/* ---- lists and maps ---- */

static int read_value(struct parser *p, struct node **out);

static int read_key(struct parser *p, struct node_item *item)
{
    item->key_at = p->now;
    if (peek(p) != '"')
        return unexpected(p, "'\"' and a key, or '}'");
    int r = read_string(p, &item->key);
    if (r == 0)
        r = skip_blank(p);
    if (r < 0)
        return r;
    if (peek(p) != ':')
        return unexpected(p, "':' after the key");
    advance(p, 1);
    return skip_blank(p);
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

static int read_item(struct parser *p, struct node *n)
{
    struct node_item *item = arena_new(&p->doc->arena, struct node_item);

    if (!item)
        return -ENOMEM;
    item->before = take_comments(p);
    int r = n->kind == NODE_MAP ? read_key(p, item) : 0;
    if (r == 0)
        r = read_value(p, &item->value);
    if (r < 0)
        return r;
    append(n, item);
    p->item = item;
    p->item_line = p->now.line;
    return skip_blank(p);
}

static int read_items(struct parser *p, struct node *n)
{
    char close = n->kind == NODE_MAP ? '}' : ']';

    advance(p, 1);
    p->item = NULL;
    int r = skip_blank(p);
    while (r == 0 && peek(p) != close) {
        r = read_item(p, n);
        if (r < 0)
            return r;
        if (peek(p) == ',') {
            advance(p, 1);
            r = skip_blank(p);
        } else if (peek(p) != close)
            return unexpected(p, close == '}' ? "',' or '}'" : "',' or ']'");
    }
    if (r < 0)
        return r;
    n->tail = take_comments(p);
    advance(p, 1);
    return 0;
}

/* The later entry wins, as in Go; the earlier one goes. */
static void drop_item(struct node *n, struct node_item *dropped)
{
    struct node_item **link = &n->first;

    while (*link != dropped)
        link = &(*link)->next;
    *link = dropped->next;
    n->count--;
    n->weight -= dropped->value->weight;
}

static void report_twice(struct parser *p, struct node *n, struct node_item *old, struct node_item *again)
{
    diag_warn(p->diag, again->key_at, NULL, "key '%.*s' stands twice, first on line %u; this one counts",
              TEXT_ARG(again->key), old->key_at.line);
    drop_item(n, old);
}

static int check_twice_hashed(struct parser *p, struct node *n)
{
    CLEANUP(map_done) struct map seen;

    map_init(&seen);
    node_each(item, n) {
        struct node_item *old = map_get_text(&seen, item->key);
        int r = map_put_text(&seen, item->key, item);
        if (r < 0)
            return r;
        if (old)
            report_twice(p, n, old, item);
    }
    return 0;
}

static int check_twice(struct parser *p, struct node *n)
{
    if (n->count > FEW_KEYS)
        return check_twice_hashed(p, n);
    node_each(item, n) {
        struct node_item *old = n->first;
        while (!text_eq(old->key, item->key))
            old = old->next;
        if (old != item)
            report_twice(p, n, old, item);
    }
    return 0;
}

static int read_container(struct parser *p, struct node *n)
{
    if (p->depth == NODE_DEPTH_MAX) {
        diag_error(p->diag, p->now, NULL, "lists and maps are nested too deeply, expected at most %d levels",
                   NODE_DEPTH_MAX);
        return -EINVAL;
    }
    p->depth++;
    int r = read_items(p, n);
    p->depth--;
    return r == 0 && n->kind == NODE_MAP ? check_twice(p, n) : r;
}

static int read_value(struct parser *p, struct node **out)
{
    char c = peek(p);
    struct node *n = node_new(&p->doc->arena, c == '{' ? NODE_MAP : c == '[' ? NODE_LIST : NODE_STRING);

    if (!n)
        return -ENOMEM;
    n->at = p->now;
    *out = n;
    if (++p->nodes > NODE_COUNT_MAX) {
        diag_error(p->diag, p->now, NULL, "the file has more than %d values", NODE_COUNT_MAX);
        return -EINVAL;
    }
    if (c == '{' || c == '[')
        return read_container(p, n);
    if (c != '"')
        return read_word(p, n);
    n->quoted = true;
    int r = read_string(p, &n->text);
    n->raw = n->text;
    return r;
}

int json_read(struct document *doc, struct text name, struct text text, struct diag *diag)
{
    int r = source_open(doc, name, text, diag);
    struct parser p = {.doc = doc, .diag = diag, .text = doc->source.text.ptr,
                       .now = {.source = &doc->source, .line = 1, .column = 1}};
    struct node *root = NULL;

    if (r == 0)
        r = skip_blank(&p);
    if (r < 0)
        return r;
    doc->before = take_comments(&p);
    r = read_value(&p, &root);
    p.item = NULL;
    if (r == 0)
        r = skip_blank(&p);
    if (r < 0)
        return r;
    doc->after = take_comments(&p);
    if (p.now.offset < doc->source.text.len)
        return unexpected(&p, "the end of the file");
    doc->root = root;
    return 0;
}
