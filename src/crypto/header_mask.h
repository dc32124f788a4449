/* The five bytes that hide a QUIC packet's header (RFC 9001, 5.4.3 and 5.4.4). */
#ifndef WEIR_CRYPTO_HEADER_MASK_H
#define WEIR_CRYPTO_HEADER_MASK_H

#include "crypto/aead.h"
#include "crypto/aes.h"

#define HEADER_SAMPLE_SIZE 16
#define HEADER_MASK_SIZE 5

struct header_mask {
    struct aes_block aes;
    uint8_t chacha_key[32];
    bool is_chacha;
};

/* `key` has the size of the AEAD's key. 0, -ENOMEM, -ENOTSUP for XChaCha20, which QUIC lacks. */
int header_mask_init(struct header_mask *m, enum aead_kind kind, const uint8_t *key) CHECKED;
void header_mask_done(struct header_mask *m);
void header_mask_of(struct header_mask *m, const uint8_t *sample, uint8_t *out);

#endif
