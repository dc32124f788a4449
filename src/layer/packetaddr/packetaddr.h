/*
 * Packet addresses (v2fly, "packetaddr"): a path to one magic name whose datagrams begin with the address
 * that they go to or come from, so that one path reaches every address.
 *
 *     | family 1: 1 IPv4, 2 IPv6 | address 4, 16 | port 2 | payload |
 *
 * Names cannot be carried.
 */
#ifndef WEIR_LAYER_PACKETADDR_H
#define WEIR_LAYER_PACKETADDR_H

#include "net/packet.h"

bool packetaddr_is_magic(const struct dest *d);
struct dest packetaddr_magic(void);
/* Puts the addresses on datagrams of `lower`, which it consumes. Either side. NULL: out of memory. */
struct packet *packetaddr_packet(struct packet *lower) CHECKED;

/* Takes the address off the payload: its length, or -EPROTO. No I/O. */
int packetaddr_read(const uint8_t *p, size_t n, struct dest *out) CHECKED;

#endif
