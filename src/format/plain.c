/* Typing of unquoted scalars: YAML 1.2 core, and what Go's yaml.v3 reads besides. */
#include <errno.h>
#include <math.h>

#include "format/node.h"

enum { NUMBER_MAX = 400 }; /* a longer run of digits is text */

static bool is_one_of(struct text t, const char *const *names)
{
    for (; *names; names++) {
        if (text_is(t, *names))
            return true;
    }
    return false;
}

static bool set_word(struct node *n, struct text t)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    static const char *const nan_words[] = {".nan", ".NaN", ".NAN", NULL};
    static const char *const inf_words[] = {".inf", ".Inf", ".INF", NULL};
    bool has_sign = t.len && (t.ptr[0] == '+' || t.ptr[0] == '-');

    if (is_one_of(t, nulls)) {
        n->kind = NODE_NULL;
        return true;
    }
    if (is_one_of(t, yes) || is_one_of(t, no)) {
        n->kind = NODE_BOOL;
        n->boolean = is_one_of(t, yes);
        return true;
    }
    if (is_one_of(t, nan_words)) {
        n->kind = NODE_FLOAT;
        n->number = NAN;
        return true;
    }
    if (is_one_of(text_sub(t, has_sign, SIZE_MAX), inf_words)) {
        n->kind = NODE_FLOAT;
        n->number = t.ptr[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return false;
}

/* Digits after the sign, in the base their prefix names. */
static bool set_integer(struct node *n, const char *digits, bool negative)
{
    int base = 10;

    if (digits[0] == '0' && digits[1]) {
        char c = (char)(digits[1] | 0x20);
        base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
        digits += c == 'x' || c == 'b' || c == 'o' ? 2 : 1;
    }
    /* strtoull would accept a sign, blanks and a second 0x here. */
    char first = (char)(digits[0] | 0x20);
    bool is_digit = (first >= '0' && first <= '9') || (base == 16 && first >= 'a' && first <= 'f');
    if (!is_digit || (base == 16 && (digits[1] | 0x20) == 'x'))
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(digits, &end, base);
    if (*end)
        return false;
    if (errno == ERANGE) {
        if (base != 10)
            return false;
        n->number = strtod(digits, NULL) * (negative ? -1 : 1);
        n->kind = NODE_FLOAT;
    } else if (value > (uint64_t)INT64_MAX + negative) {
        n->number = (double)value * (negative ? -1 : 1);
        n->kind = NODE_FLOAT;
    } else {
        n->integer = negative ? (int64_t)(0 - (uint64_t)value) : (int64_t)value;
        n->kind = NODE_INT;
    }
    return true;
}

static const char *skip_digits(const char *s)
{
    while (*s >= '0' && *s <= '9')
        s++;
    return s;
}

/* ( "." digits | digits [ "." digits ] ) [ e [sign] digits ], and nothing else. */
static bool is_float(const char *s)
{
    const char *p = skip_digits(s);
    bool has_digits = p != s;

    if (*p == '.') {
        const char *fraction = skip_digits(p + 1);
        has_digits = has_digits || fraction != p + 1;
        p = fraction;
    }
    if (!has_digits)
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '+' || *p == '-')
            p++;
        const char *exponent = p;
        p = skip_digits(p);
        if (p == exponent)
            return false;
    }
    return *p == 0;
}

static bool set_number(struct node *n, struct text t)
{
    char digits[NUMBER_MAX + 1];
    size_t len = 0;

    if (t.len == 0 || t.len > NUMBER_MAX || t.ptr[0] == '_')
        return false;
    bool has_sign = t.ptr[0] == '+' || t.ptr[0] == '-';
    for (size_t i = has_sign; i < t.len; i++) {
        if (t.ptr[i] != '_')
            digits[len++] = t.ptr[i];
    }
    digits[len] = 0;
    if (set_integer(n, digits, t.ptr[0] == '-'))
        return true;
    if (!is_float(digits))
        return false;
    n->kind = NODE_FLOAT;
    n->number = strtod(digits, NULL) * (t.ptr[0] == '-' ? -1 : 1);
    return true;
}

void node_set_plain(struct node *n, struct text raw)
{
    n->raw = raw;
    if (set_word(n, raw) || set_number(n, raw))
        return;
    n->kind = NODE_STRING;
    n->text = raw;
}
