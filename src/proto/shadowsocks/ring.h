/* Whom a server lets in: its own key, and its users' keys. Built once, then shared by all workers. */
#ifndef WEIR_PROTO_SHADOWSOCKS_RING_H
#define WEIR_PROTO_SHADOWSOCKS_RING_H

#include "base/map.h"
#include "net/dest.h"
#include "proto/shadowsocks/key.h"

enum {
    SS_USERS_MAX = 65536,
    /* Classic servers find a user by trying the keys, so a stranger costs this many attempts. */
    SS_TRIALS_MAX = 512,
    SS_RECENT = 1024, /* sources whose user is remembered */
};

struct ss_user {
    char *name; /* NULL: the server's own key */
    struct ss_key key;
    uint8_t hash[SS_IDENTITY]; /* 2022: what an identity header calls it */
    struct dest target;        /* relay: the server that this user belongs to */
};

struct ss_ring {
    const struct ss_method *method;
    struct ss_key key;      /* of the server; with users in 2022 the identity key */
    struct ss_user *users;  /* at least one: without users in the configuration, the server's key */
    size_t count;
    bool has_identity;      /* 2022 with users: an identity header says which */
    bool is_relay;          /* 2022: hands the rest on to user->target */
    struct map by_hash;
    uint64_t seed[2];
    uint32_t recent[SS_RECENT]; /* atomic: 1 + the user last seen from sources of this hash */
};

/* Room for `users` users, to be filled; 0 for a server with one key. 0, -ENOMEM. */
int ss_ring_init(struct ss_ring *ring, const struct ss_method *m, size_t users) CHECKED;
/* After the keys were set: the look-up tables. 0, -ENOMEM, -EEXIST: two users have one key. */
int ss_ring_index(struct ss_ring *ring) CHECKED;
void ss_ring_done(struct ss_ring *ring);

/* The user whose key has this hash, or NULL. */
const struct ss_user *ss_ring_find(const struct ss_ring *ring, const uint8_t *hash);

/* Tries a key: whether it opens what `arg` holds. */
typedef bool ss_try_fn(void *arg, const struct ss_key *key);
/*
 * Classic: the user whose key fits, tried from the one last seen from `source`; NULL: a stranger.
 * Remembers it.
 */
const struct ss_user *ss_ring_try(struct ss_ring *ring, const struct addr *source, ss_try_fn *try, void *arg);

#endif
