/*
 * Inbounds, outbounds and the router between them: what protocols implement and call.
 *
 *   accept                     decide                    carry
 *   inbound_ops.serve   --->   router_carry()    --->    outbound_ops.open, then relay
 */
#ifndef WEIR_NET_PROXY_H
#define WEIR_NET_PROXY_H

#include "net/dialer.h"
#include "net/session.h"

/* ---- outbound ---------------------------------------------------------------------------- */

struct outbound_ops {
    const char *type;
    /*
     * Opens a stream to s->dest. May park. The protocol's header may be held back until the
     * first write (STREAM_HOLDS_HEADER). On failure `err` says why, without the tag.
     */
    int (*open)(struct outbound *o, struct session *s, struct stream **out, struct error *err);
    /* Opens a packet path whose first datagram goes to s->dest. NULL: no UDP. May park. */
    int (*open_packet)(struct outbound *o, struct session *s, struct packet **out, struct error *err);
    /* This worker's flows no longer use it: ends what it keeps here for reuse. Parks. NULL: it keeps nothing. */
    void (*leave)(struct outbound *o);
    /* Frees; no flow uses it any more. Any thread. */
    void (*free)(struct outbound *o);
};

/* Shared by all workers: immutable after it was built, but for what guards itself. */
struct outbound {
    const struct outbound_ops *ops;
    const char *tag;
    struct dialer *dialer; /* NULL for block and groups; freed by the instance */
};

/* Record the tag in the chain, call, and prepend "outbound 'tag' (type)" to an error. May park. */
int outbound_open(struct outbound *o, struct session *s, struct stream **out, struct error *err) CHECKED;
int outbound_open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err) CHECKED;
bool outbound_has_packet(const struct outbound *o);

/* ---- router: implemented by policy/, called by inbounds ------------------------------------ */

struct router;
struct router_ops {
    int (*open)(struct router *r, struct session *s, struct stream **client, struct stream **out, struct error *err);
    void (*relay)(struct router *r, struct session *s, struct stream *client, struct stream *server);
    void (*carry_packets)(struct router *r, struct session *s, struct packet *client);
    void (*end)(struct router *r, struct session *s, int result, const struct error *err);
};
struct router {
    const struct router_ops *ops;
    const struct log *log;
};

/*
 * Decides and dials. *client (which may be NULL) is read for sniffing where a rule asks for it, after
 * session_reply(s, 0); it may be replaced by a stream that gives the read bytes again. On success *out is the far side.
 * The caller then relays itself and calls router_end(). On failure *client may be NULL: a reject has closed it, or
 * the flow (UDP over TCP) was carried to its end already; nothing is left to answer then. May park.
 */
static inline int router_open(struct router *r, struct session *s, struct stream **client, struct stream **out,
                              struct error *err)
{
    return r->ops->open(r, s, client, out, err);
}
/* Carries a whole TCP flow: decides, dials, replies, relays until the end, logs. Consumes the client. May park. */
void router_carry(struct router *r, struct session *s, struct stream *client);
/* The same for a packet path. Consumes the client. May park. */
static inline void router_carry_packets(struct router *r, struct session *s, struct packet *client)
{
    r->ops->carry_packets(r, s, client);
}
/* One log line, the hooks' close, the counters. For those that relay themselves (plain HTTP requests). */
static inline void router_end(struct router *r, struct session *s, int result, const struct error *err)
{
    r->ops->end(r, s, result, err);
}

/* ---- inbound ----------------------------------------------------------------------------- */

struct inbound_ops {
    const char *type;
    /*
     * Serves one accepted connection in a coroutine of its own: handshake within the deadline
     * already set on the stream (lift it before relaying), then router_carry(). Consumes the stream. `s` has
     * network, source, local, inbound filled. NULL: no TCP.
     */
    void (*serve)(struct inbound *in, struct stream *client, struct session *s);
    /*
     * Serves a listening UDP socket on this worker until it fails or is cancelled. Consumes it. NULL: no UDP.
     */
    void (*serve_packets)(struct inbound *in, struct packet *socket, const struct addr *local);
    /* Whether a connection that starts with this byte is this protocol's: for `mixed`. NULL: never. */
    bool (*claims)(uint8_t first);
    void (*free)(struct inbound *in);
};

struct inbound {
    const struct inbound_ops *ops;
    const char *tag;
    struct router *router;
    const struct log *log;
    int64_t handshake_ms; /* how long a client may take until its request is complete */
    int64_t udp_idle_ms;  /* how long a UDP flow may be silent; 0: the router's default */
};

/* A session for a new flow of this inbound, or NULL. Fields that are not given are zero. */
struct session *session_new(const struct inbound *in, enum network network, const struct addr *source);
void session_free(struct session *s);
DEFINE_CLEANUP(session, struct session *, session_free)

#endif
