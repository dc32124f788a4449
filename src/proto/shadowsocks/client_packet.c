#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "crypto/window.h"
#include "proto/shadowsocks/client.h"
#include "proto/shadowsocks/datagram.h"

enum { OLD_SESSION_MS = 60 * 1000 };

/* A server's session that answers ours; it has a new one after a restart. */
struct answers {
    uint8_t id[SS_SESSION_ID];
    struct aead aead;
    struct window window;
    int64_t last;
    bool is_used;
};

struct client_packet {
    struct packet packet;
    const struct ss_method *method;
    const struct ss_keys *keys;
    /* 2022 only */
    struct ss_packet_name next;
    struct aead out;
    struct aes_block push[SS_KEY_CHAIN]; /* of each key of the chain */
    struct aes_block pull;               /* of the user's key */
    uint8_t hash[SS_KEY_CHAIN][SS_IDENTITY];
    struct answers *answers; /* two: current and old */
};

static struct client_packet *path_of(struct packet *p)
{
    return container_of(p, struct client_packet, packet);
}

static const struct ss_key *user_key(const struct client_packet *c)
{
    return &c->keys->key[c->keys->count - 1];
}

/* ---- sending ------------------------------------------------------------------------------ */

static int seal_aes(struct client_packet *c, struct datagram *d)
{
    size_t identities = c->keys->count - 1;
    struct ss_body body = {.name = &c->next, .now = clock_unix(), .skip = SS_SEPARATE + SS_IDENTITY * identities};
    uint8_t separate[SS_SEPARATE];

    int r = ss_body_seal(&c->out, &body, d);
    if (r < 0)
        return r;
    ss_separate_write(&c->next, separate);
    for (size_t i = identities; i > 0; i--)
        ss_block_push(&c->push[i - 1], c->hash[i], separate, d);
    ss_block_push(&c->push[0], separate, NULL, d);
    return 0;
}

static int seal(struct client_packet *c, struct datagram *d)
{
    if (c->method->edition != SS_2022)
        return ss_classic_seal(c->method, user_key(c), d);
    struct ss_body body = {.name = &c->next, .now = clock_unix()};
    int r = c->method->has_identity ? seal_aes(c, d) : ss_xchacha_seal(&c->out, &body, d);
    c->next.number++;
    return r;
}

static int send_batch(struct packet *p, struct batch *b)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < b->count; i++) {
        /* What does not fit is dropped, as UDP does. */
        if (seal(path_of(p), &b->at[i]) == 0)
            b->at[kept++] = b->at[i];
    }
    b->count = kept;
    return kept ? packet_send(p->lower, b) : 0;
}

/* ---- receiving ---------------------------------------------------------------------------- */

/* The known session of this id, or a fresh entry in *fresh with its key. */
static struct answers *answers_of(struct client_packet *c, const uint8_t *id, struct answers *fresh)
{
    struct ss_key subkey;

    for (int i = 0; i < 2; i++) {
        if (c->answers[i].is_used && memcmp(c->answers[i].id, id, SS_SESSION_ID) == 0)
            return &c->answers[i];
    }
    *fresh = (struct answers){0};
    memcpy(fresh->id, id, SS_SESSION_ID);
    if (!c->method->has_identity)
        return fresh;
    ss_session_key(c->method, user_key(c), (struct bytes){id, SS_SESSION_ID}, &subkey);
    int r = aead_init(&fresh->aead, c->method->aead, subkey.at);
    mem_wipe(&subkey, sizeof subkey);
    return r < 0 ? NULL : fresh;
}

/* A new session of the server takes the place of one that has been silent for a minute (SIP022, 3.2.4). */
static int adopt(struct client_packet *c, struct answers *fresh, int64_t now)
{
    struct answers *current = &c->answers[0], *old = &c->answers[1];

    if (old->is_used && now - old->last < OLD_SESSION_MS)
        return -EEXIST;
    aead_done(&old->aead);
    *old = *current;
    *current = *fresh;
    current->is_used = true;
    return 0;
}

