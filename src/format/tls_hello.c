#include "format/tls_hello.h"

#include <errno.h>

#include "base/wire.h"

enum {
    RECORD_HEADER = 5,
    RECORD_MAX = 16384,
    HANDSHAKE_HEADER = 4,
    CLIENT_HELLO = 1,
    HANDSHAKE = 22,
};

static struct bytes rest_of(struct reader *r)
{
    return read_bytes(r, reader_left(r));
}

/* A vector whose length of `width` octets stands in front. */
static struct bytes read_vector(struct reader *r, size_t width)
{
    return read_bytes(r, read_be(r, width));
}

/* An extension whose body is one vector and nothing else. */
static bool only_vector(struct bytes body, size_t width, struct bytes *out)
{
    struct reader r = reader_of(body.ptr, body.len);

    *out = read_vector(&r, width);
    return !r.failed && reader_left(&r) == 0;
}

static bool u16_vector(struct bytes body, struct bytes *out, size_t width)
{
    return only_vector(body, width, out) && out->len && out->len % 2 == 0;
}

static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] >= 0x7f)
            return false;
    }
    return name.len && name.len <= 255;
}

/* RFC 6066 section 3: a list of (type 1, name <1..65535>), of which only type 0 exists. */
static bool read_sni(struct bytes body, struct tls_hello *h)
{
    struct bytes list;

    if (!only_vector(body, 2, &list) || list.len == 0)
        return false;
    struct reader r = reader_of(list.ptr, list.len);
    while (reader_left(&r) && !r.failed) {
        uint8_t type = read_u8(&r);
        struct bytes name = read_vector(&r, 2);
        if (type != 0)
            continue;
        if (h->sni.len || !is_name(name))
            return false;
        h->sni = (struct text){.ptr = (const char *)name.ptr, .len = name.len};
    }
    return !r.failed;
}

static bool read_alpn(struct bytes body, struct tls_hello *h)
{
    struct bytes list;
    struct text name;

    if (!only_vector(body, 2, &h->alpn) || h->alpn.len == 0)
        return false;
    list = h->alpn;
    while (tls_alpn_next(&list, &name)) {
        if (name.len == 0)
            return false;
    }
    return list.len == 0;
}

static bool read_key_shares(struct bytes body, struct tls_hello *h)
{
    struct bytes list;
    struct tls_key_share share;

    if (!only_vector(body, 2, &h->key_shares)) /* may be empty: it asks for a retry */
        return false;
    list = h->key_shares;
    while (tls_key_share_next(&list, &share)) {
        if (share.key.len == 0)
            return false;
    }
    return list.len == 0;
}

/* Reads what is known; false when its inside is malformed. */
static bool read_known(struct tls_hello *h, uint16_t type, struct bytes body)
{
    switch (type) {
    case TLS_EXT_SERVER_NAME:
        return read_sni(body, h);
    case TLS_EXT_GROUPS:
        return u16_vector(body, &h->groups, 2);
    case TLS_EXT_POINT_FORMATS:
        return only_vector(body, 1, &h->point_formats);
    case TLS_EXT_SIGNATURE_ALGORITHMS:
        return u16_vector(body, &h->signature_algorithms, 2);
    case TLS_EXT_ALPN:
        return read_alpn(body, h);
    case TLS_EXT_VERSIONS:
        return u16_vector(body, &h->versions, 1);
    case TLS_EXT_KEY_SHARE:
        return read_key_shares(body, h);
    case TLS_EXT_ECH:
        h->has_ech = true;
        return true;
    }
    return true;
}

static int read_extensions(struct tls_hello *h, struct bytes block)
{
    struct reader r = reader_of(block.ptr, block.len);
    struct bytes seen;

    while (reader_left(&r)) {
        uint16_t type = read_u16(&r);
        struct bytes body = read_vector(&r, 2);
        if (r.failed)
            return -EBADMSG;
        if (h->extension_count == TLS_HELLO_EXTENSIONS_MAX)
            return -EMSGSIZE;
        if (tls_hello_find(h, type, &seen) || !read_known(h, type, body))
            return -EBADMSG;
        h->extensions[h->extension_count++] = (struct tls_extension){
            .type = type,
            .at = (uint16_t)(body.ptr - h->message.ptr),
            .len = (uint16_t)body.len,
        };
    }
    return 0;
}

static int read_message(struct bytes message, struct tls_hello *out)
{
    struct reader r = reader_of(message.ptr + HANDSHAKE_HEADER, message.len - HANDSHAKE_HEADER);

    *out = (struct tls_hello){.message = message};
    out->legacy_version = read_u16(&r);
    out->random = read_bytes(&r, 32);
    out->session_id = read_vector(&r, 1);
    out->cipher_suites = read_vector(&r, 2);
    out->compression = read_vector(&r, 1);
    if (r.failed || out->session_id.len > 32 || out->cipher_suites.len == 0 ||
        out->cipher_suites.len % 2 || out->compression.len == 0)
        return -EBADMSG;
    if (reader_left(&r) == 0) /* TLS 1.2 and older without any extension */
        return 0;
    struct bytes block = read_vector(&r, 2);
    if (r.failed || reader_left(&r))
        return -EBADMSG;
    return read_extensions(out, block);
}

