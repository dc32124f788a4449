/*
 * Switching stacks. Our own assembly on amd64 and arm64; with -Dboost_context=true the
 * archive of libboost_context, for other processors and as a second witness.
 */
#ifndef WEIR_RUNTIME_CONTEXT_H
#define WEIR_RUNTIME_CONTEXT_H

#include <stddef.h>

struct context {
    void *sp; /* everything else lies on the stack that it points to */
#ifdef WEIR_BOOST_CONTEXT
    void (*entry)(void *arg);
#endif
};

/* Prepares a first run of entry(arg) below `top`, where arg is what the first switch hands over. */
void context_make(struct context *c, void *top, size_t size, void (*entry)(void *arg));

/* Saves the running context in *from and continues *to, where the call returns `arg`. */
void *context_switch(struct context *from, struct context *to, void *arg);

#endif
