#include "crypto/hash.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

#include "base/mem.h"

/*
 * libcrypto's low-level functions are deprecated in favour of EVP, but a fetched EVP_MD with its context
 * costs more than hashing a key does (0.9 against 0.15 us for an HMAC), and a state
 * that is a plain value makes HMAC states copyable.
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define ALGORITHM(name, type, Init, Update, Final)                                                 \
    STATIC_ASSERT(sizeof(type) <= sizeof((struct hash *)0)->state, "the state fits");              \
    static void name##_init(void *s)                                                               \
    {                                                                                              \
        (void)Init((type *)s);                                                                     \
    }                                                                                              \
    static void name##_add(void *s, const void *p, size_t n)                                       \
    {                                                                                              \
        (void)Update((type *)s, p, n);                                                             \
    }                                                                                              \
    static void name##_done(void *s, uint8_t *out)                                                 \
    {                                                                                              \
        (void)Final(out, (type *)s);                                                               \
    }

ALGORITHM(md5, MD5_CTX, MD5_Init, MD5_Update, MD5_Final)
ALGORITHM(sha1, SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final)
ALGORITHM(sha224, SHA256_CTX, SHA224_Init, SHA224_Update, SHA224_Final)
ALGORITHM(sha256, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final)
ALGORITHM(sha384, SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final)
ALGORITHM(sha512, SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final)

static const struct {
    void (*init)(void *state);
    void (*add)(void *state, const void *p, size_t n);
    void (*done)(void *state, uint8_t *out);
    uint8_t size, block;
} algorithms[HASH_KINDS] = {
    [HASH_MD5] = {md5_init, md5_add, md5_done, 16, 64},
    [HASH_SHA1] = {sha1_init, sha1_add, sha1_done, 20, 64},
    [HASH_SHA224] = {sha224_init, sha224_add, sha224_done, 28, 64},
    [HASH_SHA256] = {sha256_init, sha256_add, sha256_done, 32, 64},
    [HASH_SHA384] = {sha384_init, sha384_add, sha384_done, 48, 128},
    [HASH_SHA512] = {sha512_init, sha512_add, sha512_done, 64, 128},
};

size_t hash_size(enum hash_kind kind)
{
    return algorithms[kind].size;
}

size_t hash_block_size(enum hash_kind kind)
{
    return algorithms[kind].block;
}

void hash_init(struct hash *h, enum hash_kind kind)
{
    h->kind = kind;
    algorithms[kind].init(h->state);
}

void hash_add(struct hash *h, const void *p, size_t n)
{
    if (n)
        algorithms[h->kind].add(h->state, p, n);
}

void hash_done(struct hash *h, uint8_t *out)
{
    algorithms[h->kind].done(h->state, out);
    mem_wipe(h->state, sizeof h->state);
}

void hash_once(enum hash_kind kind, const void *p, size_t n, uint8_t *out)
{
    struct hash h;

    hash_init(&h, kind);
    hash_add(&h, p, n);
    hash_done(&h, out);
}
