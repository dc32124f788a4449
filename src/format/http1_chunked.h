/*
 * The chunked coding (RFC 9112 section 7.1), as a state machine that is fed as octets arrive:
 * to find the end of a body that passes through verbatim, or to take the coding off.
 *
 *   size in hex [;extension] CR LF  octets CR LF  ...  0 [;extension] CR LF  *(trailer CR LF)  CR LF
 */
#ifndef WEIR_FORMAT_HTTP1_CHUNKED_H
#define WEIR_FORMAT_HTTP1_CHUNKED_H

#include "base/text.h"

enum {
    HTTP1_CHUNK_EXT_MAX = 4096,  /* extensions of all chunks since data last flowed */
    HTTP1_TRAILERS_MAX = 16384,
};

/* Zero it at the start of a body. */
struct http1_chunked {
    uint8_t state;
    uint8_t digits;
    uint32_t extra;  /* octets of extensions, or of trailers */
    uint64_t left;   /* of the chunk */
};

/*
 * Takes the next piece: up to `n` octets, ending early where data ends. Returns how many were
 * taken (0 only when n is 0 or the body has ended) or -EBADMSG or -EMSGSIZE. `data` is what of
 * it is the body's data; it may be empty.
 */
ssize_t http1_chunked_step(struct http1_chunked *c, const void *p, size_t n, struct bytes *data) CHECKED;

/* Takes all that belongs to the body, data or not, and returns how many octets that is. */
ssize_t http1_chunked_scan(struct http1_chunked *c, const void *p, size_t n) CHECKED;

bool http1_chunked_has_ended(const struct http1_chunked *c);

#endif
