/*
 * Buffers of one size, borrowed from the worker while data is in flight. All that are out count
 * against the instance's ceiling; at the ceiling a borrower waits for another to give back.
 */
#ifndef WEIR_NET_BUFFERS_H
#define WEIR_NET_BUFFERS_H

#include "runtime/loop.h"

enum {
    BUFFER_SIZE = 36 * 1024, /* two full Shadowsocks chunks with their tags, and some headroom */
};

/* Ceiling of this worker in bytes; 0 = none. */
void buffers_set_limit(size_t bytes);
/* May park at the ceiling. NULL when memory ran out or the caller was cancelled or timed out. */
void *buffer_get(int64_t deadline) CHECKED;
/* Without parking; NULL at the ceiling. */
void *buffer_try_get(void) CHECKED;
/* Accepts NULL. */
void buffer_put(void *p);
/* Bytes that are out on this worker. */
size_t buffers_in_use(void);

#endif
