/*
 * The metadata of one flow. What accepts it fills the upper part, what decides the middle, what
 * carries the counters; explain, logs, metrics and hooks read it. It lives on the heap and
 * belongs to the coroutine that accepted the flow.
 */
#ifndef WEIR_NET_SESSION_H
#define WEIR_NET_SESSION_H

#include "net/dest.h"
#include "net/stream.h"
#include "net/packet.h"

enum network { NETWORK_TCP, NETWORK_UDP };

enum {
    SESSION_CHAIN = 8,    /* outbounds and groups recorded */
    SESSION_PROTOCOL = 16,
    SESSION_RESOLVED = 8, /* addresses kept from a resolve action */
};

struct inbound;
struct outbound;

/* What the ClientHello of a TLS listener's connection told. One allocation; only where TLS is accepted. */
struct session_tls {
    char ja3[33];      /* MD5 in hex */
    char ja4[37];
    char alpn[19];     /* agreed on; "" = none; a longer one is cut */
    const char *sni;   /* "" = none */
    const char *report; /* what the analyser has to say; "" = nothing */
    char room[];
};

struct session {
    uint64_t id;
    enum network network;
    struct addr source;
    struct addr local;      /* the address that accepted it */
    struct dest dest;       /* where to go; actions may change it */
    const struct inbound *inbound;
    const char *user;       /* NULL: none; owned by the inbound */

    /* Sends the success or failure answer of the inbound's protocol, once. Set by the inbound
     * when it answers late; `result` is 0 or what the dial returned. May park. */
    int (*reply)(struct session *s, int result, const struct addr *bound);
    void *reply_arg;
    bool has_replied;

    char protocol[SESSION_PROTOCOL]; /* sniffed: "tls", "http", "quic" ...; "" = not */
    struct dest sniffed;             /* its name, when name_len != 0 */
    struct session_tls *tls;         /* of the listener's own TLS; NULL: none. Owned */
    struct addr resolved[SESSION_RESOLVED];
    unsigned resolved_count;

    const char *rule;       /* text of the rule that matched, owned by the router; NULL: the default */
    const char *chain[SESSION_CHAIN]; /* from the first choice to the outbound that dialled */
    unsigned chain_len;
    struct addr bound;      /* local address of the outgoing socket, once known */

    uint64_t up;            /* bytes from the client */
    uint64_t down;          /* bytes to the client */
    int64_t started;        /* clock_ns() */
    int64_t idle_ms;        /* the relay ends after this long without data; 0: the router's default */
    void *owner;            /* the router's own record of it */
};

/* Answers through the inbound's protocol if that is still due. 0, or the failed write. May park. */
int session_reply(struct session *s, int result);
void session_add_chain(struct session *s, const char *tag);

#endif
