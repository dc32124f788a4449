/*
 * When a rule sends a UDP flow to another destination than the client named: the client's
 * datagrams to `from` go to `to`, and the answers seem to come from `from`.
 */
#ifndef WEIR_POLICY_PACKET_RENAME_H
#define WEIR_POLICY_PACKET_RENAME_H

#include "net/packet.h"

/* Consumes the client's path, also on failure (NULL: memory ran out). */
struct packet *packet_rename(struct packet *client, const struct dest *from, const struct dest *to) CHECKED;
/* What receiving through it would do to datagrams that were received before. */
void batch_rename(struct batch *b, const struct dest *from, const struct dest *to);

#endif
