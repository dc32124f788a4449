#include "base/strbuf.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

void strbuf_init(struct strbuf *b, size_t max)
{
    *b = (struct strbuf){.max = max};
}

void strbuf_done(struct strbuf *b)
{
    mem_free(b->ptr);
    *b = (struct strbuf){.max = b->max};
}

void strbuf_clear(struct strbuf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->ptr)
        b->ptr[0] = 0;
}

/* Makes room for n more bytes and the zero byte. */
static bool reserve(struct strbuf *b, size_t n)
{
    size_t need;

    if (b->failed || __builtin_add_overflow(b->len, n, &need) || need > b->max) {
        b->failed = true;
        return false;
    }
    if (need + 1 <= b->cap)
        return true;
    size_t cap = max_of(need + 1, min_of(b->cap * 2, b->max + 1));
    cap = max_of(cap, (size_t)64);
    char *ptr = mem_resize(b->ptr, cap);
    if (!ptr) {
        b->failed = true;
        return false;
    }
    b->ptr = ptr;
    b->cap = cap;
    return true;
}

void strbuf_add(struct strbuf *b, const void *p, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n)
        memcpy(b->ptr + b->len, p, n);
    b->len += n;
    b->ptr[b->len] = 0;
}

void strbuf_add_text(struct strbuf *b, struct text t)
{
    strbuf_add(b, t.ptr, t.len);
}

void strbuf_add_char(struct strbuf *b, char c)
{
    strbuf_add(b, &c, 1);
}

void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list args)
{
    va_list again;

    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0)
        b->failed = true;
    else if (reserve(b, (size_t)n)) {
        (void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    strbuf_vaddf(b, fmt, args);
    va_end(args);
}

/* Length of the UTF-8 sequence at the start of `t` (RFC 3629), 0 if there is none. */
static size_t utf8_length(struct text t)
{
    const uint8_t *p = (const uint8_t *)t.ptr;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
             : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

    if (n == 0 || n > t.len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

void strbuf_add_json(struct strbuf *b, struct text t)
{
    strbuf_add_char(b, '"');
    while (t.len && !b->failed) {
        uint8_t c = (uint8_t)t.ptr[0];
        size_t n = utf8_length(t);

        if (n == 0)
            strbuf_add_text(b, TEXT("\\ufffd"));
        else if (c == '"' || c == '\\')
            strbuf_addf(b, "\\%c", c);
        else if (c == '\n')
            strbuf_add_text(b, TEXT("\\n"));
        else if (c == '\t')
            strbuf_add_text(b, TEXT("\\t"));
        else if (c == '\r')
            strbuf_add_text(b, TEXT("\\r"));
        else if (c < 0x20 || c == 0x7f)
            strbuf_addf(b, "\\u%04x", c);
        else
            strbuf_add(b, t.ptr, n);
        t = text_sub(t, n ? n : 1, SIZE_MAX);
    }
    strbuf_add_char(b, '"');
}

struct text strbuf_text(const struct strbuf *b)
{
    return (struct text){.ptr = b->ptr ? b->ptr : "", .len = b->len};
}

char *strbuf_take(struct strbuf *b)
{
    strbuf_add(b, "", 0);
    char *s = b->failed ? NULL : take(b->ptr);
    strbuf_done(b);
    return s;
}
