/* Keys from passwords, for the protocols that do it the old way. */
#ifndef WEIR_CRYPTO_KDF_H
#define WEIR_CRYPTO_KDF_H

#include "base/text.h"

/*
 * OpenSSL's EVP_BytesToKey with MD5, one round and no salt: the key of classic Shadowsocks.
 *     D1 = MD5(password), Di = MD5(D(i-1) || password), key = D1 || D2 ...
 */
void kdf_bytes_to_key(struct bytes password, uint8_t *out, size_t n);

#endif
