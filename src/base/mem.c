#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#ifdef WEIR_FAILING_ALLOC
/* For tests only: the one place where the program keeps state outside an instance. */
static long fail_anywhere_at;
static bool failed_anywhere;
static _Thread_local long fail_at;
static _Thread_local bool failed;

void mem_fail_at(long n)
{
    fail_at = n;
    failed = false;
}

bool mem_has_failed(void)
{
    return failed;
}

void mem_fail_anywhere_at(long n)
{
    __atomic_store_n(&failed_anywhere, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&fail_anywhere_at, n, __ATOMIC_SEQ_CST);
}

bool mem_has_failed_anywhere(void)
{
    return __atomic_load_n(&failed_anywhere, __ATOMIC_SEQ_CST);
}

static bool must_fail_anywhere(void)
{
    if (__atomic_load_n(&fail_anywhere_at, __ATOMIC_SEQ_CST) <= 0 ||
        __atomic_fetch_sub(&fail_anywhere_at, 1, __ATOMIC_SEQ_CST) != 1)
        return false;
    __atomic_store_n(&failed_anywhere, true, __ATOMIC_SEQ_CST);
    return true;
}

static bool must_fail(void)
{
    if (must_fail_anywhere())
        return true;
    if (fail_at == 0 || --fail_at != 0)
        return false;
    failed = true;
    return true;
}
#else
static bool must_fail(void)
{
    return false;
}
#endif

void *mem_alloc(size_t size)
{
    return must_fail() ? NULL : calloc(1, size ? size : 1);
}

void *mem_alloc_array(size_t count, size_t size)
{
    return must_fail() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *mem_resize(void *p, size_t size)
{
    return must_fail() ? NULL : realloc(p, size ? size : 1);
}

void *mem_dup(const void *p, size_t size)
{
    void *copy = mem_alloc(size);

    if (copy && size)
        memcpy(copy, p, size);
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

void mem_wipe(void *p, size_t size)
{
    if (size)
        explicit_bzero(p, size);
}
