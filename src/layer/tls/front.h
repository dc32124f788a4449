/* The front door of a TLS listener: the ClientHello is read before anything is decided. Inside layer/tls only. */
#ifndef WEIR_LAYER_TLS_FRONT_H
#define WEIR_LAYER_TLS_FRONT_H

#include "layer/tls/stream.h"
#include "net/session.h"

enum { TLS_NAME = 256 };

/*
 * Reads until the ClientHello is whole; it stays in t->intake. `name` gets the server name ("" = none), s->tls what else it
 * tells (`s` may be NULL). Parks. 0 or negative with err, after an alert was sent where one is due.
 */
int tls_front_read(struct tls_stream *t, struct session *s, char name[TLS_NAME], struct error *err) CHECKED;

#endif
