/* Carries bytes between two streams, or datagrams between two packet paths, until the end. */
#ifndef WEIR_NET_RELAY_H
#define WEIR_NET_RELAY_H

#include "net/session.h"

struct relay_limits {
    int64_t idle_ms;       /* ends with -ETIMEDOUT after this long without a byte in either direction */
    int64_t half_close_ms; /* the same once one direction has ended; 0 = idle_ms */
    int64_t first_ms;      /* how long a held-back header waits for the client's first bytes */
};

/*
 * Both directions until both have ended, one failed, the idle time passed, or cancellation. A direction's end is passed on
 * as a half-close; that of the second is left to the close that the caller does next. Counts into s->up (a to b) and s->down (b to a) as it goes. Closes nothing. Parks.
 * 0 when both ended in order.
 */
int relay_streams(struct session *s, struct stream *a, struct stream *b, const struct relay_limits *limits) CHECKED;
/* Datagrams both ways until idle or a failure; idle is the normal end and gives 0. */
int relay_packets(struct session *s, struct packet *a, struct packet *b, int64_t idle_ms) CHECKED;

#endif
