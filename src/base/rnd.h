/* Random numbers from the kernel, fit for keys; small requests are served from a buffer. */
#ifndef WEIR_BASE_RND_H
#define WEIR_BASE_RND_H

#include <stddef.h>
#include <stdint.h>

void rnd_bytes(void *out, size_t n);
uint64_t rnd_u64(void);
/* Uniform in 0 .. limit - 1; limit is not 0. */
uint64_t rnd_below(uint64_t limit);

#endif
