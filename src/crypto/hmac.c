#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"

void hmac_init(struct hmac *h, enum hash_kind kind, const void *key, size_t n)
{
    size_t block = hash_block_size(kind);
    uint8_t pad[HASH_MAX_BLOCK] = {0};

    if (n > block)
        hash_once(kind, key, n, pad);
    else if (n)
        memcpy(pad, key, n);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    hash_init(&h->inner, kind);
    hash_add(&h->inner, pad, block);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    hash_init(&h->outer, kind);
    hash_add(&h->outer, pad, block);
    mem_wipe(pad, sizeof pad);
}

void hmac_add(struct hmac *h, const void *p, size_t n)
{
    hash_add(&h->inner, p, n);
}

void hmac_done(struct hmac *h, uint8_t *out)
{
    uint8_t digest[HASH_MAX_SIZE];
    size_t size = hash_size(h->inner.kind);

    hash_done(&h->inner, digest);
    hash_add(&h->outer, digest, size);
    hash_done(&h->outer, out);
    mem_wipe(digest, sizeof digest);
}

void hmac_once(enum hash_kind kind, struct bytes key, struct bytes message, uint8_t *out)
{
    struct hmac h;

    hmac_init(&h, kind, key.ptr, key.len);
    hmac_add(&h, message.ptr, message.len);
    hmac_done(&h, out);
}

/* RFC 5869, 2.2. HMAC pads its key with zeros, so no salt needs no case of its own. */
void hkdf_extract(enum hash_kind kind, struct bytes salt, struct bytes secret, uint8_t *prk)
{
    hmac_once(kind, salt, secret, prk);
}

/* RFC 5869, 2.3: T(i) = HMAC(prk, T(i-1) || info || i), i from 1. */
void hkdf_expand(enum hash_kind kind, struct bytes prk, struct bytes info, uint8_t *out, size_t n)
{
    size_t size = hash_size(kind);
    uint8_t block[HASH_MAX_SIZE];
    struct hmac keyed, h;

    assert(n <= 255 * size);
    hmac_init(&keyed, kind, prk.ptr, prk.len);
    for (uint8_t i = 1; n > 0; i++) {
        size_t part = n < size ? n : size;

        h = keyed;
        if (i > 1)
            hmac_add(&h, block, size);
        hmac_add(&h, info.ptr, info.len);
        hmac_add(&h, &i, 1);
        hmac_done(&h, block);
        memcpy(out, block, part);
        out += part;
        n -= part;
    }
    mem_wipe(&keyed, sizeof keyed);
    mem_wipe(block, sizeof block);
}

void hkdf(enum hash_kind kind, const struct hkdf_input *in, uint8_t *out, size_t n)
{
    uint8_t prk[HASH_MAX_SIZE];

    hkdf_extract(kind, in->salt, in->secret, prk);
    hkdf_expand(kind, (struct bytes){prk, hash_size(kind)}, in->info, out, n);
    mem_wipe(prk, sizeof prk);
}
