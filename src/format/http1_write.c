#include "format/http1_write.h"

#include <errno.h>

#include "base/mem.h"
#include "format/http1.h"

static void write_text(struct writer *w, struct text t)
{
    write_bytes(w, t.ptr, t.len);
}

static void write_crlf(struct writer *w)
{
    write_bytes(w, "\r\n", 2);
}

static void write_decimal(struct writer *w, uint64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);

    write_bytes(w, digits, (size_t)n);
}

void http1_write_request(struct writer *w, struct text method, struct text target)
{
    if (!http1_is_token(method) || target.len == 0 || !http1_is_value(target) ||
        text_find(target, ' ') >= 0 || text_find(target, '\t') >= 0)
        w->failed = true;
    write_text(w, method);
    write_u8(w, ' ');
    write_text(w, target);
    write_text(w, TEXT(" HTTP/1.1\r\n"));
}

const char *http1_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {100, "Continue"}, {101, "Switching Protocols"}, {200, "OK"}, {201, "Created"},
        {202, "Accepted"}, {204, "No Content"}, {206, "Partial Content"},
        {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
        {307, "Temporary Redirect"}, {308, "Permanent Redirect"}, {400, "Bad Request"},
        {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {407, "Proxy Authentication Required"},
        {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"},
        {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
        {417, "Expectation Failed"}, {421, "Misdirected Request"}, {426, "Upgrade Required"},
        {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
        {503, "Service Unavailable"}, {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Unknown";
}

void http1_write_status(struct writer *w, unsigned status)
{
    if (status < 100 || status > 999)
        w->failed = true;
    write_text(w, TEXT("HTTP/1.1 "));
    write_decimal(w, status);
    write_u8(w, ' ');
    write_text(w, text_of(http1_reason(status)));
    write_crlf(w);
}

void http1_write_field(struct writer *w, struct text name, struct text value)
{
    if (!http1_is_token(name) || !http1_is_value(value))
        w->failed = true;
    write_text(w, name);
    write_text(w, TEXT(": "));
    write_text(w, value);
    write_crlf(w);
}

void http1_write_number(struct writer *w, struct text name, uint64_t value)
{
    write_text(w, name);
    write_text(w, TEXT(": "));
    write_decimal(w, value);
    write_crlf(w);
}

void http1_write_end(struct writer *w)
{
    write_crlf(w);
}

void http1_write_basic(struct writer *w, struct text name, struct text user, struct text password)
{
    char raw[HTTP1_BASIC_MAX], coded[4 * ((HTTP1_BASIC_MAX + 2) / 3) + 1];
    struct writer pair = writer_of(raw, sizeof(raw));

    write_text(&pair, user);
    write_u8(&pair, ':');
    write_text(&pair, password);
    if (pair.failed || text_find(user, ':') >= 0) {
        w->failed = true;
    } else {
        base64_encode(raw, writer_len(&pair), coded);
        write_text(w, name);
        write_text(w, TEXT(": Basic "));
        write_text(w, text_of(coded));
        write_crlf(w);
        mem_wipe(coded, sizeof(coded));
    }
    mem_wipe(raw, sizeof(raw));
}

int http1_basic_read(struct http1_basic *b, struct text value)
{
    *b = (struct http1_basic){0};
    if (!text_is_nocase(text_sub(value, 0, 6), "basic "))
        return -EINVAL;
    ssize_t n = base64_decode(text_trim(text_sub(value, 6, SIZE_MAX)), b->raw, sizeof(b->raw));
    if (n < 0)
        return n == -ENOSPC ? -EMSGSIZE : -EINVAL;
    struct text pair = {.ptr = b->raw, .len = (size_t)n};
    ssize_t colon = text_find(pair, ':');
    if (colon < 0) {
        http1_basic_done(b);
        return -EINVAL;
    }
    b->user = text_sub(pair, 0, (size_t)colon);
    b->password = text_sub(pair, (size_t)colon + 1, SIZE_MAX);
    return 0;
}

void http1_basic_done(struct http1_basic *b)
{
    mem_wipe(b, sizeof(*b));
}
