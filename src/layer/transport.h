/*
 * V2Ray-style transports behind one door: what stands between TLS (or TCP) and the protocol.
 *
 *     client:  dialer -> tls -> transport_open()  -> protocol
 *     server:  accept -> tls -> transport_serve() -> protocol, once per stream that arrives
 */
#ifndef WEIR_LAYER_TRANSPORT_H
#define WEIR_LAYER_TRANSPORT_H

#include "base/error.h"
#include "base/log.h"
#include "format/option.h"
#include "net/stream.h"

enum transport_type {
    TRANSPORT_NONE,
    TRANSPORT_WS,
    TRANSPORT_HTTPUPGRADE,
    TRANSPORT_HTTP, /* sing-box "http": HTTP/2 over TLS, else as TRANSPORT_HTTP1 */
    TRANSPORT_H2,   /* HTTP/2 always */
    TRANSPORT_HTTP1, /* an HTTP/1 head before each direction, then raw (mihomo "http") */
    TRANSPORT_GRPC,
};
enum { TRANSPORT_TYPES = TRANSPORT_GRPC + 1 };

/* The keys of all types; each uses its own. */
struct transport_keys {
    int type; /* enum transport_type */
    struct text_list host;   /* http, h2: one is picked each time; httpupgrade: the first */
    struct text path;
    struct text_list paths;  /* http-opts of mihomo: one is picked each time */
    struct text method;
    struct text_map headers;
    uint32_t max_early_data; /* ws: octets of the first write that may travel inside the handshake */
    struct text early_data_header_name; /* ws: where; empty: behind the path */
    bool http_upgrade;       /* mihomo ws-opts: no frames after the handshake */
    bool fast_open;          /* httpupgrade: the first write does not wait for the answer */
    struct text service_name;
    struct text user_agent;
    int64_t idle_timeout;    /* ns; h2, grpc: a PING after that long a silence (client), or the end (server) */
    int64_t ping_timeout;    /* ns; for its answer */
    bool permit_without_stream;
    uint32_t max_connections; /* grpc: as in sing-mux; 0: no limit */
    uint32_t min_streams;
    uint32_t max_streams;
};

/* Zeroed: no transport. */
struct transport_options {
    int type;                                   /* enum transport_type */
    struct transport_keys *of[TRANSPORT_TYPES]; /* NULL: the defaults */
    struct transport_options *next;             /* server: another path of the same port; the key is then a list */
};
/* The keys of its type; a WebSocket that is asked for as HTTPUpgrade has that type. NULL: the defaults. */
const struct transport_keys *transport_keys_of(const struct transport_options *o, enum transport_type *type);

/*
 * Rows for a protocol's tables; `f` is a struct transport_options.
 *   client: sing-box "transport": {...}; mihomo network, ws-opts, h2-opts, http-opts, grpc-opts
 *   server: sing-box "transport": {...}; mihomo ws-path, grpc-service-name
 */
OPTION_TABLE_SHARED(struct transport_keys, transport_table);
OPTION_TABLE_SHARED(struct transport_keys, transport_ws_table);
OPTION_TABLE_SHARED(struct transport_keys, transport_h2_table);
OPTION_TABLE_SHARED(struct transport_keys, transport_http_table);
OPTION_TABLE_SHARED(struct transport_keys, transport_grpc_table);
int transport_object_read(const struct option *o, const struct node *n, void *field, struct option_reader *r);
int transport_object_write(const struct option *o, const void *field, struct arena *a, struct node **out);
int transport_network_read(const struct option *o, const struct node *n, void *field, struct option_reader *r);
int transport_network_write(const struct option *o, const void *field, struct arena *a, struct node **out);
int transport_opts_read(const struct option *o, const struct node *n, void *field, struct option_reader *r);
int transport_opts_write(const struct option *o, const void *field, struct arena *a, struct node **out);
int transport_path_read(const struct option *o, const struct node *n, void *field, struct option_reader *r);
int transport_path_write(const struct option *o, const void *field, struct arena *a, struct node **out);

