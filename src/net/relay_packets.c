#include <errno.h>

#include "net/lanes.h"
#include "net/relay.h"

enum { BATCHES_PER_TURN = 16 };

struct packet_lane {
    struct lane lane;
    struct packet *from;
    struct packet *to;
    uint64_t *count;
    int64_t *last_activity;
};

static struct event *lane_readable(struct lane *l)
{
    struct packet *from = container_of(l, struct packet_lane, lane)->from;

    return from->ops->readable(from);
}

static int carry_some(struct packet_lane *l, struct batch *b)
{
    for (int i = 0; i < BATCHES_PER_TURN; i++) {
        uint64_t bytes = 0;
        int n = l->from->ops->receive(l->from, b);
        if (n < 0)
            return n == -EAGAIN ? 1 : n;
        for (unsigned k = 0; k < b->count; k++)
            bytes += b->at[k].len;
        *l->last_activity = loop_now();
        int r = packet_send(l->to, b);
        if (r < 0)
            return r;
        *l->count += bytes;
    }
    event_set(l->from->ops->readable(l->from));
    return 1;
}

static int burst(struct lane *lane)
{
    struct packet_lane *l = container_of(lane, struct packet_lane, lane);
    struct batch *b = batch_get();

    if (!b)
        return -ENOMEM;
    int r = carry_some(l, b);
    batch_put(b);
    return r;
}

int relay_packets(struct session *s, struct packet *a, struct packet *b, int64_t idle_ms)
{
    int64_t last = loop_now();
    struct packet_lane up = {.lane = {.burst = burst, .readable = lane_readable}, .from = a, .to = b,
                             .count = &s->up, .last_activity = &last};
    struct packet_lane down = {.lane = {.burst = burst, .readable = lane_readable}, .from = b, .to = a,
                               .count = &s->down, .last_activity = &last};
    struct lane_limits limits = {.idle_ms = idle_ms, .last_activity = &last};

    event_set(a->ops->readable(a));
    event_set(b->ops->readable(b));
    int r = lanes_run((struct lane *[]){&up.lane, &down.lane}, &limits);
    /* Datagrams have no end: silence is one, and so is the path's own (-EPIPE: its stream has ended). */
    return r == -ETIMEDOUT || r == -EPIPE ? 0 : r;
}
