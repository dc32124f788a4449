#include <math.h>

#include "format/json.h"

static void add_indent(struct strbuf *out, int level)
{
    for (int i = 0; i < level; i++)
        strbuf_add_text(out, TEXT("  "));
}

static void add_lines(const struct comment *c, int level, struct strbuf *out)
{
    for (; c; c = c->next) {
        add_indent(out, level);
        strbuf_add_text(out, c->text);
        strbuf_add_char(out, '\n');
    }
}

static void add_number(double number, struct strbuf *out)
{
    char digits[40];

    if (!isfinite(number)) {
        strbuf_add_text(out, TEXT("null")); /* JSON has no word for it */
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    strbuf_add_text(out, text_of(digits));
    if (!strpbrk(digits, ".e"))
        strbuf_add_text(out, TEXT(".0")); /* else it would be read as a whole number */
}

static void add_value(const struct node *n, int level, struct strbuf *out);

static void add_items(const struct node *n, int level, struct strbuf *out)
{
    bool is_map = n->kind == NODE_MAP;

    if (!n->first && !n->tail) {
        strbuf_add_text(out, is_map ? TEXT("{}") : TEXT("[]"));
        return;
    }
    strbuf_add_text(out, is_map ? TEXT("{\n") : TEXT("[\n"));
    node_each(item, n) {
        add_lines(item->before, level + 1, out);
        add_indent(out, level + 1);
        if (is_map) {
            strbuf_add_json(out, item->key);
            strbuf_add_text(out, TEXT(": "));
        }
        add_value(item->value, level + 1, out);
        if (item->next)
            strbuf_add_char(out, ',');
        for (const struct comment *c = item->after; c; c = c->next) {
            strbuf_add_char(out, ' ');
            strbuf_add_text(out, c->text);
        }
        strbuf_add_char(out, '\n');
    }
    add_lines(n->tail, level + 1, out);
    add_indent(out, level);
    strbuf_add_char(out, is_map ? '}' : ']');
}

/* JSON spells a number as it was written only if JSON could have written it. */
static bool is_decimal(struct text raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        bool is_digit = raw.ptr[i] >= '0' && raw.ptr[i] <= '9';
        if (!is_digit && !(i == 0 && raw.ptr[0] == '-' && raw.len > 1))
            return false;
    }
    return raw.len && (raw.ptr[0] != '0' || raw.len == 1);
}

static void add_value(const struct node *n, int level, struct strbuf *out)
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
        if (is_decimal(n->raw))
            strbuf_add_text(out, n->raw);
        else
            add_number(n->number, out);
        return;
    case NODE_STRING:
        strbuf_add_json(out, n->text);
        return;
    case NODE_LIST:
    case NODE_MAP:
        add_items(n, level, out);
        return;
    }
}

void json_write_node(const struct node *n, struct strbuf *out)
{
    add_value(n, 0, out);
    strbuf_add_char(out, '\n');
}

void json_write(const struct document *doc, struct strbuf *out)
{
    add_lines(doc->before, 0, out);
    if (doc->root)
        json_write_node(doc->root, out);
    add_lines(doc->after, 0, out);
}
