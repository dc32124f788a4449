/*
 * A stream of a protocol that is nothing but a header: what goes out before the first write, and what
 * comes in before the first read. Afterwards it is transparent.
 */
#ifndef WEIR_PROTO_PREFACE_H
#define WEIR_PROTO_PREFACE_H

#include "net/stream.h"

enum { PREFACE_ANSWER_MAX = 2 + 255 };

struct preface {
    const char *name;     /* of the stream, for logs; a literal */
    struct bytes header;  /* copied; wiped once it is out */
    /*
     * How long the answer is, as far as its first n octets tell (n may be 0), or -EPROTO. At most
     * PREFACE_ANSWER_MAX. NULL: none is expected.
     */
    ssize_t (*answer)(const uint8_t *p, size_t n);
};

/* The header leaves with the first write (STREAM_HOLDS_HEADER). Consumes `lower`. NULL: out of memory. */
struct stream *preface_stream(struct stream *lower, const struct preface *p) CHECKED;

#endif
