/* HTTP proxies, both sides: CONNECT, and plain requests in absolute form. See README.md. */
#ifndef WEIR_PROTO_HTTP_HTTP_H
#define WEIR_PROTO_HTTP_HTTP_H

#include "proto/protocol.h"
#include "proto/users.h"

extern const struct protocol http_protocol;

struct http_outbound_options {
    struct text server;
    uint16_t server_port;
    struct text username;
    struct text password;
    struct text path;         /* request target of CONNECT instead of host:port */
    struct text_map headers;  /* added to CONNECT */
    struct tls_client_options tls;
};

int http_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err);
int http_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err);

#endif
