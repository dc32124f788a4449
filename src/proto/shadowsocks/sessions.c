#include "proto/shadowsocks/sessions.h"

#include <errno.h>

#include "base/mem.h"
#include "base/rnd.h"

struct session_entry {
    struct list age;
    struct ss_session_key key;
    struct window window;
    struct aead in;
    struct aead out;
    uint8_t id[SS_SESSION_ID];
    uint64_t next;
    int64_t last;
};

struct ss_session_key ss_session_key_of(const uint8_t *session, uint32_t user)
{
    struct ss_session_key key;

    memcpy(key.at, session, SS_SESSION_ID);
    memcpy(key.at + SS_SESSION_ID, &user, sizeof user);
    return key;
}

static struct bytes bytes_of(const struct ss_session_key *key)
{
    return (struct bytes){key->at, sizeof key->at};
}

void ss_sessions_init(struct ss_sessions *t, int64_t keep_ms)
{
    (void)pthread_mutex_init(&t->lock, NULL);
    map_init(&t->by_key);
    list_init(&t->by_age);
    t->keep_ms = max_of(keep_ms, (int64_t)SS_SESSION_KEEP_MS);
}

static void forget(struct ss_sessions *t, struct session_entry *e)
{
    (void)map_remove(&t->by_key, bytes_of(&e->key));
    list_remove(&e->age);
    aead_done(&e->in);
    aead_done(&e->out);
    mem_free(e);
}

void ss_sessions_done(struct ss_sessions *t)
{
    list_each(link, &t->by_age)
        forget(t, container_of(link, struct session_entry, age));
    map_done(&t->by_key);
    (void)pthread_mutex_destroy(&t->lock);
}

static void forget_old(struct ss_sessions *t, int64_t now)
{
    list_each(link, &t->by_age) {
        struct session_entry *e = container_of(link, struct session_entry, age);
        if (now - e->last <= t->keep_ms)
            return;
        forget(t, e);
    }
}

static void touch(struct ss_sessions *t, struct session_entry *e, int64_t now)
{
    e->last = now;
    list_remove(&e->age);
    list_add(&t->by_age, &e->age);
}

/* The key of a session; with ChaCha20 the PSK itself, of XChaCha20. */
static int session_aead(const struct ss_method *m, const struct ss_key *k, const uint8_t *id, struct aead *out)
{
    struct ss_key subkey;

    if (!m->has_identity)
        return aead_init(out, AEAD_XCHACHA20_POLY1305, k->at);
    ss_session_key(m, k, (struct bytes){id, SS_SESSION_ID}, &subkey);
    int r = aead_init(out, m->aead, subkey.at);
    mem_wipe(&subkey, sizeof subkey);
    return r;
}

int ss_sessions_look(struct ss_sessions *t, const struct ss_method *m, const struct ss_key *k,
                     const struct ss_session_key *key, uint64_t number, struct ss_session_view *view)
{
    int r = 0;

    pthread_mutex_lock(&t->lock);
    struct session_entry *e = map_get(&t->by_key, bytes_of(key));
    if (e) {
        view->in = e->in;
        r = window_allows(&e->window, number) ? 0 : -EEXIST;
    }
    pthread_mutex_unlock(&t->lock);
    return e ? r : session_aead(m, k, key->at, &view->in);
}

static struct session_entry *entry_new(struct ss_sessions *t, const struct ss_method *m, const struct ss_key *k,
                                       const struct ss_session_key *key)
{
    OWNED struct session_entry *e = mem_new(struct session_entry);

    if (!e)
        return NULL;
    e->key = *key;
    list_init(&e->age);
    rnd_bytes(e->id, sizeof e->id);
    if (session_aead(m, k, key->at, &e->in) < 0 || session_aead(m, k, e->id, &e->out) < 0)
        return NULL;
    if (map_put(&t->by_key, bytes_of(&e->key), e) < 0)
        return NULL;
    return take(e);
}

static int mark(struct ss_sessions *t, struct session_entry *e, uint64_t number, int64_t now)
{
    if (!window_add(&e->window, number))
        return -EEXIST;
    touch(t, e, now);
    return 0;
}

int ss_sessions_mark(struct ss_sessions *t, const struct ss_method *m, const struct ss_key *k,
                     const struct ss_session_key *key, uint64_t number, int64_t now)
{
    int r = -EMFILE;

    pthread_mutex_lock(&t->lock);
    forget_old(t, now);
    struct session_entry *e = map_get(&t->by_key, bytes_of(key));
    if (!e && t->by_key.len < SS_SESSIONS_MAX) {
        e = entry_new(t, m, k, key);
        r = -ENOMEM;
    }
    if (e)
        r = mark(t, e, number, now);
    pthread_mutex_unlock(&t->lock);
    return r;
}

int ss_sessions_answer(struct ss_sessions *t, const struct ss_session_key *key, unsigned count, int64_t now,
                       struct ss_session_view *view)
{
    pthread_mutex_lock(&t->lock);
    struct session_entry *e = map_get(&t->by_key, bytes_of(key));
    if (e) {
        view->out = e->out;
        memcpy(view->id, e->id, sizeof e->id);
        view->first = e->next;
        e->next += count;
        touch(t, e, now);
    }
    pthread_mutex_unlock(&t->lock);
    return e ? 0 : -ENOENT;
}
