#include "proto/shadowsocks/accept.h"

#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/aes.h"
#include "proto/shadowsocks/plain.h"
#include "proto/shadowsocks/stream.h"
#include "proto/shadowsocks/wire.h"

int ss_memory_init(struct ss_memory *m, enum ss_edition edition)
{
    *m = (struct ss_memory){0};
    switch (edition) {
    case SS_PLAIN:
        return 0;
    case SS_CLASSIC:
        m->filter = salt_filter_new();
        return m->filter ? 0 : -ENOMEM;
    case SS_2022:
        m->cache = salt_cache_new(SS_SALTS_MAX, SS_SALT_KEEP_MS);
        return m->cache ? 0 : -ENOMEM;
    }
    return -EINVAL;
}

void ss_memory_done(struct ss_memory *m)
{
    if (m->filter)
        salt_filter_free(m->filter);
    if (m->cache)
        salt_cache_free(m->cache);
}

/* One who asks, and what is known of it so far. */
struct guest {
    struct ss_ring *ring;
    struct ss_memory *memory;
    const struct addr *source;
    struct ss_stream *stream;
    struct ss_request *request;
};

static int fill_to(struct ss_stream *s, size_t want)
{
    while (intake_len(&s->intake) < want) {
        ssize_t n = intake_fill_wait(&s->intake, want);
        if (n <= 0)
            return n < 0 ? (int)n : -EPIPE;
    }
    return 0;
}

/* ---- classic ------------------------------------------------------------------------------ */

struct trial {
    const struct ss_method *method;
    struct ss_cipher *cipher;
    const uint8_t *at; /* salt and first length record */
    int failure;       /* ours, not the peer's: no memory for a cipher */
};

static bool opens(void *arg, const struct ss_key *key)
{
    struct trial *t = arg;
    uint8_t length[2];

    ss_cipher_done(t->cipher);
    int r = ss_cipher_init(t->cipher, t->method, key, t->at);
    if (r == 0)
        r = ss_cipher_open(t->cipher, t->at + t->method->key_size, SS_LENGTH_RECORD, length);
    if (r < 0 && r != -EBADMSG)
        t->failure = r;
    return r == 0;
}

static int accept_classic(struct guest *g)
{
    struct ss_stream *s = g->stream;
    const struct ss_method *m = s->method;

    int r = fill_to(s, m->key_size + SS_LENGTH_RECORD);
    if (r < 0)
        return r;
    struct bytes salt = {intake_at(&s->intake), m->key_size};
    struct trial trial = {.method = m, .cipher = &s->in, .at = salt.ptr};
    g->request->user = ss_ring_try(g->ring, g->source, opens, &trial);
    if (!g->request->user)
        return trial.failure ? trial.failure : -EBADMSG;
    /* Only salts of those who have a key are kept: a stranger cannot fill the filter. */
    r = salt_filter_add(g->memory->filter, salt);
    if (r < 0)
        return r;
    s->in.count = 0; /* the length is read again, in its turn */
    s->phase = SS_READ_LENGTH;
    s->key = &g->request->user->key;
    s->filter = g->memory->filter;
    intake_drop(&s->intake, m->key_size);
    return ss_read_address(&s->stream, &g->request->dest);
}

/* ---- 2022 --------------------------------------------------------------------------------- */

/* | salt | identity 16 | ...: the identity is AES(identity subkey, hash of the user's key) */
static int identify(struct guest *g)
{
    const struct ss_method *m = g->ring->method;
    const uint8_t *salt = intake_at(&g->stream->intake);
    struct aes_block aes = {0};
    struct ss_key subkey;
    uint8_t hash[SS_IDENTITY];

    if (!g->ring->has_identity) {
        g->request->user = &g->ring->users[0];
        return 0;
    }
    ss_identity_key(m, &g->ring->key, salt, &subkey);
    int r = aes_block_decryptor(&aes, subkey.at, m->key_size);
    mem_wipe(&subkey, sizeof subkey);
    if (r < 0)
        return r;
    aes_block_run(&aes, salt + m->key_size, hash, 1);
    aes_block_done(&aes);
    g->request->user = ss_ring_find(g->ring, hash);
    return g->request->user ? 0 : -EBADMSG;
}

