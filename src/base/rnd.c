#include "base/rnd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

static void from_kernel(uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        /* Only EINTR can come here: the descriptorless call has no other failure. */
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

void rnd_bytes(void *out, size_t n)
{
    static _Thread_local uint8_t cache[256];
    static _Thread_local size_t left;

    if (n > sizeof cache / 2) {
        from_kernel(out, n);
        return;
    }
    if (left < n) {
        from_kernel(cache, sizeof cache);
        left = sizeof cache;
    }
    left -= n;
    memcpy(out, cache + left, n);
    mem_wipe(cache + left, n);
}

uint64_t rnd_u64(void)
{
    uint64_t v;

    rnd_bytes(&v, sizeof v);
    return v;
}

uint64_t rnd_below(uint64_t limit)
{
    uint64_t v, excess = UINT64_MAX % limit;

    do
        v = rnd_u64();
    while (v > UINT64_MAX - excess - 1 && excess != limit - 1);
    return v % limit;
}
