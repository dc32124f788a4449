/*
 * What would the router do with a flow, and why? The decision is the router's own (decide.c); it
 * is watched, nothing is read from a client and nothing is dialled. Names are really resolved.
 */
#ifndef WEIR_POLICY_EXPLAIN_H
#define WEIR_POLICY_EXPLAIN_H

#include "base/strbuf.h"
#include "policy/router.h"

struct explain_request {
    struct dest dest;
    enum network network;
    struct addr source;        /* not set: 127.0.0.1 */
    const char *inbound;       /* tag; NULL: none */
    const char *inbound_type;  /* NULL: unknown */
    const char *user;          /* NULL: none */
    struct text protocol;      /* what a sniff rule is to find; empty: nothing */
    struct text sniffed;       /* ... and the name in it */
};

/*
 * Adds the report to `out`: text, or one JSON object. From a coroutine of a worker; may park.
 * 0 also for a flow that would be refused; -ENOMEM, -ECANCELED.
 */
int explain(struct router *r, const struct explain_request *q, bool as_json, struct strbuf *out) CHECKED;

#endif
