#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "net/buffers.h"
#include "proto/http/server.h"

enum {
    BUFFER_MS = 30000, /* how long to wait at the memory limit */
};

static void give_back(struct http_message *m)
{
    buffer_put(m->bytes);
    m->bytes = NULL;
}

ssize_t http_message_fill(struct http_message *m)
{
    if (!m->bytes)
        m->bytes = buffer_get(loop_now() + BUFFER_MS);
    if (!m->bytes)
        return -ENOMEM;
    if (m->len == BUFFER_SIZE)
        return -EMSGSIZE;
    ssize_t n = stream_try_read(m->from, m->bytes + m->len, BUFFER_SIZE - m->len);
    if (n > 0)
        m->len += (size_t)n;
    else if (m->len == 0)
        give_back(m);
    return n;
}

void http_message_consume(struct http_message *m, size_t n)
{
    m->len -= n;
    if (m->len)
        memmove(m->bytes, m->bytes + n, m->len);
}

void http_message_done(struct http_message *m)
{
    give_back(m);
    m->len = 0;
}

void http_message_free(struct http_message *m)
{
    if (!m)
        return;
    http_message_done(m);
    mem_free(m);
}

void http_message_begin_body(struct http_message *m)
{
    m->chunked = (struct http1_chunked){0};
    m->left = m->framing.length;
}

ssize_t http_message_take_body(struct http_message *m)
{
    size_t n = 0;

    switch (m->framing.body) {
    case HTTP1_BODY_LENGTH:
        n = (size_t)min_of(m->left, (uint64_t)m->len);
        m->left -= n;
        break;
    case HTTP1_BODY_CHUNKED:
        return http1_chunked_scan(&m->chunked, m->bytes, m->len);
    case HTTP1_BODY_CLOSE:
        n = m->len;
        break;
    case HTTP1_BODY_NONE:
    case HTTP1_BODY_TUNNEL:
        break;
    }
    return (ssize_t)n;
}

bool http_message_has_ended(const struct http_message *m)
{
    switch (m->framing.body) {
    case HTTP1_BODY_LENGTH:
        return m->left == 0;
    case HTTP1_BODY_CHUNKED:
        return http1_chunked_has_ended(&m->chunked);
    case HTTP1_BODY_CLOSE:
        return false;
    case HTTP1_BODY_NONE:
    case HTTP1_BODY_TUNNEL:
        break;
    }
    return true;
}
