/*
 * The texts of /etc/hosts and /etc/resolv.conf. Broken lines are skipped, as every resolver
 * does; the text itself is bounded by whoever read the file.
 */
#ifndef WEIR_FORMAT_HOSTS_FILE_H
#define WEIR_FORMAT_HOSTS_FILE_H

#include "net/addr.h"

enum {
    RESOLV_SERVERS_MAX = 3, /* as in libc: what comes after is not used */
    RESOLV_SEARCH_MAX = 6,
    RESOLV_NDOTS_MAX = 15,
    RESOLV_TIMEOUT_MAX = 30,
    RESOLV_ATTEMPTS_MAX = 5,
};

/* hosts(5): address, then names, then perhaps a comment; one (address, name) at a time. */
struct hosts_walk {
    struct text rest;  /* lines not read yet: set it to the whole text */
    struct text names; /* not read yet of the current line */
    struct addr ip;
};

/* The next pair; false at the end. */
bool hosts_next(struct hosts_walk *w, struct addr *ip, struct text *name);

/* resolv.conf(5). Views are into the text. */
struct resolv_conf {
    size_t server_count;
    struct addr servers[RESOLV_SERVERS_MAX]; /* port 53; none: ask 127.0.0.1 */
    size_t search_count;
    struct text search[RESOLV_SEARCH_MAX];
    unsigned ndots;      /* 1 */
    unsigned timeout;    /* 5 seconds */
    unsigned attempts;   /* 2 */
    bool rotates;
    bool uses_tcp;       /* option use-vc */
    bool single_request; /* A and AAAA one after the other */
};

/* Always gives something usable; of several domain and search lines the last counts. */
void resolv_conf_read(struct text t, struct resolv_conf *out);

#endif
