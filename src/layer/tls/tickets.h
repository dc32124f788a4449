/* Keys of session tickets: shared by all workers, so that a client may come back to any. Inside layer/tls only. */
#ifndef WEIR_LAYER_TLS_TICKETS_H
#define WEIR_LAYER_TLS_TICKETS_H

#include <pthread.h>
#include <openssl/ssl.h>

#include <stdbool.h>

#include "base/attr.h"

enum {
    TICKET_ROTATE_S = 12 * 3600, /* how long a key seals */
    TICKET_KEYS = 3,             /* and two more such times it still opens */
    TICKET_LIFETIME_S = 24 * 3600,
};

struct ticket_key {
    uint8_t name[16];
    uint8_t cipher[16];
    uint8_t mac[32];
    int64_t born; /* clock_unix() seconds; 0: none */
};

struct tickets {
    pthread_mutex_t lock;
    struct ticket_key keys[TICKET_KEYS]; /* the newest first */
};

void tickets_init(struct tickets *t);
void tickets_done(struct tickets *t);
/* The key that seals at `now`; makes a new one when it is time. Any thread. */
void tickets_seal_key(struct tickets *t, int64_t now, struct ticket_key *out);
/* 1: it still seals; 2: it opens, and a new ticket is due; 0: no key has that name any more. Any thread. */
int tickets_open_key(struct tickets *t, int64_t now, const uint8_t name[16], struct ticket_key *out);

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb() wants, for a struct tickets. */
int tickets_use(struct tickets *t, uint8_t name[16], uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool is_sealing);

#endif
