/*
 * The one owner of every listening descriptor of an instance. A new configuration asks for what it
 * needs; what the old one had under the same name is handed on, not bound again.
 */
#ifndef WEIR_NET_LISTENERS_H
#define WEIR_NET_LISTENERS_H

#include "base/map.h"
#include "net/socket.h"

struct listener;

struct listeners {
    struct map by_name; /* struct listener */
};

void listeners_init(struct listeners *l);
/* Closes all. */
void listeners_done(struct listeners *l);
/*
 * The descriptor for these options and this worker, bound now or kept from before: it stays owned here. A listener with
 * port 0 is bound once for all workers (see listeners.c) under its `tag`. Marks it as wanted. Negative with err.
 */
int listeners_get(struct listeners *l, bool is_udp, const struct listen_options *o, const char *tag,
                  unsigned worker, struct error *err) CHECKED;
/* Before a new configuration asks: nothing is wanted yet. */
void listeners_begin(struct listeners *l);
/* The new configuration stands: closes what it does not want. */
void listeners_commit(struct listeners *l);
/* It does not: closes what was bound for it and forgets what it wanted. */
void listeners_rollback(struct listeners *l);

#endif
