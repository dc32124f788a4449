/*
 * Bounded reading and writing of bytes. A reader or writer that ran out of room is marked
 * failed, gives zeros and stays failed, so that a parser checks once, at its end.
 */
#ifndef WEIR_BASE_WIRE_H
#define WEIR_BASE_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct reader reader_of(const void *p, size_t n)
{
    /* Not even nothing may be added to NULL, which is a fine empty input. */
    return (struct reader){.at = p, .end = n ? (const uint8_t *)p + n : p};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* The next n bytes as a view, or an empty one. */
static inline struct bytes read_bytes(struct reader *r, size_t n)
{
    if (r->failed || reader_left(r) < n) {
        r->failed = true;
        return (struct bytes){0};
    }
    if (n == 0)
        return (struct bytes){.ptr = r->at};
    r->at += n;
    return (struct bytes){.ptr = r->at - n, .len = n};
}

static inline void read_copy(struct reader *r, void *out, size_t n)
{
    struct bytes b = read_bytes(r, n);

    if (b.ptr)
        memcpy(out, b.ptr, n);
    else
        memset(out, 0, n);
}

static inline uint64_t read_be(struct reader *r, size_t n)
{
    struct bytes b = read_bytes(r, n);
    uint64_t v = 0;

    for (size_t i = 0; i < b.len; i++)
        v = v << 8 | b.ptr[i];
    return v;
}

static inline uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_be(r, 1);
}

static inline uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_be(r, 2);
}

static inline uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_be(r, 4);
}

static inline uint64_t read_u64(struct reader *r)
{
    return read_be(r, 8);
}

/* A reader over the next n bytes of `r`. */
static inline struct reader read_sub(struct reader *r, size_t n)
{
    struct bytes b = read_bytes(r, n);
    struct reader sub = reader_of(b.ptr, b.len);

    sub.failed = r->failed;
    return sub;
}

/* `p` may be NULL, for want of memory: then there is no room. */
static inline struct writer writer_of(void *p, size_t n)
{
    return (struct writer){.start = p, .at = p, .end = p ? (uint8_t *)p + n : NULL};
}

static inline size_t writer_len(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

/* Room for n bytes that the caller fills, or NULL. */
static inline uint8_t *write_room(struct writer *w, size_t n)
{
    if (w->failed || (size_t)(w->end - w->at) < n) {
        w->failed = true;
        return NULL;
    }
    if (n == 0)
        return w->at;
    w->at += n;
    return w->at - n;
}

static inline void write_bytes(struct writer *w, const void *p, size_t n)
{
    uint8_t *room = write_room(w, n);

    if (room && n)
        memcpy(room, p, n);
}

static inline void write_be(struct writer *w, uint64_t v, size_t n)
{
    uint8_t *room = write_room(w, n);

    if (!room)
        return;
    for (size_t i = n; i > 0; i--, v >>= 8)
        room[i - 1] = (uint8_t)v;
}

static inline void write_u8(struct writer *w, uint8_t v)
{
    write_be(w, v, 1);
}

static inline void write_u16(struct writer *w, uint16_t v)
{
    write_be(w, v, 2);
}

static inline void write_u32(struct writer *w, uint32_t v)
{
    write_be(w, v, 4);
}

static inline void write_u64(struct writer *w, uint64_t v)
{
    write_be(w, v, 8);
}

#endif
