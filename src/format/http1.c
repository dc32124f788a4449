#include "format/http1.h"

#include <errno.h>

static bool is_tchar(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c && memchr("!#$%&'*+-.^_`|~", c, 15);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_text_char(char c)
{
    return (uint8_t)c >= ' ' ? c != 0x7f : c == '\t';
}

bool http1_is_token(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (!is_tchar(t.ptr[i]))
            return false;
    }
    return t.len != 0;
}

bool http1_is_value(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (!is_text_char(t.ptr[i]))
            return false;
    }
    return true;
}

static struct text view(const struct http1_head *h, struct http1_span s)
{
    return (struct text){.ptr = h->base + s.at, .len = s.len};
}

static struct http1_span span_of(const struct http1_head *h, struct text t)
{
    return (struct http1_span){.at = (uint16_t)(t.ptr - h->base), .len = (uint16_t)t.len};
}

struct text http1_name(const struct http1_head *h, size_t i)
{
    return view(h, h->fields[i].name);
}

struct text http1_value(const struct http1_head *h, size_t i)
{
    return view(h, h->fields[i].value);
}

struct text http1_get(const struct http1_head *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++) {
        if (text_is_nocase(http1_name(h, i), name))
            return http1_value(h, i);
    }
    return (struct text){0};
}

static void move(struct text *t, const char *from, const char *to)
{
    if (t->ptr)
        t->ptr = to + (t->ptr - from);
}

void http1_rebase(struct http1_head *h, const void *p)
{
    move(&h->method, h->base, p);
    move(&h->target, h->base, p);
    move(&h->reason, h->base, p);
    h->base = p;
}

/*
 * Looks for the empty line from where the last call stopped, and checks every octet: no control
 * characters, and CR and LF only as the pair that ends a line.
 */
static ssize_t find_end(struct http1_head *h, size_t n)
{
    const char *p = h->base;
    size_t lead = n >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;

    for (size_t i = h->scanned; i < n; i++) {
        if (i == HTTP1_HEAD_MAX)
            return -EMSGSIZE;
        h->scanned = i + 1;
        if (p[i] == '\n') {
            if (i == 0 || p[i - 1] != '\r')
                return -EBADMSG;
            if (i >= lead + 3 && p[i - 2] == '\n')
                return (ssize_t)i + 1;
            if (i == 3 && lead) /* a second empty line before the message */
                return -EBADMSG;
        } else if ((i && p[i - 1] == '\r') || (p[i] != '\r' && !is_text_char(p[i]))) {
            return -EBADMSG;
        }
    }
    return 0;
}

static int read_field(struct http1_head *h, struct text line)
{
    ssize_t colon = text_find(line, ':');

    if (colon < 0)
        return -EBADMSG;
    /* A token: so no blank before the colon, and no folded line, which starts with a blank. */
    struct text name = text_sub(line, 0, (size_t)colon);
    if (!http1_is_token(name))
        return -EBADMSG;
    if (h->count == HTTP1_HEADERS_MAX)
        return -EMSGSIZE;
    struct text value = text_trim(text_sub(line, (size_t)colon + 1, SIZE_MAX));
    h->fields[h->count++] = (struct http1_field){.name = span_of(h, name), .value = span_of(h, value)};
    return 0;
}

/* Cuts the next line off, without its CR LF, which find_end has made sure of. */
static struct text next_line(struct text *rest)
{
    struct text line = {0};

    (void)text_next(rest, '\n', &line);
    return text_sub(line, 0, line.len ? line.len - 1 : 0);
}

static int read_fields(struct http1_head *h, struct text rest)
{
    struct text line = next_line(&rest);

    h->count = 0;
    while (line.len) {
        int r = read_field(h, line);
        if (r < 0)
            return r;
        line = next_line(&rest);
    }
    return 0;
}

static int read_version(struct http1_head *h, struct text t)
{
    if (t.len != 8 || !text_starts(t, TEXT("HTTP/")) || t.ptr[6] != '.')
        return -EBADMSG;
    if (t.ptr[5] != '1' || (t.ptr[7] != '0' && t.ptr[7] != '1'))
        return -EPROTONOSUPPORT;
    h->minor = (uint8_t)(t.ptr[7] - '0');
    return 0;
}

