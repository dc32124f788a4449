/*
 * Datagram sessions of a 2022 server, by the client's session id: which packets were seen, and our
 * own id, count and key for answers. One table for all workers, so that a packet played again
 * from another address is seen by whichever worker it reaches.
 */
#ifndef WEIR_PROTO_SHADOWSOCKS_SESSIONS_H
#define WEIR_PROTO_SHADOWSOCKS_SESSIONS_H

#include <pthread.h>

#include "base/list.h"
#include "base/map.h"
#include "crypto/window.h"
#include "proto/shadowsocks/datagram.h"

enum {
    SS_SESSIONS_MAX = 65536,
    SS_SESSION_KEEP_MS = 60 * 1000, /* at least, by the specification */
    SS_SESSION_KEY = SS_SESSION_ID + 4,
};

/* Which session: the client's id and the number of the user. */
struct ss_session_key {
    uint8_t at[SS_SESSION_KEY];
};
struct ss_session_key ss_session_key_of(const uint8_t *session, uint32_t user);

struct ss_sessions {
    pthread_mutex_t lock;
    struct map by_key;
    struct list by_age; /* the longest silent first */
    int64_t keep_ms;
};

void ss_sessions_init(struct ss_sessions *t, int64_t keep_ms);
void ss_sessions_done(struct ss_sessions *t);

/* What one operation needs of a session, copied out. */
struct ss_session_view {
    struct aead in;
    struct aead out;
    uint8_t id[SS_SESSION_ID]; /* ours */
    uint64_t first;            /* the first of the packet numbers taken */
};

/*
 * Before a packet is verified: whether its number may still come. 0 and the key in view->in (a new one for a session not
 * seen yet), -EEXIST: seen or too old, -ENOTSUP. Changes nothing.
 */
int ss_sessions_look(struct ss_sessions *t, const struct ss_method *m, const struct ss_key *k,
                     const struct ss_session_key *key, uint64_t number, struct ss_session_view *view) CHECKED;
/* After it was verified: marks it. 0, -EEXIST, -ENOMEM, -EMFILE (too many sessions; `now` on clock_ms()). */
int ss_sessions_mark(struct ss_sessions *t, const struct ss_method *m, const struct ss_key *k,
                     const struct ss_session_key *key, uint64_t number, int64_t now) CHECKED;
/* For `count` answers. 0, or -ENOENT: forgotten. */
int ss_sessions_answer(struct ss_sessions *t, const struct ss_session_key *key, unsigned count, int64_t now,
                       struct ss_session_view *view) CHECKED;

#endif
