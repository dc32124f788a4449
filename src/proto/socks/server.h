/* What the parts of the SOCKS server share. */
#ifndef WEIR_PROTO_SOCKS_SERVER_H
#define WEIR_PROTO_SOCKS_SERVER_H

#include "proto/socks/socks.h"
#include "proto/socks/wire.h"

struct socks_server {
    struct inbound inbound;
    struct users users;
    struct tls_server *tls; /* NULL: none */
    bool udp;
};

/* Where and how to answer; lives in the frame that serves. */
struct socks_answer {
    struct stream *client;
    uint8_t version;
};

/*
 * Reads the request and answers what may be answered before it is carried out. Returns the
 * command (SOCKS_CONNECT or SOCKS_UDP_ASSOCIATE), or a negative code after a refusal was sent. Fills s->dest
 * and s->user. a->client gets a stream that also has what the client sent too early. May park.
 */
int socks_handshake(const struct socks_server *server, struct socks_answer *a, struct session *s);

/* The final answer. 0 or the failed write. May park. */
int socks_answer(const struct socks_answer *a, int result, const struct addr *bound);

/*
 * Carries UDP for as long as the TCP connection stands. Consumes the client. May park.
 */
void socks_associate(const struct socks_server *server, const struct socks_answer *a, const struct session *s);

#endif
