/* Pipes for splice, kept by the worker between uses. Inside net/ only. */
#ifndef WEIR_NET_PIPES_H
#define WEIR_NET_PIPES_H

#include <stdbool.h>
#include <stddef.h>

struct pipe {
    int in;
    int out;
    size_t size;
    size_t queued;
    struct pipe *next;
};

/* NULL: no descriptors or memory left, or the ceiling is near; the relay then copies. */
struct pipe *pipe_get(void);
/* Kept when it is empty, else closed. Accepts NULL. */
void pipe_put(struct pipe *p);

#endif
