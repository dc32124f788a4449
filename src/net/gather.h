/* What is left of an iovec: for layers that cut what they are given into records. */
#ifndef WEIR_NET_GATHER_H
#define WEIR_NET_GATHER_H

#include <string.h>
#include <sys/uio.h>

#include "base/attr.h"

struct gather {
    const struct iovec *iov;
    size_t used; /* of the first one */
    size_t left;
};

static inline struct gather gather_of(const struct iovec *iov, int count)
{
    struct gather g = {.iov = iov};

    for (int i = 0; i < count; i++)
        g.left += iov[i].iov_len;
    return g;
}

/* Where the next octet lies, and how many lie there; something is left. */
static inline const uint8_t *gather_at(struct gather *g, size_t *n)
{
    while (g->used == g->iov->iov_len) {
        g->iov++;
        g->used = 0;
    }
    *n = g->iov->iov_len - g->used;
    return (const uint8_t *)g->iov->iov_base + g->used;
}

/* n is not more than what is left. */
static inline void gather_copy(struct gather *g, uint8_t *out, size_t n)
{
    g->left -= n;
    while (n) {
        size_t here;
        const uint8_t *at = gather_at(g, &here);
        here = here < n ? here : n;
        memcpy(out, at, here);
        out += here;
        n -= here;
        g->used += here;
    }
}

/* The next n > 0 octets in one piece: where they are, or copied to `room`. */
static inline const uint8_t *gather_take(struct gather *g, size_t n, uint8_t *room)
{
    size_t here;
    const uint8_t *at = gather_at(g, &here);

    if (here < n) {
        gather_copy(g, room, n);
        return room;
    }
    g->used += n;
    g->left -= n;
    return at;
}

#endif
