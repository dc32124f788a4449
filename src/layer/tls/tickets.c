#include "layer/tls/tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "base/text.h"

void tickets_init(struct tickets *t)
{
    *t = (struct tickets){0};
    (void)pthread_mutex_init(&t->lock, NULL);
}

void tickets_done(struct tickets *t)
{
    mem_wipe(t->keys, sizeof t->keys);
    (void)pthread_mutex_destroy(&t->lock);
}

/* With the lock held: forgets what is too old, and makes sure that the first may seal. */
static void rotate(struct tickets *t, int64_t now)
{
    struct ticket_key *k = t->keys;

    for (size_t i = 0; i < TICKET_KEYS; i++) {
        if (k[i].born && now - k[i].born >= (int64_t)TICKET_KEYS * TICKET_ROTATE_S)
            mem_wipe(&k[i], sizeof k[i]);
    }
    if (k[0].born && now - k[0].born < TICKET_ROTATE_S)
        return;
    memmove(&k[1], &k[0], (TICKET_KEYS - 1) * sizeof *k);
    rnd_bytes(k[0].name, sizeof k[0].name);
    rnd_bytes(k[0].cipher, sizeof k[0].cipher);
    rnd_bytes(k[0].mac, sizeof k[0].mac);
    k[0].born = max_of(now, (int64_t)1);
}

void tickets_seal_key(struct tickets *t, int64_t now, struct ticket_key *out)
{
    (void)pthread_mutex_lock(&t->lock);
    rotate(t, now);
    *out = t->keys[0];
    (void)pthread_mutex_unlock(&t->lock);
}

int tickets_open_key(struct tickets *t, int64_t now, const uint8_t name[16], struct ticket_key *out)
{
    int found = 0;

    (void)pthread_mutex_lock(&t->lock);
    rotate(t, now);
    for (int i = 0; i < TICKET_KEYS && !found; i++) {
        if (!t->keys[i].born || memcmp(t->keys[i].name, name, sizeof t->keys[i].name) != 0)
            continue;
        *out = t->keys[i];
        found = i == 0 ? 1 : 2;
    }
    (void)pthread_mutex_unlock(&t->lock);
    return found;
}

static bool set_keys(const struct ticket_key *k, const uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool is_sealing)
{
    union {
        const char *in;
        char *out;
    } sha256 = {.in = "SHA256"};
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256.out, 0), OSSL_PARAM_END};

    return EVP_CipherInit_ex(cipher, EVP_aes_128_cbc(), NULL, k->cipher, iv, is_sealing) == 1 &&
           EVP_MAC_init(mac, k->mac, sizeof k->mac, params) == 1;
}

int tickets_use(struct tickets *t, uint8_t name[16], uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool is_sealing)
{
    struct ticket_key key;
    int result = 1;

    if (is_sealing) {
        tickets_seal_key(t, clock_unix(), &key);
        memcpy(name, key.name, sizeof key.name);
        rnd_bytes(iv, 16);
    } else {
        result = tickets_open_key(t, clock_unix(), name, &key);
    }
    if (result > 0 && !set_keys(&key, iv, cipher, mac, is_sealing))
        result = -1;
    mem_wipe(&key, sizeof key);
    return result;
}
