/*
 * Datagrams sealed and opened where they lie: heads grow into the headroom, tags into the
 * tailroom. No I/O and no allocation; the time is a parameter.
 */
#ifndef WEIR_PROTO_SHADOWSOCKS_DATAGRAM_H
#define WEIR_PROTO_SHADOWSOCKS_DATAGRAM_H

#include "crypto/aes.h"
#include "net/packet.h"
#include "proto/shadowsocks/key.h"
#include "proto/shadowsocks/wire.h"

/* Names a 2022 session and a packet in it. */
struct ss_packet_name {
    uint8_t session[SS_SESSION_ID];
    uint64_t number;
};

/*
 * Classic and "none": | salt | address, payload + tag |. The peer goes into the head, or comes from it.
 * 0, -EBADMSG, -EPROTO, -EMSGSIZE (no room).
 */
int ss_classic_seal(const struct ss_method *m, const struct ss_key *k, struct datagram *d) CHECKED;
int ss_classic_open(const struct ss_method *m, const struct ss_key *k, struct datagram *d) CHECKED;
/* Whether the key fits, without changing the datagram; `scratch` takes d->len. */
bool ss_classic_fits(const struct ss_method *m, const struct ss_key *k, const struct datagram *d, uint8_t *scratch);

/* ---- 2022, AES: | separate header 16 | identity headers | body + tag | ---- */

/* Reads the separate header; d stays as it is. -EPROTO when it is too short. */
int ss_separate_read(struct aes_block *key, const struct datagram *d, struct ss_packet_name *out) CHECKED;
/* The hash in the first identity header of a request. d is longer than both headers. */
int ss_identity_read(struct aes_block *key, const struct datagram *d, const struct ss_packet_name *name,
                     uint8_t *hash) CHECKED;
/* Opens the body, which starts `skip` octets into d, and reads its head. */
struct ss_body {
    const struct ss_packet_name *name;
    const uint8_t *client; /* answers: the client's session; NULL: a request */
    int64_t now;
    size_t skip;
};
int ss_body_open(struct aead *a, const struct ss_body *b, struct datagram *d) CHECKED;
/* Puts the main head before the payload and seals. No separate header yet. */
int ss_body_seal(struct aead *a, const struct ss_body *b, struct datagram *d) CHECKED;
/* Puts 16 octets in front, encrypted with `key`: a separate header, or an identity (`mask` is then the separate header). */
void ss_block_push(struct aes_block *key, const uint8_t *block, const uint8_t *mask, struct datagram *d);
void ss_separate_write(const struct ss_packet_name *name, uint8_t *out);

/* ---- 2022, ChaCha20: | nonce 24 | session, packet number, head, payload + tag | ---- */
int ss_xchacha_open(struct aead *a, struct datagram *d, struct ss_packet_name *name) CHECKED;
/* After ss_xchacha_open(): the head behind the name. */
int ss_xchacha_head(const struct ss_body *b, struct datagram *d) CHECKED;
int ss_xchacha_seal(struct aead *a, const struct ss_body *b, struct datagram *d) CHECKED;

#endif