/* The size of the message that starts here: 0 when its header is not whole, or an error. */
static ssize_t message_size(const uint8_t *p, size_t n)
{
    if (n && p[0] != CLIENT_HELLO)
        return -EPROTO;
    if (n < HANDSHAKE_HEADER)
        return 0;
    size_t size = HANDSHAKE_HEADER + ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
    return size > TLS_HELLO_MAX ? -EMSGSIZE : (ssize_t)size;
}

ssize_t tls_hello_read(struct bytes in, struct tls_hello *out)
{
    ssize_t size = message_size(in.ptr, in.len);

    if (size <= 0 || in.len < (size_t)size)
        return size < 0 ? size : 0;
    int r = read_message((struct bytes){.ptr = in.ptr, .len = (size_t)size}, out);
    return r < 0 ? r : size;
}

/*
 * The next record's fragment: 1, 0 (its header is not whole), or an error. Only what is there
 * of the fragment is given: an end of *in inside it shows as a short `out`.
 */
static int next_fragment(struct bytes *in, struct bytes *out)
{
    const uint8_t *p = in->ptr;
    static const uint8_t start[] = {HANDSHAKE, 3};

    for (size_t i = 0; i < sizeof(start) && i < in->len; i++) {
        if (p[i] != start[i])
            return -EPROTO;
    }
    if (in->len >= 3 && p[2] > 4)
        return -EPROTO;
    if (in->len < RECORD_HEADER)
        return 0;
    size_t size = (size_t)p[3] << 8 | p[4];
    /* RFC 8446 5.1: no empty handshake fragments. */
    if (size == 0 || size > RECORD_MAX)
        return -EPROTO;
    *out = (struct bytes){.ptr = p + RECORD_HEADER, .len = min_of(size, in->len - RECORD_HEADER)};
    in->ptr += RECORD_HEADER + out->len;
    in->len -= RECORD_HEADER + out->len;
    return 1;
}

/* Copies the fragments of `in` until `scratch` holds `size` octets, or until `in` ends. */
static ssize_t join(struct bytes in, uint8_t *scratch, size_t size, size_t *joined)
{
    struct bytes all = in, part;

    *joined = 0;
    for (size_t records = 0; *joined < size; records++) {
        int r = next_fragment(&in, &part);
        /* A stranger inside a handshake is no other protocol any more. */
        if (r <= 0)
            return records && r < 0 ? -EBADMSG : r;
        if (records == TLS_HELLO_RECORDS_MAX)
            return -EMSGSIZE;
        size_t take = min_of(part.len, size - *joined);
        memcpy(scratch + *joined, part.ptr, take);
        *joined += take;
    }
    return (ssize_t)(all.len - in.len);
}

ssize_t tls_hello_read_records(struct bytes in, uint8_t *scratch, struct tls_hello *out)
{
    struct bytes rest = in, first;
    size_t joined;
    int got = next_fragment(&rest, &first);

    if (got <= 0)
        return got;
    ssize_t size = tls_hello_read(first, out);
    if (size < 0)
        return size;
    size_t record = (size_t)in.ptr[3] << 8 | in.ptr[4];
    if (size > 0) /* the usual case: whole in one record, nothing is copied */
        return first.len == record ? (ssize_t)(RECORD_HEADER + record) : 0;
    if (first.len < record)
        return 0;
    ssize_t used = join(in, scratch, HANDSHAKE_HEADER, &joined);
    if (used <= 0)
        return used;
    size = message_size(scratch, joined);
    if (size < 0)
        return size;
    used = join(in, scratch, (size_t)size, &joined);
    if (used <= 0)
        return used;
    int r = read_message((struct bytes){.ptr = scratch, .len = joined}, out);
    return r < 0 ? r : used;
}

struct bytes tls_hello_extension(const struct tls_hello *h, size_t i)
{
    return (struct bytes){.ptr = h->message.ptr + h->extensions[i].at, .len = h->extensions[i].len};
}

bool tls_hello_find(const struct tls_hello *h, uint16_t type, struct bytes *out)
{
    for (size_t i = 0; i < h->extension_count; i++) {
        if (h->extensions[i].type != type)
            continue;
        *out = tls_hello_extension(h, i);
        return true;
    }
    return false;
}

bool tls_u16_has(struct bytes list, uint16_t value)
{
    for (size_t i = 0; i < list.len / 2; i++) {
        if (tls_u16_at(list, i) == value)
            return true;
    }
    return false;
}

bool tls_alpn_next(struct bytes *list, struct text *out)
{
    struct reader r = reader_of(list->ptr, list->len);
    struct bytes name = read_vector(&r, 1);

    if (r.failed)
        return false;
    *out = (struct text){.ptr = (const char *)name.ptr, .len = name.len};
    *list = rest_of(&r);
    return true;
}

bool tls_key_share_next(struct bytes *list, struct tls_key_share *out)
{
    struct reader r = reader_of(list->ptr, list->len);
    struct tls_key_share share = {.group = read_u16(&r)};

    share.key = read_vector(&r, 2);
    if (r.failed)
        return false;
    *out = share;
    *list = rest_of(&r);
    return true;
}

bool tls_is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

uint16_t tls_hello_version(const struct tls_hello *h)
{
    uint16_t best = 0;

    for (size_t i = 0; i < h->versions.len / 2; i++) {
        uint16_t version = tls_u16_at(h->versions, i);
        if (version > best && !tls_is_grease(version))
            best = version;
    }
    return best ? best : h->legacy_version;
}
