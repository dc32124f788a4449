/* Seals client Initials of QUIC v1, for tests that need their own. */
#ifndef WEIR_TESTS_QUIC_SEAL_H
#define WEIR_TESTS_QUIC_SEAL_H

#include "base/wire.h"
#include "crypto/aead.h"
#include "crypto/aes.h"
#include "format/quic_initial.h"

/*
 * Writes a packet with these frames (at least 1 octet, at most 16000) and number to `out`, its
 * keys made of `keys_cid`, its header with `cid`. Returns its size, 0 when there is no room.
 */
static inline size_t quic_seal(struct bytes frames, uint8_t number, struct bytes keys_cid, struct bytes cid,
                               struct bytes out)
{
    uint8_t *packet = (uint8_t *)(uintptr_t)out.ptr;
    struct writer w = writer_of(packet, out.len);
    struct aes_block aes;
    struct quic_keys keys;
    struct aead aead;
    uint8_t mask[AES_BLOCK];

    write_u8(&w, 0xc3);
    write_u32(&w, 1);
    write_u8(&w, (uint8_t)cid.len);
    write_bytes(&w, cid.ptr, cid.len);
    write_u16(&w, 0);
    write_u16(&w, (uint16_t)(0x4000 | (4 + frames.len + AEAD_TAG_SIZE)));
    write_u32(&w, number);
    size_t header = writer_len(&w);
    uint8_t *body = write_room(&w, frames.len + AEAD_TAG_SIZE);
    if (!body || quic_initial_keys(1, keys_cid, &keys) < 0 ||
        aead_init(&aead, AEAD_AES_128_GCM, keys.key) < 0)
        return 0;
    keys.iv[11] ^= number;
    if (aead_seal(&aead, keys.iv, (struct bytes){packet, header}, frames.ptr, frames.len, body) < 0 ||
        aes_block_encryptor(&aes, keys.hp, 16) < 0)
        return 0;
    aes_block_run(&aes, body, mask, 1);
    aes_block_done(&aes);
    aead_done(&aead);
    packet[0] ^= mask[0] & 15;
    for (size_t i = 0; i < 4; i++)
        packet[header - 4 + i] ^= mask[i + 1];
    return writer_len(&w);
}

#endif
