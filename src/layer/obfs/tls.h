/* The octets of simple-obfs in TLS mode. No I/O. */
#ifndef WEIR_LAYER_OBFS_TLS_H
#define WEIR_LAYER_OBFS_TLS_H

#include "base/wire.h"

enum {
    OBFS_TLS_RECORD = 5,      /* type, version, length */
    OBFS_TLS_BODY = 16384,    /* the longest record */
    OBFS_TLS_SESSION = 32,    /* the session id, which the server gives back */
    OBFS_TLS_HELLO = 142,     /* of a ClientHello up to the ticket's content */
    OBFS_TLS_TAIL = 9 + 66,   /* of a ClientHello behind the ticket, without the host name */
    OBFS_TLS_ANSWER = 96 + 6, /* ServerHello and ChangeCipherSpec */
    /* Most of a first write that goes into the ticket: simple-obfs reads the hello into 2048 bytes. */
    OBFS_TLS_TICKET = 1024,

    OBFS_TLS_CHANGE = 0x14,
    OBFS_TLS_HANDSHAKE = 0x16,
    OBFS_TLS_DATA = 0x17,
};

void obfs_tls_hello(struct writer *w, struct text host, struct bytes ticket, int64_t now);
/* ServerHello and ChangeCipherSpec; the first payload follows in a handshake record. */
void obfs_tls_answer(struct writer *w, const uint8_t *session, int64_t now);
void obfs_tls_record(struct writer *w, uint8_t type, size_t len);

struct obfs_tls_start {
    uint8_t session[OBFS_TLS_SESSION];
    size_t ticket; /* octets of payload behind the first OBFS_TLS_HELLO */
    size_t rest;   /* octets of the hello behind those */
};
/* The first OBFS_TLS_HELLO octets of a client: 0 or -EPROTO. */
int obfs_tls_read_hello(const uint8_t *p, struct obfs_tls_start *out) CHECKED;
/* A record's head: its length, or -EPROTO when it is of another type or too long. */
ssize_t obfs_tls_read_record(const uint8_t *p, uint8_t type) CHECKED;

#endif