/* The fixed head; its salt is then known to be new. */
static int read_fixed(struct guest *g, size_t at, uint16_t *length)
{
    struct ss_stream *s = g->stream;
    const uint8_t *salt = intake_at(&s->intake);
    uint8_t head[SS_REQUEST_FIXED];

    int r = ss_cipher_init(&s->in, s->method, &g->request->user->key, salt);
    if (r == 0)
        r = ss_cipher_open(&s->in, salt + at, sizeof head + SS_TAG, head);
    if (r < 0)
        return r;
    struct reader reader = reader_of(head, sizeof head);
    r = ss_request_fixed_read(&reader, clock_unix(), length);
    if (r < 0)
        return r;
    memcpy(s->salt, salt, s->method->key_size);
    return salt_cache_add(g->memory->cache, (struct bytes){salt, s->method->key_size}, (uint64_t)clock_ms());
}

/* The head with the address; what is left of it is the first payload. */
static int read_second(struct guest *g, uint16_t length)
{
    struct ss_stream *s = g->stream;

    int r = fill_to(s, (size_t)length + SS_TAG);
    if (r < 0)
        return r;
    uint8_t *head = intake_at(&s->intake);
    r = ss_cipher_open(&s->in, head, (size_t)length + SS_TAG, head);
    if (r < 0)
        return r;
    struct reader reader = reader_of(head, length);
    r = ss_request_read(&reader, &g->request->dest);
    if (r < 0)
        return r;
    size_t left = reader_left(&reader);
    s->chunk = (uint32_t)left;
    s->phase = left ? SS_READ_PLAIN : SS_READ_LENGTH;
    intake_drop(&s->intake, left ? length - left : (size_t)length + SS_TAG);
    return 0;
}

/* For a relay: the client's bytes without the first identity header, for the next server. */
static int strip_identity(struct ss_stream *s)
{
    uint8_t *start = intake_at(&s->intake);
    size_t salt = s->method->key_size;

    memmove(start + SS_IDENTITY, start, salt);
    s->intake.start += SS_IDENTITY;
    return 0;
}

static int accept_2022(struct guest *g)
{
    struct ss_stream *s = g->stream;
    size_t identity = s->method->key_size + (g->ring->has_identity ? (size_t)SS_IDENTITY : 0);
    size_t start = identity + SS_REQUEST_FIXED + SS_TAG;
    uint16_t length;

    /* One read and no more: whoever sends less at first is not a client (SIP022, 3.1.3). */
    ssize_t n = intake_fill_wait(&s->intake, start);
    if (n <= 0)
        return n < 0 ? (int)n : -EPIPE;
    if (intake_len(&s->intake) < start)
        return -EPROTO;
    int r = identify(g);
    if (r < 0)
        return r;
    if (g->ring->is_relay) {
        g->request->dest = g->request->user->target;
        return strip_identity(s);
    }
    r = read_fixed(g, identity, &length);
    if (r < 0)
        return r;
    s->key = &g->request->user->key;
    s->intake.start += (uint32_t)start; /* may leave it empty: read_second() wants more at once */
    return read_second(g, length);
}

/* What a relay has read goes on as it came. NULL, with the lower stream closed, when memory ran out. */
static struct stream *relay_stream(struct ss_stream *s)
{
    struct stream *lower = s->stream.lower;
    struct stream *out = stream_replay(lower, intake_at(&s->intake), intake_len(&s->intake));

    ss_server_stream_drop(s);
    return out;
}

/* ---- both --------------------------------------------------------------------------------- */

static int accept_plain(struct stream *lower, struct ss_request *request, struct stream **out)
{
    int r = ss_read_address(lower, &request->dest);

    if (r == 0)
        *out = lower;
    return r;
}

int ss_accept(struct ss_ring *ring, struct ss_memory *memory, const struct addr *source, struct stream *lower,
              struct ss_request *request, struct stream **out)
{
    *request = (struct ss_request){.user = ring->users};
    if (ring->method->edition == SS_PLAIN)
        return accept_plain(lower, request, out);
    struct ss_stream *s = ss_server_stream(lower, ring->method);
    if (!s)
        return -ENOMEM;
    struct guest g = {.ring = ring, .memory = memory, .source = source, .stream = s, .request = request};
    int r = ring->method->edition == SS_2022 ? accept_2022(&g) : accept_classic(&g);
    if (r < 0) {
        ss_server_stream_drop(s);
        return r;
    }
    *out = ring->is_relay ? relay_stream(s) : &s->stream;
    return 0;
}

void ss_silence(struct stream *lower)
{
    uint8_t away[1024];
    struct stream *bottom = stream_bottom(lower);

    /* Without a deadline a prober could keep the connection for ever. */
    if (bottom->deadline == NEVER)
        stream_set_deadline(lower, loop_now() + SS_SALT_KEEP_MS);
    while (stream_read(bottom, away, sizeof away) > 0)
        continue;
    stream_close(lower);
}
