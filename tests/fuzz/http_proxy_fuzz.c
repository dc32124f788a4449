/* A request that passes must still be one, with the same framing and nothing of this hop, after it was rewritten. */
#include <errno.h>
#include <stdlib.h>

#include "proto/http/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char room[HTTP1_HEAD_MAX + HTTP_REWRITE_EXTRA];

static void try_request(const uint8_t *data, size_t size)
{
    struct writer w = writer_of(room, sizeof room);
    struct http1_head h = {0}, again = {0};
    struct http1_framing before, after;
    struct http_target t;

    if (http1_read_request(&h, data, size) <= 0 || http1_request_framing(&h, &before) < 0 ||
        http_target_read(&t, h.target) < 0)
        return;
    http_rewrite_request(&w, &h, &t);
    if (w.failed)
        return;
    if (writer_len(&w) > h.size + HTTP_REWRITE_EXTRA)
        abort();
    ssize_t n = http1_read_request(&again, room, writer_len(&w));
    if (n == -EMSGSIZE)
        return;
    if (n != (ssize_t)writer_len(&w) || http1_request_framing(&again, &after) < 0)
        abort();
    if (after.body != before.body || after.length != before.length)
        abort();
    if (http1_get(&again, "proxy-authorization").ptr || !http1_get(&again, "host").ptr)
        abort();
}

static void try_response(const uint8_t *data, size_t size)
{
    struct writer w = writer_of(room, sizeof room);
    struct http1_head h = {0}, again = {0};
    struct http1_framing before, after;

    if (http1_read_response(&h, data, size) <= 0 || http1_response_framing(&h, TEXT("GET"), &before) < 0)
        return;
    http_rewrite_response(&w, &h, true);
    if (w.failed)
        return;
    if (writer_len(&w) > h.size + HTTP_REWRITE_EXTRA)
        abort();
    ssize_t n = http1_read_response(&again, room, writer_len(&w));
    if (n == -EMSGSIZE)
        return;
    if (n != (ssize_t)writer_len(&w) || http1_response_framing(&again, TEXT("GET"), &after) < 0 ||
        after.body != before.body || after.length != before.length)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_request(data, size);
    try_response(data, size);
    return 0;
}
