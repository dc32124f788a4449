/* What the files of the stub resolver share. No other module includes this. */
#ifndef WEIR_POLICY_RESOLVER_INTERNAL_H
#define WEIR_POLICY_RESOLVER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/map.h"
#include "format/dns_message.h"
#include "format/hosts_file.h"
#include "policy/resolver.h"
#include "runtime/workers.h"

/* ---- answers --------------------------------------------------------------------------------- */

/* In this order everywhere. */
enum question_kind { ASK_A, ASK_AAAA, ASK_KINDS };

/* What is known about one name and type. */
struct answer {
    bool is_known;
    int result;   /* 0; -ENOENT: no such name, or no address of the kind; other failures are not kept */
    uint32_t ttl; /* seconds */
    unsigned count;
    struct addr addrs[RESOLVED_MAX];
};

struct answers {
    struct answer of[ASK_KINDS];
};

/* Least recently used goes first. Guards itself. */
struct resolver_cache {
    pthread_mutex_t lock;
    struct map map;
    struct list used;
    unsigned count;
};

void resolver_cache_init(struct resolver_cache *c);
void resolver_cache_done(struct resolver_cache *c);
/* `name` is in lower case. False: not there, or too old. */
bool resolver_cache_get(struct resolver_cache *c, struct text name, enum question_kind kind, struct answer *out);
/* Keeps 0 and -ENOENT for their TTL; does nothing when memory ran out. */
void resolver_cache_put(struct resolver_cache *c, struct text name, enum question_kind kind, const struct answer *a);
void resolver_cache_flush(struct resolver_cache *c);

/* ---- the system's files ------------------------------------------------------------------------ */

/* What the files said when they were last read. Shared, immutable. */
struct system_names {
    _Atomic unsigned refs;
    char *conf_text;
    struct resolv_conf conf; /* views into conf_text */
    struct hosts *hosts;     /* NULL: none */
    bool has_ipv6;           /* a route to the internet over IPv6 */
};

/* Identity of a file, to see that it changed. */
struct file_mark {
    uint64_t inode;
    int64_t size;
    int64_t changed_ns;
};

struct system_files {
    char *resolv_conf; /* "": none */
    char *hosts_file;
    int64_t check_ms;
    pthread_mutex_t lock; /* guards what is below */
    struct system_names *now;
    struct file_mark marks[2];
    int64_t checked_at;
};

int system_files_init(struct system_files *f, const char *resolv_conf, const char *hosts_file) CHECKED;
void system_files_done(struct system_files *f);
/* What holds now, read again if it is time to look and something changed. May park. system_names_unref() it. */
struct system_names *system_files_get(struct system_files *f);
void system_names_unref(struct system_names *n);
DEFINE_CLEANUP(system_names, struct system_names *, system_names_unref)
#define OWNED_SYSTEM_NAMES CLEANUP(system_names_cleanup) struct system_names

/* ---- the resolver ------------------------------------------------------------------------------ */

/* Of one worker, touched by it only. */
struct resolver_worker {
    struct map flights;
};

struct stub {
    struct resolver resolver;
    const struct hosts *hosts;
    struct dialer *dialer;
    struct dialer plain; /* when none was given */
    struct addr servers[RESOLVER_SERVERS];
    unsigned server_count;
    enum ip_strategy strategy;
    bool no_ipv6;
    int64_t timeout;
    unsigned attempts;
    const struct log *log;
    struct system_files files;
    struct resolver_cache cache;
    struct resolver_worker *workers[WORKERS_MAX];
    _Atomic unsigned rotation;
    _Atomic uint64_t lookups, hits, shared, queries, refused;
};

/*
 * Asks the servers for the kinds in `wanted` (bits by enum question_kind) of one absolute name; fills those.
 * 0 when every wanted kind is known or may be missing; else the failure with err. May park.
 */
int resolver_query(struct stub *r, const struct system_names *sys, struct text name, unsigned wanted,
                   struct answers *out, struct error *err) CHECKED;

#endif
