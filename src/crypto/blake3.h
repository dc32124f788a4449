/* BLAKE3 (the paper by O'Connor, Aumasson, Neves, Wilcox-O'Hearn), all three modes, output of any length. */
#ifndef WEIR_CRYPTO_BLAKE3_H
#define WEIR_CRYPTO_BLAKE3_H

#include "base/text.h"

#define BLAKE3_KEY_SIZE 32
#define BLAKE3_SIZE 32

void blake3_hash(struct bytes in, uint8_t *out, size_t n);
void blake3_keyed_hash(const uint8_t *key, struct bytes in, uint8_t *out, size_t n);
/* `context` is a constant of the program, `material` the secret. */
void blake3_derive_key(struct text context, struct bytes material, uint8_t *out, size_t n);

#endif
