/*
 * The stub resolver: names through the system's servers (/etc/resolv.conf), the hosts file and the configuration's static
 * hosts, without getaddrinfo and without blocking a worker. It is one kind of struct resolver; the servers of the DNS part
 * (DoT, DoH, fake-ip ...) become others behind the same interface.
 *
 * A and AAAA are asked in parallel on one socket of its own for each try: a random port, random ids, and the
 * answer must come from the server, with our id and our question. No answer: the next server, then round again. A truncated
 * answer is asked again over TCP. Equal look-ups of a worker share one query; answers are cached by their TTL.
 */
#ifndef WEIR_POLICY_RESOLVER_H
#define WEIR_POLICY_RESOLVER_H

#include "base/log.h"
#include "net/dialer.h"
#include "policy/hosts.h"

enum {
    RESOLVER_SERVERS = 8,
    RESOLVER_CACHE = 4096,        /* answers, of one name and type */
    RESOLVER_TTL_MAX_S = 86400,
    RESOLVER_NEGATIVE_S = 300,    /* ceiling for "does not exist" */
    RESOLVER_CHECK_MS = 5000,     /* how often files are looked at for changes */
    RESOLVER_AAAA_GRACE_MS = 50,  /* RFC 8305 section 3: AAAA may come so long after A */
    RESOLVER_A_GRACE_MS = 300,    /* an A after AAAA: without it happy eyeballs has nothing to fall back to */
};

/* What is borrowed outlives the resolver. Zeroed fields mean the system's. */
struct resolver_setup {
    const char *resolv_conf;      /* NULL: /etc/resolv.conf; "": none */
    const char *hosts_file;       /* NULL: /etc/hosts; "": none */
    const struct hosts *hosts;    /* static ones, which win; may be NULL */
    const struct addr *servers;   /* instead of those of resolv.conf, with ports */
    unsigned server_count;
    struct dialer *dialer;        /* how servers are reached: mark, interface, detour. NULL: plainly */
    enum ip_strategy strategy;    /* for look-ups that ask AS_IS */
    bool no_ipv6;                 /* no AAAA, whatever is asked */
    int64_t timeout_ms;           /* of the first try, doubled each round up to resolv.conf's; 0: 1 s */
    unsigned attempts;            /* rounds over the servers; 0: one more than resolv.conf's */
    int64_t check_ms;             /* how often the files are looked at; 0: RESOLVER_CHECK_MS */
    const struct log *log;
};

/*
 * Shared by all workers. Reads the system's files: not on a worker. Later look-ups notice when they
 * change, and read them on a thread for blocking work. 0 or -ENOMEM.
 */
int resolver_new(const struct resolver_setup *setup, struct resolver **out, struct error *err) CHECKED;
/* After its last look-up; any thread. Accepts NULL. */
void resolver_free(struct resolver *r);

struct resolver_stats {
    uint64_t lookups;
    uint64_t hits;    /* from the cache or files */
    uint64_t shared;  /* waited for an equal look-up */
    uint64_t queries; /* sent */
    uint64_t refused; /* answers that did not fit the question */
};
struct resolver_stats resolver_stats(struct resolver *r);
/* Forgets all answers. Any thread. */
void resolver_flush(struct resolver *r);

#endif
