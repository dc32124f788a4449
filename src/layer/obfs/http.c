#include "layer/obfs/http.h"

#include <errno.h>
#include <stdarg.h>
#include <time.h>

#include "base/rnd.h"

enum { KEY = 16, KEY_TEXT = 25 };

static void put(struct writer *w, const char *fmt, ...) PRINTF(2, 3);
static void put(struct writer *w, const char *fmt, ...)
{
    char line[384];
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line)
        w->failed = true;
    else
        write_bytes(w, line, (size_t)n);
}

static void random_key(char *out)
{
    uint8_t key[KEY];

    rnd_bytes(key, sizeof key);
    base64_encode(key, sizeof key, out);
}

/* The first write of the client is the body, so its length is there. */
void obfs_http_request(struct writer *w, struct text host, uint16_t port, size_t body)
{
    char key[KEY_TEXT];

    random_key(key);
    put(w, "GET / HTTP/1.1\r\nHost: %.*s", TEXT_ARG(host));
    if (port != 80)
        put(w, ":%u", port);
    put(w, "\r\nUser-Agent: curl/7.%u.%u\r\n", (unsigned)rnd_below(51), (unsigned)rnd_below(2));
    put(w, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n", key);
    put(w, "Content-Length: %zu\r\n\r\n", body);
}

void obfs_http_response(struct writer *w, int64_t now)
{
    char key[KEY_TEXT], date[64];
    struct tm tm;
    time_t t = (time_t)now;

    random_key(key);
    if (!gmtime_r(&t, &tm) || !strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        date[0] = 0;
    put(w, "HTTP/1.1 101 Switching Protocols\r\nServer: nginx/1.%u.%u\r\nDate: %s\r\n", (unsigned)rnd_below(11),
        (unsigned)rnd_below(12), date);
    put(w, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", key);
}

/* Whether a line of the head is "Upgrade: websocket". */
static bool asks_upgrade(struct text head)
{
    struct text line;

    while (text_next(&head, '\n', &line)) {
        ssize_t colon = text_find(line, ':');
        if (colon > 0 && text_is_nocase(text_trim(text_sub(line, 0, (size_t)colon)), "upgrade"))
            return text_is_nocase(text_trim(text_sub(line, (size_t)colon + 1, line.len)), "websocket");
    }
    return false;
}

ssize_t obfs_http_head(struct bytes b, bool is_request)
{
    struct text all = {.ptr = (const char *)b.ptr, .len = b.len};
    struct text start = is_request ? TEXT("GET ") : TEXT("HTTP/1.1 101");

    /* Refused at the first octet that differs: garbage need not be collected. */
    if (!text_starts(all, start) && !text_starts(start, all))
        return -EPROTO;
    ssize_t end = text_search(all, TEXT("\r\n\r\n"));
    if (end < 0)
        return b.len >= OBFS_HTTP_HEAD ? -EPROTO : 0;
    if (end + 4 > OBFS_HTTP_HEAD || !asks_upgrade(text_sub(all, 0, (size_t)end)))
        return -EPROTO;
    return end + 4;
}
