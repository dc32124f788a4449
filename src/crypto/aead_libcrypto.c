#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "crypto/aead_backend.h"

/* Fetched once in a process, then constant: fetching costs more than sealing a packet. */
static struct {
    EVP_CIPHER *ciphers[AEAD_KINDS];
    pthread_key_t at_exit;
} shared;

/* A context is about 1 KiB with what the provider keeps behind it. */
struct libcrypto_thread {
    struct key_slot slots[KEY_CACHE_SLOTS];
    EVP_CIPHER_CTX *scratch; /* for keys of one message */
};

static _Thread_local struct libcrypto_thread *mine;

static void thread_free(void *arg)
{
    struct libcrypto_thread *t = arg;

    if (!t)
        return;
    for (size_t i = 0; i < KEY_CACHE_SLOTS; i++)
        EVP_CIPHER_CTX_free(t->slots[i].state);
    EVP_CIPHER_CTX_free(t->scratch);
    mem_free(t);
}

static void trim(void)
{
    if (!mine)
        return;
    thread_free(take(mine));
    (void)pthread_setspecific(shared.at_exit, NULL);
}

static unsigned prepare(void)
{
    static const char *const names[AEAD_KINDS] = {
        [AEAD_AES_128_GCM] = "AES-128-GCM",
        [AEAD_AES_192_GCM] = "AES-192-GCM",
        [AEAD_AES_256_GCM] = "AES-256-GCM",
        [AEAD_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
    };
    unsigned able = 0;

    if (pthread_key_create(&shared.at_exit, thread_free) != 0)
        return 0;
    for (unsigned k = 0; k < AEAD_KINDS; k++) {
        if (names[k])
            shared.ciphers[k] = EVP_CIPHER_fetch(NULL, names[k], NULL);
        if (shared.ciphers[k])
            able |= 1u << k;
    }
    return able;
}

static struct libcrypto_thread *this_thread(void)
{
    struct libcrypto_thread *t;

    if (likely(mine))
        return mine;
    t = mem_new(struct libcrypto_thread);
    if (t && pthread_setspecific(shared.at_exit, t) != 0)
        mem_free(take(t));
    mine = t;
    return t;
}

/* A context that holds the key of `op`, or NULL for want of memory. */
static EVP_CIPHER_CTX *keyed(const struct aead_op *op)
{
    const EVP_CIPHER *cipher = shared.ciphers[op->kind];
    struct libcrypto_thread *t = this_thread();
    struct key_slot *slot;
    EVP_CIPHER_CTX *ctx;

    if (!t)
        return NULL;
    slot = key_cache_slot(t->slots, op->id);
    if (op->id && slot->id == op->id)
        return slot->state;
    ctx = op->id ? slot->state : t->scratch;
    if (!ctx)
        ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        return NULL;
    if (op->id)
        slot->state = ctx;
    else
        t->scratch = ctx;
    if (op->id)
        slot->id = 0;
    if (EVP_CIPHER_CTX_get0_cipher(ctx) == cipher)
        cipher = NULL; /* passing it again would build the provider's part anew */
    if (EVP_CipherInit_ex2(ctx, cipher, op->key, NULL, 1, NULL) != 1)
        return NULL;
    if (op->id)
        slot->id = op->id;
    return ctx;
}

static bool feed(EVP_CIPHER_CTX *ctx, const struct aead_op *op)
{
    int len;

    if (op->aad.len && EVP_CipherUpdate(ctx, NULL, &len, op->aad.ptr, (int)op->aad.len) != 1)
        return false;
    return op->n == 0 || EVP_CipherUpdate(ctx, op->out, &len, op->in, (int)op->n) == 1;
}

static int seal(const struct aead_op *op)
{
    EVP_CIPHER_CTX *ctx = keyed(op);
    int len;

    if (!ctx || EVP_CipherInit_ex2(ctx, NULL, NULL, op->nonce, 1, NULL) != 1 || !feed(ctx, op) ||
        EVP_CipherFinal_ex(ctx, op->out + op->n, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, op->out + op->n) != 1)
        return -ENOMEM;
    return 0;
}

static int open(const struct aead_op *op)
{
    EVP_CIPHER_CTX *ctx = keyed(op);
    uint8_t tag[AEAD_TAG_SIZE];
    int len;

    memcpy(tag, op->in + op->n, sizeof tag);
    if (!ctx || EVP_CipherInit_ex2(ctx, NULL, NULL, op->nonce, 0, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, tag) != 1 || !feed(ctx, op))
        return -ENOMEM;
    if (EVP_CipherFinal_ex(ctx, op->out + op->n, &len) == 1)
        return 0;
    /* An error left in the thread's queue would be taken for one of libssl's next call. */
    ERR_clear_error();
    return -EBADMSG;
}

static void forget(uint64_t id)
{
    struct key_slot *slot = mine ? key_cache_slot(mine->slots, id) : NULL;

    /* Freeing is how libcrypto wipes a key schedule. */
    if (slot && slot->id == id) {
        EVP_CIPHER_CTX_free(slot->state);
        *slot = (struct key_slot){0};
    }
}

const struct aead_engine aead_libcrypto = {
    .prepare = prepare,
    .seal = seal,
    .open = open,
    .forget = forget,
    .trim = trim,
};
