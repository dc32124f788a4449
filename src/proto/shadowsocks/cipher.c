#include "proto/shadowsocks/cipher.h"

#include "base/mem.h"

int ss_cipher_init(struct ss_cipher *c, const struct ss_method *m, const struct ss_key *k, const uint8_t *salt)
{
    struct ss_key subkey;

    ss_session_key(m, k, (struct bytes){salt, m->key_size}, &subkey);
    c->count = 0;
    int r = aead_init(&c->aead, m->aead, subkey.at);
    mem_wipe(&subkey, sizeof subkey);
    return r;
}

void ss_cipher_done(struct ss_cipher *c)
{
    aead_done(&c->aead);
}

/* Little endian, as long as the AEAD wants it; 2^64 messages do not happen. */
static void nonce_of(uint64_t count, uint8_t *out)
{
    memset(out, 0, AEAD_MAX_NONCE_SIZE);
    for (size_t i = 0; i < sizeof count; i++)
        out[i] = (uint8_t)(count >> (8 * i));
}

int ss_cipher_seal(struct ss_cipher *c, const void *in, size_t n, void *out)
{
    uint8_t nonce[AEAD_MAX_NONCE_SIZE];

    nonce_of(c->count, nonce);
    int r = aead_seal(&c->aead, nonce, (struct bytes){0}, in, n, out);
    if (r == 0)
        c->count++;
    return r;
}

int ss_cipher_open(struct ss_cipher *c, const void *in, size_t n, void *out)
{
    uint8_t nonce[AEAD_MAX_NONCE_SIZE];

    nonce_of(c->count, nonce);
    int r = aead_open(&c->aead, nonce, (struct bytes){0}, in, n, out);
    if (r == 0)
        c->count++;
    return r;
}
