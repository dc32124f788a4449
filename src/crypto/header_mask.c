#include "crypto/header_mask.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/mem.h"

int header_mask_init(struct header_mask *m, enum aead_kind kind, const uint8_t *key)
{
    memset(m, 0, sizeof *m);
    switch (kind) {
    case AEAD_AES_128_GCM:
    case AEAD_AES_192_GCM:
    case AEAD_AES_256_GCM:
        return aes_block_encryptor(&m->aes, key, aead_key_size(kind));
    case AEAD_CHACHA20_POLY1305:
        m->is_chacha = true;
        memcpy(m->chacha_key, key, sizeof m->chacha_key);
        return 0;
    case AEAD_XCHACHA20_POLY1305:
        return -ENOTSUP;
    }
    return -ENOTSUP;
}

void header_mask_done(struct header_mask *m)
{
    aes_block_done(&m->aes);
    mem_wipe(m, sizeof *m);
}

/* AES: the block of the sample. ChaCha20: counter = sample[0..4] little endian, nonce = the rest. */
void header_mask_of(struct header_mask *m, const uint8_t *sample, uint8_t *out)
{
    static const uint8_t zeros[HEADER_MASK_SIZE];
    uint8_t block[AES_BLOCK];
    uint32_t counter;

    if (m->is_chacha) {
        counter = (uint32_t)sample[0] | (uint32_t)sample[1] << 8 | (uint32_t)sample[2] << 16 |
                  (uint32_t)sample[3] << 24;
        (void)crypto_stream_chacha20_ietf_xor_ic(out, zeros, sizeof zeros, sample + 4, counter,
                                                 m->chacha_key);
        return;
    }
    aes_block_run(&m->aes, sample, block, 1);
    memcpy(out, block, HEADER_MASK_SIZE);
}
