/*
 * What a client, a server and a UDP sender may send. Every message is read at every length up to
 * its own, as it arrives on a slow line: a reader that has its message must not want it otherwise
 * with more behind it.
 */
#include <stdlib.h>

#include "proto/socks/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef ssize_t part_fn(const void *p, size_t n, struct socks_request *out);

static void feed(part_fn *part, const uint8_t *data, size_t size)
{
    struct socks_request whole = {0}, piece = {0};
    ssize_t used = part(data, size, &whole);

    if (used > (ssize_t)size || used > SOCKS_HANDSHAKE_MAX)
        abort();
    for (size_t n = 0; used > 0 && n < (size_t)used; n++) {
        if (part(data, n, &piece) != 0)
            abort();
    }
    if (used > 0 && part(data, (size_t)used, &piece) != used)
        abort();
}

static void feed_replies(const uint8_t *data, size_t size)
{
    struct dest bound;
    int result;

    if (socks5_read_reply(data, size, &result, &bound) > (ssize_t)size ||
        socks4_read_reply(data, size, &result) > (ssize_t)size)
        abort();
}

static void feed_datagram(const uint8_t *data, size_t size)
{
    uint8_t room[SOCKS_UDP_HEADER_MAX];
    struct writer w = writer_of(room, sizeof room);
    struct dest d, back;

    if (socks_udp_read(data, size, &d) < 0)
        return;
    socks_udp_write(&w, &d);
    if (w.failed || writer_len(&w) != socks_udp_size(&d) || socks_udp_read(room, writer_len(&w), &back) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed(socks4_read_request, data, size);
    feed(socks5_read_greeting, data, size);
    feed(socks5_read_auth, data, size);
    feed(socks5_read_request, data, size);
    feed_replies(data, size);
    feed_datagram(data, size);
    return 0;
}
