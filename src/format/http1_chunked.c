#include "format/http1_chunked.h"

#include <errno.h>

#include "format/http1.h"

enum state {
    SIZE,        /* hex digits */
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE,        /* first octet of a trailer, or of the last line */
    NAME,
    VALUE,
    TRAILER_LF,
    LAST_LF,
    ENDED,
};

bool http1_chunked_has_ended(const struct http1_chunked *c)
{
    return c->state == ENDED;
}

static int hex_value(uint8_t b)
{
    if (b >= '0' && b <= '9')
        return b - '0';
    b |= 0x20;
    return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

static int take_size(struct http1_chunked *c, uint8_t b)
{
    int digit = hex_value(b);

    if (digit >= 0) {
        /* 15 digits keep the sum far from wrapping, and leading zeros bounded. */
        if (++c->digits > 15)
            return -EMSGSIZE;
        c->left = c->left << 4 | (uint64_t)digit;
        return 0;
    }
    if (c->digits == 0 || (b != '\r' && b != ';'))
        return -EBADMSG;
    c->state = b == '\r' ? SIZE_LF : EXTENSION;
    return 0;
}

static int take_extension(struct http1_chunked *c, uint8_t b)
{
    if (++c->extra > HTTP1_CHUNK_EXT_MAX)
        return -EMSGSIZE;
    if (b == '\r') {
        c->state = SIZE_LF;
        return 0;
    }
    return http1_is_value((struct text){.ptr = (const char *)&b, .len = 1}) ? 0 : -EBADMSG;
}

static int expect(struct http1_chunked *c, uint8_t b, uint8_t wanted, enum state next)
{
    if (b != wanted)
        return -EBADMSG;
    c->state = (uint8_t)next;
    return 0;
}

static void start_chunk(struct http1_chunked *c)
{
    bool is_last = c->left == 0;

    c->digits = 0;
    if (is_last)
        c->extra = 0;
    c->state = is_last ? LINE : DATA;
}

static int take_trailer(struct http1_chunked *c, uint8_t b)
{
    struct text octet = {.ptr = (const char *)&b, .len = 1};

    if (++c->extra > HTTP1_TRAILERS_MAX)
        return -EMSGSIZE;
    if (c->state == LINE && b == '\r') {
        c->state = LAST_LF;
    } else if (c->state == VALUE) {
        if (b == '\r')
            c->state = TRAILER_LF;
        else if (!http1_is_value(octet))
            return -EBADMSG;
    } else if (c->state == NAME && b == ':') {
        c->state = VALUE;
    } else {
        if (!http1_is_token(octet))
            return -EBADMSG;
        c->state = NAME;
    }
    return 0;
}

/* One octet outside of data. */
static int take_octet(struct http1_chunked *c, uint8_t b)
{
    int r = 0;

    switch ((enum state)c->state) {
    case SIZE:
        return take_size(c, b);
    case EXTENSION:
        return take_extension(c, b);
    case SIZE_LF:
        r = expect(c, b, '\n', DATA);
        if (r == 0)
            start_chunk(c);
        return r;
    case DATA_CR:
        return expect(c, b, '\r', DATA_LF);
    case DATA_LF:
        return expect(c, b, '\n', SIZE);
    case LINE:
    case NAME:
    case VALUE:
        return take_trailer(c, b);
    case TRAILER_LF:
        return expect(c, b, '\n', LINE);
    case LAST_LF:
        return expect(c, b, '\n', ENDED);
    case DATA:
    case ENDED:
        break;
    }
    return -EBADMSG;
}

ssize_t http1_chunked_step(struct http1_chunked *c, const void *p, size_t n, struct bytes *data)
{
    const uint8_t *octets = p;
    size_t i = 0;

    *data = (struct bytes){0};
    while (i < n && c->state != DATA && c->state != ENDED) {
        int r = take_octet(c, octets[i]);
        if (r < 0)
            return r;
        i++;
    }
    if (c->state == DATA && i < n) {
        size_t take = min_of(n - i, c->left);
        *data = (struct bytes){.ptr = octets + i, .len = take};
        c->left -= take;
        /* Big chunks pay for their extensions; a flood of empty talk does not get through. */
        c->extra -= (uint32_t)min_of((size_t)c->extra, take);
        if (c->left == 0)
            c->state = DATA_CR;
        i += take;
    }
    return (ssize_t)i;
}

ssize_t http1_chunked_scan(struct http1_chunked *c, const void *p, size_t n)
{
    struct bytes data;
    size_t used = 0;

    while (used < n && !http1_chunked_has_ended(c)) {
        ssize_t r = http1_chunked_step(c, (const uint8_t *)p + used, n - used, &data);
        if (r < 0)
            return r;
        used += (size_t)r;
    }
    return (ssize_t)used;
}
