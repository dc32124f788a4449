#include "main/sink.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"

static const char *const names[] = {"trace", "debug", "info", "warn", "error"};
static const char *const colours[] = {"\033[37m", "\033[37m", "\033[36m", "\033[33m", "\033[31m"};

static void add_time(struct strbuf *b, bool is_iso)
{
    struct timespec now;
    struct tm tm;
    char text[40];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (!localtime_r(&now.tv_sec, &tm))
        return;
    if (is_iso ? strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &tm) : strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
        strbuf_add_text(b, text_of(text));
}

static void as_json(struct strbuf *b, enum weir_level level, struct text line)
{
    strbuf_add_text(b, TEXT("{\"time\":\""));
    add_time(b, true);
    strbuf_addf(b, "\",\"level\":\"%s\",\"msg\":", names[level]);
    strbuf_add_json(b, line);
    strbuf_add_text(b, TEXT("}\n"));
}

static void as_text(const struct sink *s, struct strbuf *b, enum weir_level level, struct text line)
{
    if (s->has_status)
        strbuf_add_text(b, TEXT("\r\033[K"));
    if (s->has_time) {
        add_time(b, false);
        strbuf_add_char(b, ' ');
    }
    strbuf_addf(b, "%s%-5s%s ", s->has_colour ? colours[level] : "", names[level], s->has_colour ? "\033[0m" : "");
    strbuf_add_text(b, line);
    strbuf_add_char(b, '\n');
}

void sink_write(void *arg, enum weir_level level, const char *line, size_t length)
{
    const struct sink *s = arg;
    struct text t = {.ptr = line, .len = length};
    STRBUF b;

    strbuf_init(&b, 16 * 1024);
    if (s->is_json)
        as_json(&b, level, t);
    else
        as_text(s, &b, level, t);
    /* A log that cannot be written (disk full, closed pipe) must not stop the work. */
    if (!b.failed)
        (void)!write(s->fd, b.ptr, b.len);
}
