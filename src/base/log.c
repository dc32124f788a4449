#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE = 960 };

static size_t escape(const char *in, size_t n, char *out, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < n && at + 5 < size; i++) {
        uint8_t c = (uint8_t)in[i];
        if (c < 0x20 || c == 0x7f)
            at += (size_t)snprintf(out + at, size - at, "\\x%02x", c);
        else
            out[at++] = (char)c;
    }
    return at;
}

void log_write(const struct log *log, enum log_level level, const char *fmt, ...)
{
    char raw[LINE / 2], clean[LINE];
    va_list args;

    if (!log_wants(log, level))
        return;
    va_start(args, fmt);
    int n = vsnprintf(raw, sizeof raw, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    size_t len = escape(raw, min_of((size_t)n, sizeof raw - 1), clean, sizeof clean);
    log->sink(log->arg, level, (struct text){.ptr = clean, .len = len});
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"trace", "debug", "info", "warn", "error", "silent"};

    return names[level];
}
