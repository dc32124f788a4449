/* Goes nowhere: refuses, or holds the client without an answer. */
#ifndef WEIR_PROTO_BLOCK_BLOCK_H
#define WEIR_PROTO_BLOCK_BLOCK_H

#include "proto/protocol.h"

extern const struct protocol block_protocol;

enum block_method {
    BLOCK_REFUSE, /* at once, with the answer that the inbound's protocol has for "not allowed" */
    BLOCK_DROP,   /* no answer; the connection ends after BLOCK_DROP_MS */
};

enum { BLOCK_DROP_MS = 30000 };

/* Neither dialect has a key for it; mihomo's REJECT-DROP is made with BLOCK_DROP. */
struct block_options {
    int method;
};

#endif
