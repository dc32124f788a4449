#include "net/open.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static int plain_socket(int family, int type, bool mptcp)
{
    int flags = type | SOCK_NONBLOCK | SOCK_CLOEXEC;

    if (mptcp) {
        int fd = socket(family, flags, IPPROTO_MPTCP);
        /* A kernel without MPTCP speaks TCP, as the peer would if it had none. */
        if (fd >= 0)
            return fd;
    }
    int fd = socket(family, flags, 0);
    return fd < 0 ? -errno : fd;
}

/* The thread visits the other namespace for this one call; nothing parks in between. */
static int socket_in_netns(int family, int type, const struct open_options *o, struct error *err)
{
    char path[256];
    CLEANUP(close_fd) int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    (void)snprintf(path, sizeof path, o->netns[0] == '/' ? "%s" : "/run/netns/%s", o->netns);
    CLEANUP(close_fd) int there = open(path, O_RDONLY | O_CLOEXEC);
    if (own < 0 || there < 0)
        return error_errno(err, -errno, "network namespace %s", o->netns);
    if (setns(there, CLONE_NEWNET) < 0)
        return error_errno(err, -errno, "network namespace %s", o->netns);
    int fd = plain_socket(family, type, o->mptcp);
    if (setns(own, CLONE_NEWNET) < 0) {
        /* Going on in the wrong network would send traffic where nobody wants it. */
        abort();
    }
    return fd;
}

int open_socket(int family, int type, const struct open_options *o, struct error *err)
{
    int fd = o->netns ? socket_in_netns(family, type, o, err) : plain_socket(family, type, o->mptcp);

    if (fd < 0)
        return error_errno(err, fd, "socket");
    if (o->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &o->mark, sizeof o->mark) < 0) {
        int r = error_errno(err, -errno, "routing mark %u", o->mark);
        (void)close(fd);
        return r;
    }
    if (o->bind_interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->bind_interface,
                                        (socklen_t)strlen(o->bind_interface)) < 0) {
        int r = error_errno(err, -errno, "bind to interface %s", o->bind_interface);
        (void)close(fd);
        return r;
    }
    return fd;
}

void open_set_fragment(int fd, int family, bool may_fragment)
{
    int v4 = may_fragment ? IP_PMTUDISC_DONT : IP_PMTUDISC_DO;
    int v6 = may_fragment ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_DO;

    (void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4);
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6);
}
