/*
 * Buffers of one size, borrowed from the worker while data is in flight. All that are out count
 * against the instance's ceiling; at the ceiling a borrower waits for another to give back.
 */
#ifndef WEIR_NET_BUFFERS_H
#define WEIR_NET_BUFFERS_H

#include "runtime/loop.h"

enum {
    BUFFER_SIZE = 36 * 1024, /* two full Shadowsocks chunks with their tags, and some headroom */
    BUFFER_SMALL = 4 * 1024, /* what a transfer makes do with when memory is short */
};

/* Ceiling of this worker in bytes; 0 = none. */
void buffers_set_limit(size_t bytes);
/* May park at the ceiling. NULL when memory ran out or the caller was cancelled or timed out. */
void *buffer_get(int64_t deadline) CHECKED;
/* Without parking; NULL at the ceiling. */
void *buffer_try_get(void) CHECKED;
/* Accepts NULL. */
void buffer_put(void *p);

/*
 * For what is held for as long as a peer pleases: data that a slow reader has not taken yet. Never parks, so that a
 * transfer that holds one never waits for another that does. Leaves a part of the ceiling to handshakes; behind that
 * it is a small one from the heap, which belongs to what the ceiling grants the connection. NULL when memory ran out.
 */
void *buffer_lend(size_t *size) CHECKED;
/* Accepts NULL. */
void buffer_settle(void *p, size_t size);
/* For CLEANUP(). */
struct loan {
    void *ptr;
    size_t size;
};
static inline void loan_done(struct loan *l)
{
    buffer_settle(l->ptr, l->size);
}
/* Memory of another kind against the same ceiling: false when it does not fit. */
bool buffers_charge(size_t bytes) CHECKED;
void buffers_discharge(size_t bytes);
bool buffers_have_limit(void);
/* Bytes that are out on this worker. */
size_t buffers_in_use(void);

#endif
