/*
 * Which packet numbers were seen, for protocols whose packets may come late or twice. A number
 * is asked for before its packet is verified, and added only after.
 */
#ifndef WEIR_CRYPTO_WINDOW_H
#define WEIR_CRYPTO_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define WINDOW_WORDS 32
/* How far a packet may come behind the newest. One word of the ring is being cleared. */
#define WINDOW_SIZE ((WINDOW_WORDS - 1) * 64)

/* All zero is the empty window. */
struct window {
    uint64_t newest;
    uint64_t seen[WINDOW_WORDS];
};

/* Neither seen nor too old. */
bool window_allows(const struct window *w, uint64_t number);
/* Marks it as seen; false, with no change, if window_allows() says no. */
bool window_add(struct window *w, uint64_t number) CHECKED;

#endif