#define TRANSPORT_CLIENT_OPTIONS(s, f)                                                             \
    OPT_CUSTOM(s, f, transport_object_read, transport_object_write, .singbox = "transport",        \
               .table = transport_table, .help = "V2Ray transport to the server."),                \
    OPT_CUSTOM(s, f, transport_network_read, transport_network_write, .mihomo = "network",         \
               .help = "V2Ray transport: tcp, ws, http, h2 or grpc."),                             \
    OPT_CUSTOM(s, f, transport_opts_read, transport_opts_write, .mihomo = "ws-opts",               \
               .table = transport_ws_table, .help = "Of network ws."),                             \
    OPT_CUSTOM(s, f, transport_opts_read, transport_opts_write, .mihomo = "h2-opts",               \
               .table = transport_h2_table, .help = "Of network h2."),                             \
    OPT_CUSTOM(s, f, transport_opts_read, transport_opts_write, .mihomo = "http-opts",             \
               .table = transport_http_table, .help = "Of network http."),                         \
    OPT_CUSTOM(s, f, transport_opts_read, transport_opts_write, .mihomo = "grpc-opts",             \
               .table = transport_grpc_table, .help = "Of network grpc."),                         \
    OPT_UNSUPPORTED(.mihomo = "xhttp-opts", .help = "XHTTP."),                                     \
    OPT_UNSUPPORTED(.mihomo = "mkcp-opts", .help = "mKCP."),                                       \
    OPT_UNSUPPORTED(.mihomo = "mekya-opts", .help = "mekya.")

#define TRANSPORT_SERVER_OPTIONS(s, f)                                                             \
    OPT_CUSTOM(s, f, transport_object_read, transport_object_write, .singbox = "transport",        \
               .table = transport_table, .help = "V2Ray transport of the listener."),              \
    OPT_CUSTOM(s, f, transport_path_read, transport_path_write, .mihomo = "ws-path",               \
               .help = "WebSocket on this path."),                                                 \
    OPT_CUSTOM(s, f, transport_path_read, transport_path_write, .mihomo = "grpc-service-name",     \
               .help = "gRPC under this service name."),                                           \
    OPT_UNSUPPORTED(.mihomo = "xhttp-config", .help = "XHTTP.")

/* Whether there is a transport at all. */
static inline bool transport_is_given(const struct transport_options *o)
{
    return o->type != TRANSPORT_NONE;
}
/*
 * The ALPN names that TLS has to offer (or, in a server, to accept) unless the configuration names
 * its own: NULL ends the list.
 */
const char *const *transport_alpn(const struct transport_options *o);

/* ---- client -------------------------------------------------------------------------------- */

struct transport_client;

struct transport_client_setup {
    const struct transport_options *options;
    bool has_tls;
    struct text host;  /* shown as Host when the options name none: the TLS server name, or the server's address */
    uint16_t port;
    const struct log *log;
};

/* Shared by all workers. Texts are borrowed for its life. NULL with err. */
struct transport_client *transport_client_new(const struct transport_client_setup *setup, struct error *err) CHECKED;
/* Any thread; no flow uses it any more. Accepts NULL. */
void transport_client_free(struct transport_client *c);
/*
 * This worker's part: connections that wait for reuse are closed. Parks until they are gone. From the
 * outbound's `leave`. Accepts NULL.
 */
void transport_client_leave(struct transport_client *c);

/* Gives a fresh lower stream, TLS included. May park. */
typedef int transport_dial_fn(void *arg, struct stream **out, struct error *err);
/*
 * A stream to the server. `dial` is called unless a live connection (h2, grpc) takes one more. Parks for the
 * handshake where the transport has one; the head of others travels with the first write (STREAM_HOLDS_HEADER).
 */
int transport_open(struct transport_client *c, transport_dial_fn *dial, void *arg, struct stream **out,
                   struct error *err) CHECKED;

/* ---- server -------------------------------------------------------------------------------- */

struct transport_server;

/* Each stream that arrives, in a coroutine of its own. Consumes it. */
typedef void transport_accept_fn(void *arg, struct stream *s);

struct transport_calls {
    transport_accept_fn *accept;
    transport_accept_fn *fallback; /* an HTTP/1 connection that is not ours, from its first octet; NULL: 404 */
    void *arg;
};

/* Texts are borrowed for its life. NULL with err. */
struct transport_server *transport_server_new(const struct transport_options *options, const struct log *log,
                                              struct error *err) CHECKED;
void transport_server_free(struct transport_server *t);
/*
 * Serves one connection until it and all its streams have ended. Consumes `lower`, whose deadline holds for the
 * handshake (h2: until the first stream) and is lifted before accept() is called. 0, or why it was none of ours,
 * with err. Parks.
 */
int transport_serve(struct transport_server *t, struct stream *lower, const struct transport_calls *calls,
                    struct error *err) CHECKED;

#endif
