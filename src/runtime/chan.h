/* A bounded queue of fixed-size items between coroutines of one worker. */
#ifndef WEIR_RUNTIME_CHAN_H
#define WEIR_RUNTIME_CHAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "runtime/co.h"

struct chan {
    uint8_t *items;
    size_t item_size;
    unsigned cap;
    unsigned len;
    unsigned first;
    bool is_closed;
    struct event can_send; /* one sender and one receiver may wait at a time */
    struct event can_receive;
};

int chan_init(struct chan *c, unsigned cap, size_t item_size) CHECKED;
void chan_done(struct chan *c);
/* 0, -EAGAIN (full) or -EPIPE (closed). Never parks. */
int chan_try_send(struct chan *c, const void *item) CHECKED;
/* 0, -EAGAIN (empty) or -EPIPE (closed and empty). Never parks. */
int chan_try_receive(struct chan *c, void *out) CHECKED;
/* May park while full. */
int chan_send(struct chan *c, const void *item, int64_t deadline) CHECKED;
/* May park while empty. */
int chan_receive(struct chan *c, void *out, int64_t deadline) CHECKED;
/* Senders fail from now on; receivers get what is left, then -EPIPE. */
void chan_close(struct chan *c);

#endif
