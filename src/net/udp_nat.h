/*
 * Splits what arrives on one UDP socket into flows by a key (the source address, or a protocol's session id),
 * runs each in a coroutine, and ends those that are idle: the NAT table of every UDP inbound.
 */
#ifndef WEIR_NET_UDP_NAT_H
#define WEIR_NET_UDP_NAT_H

#include "base/map.h"
#include "net/proxy.h"

enum {
    UDP_FLOW_QUEUE = 32, /* datagrams held for a flow that is still being opened; more are dropped */
    UDP_FLOWS_MAX = 16384,
    UDP_KEY_MAX = 48,
};

struct udp_nat;

/* Sends answers of a flow back to its client: `arg` and `key` as given, `source` where the client was last seen. */
typedef int udp_answer_fn(void *arg, struct bytes key, const struct addr *source, struct batch *b);

struct udp_nat *udp_nat_new(struct inbound *in, udp_answer_fn *answer, void *arg) CHECKED;
/*
 * Hands one decoded datagram (peer = its destination) to the flow of `key`, which is made if it is new: then a
 * coroutine runs router_carry_packets(). `user` may be NULL. Never parks. 0, or when it was dropped -EAGAIN (the flow's queue is
 * full), -EMFILE (too many flows) or -ENOMEM.
 */
int udp_nat_deliver(struct udp_nat *n, struct bytes key, const struct addr *source, const char *user,
                    const struct datagram *d);
/* Ends all flows and waits for them. */
void udp_nat_free(struct udp_nat *n);

#endif
