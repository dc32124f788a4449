/* Between aead.c and its back ends; nobody else includes this. */
#ifndef WEIR_CRYPTO_AEAD_BACKEND_H
#define WEIR_CRYPTO_AEAD_BACKEND_H

#include "base/mem.h"
#include "crypto/aead.h"

/* One message. in, out and aad.ptr are never NULL, and n fits in an int. */
struct aead_op {
    uint64_t id; /* of the key; 0: a key for this message only, not to be cached */
    enum aead_kind kind; /* never XChaCha20, which aead.c turns into ChaCha20 */
    const uint8_t *key;
    const uint8_t *nonce;
    struct bytes aad;
    const uint8_t *in;
    size_t n; /* of the plaintext */
    uint8_t *out;
};

struct aead_engine {
    /* Whatever is once in a process; a bit 1 << kind for each kind it can do. */
    unsigned (*prepare)(void);
    int (*seal)(const struct aead_op *op);
    /* The tag is at in + n. -EBADMSG leaves `out` to be wiped by the caller. */
    int (*open)(const struct aead_op *op);
    /* Wipes what this thread expanded from the key. */
    void (*forget)(uint64_t id);
    /* Frees what this thread holds. */
    void (*trim)(void);
};

extern const struct aead_engine aead_libcrypto;
extern const struct aead_engine aead_ipsec_mb;

/* A vector in hexadecimal. The table ends with key == NULL. */
struct aead_vector {
    enum aead_kind kind;
    const char *key, *nonce, *aad, *plain, *sealed;
};
extern const struct aead_vector aead_self_test_vectors[];

/*
 * Expanded keys of one thread, direct mapped: ids are counted, so the keys made last
 * lie side by side. Keys that meet in a slot pay an expansion (130 to 190 ns) when they take turns.
 */
#define KEY_CACHE_SLOTS 128

struct key_slot {
    uint64_t id; /* 0: nothing expanded here, `state` may be kept for reuse */
    void *state;
};

static inline struct key_slot *key_cache_slot(struct key_slot *slots, uint64_t id)
{
    return &slots[id % KEY_CACHE_SLOTS];
}

#endif
