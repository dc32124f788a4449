/*
 * Two ways in: the input as a datagram, and the input as the plaintext of an Initial that the
 * harness seals, since a fuzzer cannot guess a tag.
 */
#include <errno.h>

#include "../format/quic_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t seal(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
    static const uint8_t cid[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct bytes id = {cid, sizeof(cid)};

    return quic_seal((struct bytes){data, size}, 0, id, id, (struct bytes){out, room});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct quic_initial q;
    static uint8_t packet[QUIC_PACKET_MAX + 64];

    memset(&q, 0, sizeof(q));
    (void)!quic_initial_feed(&q, data, size);
    if (size == 0 || size > 3000)
        return 0;
    memset(&q, 0, sizeof(q));
    size_t half = size / 2 + 1;
    size_t n = seal(data, half, packet, sizeof(packet));
    if (quic_initial_feed(&q, packet, n) == -EPROTO)
        abort();
    n = seal(data + half, size - half, packet, sizeof(packet));
    if (n)
        (void)!quic_initial_feed(&q, packet, n);
    if (quic_initial_crypto(&q).len > QUIC_CRYPTO_MAX)
        abort();
    return 0;
}
