#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/udp_nat.h"
#include "proto/shadowsocks/server.h"

/* One worker's socket. */
struct worker {
    struct ss_inbound *in;
    struct packet *socket;
    struct udp_nat *nat;
    struct aes_block pull;  /* 2022 with AES: of the server's key */
    struct aes_block *push; /* of each user's key, made when first used */
    struct aead psk;        /* 2022 with ChaCha20 */
    uint8_t *scratch;       /* classic with users: where keys are tried */
};

static uint32_t index_of(const struct worker *w, const struct ss_user *u)
{
    return (uint32_t)(u - w->in->ring.users);
}

/* ---- classic: a flow for each source and user --------------------------------------------- */

/* | IP 4, 16 | port 2 | user 4 | */
enum { SOURCE_KEY = 16 + 2 + 4 };

static struct bytes source_key(const struct addr *source, uint32_t user, uint8_t *room)
{
    struct writer w = writer_of(room, SOURCE_KEY);
    struct bytes ip = addr_ip(source);

    write_bytes(&w, ip.ptr, ip.len);
    write_u16(&w, addr_port(source));
    write_u32(&w, user);
    return (struct bytes){room, writer_len(&w)};
}

static uint32_t user_of(struct bytes key)
{
    struct reader r = reader_of(key.ptr + key.len - 4, 4);

    return read_u32(&r);
}

struct packet_trial {
    const struct worker *worker;
    const struct datagram *datagram;
};

static bool fits(void *arg, const struct ss_key *key)
{
    struct packet_trial *t = arg;

    return ss_classic_fits(t->worker->in->ring.method, key, t->datagram, t->worker->scratch);
}

static void take_classic(struct worker *w, struct datagram *d)
{
    struct ss_ring *ring = &w->in->ring;
    struct addr source = dest_addr(&d->peer);
    struct packet_trial trial = {.worker = w, .datagram = d};
    uint8_t room[SOURCE_KEY];

    const struct ss_user *user = ring->count == 1 ? ring->users : ss_ring_try(ring, &source, fits, &trial);
    if (!user || ss_classic_open(ring->method, &user->key, d) < 0)
        return;
    (void)udp_nat_deliver(w->nat, source_key(&source, index_of(w, user), room), &source, user->name, d);
}

/* ---- 2022: a flow for each session --------------------------------------------------------- */

/* The encryptor of a user's key, or NULL: out of memory. */
static struct aes_block *push_of(struct worker *w, uint32_t user)
{
    const struct ss_ring *ring = &w->in->ring;
    struct aes_block *b = &w->push[user];

    if (!b->cipher && aes_block_encryptor(b, ring->users[user].key.at, ring->method->key_size) < 0)
        return NULL;
    return b;
}

/* Who sends, from the first blocks; the datagram stays as it is. */
static const struct ss_user *identify(struct worker *w, const struct datagram *d, struct ss_packet_name *name)
{
    const struct ss_ring *ring = &w->in->ring;
    uint8_t hash[SS_IDENTITY];

    if (ss_separate_read(&w->pull, d, name) < 0)
        return NULL;
    if (!ring->has_identity)
        return ring->users;
    if (ss_identity_read(&w->pull, d, name, hash) < 0)
        return NULL;
    return ss_ring_find(ring, hash);
}

static void deliver(struct worker *w, const struct ss_user *user, const struct ss_packet_name *name,
                    const struct addr *source, const struct datagram *d)
{
    struct ss_session_key key = ss_session_key_of(name->session, index_of(w, user));

    (void)udp_nat_deliver(w->nat, (struct bytes){key.at, sizeof key.at}, source, user->name, d);
}

/* For the next server: its separate header takes the place of the identity header. */
static void relay(struct worker *w, const struct ss_user *user, const struct ss_packet_name *name,
                  const struct addr *source, struct datagram *d)
{
    struct aes_block *push = push_of(w, index_of(w, user));
    uint8_t separate[SS_SEPARATE];

    if (!push)
        return;
    ss_separate_write(name, separate);
    d->ptr += SS_SEPARATE + SS_IDENTITY;
    d->len -= SS_SEPARATE + SS_IDENTITY;
    ss_block_push(push, separate, NULL, d);
    d->peer = user->target;
    deliver(w, user, name, source, d);
}

/* Opens and checks; the state changes only for a packet that is good. */
static int open_2022(struct worker *w, const struct ss_user *user, const struct ss_packet_name *name,
                     struct datagram *d)
{
    const struct ss_ring *ring = &w->in->ring;
    struct ss_session_key key = ss_session_key_of(name->session, index_of(w, user));
    struct ss_session_view view;
    struct ss_body body = {.name = name, .now = clock_unix(),
                           .skip = SS_SEPARATE + (ring->has_identity ? (size_t)SS_IDENTITY : 0)};

    int r = ss_sessions_look(&w->in->sessions, ring->method, &user->key, &key, name->number, &view);
    if (r < 0)
        return r;
    r = ring->method->has_identity ? ss_body_open(&view.in, &body, d) : ss_xchacha_head(&body, d);
    if (r < 0)
        return r;
    return ss_sessions_mark(&w->in->sessions, ring->method, &user->key, &key, name->number, clock_ms());
}

static void take_2022(struct worker *w, struct datagram *d)
{
    const struct ss_ring *ring = &w->in->ring;
    struct addr source = dest_addr(&d->peer);
    struct ss_packet_name name;
    const struct ss_user *user = ring->users;

    if (ring->method->has_identity)
        user = identify(w, d, &name);
    else if (ss_xchacha_open(&w->psk, d, &name) < 0)
        return;
    if (!user)
        return;
    if (ring->is_relay)
        relay(w, user, &name, &source, d);
    else if (open_2022(w, user, &name, d) == 0)
        deliver(w, user, &name, &source, d);
}

