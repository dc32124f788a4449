/*
 * Two ways in: the input as a datagram, and the input as the plaintext of an Initial that the
 * harness seals, since a fuzzer cannot guess a tag.
 */
#include <errno.h>
#include <openssl/evp.h>

#include "base/wire.h"
#include "format/quic_initial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t seal(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
    static const uint8_t cid[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct writer w = writer_of(out, room);
    struct quic_keys keys;
    uint8_t mask[16];
    int n;

    if (quic_initial_keys(1, (struct bytes){cid, 8}, &keys) < 0)
        abort();
    write_u8(&w, 0xc3);
    write_u32(&w, 1);
    write_u8(&w, 8);
    write_bytes(&w, cid, 8);
    write_u16(&w, 0);
    write_u16(&w, (uint16_t)(0x4000 | (4 + size + 16)));
    write_u32(&w, 0);
    size_t header = writer_len(&w);
    uint8_t *body = write_room(&w, size + 16);
    if (!body)
        return 0;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, keys.key, keys.iv);
    EVP_EncryptUpdate(c, NULL, &n, out, (int)header);
    EVP_EncryptUpdate(c, body, &n, data, (int)size);
    EVP_EncryptFinal_ex(c, body + size, &n);
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, body + size);
    EVP_CIPHER_CTX_free(c);
    c = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, keys.hp, NULL);
    EVP_EncryptUpdate(c, mask, &n, body, 16);
    EVP_CIPHER_CTX_free(c);
    out[0] ^= mask[0] & 15;
    for (size_t i = 0; i < 4; i++)
        out[header - 4 + i] ^= mask[i + 1];
    return writer_len(&w);
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
    (void)!quic_initial_feed(&q, packet, n);
    if (quic_initial_crypto(&q).len > QUIC_CRYPTO_MAX)
        abort();
    return 0;
}
