/* A request at every length up to its own, what is written is read back, and the frames of datagrams. */
#include <stdlib.h>

#include "proto/vless/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed_request(const uint8_t *data, size_t size)
{
    struct vless_request q, back;
    struct reader r = reader_of(data, size);
    uint8_t raw[VLESS_REQUEST_MAX];
    struct writer w = writer_of(raw, sizeof raw);

    ssize_t used = vless_request_read(&r, &q);
    if (used <= 0)
        return;
    if (used > VLESS_REQUEST_MAX || (size_t)used > size)
        abort();
    for (size_t n = 0; n < (size_t)used; n++) {
        struct reader part = reader_of(data, n);
        if (vless_request_read(&part, &back) != 0)
            abort();
    }
    vless_request_write(&w, &q);
    r = reader_of(raw, writer_len(&w));
    if (w.failed || vless_request_read(&r, &back) != (ssize_t)writer_len(&w) || back.command != q.command)
        abort();
}

static void feed_frames(const uint8_t *data, size_t size)
{
    struct frame_state state = {.peer = {.port = 53}};
    struct reader r = reader_of(data, size);
    struct frame f = {0};

    while (vless_frames.read(&state, &r, &f) == 1) {
        if (f.size > size || f.payload.len > f.size)
            abort();
        f = (struct frame){0};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed_request(data, size);
    feed_frames(data, size);
    (void)vless_response_size(data, size);
    return 0;
}
