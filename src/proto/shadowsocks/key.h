/* Keys from what a configuration says, and the keys of one session. Pure functions. */
#ifndef WEIR_PROTO_SHADOWSOCKS_KEY_H
#define WEIR_PROTO_SHADOWSOCKS_KEY_H

#include "proto/shadowsocks/method.h"

enum {
    SS_KEY_CHAIN = 4, /* identity keys and the user's key of a client, "iPSK:iPSK:uPSK" */
    SS_IDENTITY = 16, /* octets of an identity header, and of the hash in it */
};

struct ss_key {
    uint8_t at[SS_KEY_MAX];
};

struct ss_keys {
    struct ss_key key[SS_KEY_CHAIN]; /* the last is the user's */
    size_t count;
};

/*
 * The key of a password: MD5 rounds for the classic edition, base64 of exactly the right
 * length for 2022. 0, or -EINVAL with the cause, which never quotes the password.
 */
int ss_key_read(const struct ss_method *m, struct text password, struct ss_key *out, struct error *err) CHECKED;
/* The same for a client's chain with ':' between, which only AES methods of 2022 have. */
int ss_keys_read(const struct ss_method *m, struct text password, struct ss_keys *out, struct error *err) CHECKED;
void ss_keys_wipe(struct ss_keys *k);

/* The subkey of one stream's direction or one datagram session; `salt` is the salt, or the session id. */
void ss_session_key(const struct ss_method *m, const struct ss_key *k, struct bytes salt, struct ss_key *out);
/* The key of an identity header in a stream (SIP023). */
void ss_identity_key(const struct ss_method *m, const struct ss_key *k, const uint8_t *salt, struct ss_key *out);
/* What an identity header names a key by: the first 16 octets of its BLAKE3. */
void ss_key_hash(const struct ss_method *m, const struct ss_key *k, uint8_t *out);

#endif
