/* How VMess and VLESS carry datagrams to more than one address. */
#ifndef WEIR_PROTO_PACKET_ENCODING_H
#define WEIR_PROTO_PACKET_ENCODING_H

#include "format/option.h"

enum packet_encoding {
    PACKET_PLAIN,      /* each path has one far end */
    PACKET_ADDR,       /* layer/packetaddr */
    PACKET_XUDP,       /* layer/muxcool */
    PACKET_UNSAID,     /* in a configuration: as the protocol likes */
};

struct packet_encoding_option {
    int encoding;      /* enum packet_encoding */
    bool packet_addr;  /* mihomo's older keys */
    bool xudp;
};

extern const struct option_choice packet_encoding_singbox[];
extern const struct option_choice packet_encoding_mihomo[];

/* `unsaid`: what the protocol does when nothing is said. */
enum packet_encoding packet_encoding_of(const struct packet_encoding_option *o, enum packet_encoding unsaid);

#define PACKET_ENCODING_OPTIONS(s, f)                                                              \
    OPT_ENUM(s, f.encoding, packet_encoding_singbox, .singbox = "packet_encoding", .def = PACKET_UNSAID, \
             .help = "How datagrams to many addresses share a stream: xudp, packetaddr, or \"\": each has its own."), \
    OPT_ENUM(s, f.encoding, packet_encoding_mihomo, .mihomo = "packet-encoding", .def = PACKET_UNSAID, \
             .help = "How datagrams to many addresses share a stream: xudp, packetaddr."),          \
    OPT_BOOL(s, f.packet_addr, .mihomo = "packet-addr", .help = "The same as packet-encoding: packetaddr."), \
    OPT_BOOL(s, f.xudp, .mihomo = "xudp", .help = "The same as packet-encoding: xudp.")

#endif
