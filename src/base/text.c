#include "base/text.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_of(const char *s)
{
    return (struct text){.ptr = s ? s : "", .len = s ? strlen(s) : 0};
}

struct text text_sub(struct text t, size_t from, size_t len)
{
    if (from > t.len)
        from = t.len;
    /* Not even nothing may be added to NULL. */
    return (struct text){.ptr = from ? t.ptr + from : t.ptr, .len = min_of(len, t.len - from)};
}

struct bytes text_bytes(struct text t)
{
    return (struct bytes){.ptr = (const uint8_t *)t.ptr, .len = t.len};
}

bool text_eq(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool text_is(struct text a, const char *b)
{
    return text_eq(a, text_of(b));
}

bool text_eq_nocase(struct text a, struct text b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool text_is_nocase(struct text a, const char *b)
{
    return text_eq_nocase(a, text_of(b));
}

bool text_starts(struct text t, struct text prefix)
{
    return t.len >= prefix.len && text_eq(text_sub(t, 0, prefix.len), prefix);
}

bool text_ends(struct text t, struct text suffix)
{
    return t.len >= suffix.len && text_eq(text_sub(t, t.len - suffix.len, suffix.len), suffix);
}

bool text_ends_nocase(struct text t, struct text suffix)
{
    return t.len >= suffix.len && text_eq_nocase(text_sub(t, t.len - suffix.len, suffix.len), suffix);
}

ssize_t text_find(struct text t, char c)
{
    const char *at = t.len ? memchr(t.ptr, c, t.len) : NULL;
    return at ? at - t.ptr : -1;
}

ssize_t text_find_last(struct text t, char c)
{
    const char *at = t.len ? memrchr(t.ptr, c, t.len) : NULL;
    return at ? at - t.ptr : -1;
}

ssize_t text_search(struct text t, struct text needle)
{
    if (needle.len == 0)
        return 0;
    const char *at = t.len ? memmem(t.ptr, t.len, needle.ptr, needle.len) : NULL;
    return at ? at - t.ptr : -1;
}

struct text text_trim(struct text t)
{
    while (t.len && is_space(t.ptr[0])) {
        t.ptr++;
        t.len--;
    }
    while (t.len && is_space(t.ptr[t.len - 1]))
        t.len--;
    return t;
}

bool text_next(struct text *rest, char sep, struct text *out)
{
    if (!rest->ptr)
        return false;
    ssize_t at = text_find(*rest, sep);
    if (at < 0) {
        *out = *rest;
        *rest = (struct text){0};
        return true;
    }
    *out = text_sub(*rest, 0, (size_t)at);
    *rest = text_sub(*rest, (size_t)at + 1, SIZE_MAX);
    return true;
}

int text_to_u64(struct text t, uint64_t *out)
{
    uint64_t value = 0;

    if (t.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < t.len; i++) {
        if (t.ptr[i] < '0' || t.ptr[i] > '9')
            return -EINVAL;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(t.ptr[i] - '0'), &value))
            return -ERANGE;
    }
    *out = value;
    return 0;
}

int text_to_i64(struct text t, int64_t *out)
{
    uint64_t value;
    bool negative = t.len && t.ptr[0] == '-';

    if (negative || (t.len && t.ptr[0] == '+'))
        t = text_sub(t, 1, SIZE_MAX);
    int r = text_to_u64(t, &value);
    if (r < 0)
        return r;
    if (value > (uint64_t)INT64_MAX + negative)
        return -ERANGE;
    /* The least number has no positive twin, so the sign is changed before the type. */
    *out = (int64_t)(negative ? 0 - value : value);
    return 0;
}

char *text_dup(struct text t)
{
    char *s = mem_alloc(t.len + 1);

    if (s && t.len)
        memcpy(s, t.ptr, t.len);
    return s;
}

bool text_copy(struct text t, char *out, size_t size)
{
    size_t n = min_of(t.len, size - 1);

    if (n)
        memcpy(out, t.ptr, n);
    out[n] = 0;
    return n == t.len;
}

unsigned text_distance(struct text a, struct text b, unsigned limit)
{
    unsigned row[64];

    if (b.len >= ARRAY_LEN(row) || a.len >= ARRAY_LEN(row))
        return limit + 1;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < b.len; j++) {
            unsigned cost = diagonal + (lower(a.ptr[i]) != lower(b.ptr[j]));
            diagonal = row[j + 1];
            row[j + 1] = min_of(cost, min_of(row[j] + 1, diagonal + 1));
        }
    }
    return min_of(row[b.len], limit + 1);
}

bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool bytes_eq_secret(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t differ = 0;

    for (size_t i = 0; i < n; i++)
        differ |= (uint8_t)(x[i] ^ y[i]);
    return differ == 0;
}

void hex_encode(const void *in, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = in;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ssize_t hex_decode(struct text in, void *out, size_t size)
{
    uint8_t *p = out;

    if (in.len % 2)
        return -EINVAL;
    if (in.len / 2 > size)
        return -ENOSPC;
    for (size_t i = 0; i < in.len / 2; i++) {
        int high = hex_digit(in.ptr[2 * i]), low = hex_digit(in.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        p[i] = (uint8_t)(high << 4 | low);
    }
    return (ssize_t)(in.len / 2);
}

static char *encode64(const uint8_t *p, size_t n, char *out, const char *alphabet, bool pad)
{
    for (; n >= 3; p += 3, n -= 3) {
        *out++ = alphabet[p[0] >> 2];
        *out++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
        *out++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
        *out++ = alphabet[p[2] & 63];
    }
    if (n) {
        *out++ = alphabet[p[0] >> 2];
        *out++ = alphabet[(p[0] & 3) << 4 | (n == 2 ? p[1] >> 4 : 0)];
        if (n == 2)
            *out++ = alphabet[(p[1] & 15) << 2];
        for (; pad && n < 3; n++)
            *out++ = '=';
    }
    *out = 0;
    return out;
}

void base64_encode(const void *in, size_t n, char *out)
{
    (void)encode64(in, n, out,
                   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

void base64url_encode(const void *in, size_t n, char *out)
{
    (void)encode64(in, n, out,
                   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

ssize_t base64_decode(struct text in, void *out, size_t size)
{
    uint8_t *p = out;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;

    while (in.len && in.ptr[in.len - 1] == '=')
        in.len--;
    if (in.len % 4 == 1)
        return -EINVAL;
    for (size_t i = 0; i < in.len; i++) {
        int digit = base64_digit(in.ptr[i]);
        if (digit < 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (n == size)
            return -ENOSPC;
        p[n++] = (uint8_t)(bits >> held);
    }
    return (ssize_t)n;
}
