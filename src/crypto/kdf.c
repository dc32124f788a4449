#include "crypto/kdf.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"

void kdf_bytes_to_key(struct bytes password, uint8_t *out, size_t n)
{
    uint8_t digest[16];
    struct hash h;

    for (bool is_first = true; n > 0; is_first = false) {
        size_t part = n < sizeof digest ? n : sizeof digest;

        hash_init(&h, HASH_MD5);
        if (!is_first)
            hash_add(&h, digest, sizeof digest);
        hash_add(&h, password.ptr, password.len);
        hash_done(&h, digest);
        memcpy(out, digest, part);
        out += part;
        n -= part;
    }
    mem_wipe(digest, sizeof digest);
}
