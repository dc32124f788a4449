#include "net/packet.h"

#include <errno.h>

int packet_receive(struct packet *p, struct batch *b, int64_t deadline)
{
    for (;;) {
        int n = p->ops->receive(p, b);
        if (n != -EAGAIN)
            return n;
        int r = event_wait(p->ops->readable(p), deadline, p->ops->name);
        if (r < 0)
            return r;
    }
}

int packet_send(struct packet *p, struct batch *b)
{
    return b->count ? p->ops->send(p, b) : 0;
}

void packet_close(struct packet *p)
{
    if (p)
        p->ops->close(p);
}
