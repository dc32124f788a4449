/* The server's side of a stream until the destination is known. */
#ifndef WEIR_PROTO_SHADOWSOCKS_ACCEPT_H
#define WEIR_PROTO_SHADOWSOCKS_ACCEPT_H

#include "crypto/replay.h"
#include "net/stream.h"
#include "proto/shadowsocks/ring.h"

enum {
    SS_SALT_KEEP_MS = 60 * 1000,
    SS_SALTS_MAX = 1 << 20, /* of one minute: 17,000 connections a second */
};

/* Seen salts of one inbound; used by all workers. */
struct ss_memory {
    struct salt_filter *filter; /* classic */
    struct salt_cache *cache;   /* 2022 */
};
int ss_memory_init(struct ss_memory *m, enum ss_edition edition) CHECKED;
void ss_memory_done(struct ss_memory *m);

struct ss_request {
    const struct ss_user *user;
    struct dest dest;
};

/*
 * Reads and checks the start of a stream. 0: *out is the client's stream, which consumed `lower`; NULL
 * when that took more memory than there was.
 * Otherwise `lower` is still the caller's, who must let nobody see that it was refused: see
 * ss_silence(). -EPROTO or -EBADMSG (not ours), -EEXIST (a replay), -ETIME (clock), -EPIPE (ended
 * early), or what reading gave. May park.
 */
int ss_accept(struct ss_ring *ring, struct ss_memory *memory, const struct addr *source, struct stream *lower,
              struct ss_request *request, struct stream **out) CHECKED;

/*
 * Reads and throws away until the client ends or the handshake's deadline passes, then closes: to a
 * prober the same, whatever it sent, as a host that waits for more. Consumes the stream. May park.
 */
void ss_silence(struct stream *lower);

#endif
