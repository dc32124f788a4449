/* Who holds a port: for the message when binding fails. */
#ifndef WEIR_NET_PORT_OWNER_H
#define WEIR_NET_PORT_OWNER_H

#include "net/addr.h"

/* "nginx (pid 812)" into `out`; false when nobody is found or this user may not look. Reads /proc: blocks. */
bool port_owner(const struct addr *a, bool is_udp, char *out, size_t size);

#endif
