/* What the files of groups share. No other module includes this. */
#ifndef WEIR_POLICY_GROUP_INTERNAL_H
#define WEIR_POLICY_GROUP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "base/map.h"
#include "policy/cache_file.h"
#include "policy/group.h"
#include "policy/health.h"

enum {
    STICKY_MAX = 1000,
    STICKY_MS = 600000,
    GROUP_DEPTH = 16, /* groups inside groups */
    NO_MEMBER = -1,
};

/* Which member a pair of ends used last; the oldest is forgotten first. Guards itself. */
struct sticky;
struct sticky *sticky_new(void) CHECKED;
void sticky_free(struct sticky *t);
/* Index of a member or NO_MEMBER. A hit lasts another ten minutes. */
int sticky_get(struct sticky *t, uint64_t key, int64_t now);
void sticky_put(struct sticky *t, uint64_t key, int member, int64_t now);

/* The registrable part of a host name ("a.b.example.co.uk" -> "example.co.uk"), approximately. */
struct text site_of(struct text name);

struct member {
    struct outbound *outbound;
    struct health_record *health; /* NULL: not tested */
};

/* Shared by all workers: what changes after group_set_members() is atomic or in `sticky`. */
struct outbound_group {
    struct outbound outbound;
    const struct group_spec *spec;
    struct health *health;
    struct cache_file *cache;
    const struct log *log;
    struct member *members;
    unsigned count;
    struct sticky *sticky;
    const void *seen_by;       /* while looking for circles */
    _Atomic int chosen[2];     /* per network for urltest; selectors use [0] */
    _Atomic int pinned;
    _Atomic unsigned turn;     /* of round-robin */
    _Atomic unsigned failures; /* dials since `failing_since` */
    _Atomic int64_t failing_since;
};

struct outbound_group *group_of(const struct outbound *o);

struct choice {
    const struct session *session; /* NULL: any TCP flow */
    const struct member *avoid;    /* may be NULL */
    bool is_dry;                   /* remember nothing */
};
/* The member to use, or NULL: none that carries this. */
struct member *group_choose(struct outbound_group *g, const struct choice *c);

#endif
