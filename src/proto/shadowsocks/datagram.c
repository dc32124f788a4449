#include "proto/shadowsocks/datagram.h"

#include <errno.h>

#include "base/mem.h"
#include "base/rnd.h"

enum { XNONCE = 24 };

static const uint8_t zero_nonce[AEAD_MAX_NONCE_SIZE];

/* Grows the datagram to the front: where the n octets go. The room is promised by struct datagram. */
static uint8_t *push(struct datagram *d, size_t n)
{
    d->ptr -= n;
    d->len += n;
    return d->ptr;
}

static void pull(struct datagram *d, size_t n)
{
    d->ptr += n;
    d->len -= n;
}

static void push_address(struct datagram *d)
{
    size_t n = socksaddr_size(&d->peer);
    struct writer w = writer_of(push(d, n), n);

    socksaddr_write(&w, &socksaddr_socks5, &d->peer);
}

static int pull_address(struct datagram *d)
{
    struct reader r = reader_of(d->ptr, d->len);
    ssize_t n = socksaddr_read(&r, &socksaddr_socks5, &d->peer);

    if (n <= 0)
        return -EPROTO;
    pull(d, (size_t)n);
    return 0;
}

/* ---- classic ------------------------------------------------------------------------------ */

static int packet_aead(const struct ss_method *m, const struct ss_key *k, struct bytes salt, struct aead *out)
{
    struct ss_key subkey;

    ss_session_key(m, k, salt, &subkey);
    int r = aead_init(out, m->aead, subkey.at);
    mem_wipe(&subkey, sizeof subkey);
    return r;
}

int ss_classic_seal(const struct ss_method *m, const struct ss_key *k, struct datagram *d)
{
    uint8_t salt[SS_SALT_MAX];
    struct aead a = {0};

    push_address(d);
    if (m->edition == SS_PLAIN)
        return 0;
    rnd_bytes(salt, m->key_size);
    int r = packet_aead(m, k, (struct bytes){salt, m->key_size}, &a);
    if (r == 0)
        r = aead_seal(&a, zero_nonce, (struct bytes){0}, d->ptr, d->len, d->ptr);
    aead_done(&a);
    if (r < 0)
        return r;
    d->len += SS_TAG;
    memcpy(push(d, m->key_size), salt, m->key_size);
    return 0;
}

static int open_to(const struct ss_method *m, const struct ss_key *k, const struct datagram *d, uint8_t *out)
{
    struct aead a = {0};

    if (d->len < m->key_size + SS_TAG)
        return -EPROTO;
    int r = packet_aead(m, k, (struct bytes){d->ptr, m->key_size}, &a);
    if (r == 0)
        r = aead_open(&a, zero_nonce, (struct bytes){0}, d->ptr + m->key_size, d->len - m->key_size, out);
    aead_done(&a);
    return r;
}

bool ss_classic_fits(const struct ss_method *m, const struct ss_key *k, const struct datagram *d, uint8_t *scratch)
{
    return open_to(m, k, d, scratch) == 0;
}

int ss_classic_open(const struct ss_method *m, const struct ss_key *k, struct datagram *d)
{
    if (m->edition == SS_PLAIN)
        return pull_address(d);
    int r = open_to(m, k, d, d->ptr + m->key_size);
    if (r < 0)
        return r;
    d->len -= SS_TAG;
    pull(d, m->key_size);
    return pull_address(d);
}

/* ---- 2022, AES ---------------------------------------------------------------------------- */

void ss_separate_write(const struct ss_packet_name *name, uint8_t *out)
{
    struct writer w = writer_of(out, SS_SEPARATE);

    write_bytes(&w, name->session, SS_SESSION_ID);
    write_u64(&w, name->number);
}

static void read_name(struct reader *r, struct ss_packet_name *out)
{
    read_copy(r, out->session, SS_SESSION_ID);
    out->number = read_u64(r);
}

int ss_separate_read(struct aes_block *key, const struct datagram *d, struct ss_packet_name *out)
{
    uint8_t plain[SS_SEPARATE];

    if (d->len < SS_SEPARATE + SS_TAG)
        return -EPROTO;
    aes_block_run(key, d->ptr, plain, 1);
    struct reader r = reader_of(plain, sizeof plain);
    read_name(&r, out);
    return 0;
}