static int note(struct client_packet *c, struct answers *from, uint64_t number)
{
    int64_t now = clock_ms();

    if (!from->is_used) {
        int r = adopt(c, from, now);
        if (r < 0)
            return r;
        from = &c->answers[0];
    }
    from->last = now;
    return window_add(&from->window, number) ? 0 : -EEXIST;
}

static int open_2022(struct client_packet *c, struct datagram *d)
{
    struct ss_packet_name name;
    struct answers fresh;
    struct ss_body body = {.name = &name, .client = c->next.session, .now = clock_unix(), .skip = SS_SEPARATE};
    bool is_aes = c->method->has_identity;

    int r = is_aes ? ss_separate_read(&c->pull, d, &name) : ss_xchacha_open(&c->out, d, &name);
    if (r < 0)
        return r;
    struct answers *from = answers_of(c, name.session, &fresh);
    if (!from)
        return -ENOTSUP;
    if (!window_allows(&from->window, name.number))
        return -EEXIST;
    r = is_aes ? ss_body_open(&from->aead, &body, d) : ss_xchacha_head(&body, d);
    return r < 0 ? r : note(c, from, name.number);
}

static int open_one(struct client_packet *c, struct datagram *d)
{
    if (c->method->edition == SS_2022)
        return open_2022(c, d);
    return ss_classic_open(c->method, user_key(c), d);
}

static int receive(struct packet *p, struct batch *b)
{
    for (;;) {
        unsigned kept = 0;
        int r = p->lower->ops->receive(p->lower, b);
        if (r < 0)
            return r;
        for (unsigned i = 0; i < b->count; i++) {
            if (open_one(path_of(p), &b->at[i]) == 0)
                b->at[kept++] = b->at[i];
        }
        b->count = kept;
        if (kept)
            return (int)kept;
    }
}

/* ---- opening and closing ------------------------------------------------------------------- */

static void close_path(struct packet *p)
{
    struct client_packet *c = path_of(p);

    packet_close(p->lower);
    for (size_t i = 0; i < SS_KEY_CHAIN; i++)
        aes_block_done(&c->push[i]);
    aes_block_done(&c->pull);
    aead_done(&c->out);
    for (int i = 0; c->answers && i < 2; i++)
        aead_done(&c->answers[i].aead);
    mem_free(c->answers);
    mem_free(c);
}

static struct event *readable(struct packet *p)
{
    return p->lower->ops->readable(p->lower);
}

static const struct packet_ops ops = {
    .name = "shadowsocks",
    .receive = receive,
    .send = send_batch,
    .close = close_path,
    .readable = readable,
};

static int start_aes(struct client_packet *c)
{
    const struct ss_method *m = c->method;
    struct ss_key subkey;
    int r = 0;

    for (size_t i = 0; r == 0 && i < c->keys->count; i++) {
        ss_key_hash(m, &c->keys->key[i], c->hash[i]);
        r = aes_block_encryptor(&c->push[i], c->keys->key[i].at, m->key_size);
    }
    if (r == 0)
        r = aes_block_decryptor(&c->pull, user_key(c)->at, m->key_size);
    if (r < 0)
        return r;
    ss_session_key(m, user_key(c), (struct bytes){c->next.session, SS_SESSION_ID}, &subkey);
    r = aead_init(&c->out, m->aead, subkey.at);
    mem_wipe(&subkey, sizeof subkey);
    return r;
}

static int start_2022(struct client_packet *c)
{
    c->answers = mem_alloc_array(2, sizeof *c->answers);
    if (!c->answers)
        return -ENOMEM;
    rnd_bytes(c->next.session, SS_SESSION_ID);
    return c->method->has_identity ? start_aes(c) : aead_init(&c->out, AEAD_XCHACHA20_POLY1305, user_key(c)->at);
}

struct packet *ss_client_packet(struct packet *lower, const struct ss_method *m, const struct ss_keys *keys)
{
    struct client_packet *c = mem_new(struct client_packet);

    if (!c) {
        packet_close(lower);
        return NULL;
    }
    c->packet = (struct packet){.ops = &ops, .lower = lower};
    c->method = m;
    c->keys = keys;
    if (m->edition == SS_2022 && start_2022(c) < 0) {
        close_path(&c->packet);
        return NULL;
    }
    return &c->packet;
}
