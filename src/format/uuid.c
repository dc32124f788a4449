#include "format/uuid.h"

#include <errno.h>
#include <string.h>

#include "crypto/hash.h"

static bool is_hyphen_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

int uuid_parse(struct text t, uint8_t *out)
{
    char digits[2 * UUID_SIZE];
    size_t n = 0;

    if (t.len != 2 * UUID_SIZE && t.len != UUID_TEXT - 1)
        return -EINVAL;
    for (size_t i = 0; i < t.len; i++) {
        if (t.len == UUID_TEXT - 1 && is_hyphen_at(i)) {
            if (t.ptr[i] != '-')
                return -EINVAL;
            continue;
        }
        digits[n++] = t.ptr[i];
    }
    uint8_t read[UUID_SIZE];
    if (hex_decode((struct text){digits, n}, read, sizeof read) != UUID_SIZE)
        return -EINVAL;
    memcpy(out, read, sizeof read);
    return 0;
}

void uuid_of_name(struct text name, uint8_t *out)
{
    static const uint8_t nil[UUID_SIZE];
    uint8_t digest[HASH_MAX_SIZE];
    struct hash h;

    hash_init(&h, HASH_SHA1);
    hash_add(&h, nil, sizeof nil);
    hash_add(&h, name.ptr, name.len);
    hash_done(&h, digest);
    memcpy(out, digest, UUID_SIZE);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x50);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void uuid_of_text(struct text t, uint8_t *out)
{
    if (uuid_parse(t, out) < 0)
        uuid_of_name(t, out);
}

const char *uuid_print(const uint8_t *uuid, char *out)
{
    char hex[2 * UUID_SIZE + 1];
    size_t n = 0;

    hex_encode(uuid, UUID_SIZE, hex);
    for (size_t i = 0; i < 2 * UUID_SIZE; i++) {
        if (is_hyphen_at(n))
            out[n++] = '-';
        out[n++] = hex[i];
    }
    out[n] = 0;
    return out;
}
