/* One direction of an encrypted stream: a subkey and the count of messages, which is the nonce. */
#ifndef WEIR_PROTO_SHADOWSOCKS_CIPHER_H
#define WEIR_PROTO_SHADOWSOCKS_CIPHER_H

#include "proto/shadowsocks/key.h"

struct ss_cipher {
    struct aead aead;
    uint64_t count;
};

/* Starts a direction with the subkey of `salt`. 0, or -ENOTSUP. */
int ss_cipher_init(struct ss_cipher *c, const struct ss_method *m, const struct ss_key *k, const uint8_t *salt)
    CHECKED;
void ss_cipher_done(struct ss_cipher *c);
/* n octets and SS_TAG more into `out`, which is `in` or apart from it. */
int ss_cipher_seal(struct ss_cipher *c, const void *in, size_t n, void *out) CHECKED;
/* n octets of which the last SS_TAG are the tag. -EBADMSG; the count is then as before. */
int ss_cipher_open(struct ss_cipher *c, const void *in, size_t n, void *out) CHECKED;

#endif