static bool is_absolute(struct text target)
{
    ssize_t at = text_search(target, TEXT("://"));

    if (at <= 0)
        return false;
    for (size_t i = 0; i < (size_t)at; i++) {
        if (!is_tchar(target.ptr[i]))
            return false;
    }
    return target.len > (size_t)at + 3;
}

static int read_target(struct http1_head *h)
{
    struct text t = h->target;

    for (size_t i = 0; i < t.len; i++) {
        if (is_blank(t.ptr[i]))
            return -EBADMSG;
    }
    if (text_is(h->method, "CONNECT")) {
        h->form = HTTP1_AUTHORITY;
        return t.len && !memchr(t.ptr, '/', t.len) ? 0 : -EBADMSG;
    }
    if (t.len && t.ptr[0] == '/') {
        h->form = HTTP1_ORIGIN;
        return 0;
    }
    h->form = text_is(t, "*") ? HTTP1_ASTERISK : HTTP1_ABSOLUTE;
    if (h->form == HTTP1_ASTERISK)
        return text_is(h->method, "OPTIONS") ? 0 : -EBADMSG;
    return is_absolute(t) ? 0 : -EBADMSG;
}

/* method SP target SP version, with exactly these two blanks. */
static int read_request_line(struct http1_head *h, struct text line)
{
    ssize_t first = text_find(line, ' '), last = text_find_last(line, ' ');

    if (first < 0 || first == last)
        return -EBADMSG;
    h->method = text_sub(line, 0, (size_t)first);
    h->target = text_sub(line, (size_t)first + 1, (size_t)(last - first - 1));
    if (!http1_is_token(h->method) || h->method.len > HTTP1_METHOD_MAX)
        return -EBADMSG;
    int r = read_target(h);
    return r < 0 ? r : read_version(h, text_sub(line, (size_t)last + 1, SIZE_MAX));
}

/* version SP status [SP reason]; some servers leave the last blank out with the reason. */
static int read_status_line(struct http1_head *h, struct text line)
{
    struct text status = text_sub(line, 9, 3);
    uint64_t value;

    if (line.len < 12 || line.ptr[8] != ' ' || (line.len > 12 && line.ptr[12] != ' '))
        return -EBADMSG;
    if (text_to_u64(status, &value) < 0 || value < 100)
        return -EBADMSG;
    h->status = (uint16_t)value;
    h->reason = text_sub(line, 13, SIZE_MAX);
    return read_version(h, text_sub(line, 0, 8));
}

static int check_host(const struct http1_head *h)
{
    size_t hosts = 0;

    for (size_t i = 0; i < h->count; i++)
        hosts += text_is_nocase(http1_name(h, i), "host");
    if (hosts > 1)
        return -EBADMSG;
    return hosts == 0 && h->minor == 1 && h->form == HTTP1_ORIGIN ? -EBADMSG : 0;
}

/* The first line, once the head is whole; *rest gets what follows. */
static ssize_t start(struct http1_head *h, const void *p, size_t n, struct text *line, struct text *rest)
{
    h->base = p;
    ssize_t size = find_end(h, n);
    if (size <= 0)
        return size;
    *rest = (struct text){.ptr = h->base, .len = (size_t)size};
    *line = next_line(rest);
    if (line->len == 0)
        *line = next_line(rest);
    return size;
}

ssize_t http1_read_request(struct http1_head *h, const void *p, size_t n)
{
    struct text line, rest;
    ssize_t size = start(h, p, n, &line, &rest);

    if (size <= 0)
        return size;
    int r = read_request_line(h, line);
    if (r == 0)
        r = read_fields(h, rest);
    if (r == 0)
        r = check_host(h);
    if (r < 0)
        return r;
    h->size = (size_t)size;
    return size;
}

ssize_t http1_read_response(struct http1_head *h, const void *p, size_t n)
{
    struct text line, rest;
    ssize_t size = start(h, p, n, &line, &rest);

    if (size <= 0)
        return size;
    int r = read_status_line(h, line);
    if (r == 0)
        r = read_fields(h, rest);
    if (r < 0)
        return r;
    h->size = (size_t)size;
    return size;
}
