#include "proto/shadowsocks/key.h"

#include <errno.h>

#include "base/mem.h"
#include "crypto/blake3.h"
#include "crypto/hash.h"
#include "crypto/kdf.h"

/* Base64 of n octets, with its padding. */
static size_t base64_size(size_t n)
{
    return 4 * ((n + 2) / 3);
}

static int read_2022(const struct ss_method *m, struct text password, struct ss_key *out, struct error *err)
{
    uint8_t raw[128];
    ssize_t n = password.len > base64_size(96) ? -ENOSPC : base64_decode(password, raw, sizeof raw);

    if (n == (ssize_t)m->key_size)
        memcpy(out->at, raw, m->key_size);
    mem_wipe(raw, sizeof raw);
    if (n == (ssize_t)m->key_size)
        return 0;
    if (n == -EINVAL)
        return error_set(err, -EINVAL, "the key of %s is not base64: expected %zu octets as %zu characters", m->name,
                         m->key_size, base64_size(m->key_size));
    if (n < 0)
        return error_set(err, -EINVAL, "the key is too long: %s needs %zu octets, %zu characters of base64", m->name,
                         m->key_size, base64_size(m->key_size));
    return error_set(err, -EINVAL, "the key has %zd octets, %s needs %zu (%zu characters of base64)", n, m->name,
                     m->key_size, base64_size(m->key_size));
}

int ss_key_read(const struct ss_method *m, struct text password, struct ss_key *out, struct error *err)
{
    if (m->edition == SS_PLAIN)
        return 0;
    if (password.len == 0)
        return error_set(err, -EINVAL, "%s needs a password", m->name);
    if (m->edition == SS_2022)
        return read_2022(m, password, out, err);
    kdf_bytes_to_key(text_bytes(password), out->at, m->key_size);
    return 0;
}

int ss_keys_read(const struct ss_method *m, struct text password, struct ss_keys *out, struct error *err)
{
    struct text rest = password, one;

    *out = (struct ss_keys){0};
    if (m->edition != SS_2022) {
        out->count = 1;
        return ss_key_read(m, password, &out->key[0], err);
    }
    while (text_next(&rest, ':', &one)) {
        if (out->count == SS_KEY_CHAIN)
            return error_set(err, -EINVAL, "more than %d keys in the chain", SS_KEY_CHAIN);
        int r = ss_key_read(m, one, &out->key[out->count], err);
        if (r < 0)
            return r;
        out->count++;
    }
    if (out->count > 1 && !m->has_identity)
        return error_set(err, -EINVAL, "%s has no identity headers: it takes one key, not %zu", m->name, out->count);
    return 0;
}

void ss_keys_wipe(struct ss_keys *k)
{
    mem_wipe(k, sizeof *k);
}

/* Both of SIP022 and SIP023: blake3::derive_key(context, key || salt). */
static void derive_2022(const struct ss_method *m, struct text context, const struct ss_key *k, struct bytes salt,
                        struct ss_key *out)
{
    uint8_t material[SS_KEY_MAX + SS_SALT_MAX];

    memcpy(material, k->at, m->key_size);
    memcpy(material + m->key_size, salt.ptr, salt.len);
    blake3_derive_key(context, (struct bytes){material, m->key_size + salt.len}, out->at, m->key_size);
    mem_wipe(material, sizeof material);
}

void ss_session_key(const struct ss_method *m, const struct ss_key *k, struct bytes salt, struct ss_key *out)
{
    if (m->edition == SS_2022) {
        derive_2022(m, TEXT("shadowsocks 2022 session subkey"), k, salt, out);
        return;
    }
    hkdf(HASH_SHA1,
         &(struct hkdf_input){
             .secret = {k->at, m->key_size}, .salt = salt, .info = text_bytes(TEXT("ss-subkey"))},
         out->at, m->key_size);
}

void ss_identity_key(const struct ss_method *m, const struct ss_key *k, const uint8_t *salt, struct ss_key *out)
{
    derive_2022(m, TEXT("shadowsocks 2022 identity subkey"), k, (struct bytes){salt, m->key_size}, out);
}

void ss_key_hash(const struct ss_method *m, const struct ss_key *k, uint8_t *out)
{
    blake3_hash((struct bytes){k->at, m->key_size}, out, SS_IDENTITY);
}
