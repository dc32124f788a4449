#include "crypto/aes.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>

/* Fetched once in a process, then constant. */
static struct {
    EVP_CIPHER *ecb_128, *ecb_192, *ecb_256;
} shared;

static void fetch(void)
{
    shared.ecb_128 = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
    shared.ecb_192 = EVP_CIPHER_fetch(NULL, "AES-192-ECB", NULL);
    shared.ecb_256 = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
}

static int set_up(struct aes_block *b, const uint8_t *key, size_t key_size, int is_encrypt)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;

    assert(key_size == 16 || key_size == 24 || key_size == 32);
    (void)pthread_once(&once, fetch);
    cipher = key_size == 16 ? shared.ecb_128 : key_size == 24 ? shared.ecb_192 : shared.ecb_256;
    b->cipher = NULL;
    ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (!ctx)
        return -ENOMEM;
    if (EVP_CipherInit_ex2(ctx, cipher, key, NULL, is_encrypt, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) {
        EVP_CIPHER_CTX_free(ctx);
        return -ENOMEM;
    }
    b->cipher = ctx;
    return 0;
}

int aes_block_encryptor(struct aes_block *b, const uint8_t *key, size_t key_size)
{
    return set_up(b, key, key_size, 1);
}

int aes_block_decryptor(struct aes_block *b, const uint8_t *key, size_t key_size)
{
    return set_up(b, key, key_size, 0);
}

void aes_block_done(struct aes_block *b)
{
    EVP_CIPHER_CTX_free(b->cipher);
    b->cipher = NULL;
}

void aes_block_run(struct aes_block *b, const uint8_t *in, uint8_t *out, size_t blocks)
{
    int len = 0;

    assert(b->cipher && blocks <= 1 << 16);
    if (blocks)
        (void)EVP_CipherUpdate(b->cipher, out, &len, in, (int)(blocks * AES_BLOCK));
    /* Whole blocks without padding and without a final call: nothing of it can fail. */
    assert((size_t)len == blocks * AES_BLOCK);
}
