/*
 * Authenticated encryption. One key is 48 bytes: what a back end expands from it lives in a
 * small cache of the thread, so that an idle connection holds no key schedule.
 * An object may move to another thread, but is used by one thread at a time.
 */
#ifndef WEIR_CRYPTO_AEAD_H
#define WEIR_CRYPTO_AEAD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

enum aead_kind {
    AEAD_AES_128_GCM,
    AEAD_AES_192_GCM,
    AEAD_AES_256_GCM,
    AEAD_CHACHA20_POLY1305,
    AEAD_XCHACHA20_POLY1305,
};
#define AEAD_KINDS 5

enum aead_backend {
    AEAD_LIBCRYPTO,
    AEAD_IPSEC_MB,
};
#define AEAD_BACKENDS 2

#define AEAD_TAG_SIZE 16
#define AEAD_MAX_KEY_SIZE 32
#define AEAD_MAX_NONCE_SIZE 24
/* Of one message, tag included. */
#define AEAD_MAX_MESSAGE ((size_t)1 << 30)

struct aead {
    uint64_t id; /* names the expanded key in the threads' caches; never 0 once set up */
    uint8_t kind;
    uint8_t backend;
    uint8_t key[AEAD_MAX_KEY_SIZE];
};

/* Takes a copy of the key and the best back end; expands nothing yet. -ENOTSUP if none works. */
int aead_init(struct aead *a, enum aead_kind kind, const uint8_t *key) CHECKED;
/* The same with a back end of the caller's choice: for tests and measurements. */
int aead_init_on(struct aead *a, enum aead_kind kind, const uint8_t *key,
                 enum aead_backend backend) CHECKED;
/* Wipes the key, also where this thread expanded it. A zeroed object may be done with. */
void aead_done(struct aead *a);

/*
 * Encrypts n bytes and appends the tag: `out` takes n + AEAD_TAG_SIZE. `out` is `in` (in place)
 * or does not overlap it. 0, -EMSGSIZE (beyond AEAD_MAX_MESSAGE), -ENOMEM.
 * Never twice with one nonce.
 */
int aead_seal(struct aead *a, const uint8_t *nonce, struct bytes aad, const void *in, size_t n,
              void *out) CHECKED;
/*
 * Decrypts n bytes of which the last AEAD_TAG_SIZE are the tag; `out` takes the rest, under
 * the same rule for overlap. -EBADMSG if it was not sealed so, and then `out` is zeroed;
 * otherwise as aead_seal.
 */
int aead_open(struct aead *a, const uint8_t *nonce, struct bytes aad, const void *in, size_t n,
              void *out) CHECKED;

size_t aead_key_size(enum aead_kind kind);
size_t aead_nonce_size(enum aead_kind kind);
/* "aes-128-gcm". */
const char *aead_name(enum aead_kind kind);

/* What aead_init() picks, after the self test. */
enum aead_backend aead_backend_for(enum aead_kind kind);
bool aead_has_backend(enum aead_kind kind, enum aead_backend backend);
/* "libcrypto", "ipsec-mb". */
const char *aead_backend_name(enum aead_backend backend);

/* Gives back what this thread holds for speed: up to 130 KiB of expanded keys, and the manager
 * of ipsec-mb (200 KB) once ChaCha20 was used. It comes back on use. */
void aead_trim(void);

/*
 * Each back end against published vectors, and against each other. Runs once in a process, at
 * the latest in the first aead_init(): 3 to 5 ms and 9 KiB of stack, so whoever starts a process
 * that will need it calls it early. A back end that fails is not used; an error means that
 * libcrypto itself failed.
 */
int crypto_self_test(struct error *err) CHECKED;

#endif
