/* Single AES blocks (ECB), for what formats build on a bare block: identity headers, header
 * protection. Not for messages. */
#ifndef WEIR_CRYPTO_AES_H
#define WEIR_CRYPTO_AES_H

#include "base/text.h"

#define AES_BLOCK 16

/* One key in one direction. About 0.7 KiB behind the pointer, so not for idle connections. */
struct aes_block {
    void *cipher;
};

/* key_size is 16, 24 or 32. 0 or -ENOMEM. */
int aes_block_encryptor(struct aes_block *b, const uint8_t *key, size_t key_size) CHECKED;
int aes_block_decryptor(struct aes_block *b, const uint8_t *key, size_t key_size) CHECKED;
/* Wipes the key; a zeroed object may be done with. */
void aes_block_done(struct aes_block *b);
/* Each of `blocks` blocks for itself; `out` is `in` or does not overlap it. */
void aes_block_run(struct aes_block *b, const uint8_t *in, uint8_t *out, size_t blocks);

#endif
