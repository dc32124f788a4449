#include "proto/packet_encoding.h"

const struct option_choice packet_encoding_singbox[] = {
    {"", PACKET_PLAIN},
    {"packetaddr", PACKET_ADDR},
    {"xudp", PACKET_XUDP},
    {NULL, 0},
};

/* mihomo takes an empty text for not said, and "packet" for packetaddr. */
const struct option_choice packet_encoding_mihomo[] = {
    {"", PACKET_UNSAID},
    {"packetaddr", PACKET_ADDR},
    {"packet", PACKET_ADDR},
    {"xudp", PACKET_XUDP},
    {NULL, 0},
};

enum packet_encoding packet_encoding_of(const struct packet_encoding_option *o, enum packet_encoding unsaid)
{
    if (o->encoding != PACKET_UNSAID)
        return (enum packet_encoding)o->encoding;
    if (o->packet_addr)
        return PACKET_ADDR;
    return o->xudp ? PACKET_XUDP : unsaid;
}
