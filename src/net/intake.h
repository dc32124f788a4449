/*
 * Bytes that a layer has read from the stream below and not used yet. The buffer is borrowed
 * while there are any and given back with the last one, so that an idle layer holds none.
 */
#ifndef WEIR_NET_INTAKE_H
#define WEIR_NET_INTAKE_H

#include "net/stream.h"

enum {
    INTAKE_MAX = 68 * 1024, /* the largest record of any protocol: 64 KiB and its framing */
};

struct intake {
    uint8_t *ptr;   /* NULL: none borrowed */
    uint32_t start; /* of what is unused */
    uint32_t end;
    uint32_t size;  /* as lent, or more on the heap for a record that needs it */
    struct stream *lower;
};

/* The object must not move afterwards. Borrows nothing yet. */
void intake_init(struct intake *in, struct stream *lower);
/* Gives the buffer back. `lower` stays the caller's. */
void intake_done(struct intake *in);

static inline size_t intake_len(const struct intake *in)
{
    return in->end - in->start;
}

static inline uint8_t *intake_at(const struct intake *in)
{
    return in->ptr + in->start;
}

/* The first n bytes were used; with the last one the buffer goes back. */
void intake_drop(struct intake *in, size_t n);

/*
 * Reads once from the lower stream, with room for at least `want` bytes in all: > 0, 0 at its
 * end, -EAGAIN, or the failure. Bytes may move. Never parks.
 */
ssize_t intake_fill(struct intake *in, size_t want) CHECKED;
/* The same, but parks instead of -EAGAIN, until the lower stream's deadline: for handshakes. */
ssize_t intake_fill_wait(struct intake *in, size_t want) CHECKED;

#endif