int ss_identity_read(struct aes_block *key, const struct datagram *d, const struct ss_packet_name *name,
                     uint8_t *hash)
{
    uint8_t separate[SS_SEPARATE];

    if (d->len < SS_SEPARATE + SS_IDENTITY + SS_TAG)
        return -EPROTO;
    aes_block_run(key, d->ptr + SS_SEPARATE, hash, 1);
    ss_separate_write(name, separate);
    for (size_t i = 0; i < SS_IDENTITY; i++)
        hash[i] ^= separate[i];
    return 0;
}

/* The nonce is octets 4 to 16 of the plain separate header. */
static int open_body(struct aead *a, const struct ss_body *b, struct datagram *d)
{
    uint8_t separate[SS_SEPARATE];

    if (d->len < b->skip + SS_TAG)
        return -EPROTO;
    ss_separate_write(b->name, separate);
    pull(d, b->skip);
    int r = aead_open(a, separate + 4, (struct bytes){0}, d->ptr, d->len, d->ptr);
    if (r == 0)
        d->len -= SS_TAG;
    return r;
}

static int pull_head(const struct ss_body *b, struct datagram *d)
{
    struct reader r = reader_of(d->ptr, d->len);
    int error = ss_datagram_read(&r, b->now, b->client, &d->peer);

    if (error < 0)
        return error;
    pull(d, d->len - reader_left(&r));
    return 0;
}

int ss_body_open(struct aead *a, const struct ss_body *b, struct datagram *d)
{
    int r = open_body(a, b, d);

    return r < 0 ? r : pull_head(b, d);
}

static int push_head(const struct ss_body *b, size_t before, struct datagram *d)
{
    size_t n = ss_datagram_head_size(b->client, &d->peer);
    struct dest peer = d->peer;

    if (before + n > DATAGRAM_HEADROOM)
        return -EMSGSIZE;
    struct writer w = writer_of(push(d, n), n);
    ss_datagram_write(&w, b->now, b->client, &peer);
    return w.failed ? -EMSGSIZE : 0;
}

/* `skip` is what the caller will put in front. */
int ss_body_seal(struct aead *a, const struct ss_body *b, struct datagram *d)
{
    uint8_t separate[SS_SEPARATE];
    int r = push_head(b, b->skip, d);

    if (r < 0)
        return r;
    ss_separate_write(b->name, separate);
    r = aead_seal(a, separate + 4, (struct bytes){0}, d->ptr, d->len, d->ptr);
    if (r == 0)
        d->len += SS_TAG;
    return r;
}

void ss_block_push(struct aes_block *key, const uint8_t *block, const uint8_t *mask, struct datagram *d)
{
    uint8_t *at = push(d, AES_BLOCK);

    for (size_t i = 0; i < AES_BLOCK; i++)
        at[i] = mask ? block[i] ^ mask[i] : block[i];
    aes_block_run(key, at, at, 1);
}

/* ---- 2022, ChaCha20 ------------------------------------------------------------------------ */

int ss_xchacha_open(struct aead *a, struct datagram *d, struct ss_packet_name *name)
{
    if (d->len < XNONCE + SS_SEPARATE + SS_TAG)
        return -EPROTO;
    int r = aead_open(a, d->ptr, (struct bytes){0}, d->ptr + XNONCE, d->len - XNONCE, d->ptr + XNONCE);
    if (r < 0)
        return r;
    d->len -= SS_TAG;
    pull(d, XNONCE);
    struct reader reader = reader_of(d->ptr, d->len);
    read_name(&reader, name);
    pull(d, SS_SEPARATE);
    return 0;
}

int ss_xchacha_head(const struct ss_body *b, struct datagram *d)
{
    return pull_head(b, d);
}

int ss_xchacha_seal(struct aead *a, const struct ss_body *b, struct datagram *d)
{
    uint8_t nonce[XNONCE];
    int r = push_head(b, XNONCE + SS_SEPARATE, d);

    if (r < 0)
        return r;
    ss_separate_write(b->name, push(d, SS_SEPARATE));
    rnd_bytes(nonce, sizeof nonce);
    r = aead_seal(a, nonce, (struct bytes){0}, d->ptr, d->len, d->ptr);
    if (r < 0)
        return r;
    d->len += SS_TAG;
    memcpy(push(d, XNONCE), nonce, XNONCE);
    return 0;
}
