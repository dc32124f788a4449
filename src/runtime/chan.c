#include "runtime/chan.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

int chan_init(struct chan *c, unsigned cap, size_t item_size)
{
    *c = (struct chan){.cap = cap, .item_size = item_size};
    c->items = mem_alloc_array(cap, item_size);
    return c->items ? 0 : -ENOMEM;
}

void chan_done(struct chan *c)
{
    mem_free(c->items);
    c->items = NULL;
}

int chan_try_send(struct chan *c, const void *item)
{
    if (c->is_closed)
        return -EPIPE;
    if (c->len == c->cap)
        return -EAGAIN;
    memcpy(c->items + (c->first + c->len) % c->cap * c->item_size, item, c->item_size);
    c->len++;
    event_set(&c->can_receive);
    return 0;
}

int chan_try_receive(struct chan *c, void *out)
{
    if (c->len == 0)
        return c->is_closed ? -EPIPE : -EAGAIN;
    memcpy(out, c->items + c->first * c->item_size, c->item_size);
    c->first = (c->first + 1) % c->cap;
    c->len--;
    event_set(&c->can_send);
    return 0;
}

int chan_send(struct chan *c, const void *item, int64_t deadline)
{
    int r;

    while ((r = chan_try_send(c, item)) == -EAGAIN) {
        r = event_wait(&c->can_send, deadline, "send to channel");
        if (r < 0)
            return r;
    }
    return r;
}

int chan_receive(struct chan *c, void *out, int64_t deadline)
{
    int r;

    while ((r = chan_try_receive(c, out)) == -EAGAIN) {
        r = event_wait(&c->can_receive, deadline, "receive from channel");
        if (r < 0)
            return r;
    }
    return r;
}

void chan_close(struct chan *c)
{
    c->is_closed = true;
    event_set(&c->can_send);
    event_set(&c->can_receive);
}
