#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "crypto/aes.h"
#include "net/buffers.h"
#include "net/gather.h"
#include "proto/shadowsocks/stream.h"
#include "proto/shadowsocks/wire.h"

static size_t room_of(const struct writer *w)
{
    return (size_t)(w->end - w->at);
}

/* Seals n octets that the caller has put at `plain`, which lies in `w`'s room. */
static int seal_here(struct ss_stream *s, uint8_t *plain, size_t n)
{
    return plain ? ss_cipher_seal(&s->out, plain, n, plain) : -EMSGSIZE;
}

/* ---- chunks ------------------------------------------------------------------------------- */

static int put_payload(struct ss_stream *s, struct writer *w, struct gather *g, size_t n)
{
    uint8_t *room = write_room(w, n + SS_TAG);

    if (!room)
        return -EMSGSIZE;
    const uint8_t *from = gather_take(g, n, room);
    return ss_cipher_seal(&s->out, from, n, room);
}

static int put_length(struct ss_stream *s, struct writer *w, size_t n)
{
    uint8_t *room = write_room(w, SS_LENGTH_RECORD);

    if (room) {
        room[0] = (uint8_t)(n >> 8);
        room[1] = (uint8_t)n;
    }
    return seal_here(s, room, 2);
}

/* As many chunks as fit. */
static int put_chunks(struct ss_stream *s, struct writer *w, struct gather *g)
{
    size_t max = s->method->edition == SS_2022 ? SS_CHUNK_2022 : SS_CHUNK_CLASSIC;

    while (g->left && room_of(w) > SS_LENGTH_RECORD + SS_TAG) {
        size_t n = min_of(min_of(g->left, max), room_of(w) - SS_LENGTH_RECORD - SS_TAG);
        int r = put_length(s, w, n);
        if (r == 0)
            r = put_payload(s, w, g, n);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- the first write ---------------------------------------------------------------------- */

/* Starts the outgoing direction with a new salt. */
static int put_salt(struct ss_stream *s, struct writer *w)
{
    uint8_t *salt = write_room(w, s->method->key_size);

    if (!salt)
        return -EMSGSIZE;
    rnd_bytes(salt, s->method->key_size);
    if (s->filter)
        (void)salt_filter_add(s->filter, (struct bytes){salt, s->method->key_size});
    if (!s->is_server)
        memcpy(s->salt, salt, s->method->key_size);
    return ss_cipher_init(&s->out, s->method, s->key, salt);
}

/* One identity header for each key but the last (SIP023). */
static int put_identities(struct ss_stream *s, struct writer *w)
{
    for (size_t i = 0; i + 1 < s->keys->count; i++) {
        struct ss_key subkey;
        struct aes_block aes = {0};
        uint8_t *room = write_room(w, SS_IDENTITY);
        if (!room)
            return -EMSGSIZE;
        ss_identity_key(s->method, &s->keys->key[i], s->salt, &subkey);
        int r = aes_block_encryptor(&aes, subkey.at, s->method->key_size);
        mem_wipe(&subkey, sizeof subkey);
        if (r < 0)
            return r;
        ss_key_hash(s->method, &s->keys->key[i + 1], room);
        aes_block_run(&aes, room, room, 1);
        aes_block_done(&aes);
    }
    return 0;
}

/* | salt | identities | type, time, length + tag | address, padding, payload + tag | */
static int put_request_2022(struct ss_stream *s, struct writer *w, struct gather *g)
{
    int r = put_salt(s, w);

    if (r == 0)
        r = put_identities(s, w);
    if (r < 0)
        return r;
    size_t padding = g->left < SS_PADDING_MAX ? 1 + (size_t)rnd_below(SS_PADDING_MAX) : 0;
    size_t head = socksaddr_size(s->dest) + 2 + padding;
    size_t payload = min_of(g->left, room_of(w) - (SS_REQUEST_FIXED + SS_TAG + head + SS_TAG));
    uint8_t *fixed = w->at;
    ss_request_fixed_write(w, clock_unix(), head + payload);
    (void)write_room(w, SS_TAG);
    r = seal_here(s, w->failed ? NULL : fixed, SS_REQUEST_FIXED);
    if (r < 0)
        return r;
    uint8_t *second = w->at;
    ss_request_write(w, s->dest, padding);
    uint8_t *room = write_room(w, payload + SS_TAG);
    if (room)
        gather_copy(g, room, payload);
    return seal_here(s, room ? second : NULL, head + payload);
}

/* | salt | length + tag | address, payload + tag | */
static int put_request_classic(struct ss_stream *s, struct writer *w, struct gather *g)
{
    size_t head = socksaddr_size(s->dest);
    int r = put_salt(s, w);
    size_t payload = min_of(min_of(g->left, SS_CHUNK_CLASSIC - head), room_of(w) - (SS_LENGTH_RECORD + head + SS_TAG));

    if (r == 0)
        r = put_length(s, w, head + payload);
    if (r < 0)
        return r;
    uint8_t *first = w->at;
    socksaddr_write(w, &socksaddr_socks5, s->dest);
    uint8_t *room = write_room(w, payload + SS_TAG);
    if (room)
        gather_copy(g, room, payload);
    return seal_here(s, room ? first : NULL, head + payload);
}

/* | salt | type, time, salt of the request, length + tag | payload + tag | */
static int put_response_2022(struct ss_stream *s, struct writer *w, struct gather *g)
{
    int r = put_salt(s, w);

    if (r < 0)
        return r;
    size_t head = ss_response_size(s->method);
    size_t payload = min_of(g->left, room_of(w) - (head + 2 * SS_TAG));
    uint8_t *fixed = w->at;
    ss_response_write(w, clock_unix(), (struct bytes){s->salt, s->method->key_size}, payload);
    (void)write_room(w, SS_TAG);
    r = seal_here(s, w->failed ? NULL : fixed, head);
    return r < 0 ? r : put_payload(s, w, g, payload);
}

static int put_start(struct ss_stream *s, struct writer *w, struct gather *g)
{
    if (!s->is_server)
        return s->method->edition == SS_2022 ? put_request_2022(s, w, g) : put_request_classic(s, w, g);
    return s->method->edition == SS_2022 ? put_response_2022(s, w, g) : put_salt(s, w);
}

static void started(struct ss_stream *s)
{
    s->has_sent = true;
    s->stream.flags &= ~(unsigned)STREAM_HOLDS_HEADER;
    mem_free(s->dest);
    s->dest = NULL;
}

int ss_stream_writev(struct stream *stream, const struct iovec *iov, int count)
{
    struct ss_stream *s = container_of(stream, struct ss_stream, stream);
    struct gather g = gather_of(iov, count);

    if (g.left == 0 && (s->has_sent || s->is_server))
        return 0;
    CLEANUP(loan_done) struct loan buf = {0};
    buf.ptr = buffer_lend(&buf.size);
    if (!buf.ptr)
        return -ENOMEM;
    do {
        struct writer w = writer_of(buf.ptr, buf.size);
        int r = s->has_sent ? 0 : put_start(s, &w, &g);
        if (r == 0)
            r = put_chunks(s, &w, &g);
        if (r < 0)
            return r;
        if (!s->has_sent)
            started(s);
        r = stream_write(stream->lower, buf.ptr, writer_len(&w));
        if (r < 0)
            return r;
    } while (g.left);
    return 0;
}
