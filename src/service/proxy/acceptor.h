/*
 * Accepts connections and datagrams of one inbound on one worker and hands each to the protocol in a
 * coroutine of its own.
 */
#ifndef WEIR_SERVICE_PROXY_ACCEPTOR_H
#define WEIR_SERVICE_PROXY_ACCEPTOR_H

#include "net/proxy.h"
#include "net/socket.h"
#include "runtime/gate.h"

/* What all acceptors of a worker share. */
struct admission {
    struct gate connections; /* at its limit, connections wait in the kernel's queue */
    int reserve;             /* a descriptor to spend when there are no others; -1 once spent */
    int64_t told_at;         /* last complaint about descriptors */
    int64_t told_full_at;    /* the same about the limit */
    uint64_t refused;        /* closed at once for want of a descriptor */
};
void admission_init(struct admission *a, unsigned max_connections);
void admission_done(struct admission *a);

struct acceptor_setup {
    struct inbound *inbound;
    const struct listen_options *listen;
    int tcp_fd;              /* -1: none; both stay owned by the caller */
    int udp_fd;
    bool is_lan_refused;     /* sources other than this machine are closed at once (mihomo allow-lan) */
    struct admission *admission;
    struct group *accepting; /* cancelled to stop accepting */
    struct group *sessions;  /* where connections run */
};

/* From a coroutine. 0 or negative with err. */
int acceptor_start(const struct acceptor_setup *setup, struct error *err) CHECKED;

#endif
