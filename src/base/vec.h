/*
 * A growing array: `VEC(struct rule) rules;`, then rules.at[i] for i < rules.len.
 * A zeroed one is empty. Members move when it grows, so keep indices, not pointers.
 */
#ifndef WEIR_BASE_VEC_H
#define WEIR_BASE_VEC_H

#include <errno.h>
#include <stddef.h>

#include "base/mem.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t len;                                                                                \
        size_t cap;                                                                                \
    }

/* Room for one more member of `size` bytes: 0 or -ENOMEM. */
int vec_grow(void **at, size_t len, size_t *cap, size_t size) CHECKED;

/* Appends a copy of `item`: 0 or -ENOMEM. */
#define vec_push(v, item)                                                                          \
    (__extension__({                                                                               \
        void *at_ = (v)->at;                                                                       \
        int r_ = vec_grow(&at_, (v)->len, &(v)->cap, sizeof *(v)->at);                             \
        if (r_ == 0) {                                                                             \
            (v)->at = at_;                                                                         \
            (v)->at[(v)->len++] = (item);                                                          \
        }                                                                                          \
        r_;                                                                                        \
    }))

/* Frees the array, not what its members own. */
#define vec_done(v)                                                                                \
    do {                                                                                           \
        mem_free((v)->at);                                                                         \
        (v)->at = NULL;                                                                            \
        (v)->len = (v)->cap = 0;                                                                   \
    } while (0)

#endif
