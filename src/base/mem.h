/*
 * Allocation. Everything may fail: NULL means that memory ran out, and the caller turns it
 * into -ENOMEM. Built with -DWEIR_FAILING_ALLOC, a test can make the n-th call fail.
 */
#ifndef WEIR_BASE_MEM_H
#define WEIR_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Zeroed memory. */
void *mem_alloc(size_t size) CHECKED;
void *mem_alloc_array(size_t count, size_t size) CHECKED;
/* Keeps the contents; what is new is not zeroed. On failure `p` stays as it was. */
void *mem_resize(void *p, size_t size) CHECKED;
void *mem_dup(const void *p, size_t size) CHECKED;
void mem_free(void *p);
/* Overwrites secrets so that the compiler cannot leave it out. */
void mem_wipe(void *p, size_t size);

#define mem_new(type) ((type *)mem_alloc(sizeof(type)))

/* For CLEANUP(): frees what a local pointer holds. */
static inline void mem_cleanup(void *p)
{
    mem_free(*(void **)p);
}
#define OWNED CLEANUP(mem_cleanup)

#ifdef WEIR_FAILING_ALLOC
/* The call number `n` from now (1 = the next) of this thread fails; 0 = none does. */
void mem_fail_at(long n);
/* Whether the failure asked for has happened. */
bool mem_has_failed(void);
/* The same for the n-th call of whatever thread makes it. */
void mem_fail_anywhere_at(long n);
bool mem_has_failed_anywhere(void);
#endif

#endif