/* ---- answers ------------------------------------------------------------------------------ */

static int seal_2022(struct worker *w, const struct ss_session_key *key, struct ss_session_view *view, uint64_t number,
                     struct datagram *d)
{
    struct ss_packet_name name = {.number = number};
    struct ss_body body = {.name = &name, .client = key->at, .now = clock_unix(), .skip = SS_SEPARATE};
    uint8_t separate[SS_SEPARATE];
    uint32_t user;

    memcpy(name.session, view->id, sizeof name.session);
    if (!w->in->ring.method->has_identity)
        return ss_xchacha_seal(&view->out, &body, d);
    memcpy(&user, key->at + SS_SESSION_ID, sizeof user);
    struct aes_block *push = push_of(w, user);
    int r = push ? ss_body_seal(&view->out, &body, d) : -ENOMEM;
    if (r < 0)
        return r;
    ss_separate_write(&name, separate);
    ss_block_push(push, separate, NULL, d);
    return 0;
}

static int answer_2022(void *arg, struct bytes key, const struct addr *source, struct batch *b)
{
    struct worker *w = arg;
    struct ss_session_key session;
    struct ss_session_view view;
    unsigned kept = 0;

    memcpy(session.at, key.ptr, sizeof session.at);
    if (ss_sessions_answer(&w->in->sessions, &session, b->count, clock_ms(), &view) < 0)
        return 0; /* forgotten: nobody waits */
    for (unsigned i = 0; i < b->count; i++) {
        if (seal_2022(w, &session, &view, view.first + i, &b->at[i]) < 0)
            continue;
        b->at[i].peer = dest_of_addr(source);
        b->at[kept++] = b->at[i];
    }
    b->count = kept;
    return kept ? packet_send(w->socket, b) : 0;
}

static int answer_classic(void *arg, struct bytes key, const struct addr *source, struct batch *b)
{
    struct worker *w = arg;
    const struct ss_ring *ring = &w->in->ring;
    unsigned kept = 0;

    for (unsigned i = 0; i < b->count; i++) {
        if (ss_classic_seal(ring->method, &ring->users[user_of(key)].key, &b->at[i]) < 0)
            continue;
        b->at[i].peer = dest_of_addr(source);
        b->at[kept++] = b->at[i];
    }
    b->count = kept;
    return kept ? packet_send(w->socket, b) : 0;
}

/* The next server's answers are for the client as they are. */
static int answer_relay(void *arg, struct bytes key, const struct addr *source, struct batch *b)
{
    struct worker *w = arg;

    (void)key;
    for (unsigned i = 0; i < b->count; i++)
        b->at[i].peer = dest_of_addr(source);
    return packet_send(w->socket, b);
}

/* ---- the socket --------------------------------------------------------------------------- */

static void worker_done(struct worker *w)
{
    udp_nat_free(w->nat);
    aes_block_done(&w->pull);
    for (size_t i = 0; w->push && i < w->in->ring.count; i++)
        aes_block_done(&w->push[i]);
    mem_free(w->push);
    aead_done(&w->psk);
    mem_free(w->scratch);
    packet_close(w->socket);
}

static int worker_init(struct worker *w)
{
    const struct ss_ring *ring = &w->in->ring;
    bool is_2022 = ring->method->edition == SS_2022;
    udp_answer_fn *answer = ring->is_relay ? answer_relay : is_2022 ? answer_2022 : answer_classic;

    w->nat = udp_nat_new(&w->in->inbound, answer, w);
    if (!w->nat)
        return -ENOMEM;
    if (!is_2022) {
        w->scratch = ring->count > 1 ? mem_alloc(DATAGRAM_MAX) : NULL;
        return ring->count > 1 && !w->scratch ? -ENOMEM : 0;
    }
    if (!ring->method->has_identity)
        return aead_init(&w->psk, AEAD_XCHACHA20_POLY1305, ring->key.at);
    w->push = mem_alloc_array(ring->count, sizeof *w->push);
    return w->push ? aes_block_decryptor(&w->pull, ring->key.at, ring->method->key_size) : -ENOMEM;
}

/* What is there now; the batch is held only meanwhile. -EAGAIN, or the failure. */
static int take_all(struct worker *w)
{
    bool is_2022 = w->in->ring.method->edition == SS_2022;
    struct batch *b = batch_get();
    int r;

    if (!b)
        return -ENOMEM;
    while ((r = w->socket->ops->receive(w->socket, b)) > 0) {
        for (unsigned i = 0; i < b->count; i++)
            is_2022 ? take_2022(w, &b->at[i]) : take_classic(w, &b->at[i]);
        /* The flows empty their queues before these overflow. */
        r = co_yield();
        if (r < 0)
            break;
    }
    batch_put(b);
    return r;
}

void ss_serve_packets(struct inbound *in, struct packet *socket, const struct addr *local)
{
    struct worker w = {.in = ss_inbound_of(in), .socket = socket};
    int r = worker_init(&w);

    (void)local;
    while (r == 0 || r == -EAGAIN || r == -ENOMEM) {
        r = take_all(&w);
        if (r == -EAGAIN)
            r = event_wait(socket->ops->readable(socket), NEVER, "shadowsocks: udp");
        else if (r == -ENOMEM)
            r = co_sleep(10); /* what cannot be held is dropped by the kernel meanwhile */
    }
    worker_done(&w);
}
