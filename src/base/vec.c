#include "base/vec.h"

int vec_grow(void **at, size_t len, size_t *cap, size_t size)
{
    if (len < *cap)
        return 0;
    size_t wanted = *cap ? *cap * 2 : 8, n;
    if (__builtin_mul_overflow(wanted, size, &n))
        return -ENOMEM;
    void *grown = mem_resize(*at, n);
    if (!grown)
        return -ENOMEM;
    *at = grown;
    *cap = wanted;
    return 0;
}
