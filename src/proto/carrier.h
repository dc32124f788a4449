/*
 * What carries a proxy protocol that has no disguise of its own: TCP, then TLS, then a transport. One
 * object for each side, with the options of both dialects.
 *
 *     client:  dialer -> tls -> transport -> protocol
 *     server:  accepted stream -> tls -> transport -> protocol, once for each stream that arrives
 */
#ifndef WEIR_PROTO_CARRIER_H
#define WEIR_PROTO_CARRIER_H

#include "layer/tls/tls.h"
#include "layer/transport.h"
#include "net/proxy.h"
#include "proto/protocol.h"
#include "proto/users.h"

struct carrier_client_options {
    struct tls_client_options tls;
};

struct carrier_server_options {
    struct tls_server_options tls;
};

/* Rows of an option table whose struct has a field of the type above. */
#define CARRIER_CLIENT_OPTIONS(s, f)                                                               \
    OPT_TLS_CLIENT(s, f.tls),                                                                      \
    OPT_UNSUPPORTED(.singbox = "transport", .help = "Transport: ws, http, grpc, httpupgrade."),    \
    OPT_UNSUPPORTED(.singbox = "multiplex", .mihomo = "smux", .help = "Several streams over one connection.")

#define CARRIER_SERVER_OPTIONS(s, f)                                                               \
    OPT_TLS_SERVER(s, f.tls),                                                                      \
    OPT_UNSUPPORTED(.singbox = "transport", .help = "Transport: ws, http, grpc, httpupgrade."),    \
    OPT_UNSUPPORTED(.singbox = "multiplex", .mihomo = "mux-option", .help = "Several streams over one connection.")

/* For protocol.outbound_check and inbound_check. */
int carrier_client_check(const struct carrier_client_options *o, const struct node *at, struct option_reader *r) CHECKED;
int carrier_server_check(const struct carrier_server_options *o, const struct node *at, struct option_reader *r) CHECKED;

/* ---- client ------------------------------------------------------------------------------- */

struct carrier {
    struct dialer *dialer;
    struct dest server;
    struct tls_client *tls; /* NULL: none */
};

struct carrier_setup {
    const struct carrier_client_options *options;
    struct text server;
    uint16_t port;
};

/* Borrows the options' texts. One that failed to start is to be done with as well. */
int carrier_init(struct carrier *c, const struct carrier_setup *setup, const struct outbound_setup *outbound,
                 struct error *err) CHECKED;
void carrier_done(struct carrier *c);
/* For outbound_ops.leave. */
void carrier_leave(struct carrier *c);
/* A stream to the server, on which the protocol begins. May park. */
int carrier_open(struct carrier *c, struct session *s, struct stream **out, struct error *err) CHECKED;

/* ---- server ------------------------------------------------------------------------------- */

struct carrier_server {
    struct tls_server *tls; /* NULL: none */
};

/* As carrier_init(). */
int carrier_server_init(struct carrier_server *c, const struct carrier_server_options *o,
                        const struct inbound_setup *setup, struct error *err) CHECKED;
void carrier_server_done(struct carrier_server *c);

/* The protocol's side: as inbound_ops.serve. */
typedef void carrier_serve_fn(struct inbound *in, struct stream *client, struct session *s);
/* Unwraps an accepted stream, which it consumes, and calls `serve` for each stream in it. May park. */
void carrier_serve(struct carrier_server *c, struct inbound *in, struct stream *client, struct session *s,
                   carrier_serve_fn *serve);
/* What TLS has agreed on and was asked for; empty without TLS. Lives as long as the stream and the session. */
struct text carrier_alpn(struct stream *client);
struct text carrier_sni(const struct session *s);

#endif
