/* Making sockets with the options of dialers and listeners. Inside net/ only. */
#ifndef WEIR_NET_OPEN_H
#define WEIR_NET_OPEN_H

#include "net/socket.h"

/* What both kinds of options have in common. */
struct open_options {
    const char *bind_interface;
    const char *netns;
    uint32_t mark;
    bool mptcp;
};

/* A non-blocking socket with them set, or a negative code. */
int open_socket(int family, int type, const struct open_options *o, struct error *err) CHECKED;
/* IP_MTU_DISCOVER: whether IP may fragment what we send. */
void open_set_fragment(int fd, int family, bool may_fragment);

#endif
