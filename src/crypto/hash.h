/*
 * Hashes, HMAC (RFC 2104) and HKDF (RFC 5869). The states are plain values: a copy of one is
 * a fork of it, which is how a keyed HMAC is used many times. Nothing here allocates or fails.
 */
#ifndef WEIR_CRYPTO_HASH_H
#define WEIR_CRYPTO_HASH_H

#include "base/text.h"

enum hash_kind {
    HASH_MD5,
    HASH_SHA1,
    HASH_SHA224,
    HASH_SHA256,
    HASH_SHA384,
    HASH_SHA512,
};
#define HASH_KINDS 6

#define HASH_MAX_SIZE 64
#define HASH_MAX_BLOCK 128

struct hash {
    enum hash_kind kind;
    uint64_t state[27]; /* libcrypto's; the largest is that of SHA-512 */
};

struct hmac {
    struct hash inner, outer;
};

size_t hash_size(enum hash_kind kind);
/* Of the compression function: what HMAC pads its key to. */
size_t hash_block_size(enum hash_kind kind);

void hash_init(struct hash *h, enum hash_kind kind);
void hash_add(struct hash *h, const void *p, size_t n);
/* `out` takes hash_size(); the state is wiped. */
void hash_done(struct hash *h, uint8_t *out);
void hash_once(enum hash_kind kind, const void *p, size_t n, uint8_t *out);

void hmac_init(struct hmac *h, enum hash_kind kind, const void *key, size_t n);
void hmac_add(struct hmac *h, const void *p, size_t n);
/* `out` takes hash_size(); the state is wiped. */
void hmac_done(struct hmac *h, uint8_t *out);
void hmac_once(enum hash_kind kind, struct bytes key, struct bytes message, uint8_t *out);

/* `prk` takes hash_size(). No salt is a salt of hash_size() zeros. */
void hkdf_extract(enum hash_kind kind, struct bytes salt, struct bytes secret, uint8_t *prk);
/* n is at most 255 * hash_size(), which is asserted: it is never a peer's number. */
void hkdf_expand(enum hash_kind kind, struct bytes prk, struct bytes info, uint8_t *out, size_t n);

struct hkdf_input {
    struct bytes secret, salt, info;
};
void hkdf(enum hash_kind kind, const struct hkdf_input *in, uint8_t *out, size_t n);

#endif
