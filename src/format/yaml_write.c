#include <math.h>

#include "format/utf8.h"
#include "format/yaml.h"

static void add_indent(struct strbuf *out, int level)
{
    strbuf_add_char(out, '\n');
    for (int i = 0; i < level; i++)
        strbuf_add_text(out, TEXT("  "));
}

/* Words that some YAML reader takes for a boolean. */
static bool is_weak_word(struct text t)
{
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "=", "<<"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_is_nocase(t, words[i]))
            return true;
    }
    return false;
}

/* Whether the text without quotes would be read as this very string, wherever it stands. */
static bool is_plain_safe(struct text t)
{
    struct node n = {0};

    if (t.len == 0 || is_weak_word(t))
        return false;
    node_set_plain(&n, t);
    if (n.kind != NODE_STRING || strchr("-?:,[]{}#&*!|>'\"%@` .=+", t.ptr[0]) ||
        (t.ptr[0] >= '0' && t.ptr[0] <= '9' && text_find(t, ':') >= 0))
        return false; /* 12:30 is sixty times something in YAML 1.1 */
    for (size_t i = 0; i < t.len; i++) {
        uint8_t c = (uint8_t)t.ptr[i];
        char next = i + 1 < t.len ? t.ptr[i + 1] : ' ';
        if (c < 0x20 || c >= 0x7f || strchr(",[]{}\"'\\`", c) || (c == ':' && next == ' ') ||
            (c == ' ' && (next == '#' || next == ' ')))
            return false;
    }
    return true;
}

/* Letters of any script may stand without quotes; what does not print may not. */
static bool is_printable(struct text t)
{
    while (t.len) {
        uint32_t c;
        size_t n = utf8_decode(t, &c);
        if (n == 0 || c == '\t' || c == 0xfeff || utf8_is_control(c))
            return false;
        t = text_sub(t, n, SIZE_MAX);
    }
    return true;
}

static void add_string(struct text t, struct strbuf *out)
{
    char ascii[256];
    struct text shape = {.ptr = ascii, .len = min_of(t.len, sizeof ascii)};

    /* Other scripts' bytes do not matter for the shape: look at it with letters in their place. */
    for (size_t i = 0; i < shape.len; i++)
        ascii[i] = (uint8_t)t.ptr[i] >= 0x80 ? 'x' : t.ptr[i];
    if (t.len <= sizeof ascii && is_plain_safe(shape) && is_printable(t))
        strbuf_add_text(out, t);
    else
        strbuf_add_json(out, t);
}

static void add_float(const struct node *n, struct strbuf *out)
{
    if (n->raw.len)
        strbuf_add_text(out, n->raw);
    else if (isnan(n->number))
        strbuf_add_text(out, TEXT(".nan"));
    else if (isinf(n->number))
        strbuf_add_text(out, n->number < 0 ? TEXT("-.inf") : TEXT(".inf"));
    else
        strbuf_addf(out, "%.17g", n->number);
}

static void add_node(const struct node *n, int level, bool in_list, struct strbuf *out);

static void add_items(const struct node *n, int level, bool in_list, struct strbuf *out)
{
    bool is_map = n->kind == NODE_MAP;

    if (!n->count) {
        strbuf_add_text(out, is_map ? TEXT("{}") : TEXT("[]"));
        return;
    }
    node_each(item, n) {
        /* "- key: value": the first entry stays on the line of its dash. */
        if (!(in_list && item == n->first) && out->len)
            add_indent(out, level);
        if (!is_map)
            strbuf_add_text(out, TEXT("- "));
        else {
            bool is_long = item->value->kind >= NODE_LIST && item->value->count;
            add_string(item->key, out);
            strbuf_add_text(out, is_long ? TEXT(":") : TEXT(": "));
        }
        add_node(item->value, level + 1, !is_map, out);
    }
}

static void add_node(const struct node *n, int level, bool in_list, struct strbuf *out)
{
    switch (n->kind) {
    case NODE_NULL:
        strbuf_add_text(out, TEXT("null"));
        return;
    case NODE_BOOL:
        strbuf_add_text(out, n->boolean ? TEXT("true") : TEXT("false"));
        return;
    case NODE_INT:
        strbuf_addf(out, "%lld", (long long)n->integer);
        return;
    case NODE_FLOAT:
        add_float(n, out);
        return;
    case NODE_STRING:
        add_string(n->text, out);
        return;
    case NODE_LIST:
    case NODE_MAP:
        add_items(n, level, in_list, out);
        return;
    }
}

void yaml_write(const struct node *n, struct strbuf *out)
{
    STRBUF text;

    strbuf_init(&text, out->max);
    add_node(n, 0, true, &text);
    strbuf_add_char(&text, '\n');
    strbuf_add_text(out, strbuf_text(&text));
    out->failed = out->failed || text.failed;
}
