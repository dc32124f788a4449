/* A request at every length up to its own, what is written is read back, and the frames of datagrams. */
#include <stdlib.h>

#include "proto/trojan/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed_request(const uint8_t *data, size_t size)
{
    struct trojan_request q, back;
    struct reader r = reader_of(data, size);
    uint8_t raw[TROJAN_REQUEST_MAX], key[TROJAN_KEY] = {0};
    struct writer w = writer_of(raw, sizeof raw);

    ssize_t used = trojan_request_read(&r, &q);
    if (used <= 0)
        return;
    if ((size_t)used > size)
        abort();
    for (size_t n = 0; n < (size_t)used; n++) {
        struct reader part = reader_of(data, n);
        if (trojan_request_read(&part, &back) != 0)
            abort();
    }
    trojan_request_write(&w, key, &q);
    r = reader_of(raw + TROJAN_KEY, writer_len(&w) - TROJAN_KEY);
    if (w.failed || trojan_request_read(&r, &back) <= 0 || !dest_eq(&q.dest, &back.dest))
        abort();
}

static void feed_frames(const uint8_t *data, size_t size)
{
    struct frame_state state = {0};
    struct reader r = reader_of(data, size);
    struct frame f = {0};

    while (trojan_frames.read(&state, &r, &f) == 1) {
        if (f.size > size || f.payload.len > f.size)
            abort();
        f = (struct frame){0};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed_request(data, size);
    feed_frames(data, size);
    return 0;
}
