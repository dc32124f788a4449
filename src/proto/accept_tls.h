/* TLS in front of an inbound's protocol. */
#ifndef WEIR_PROTO_ACCEPT_TLS_H
#define WEIR_PROTO_ACCEPT_TLS_H

#include "layer/tls/tls.h"
#include "net/proxy.h"

/*
 * Replaces *client by the stream inside its TLS. Does nothing without `tls`. Otherwise, on failure, says so at level debug,
 * closes the client and sets *client to NULL. May park.
 */
int accept_tls(const struct inbound *in, struct tls_server *tls, struct session *s, struct stream **client);

#endif
