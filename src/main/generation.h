/*
 * What one configuration became: outbounds, groups, router, inbounds, and their listening
 * descriptors. Immutable once built, shared by all workers, counted: a reload leaves the old one to the sessions that
 * still run in it.
 */
#ifndef WEIR_MAIN_GENERATION_H
#define WEIR_MAIN_GENERATION_H

#include "config/model.h"
#include "net/listeners.h"
#include "policy/cache_file.h"
#include "policy/health.h"
#include "policy/hosts.h"
#include "policy/router.h"

struct generation {
    struct model model;
    struct outbound **outbounds; /* as model.outbounds */
    struct dialer *dialers;      /* as model.outbounds */
    size_t outbound_count;
    struct map by_tag;
    struct inbound **inbounds;   /* as model.inbounds */
    size_t inbound_count;
    int *tcp_fd;                 /* [worker * inbound_count + inbound]; owned by the listeners */
    int *udp_fd;
    struct hosts *hosts;
    struct dialer resolver_dialer;
    struct resolver *resolver;
    struct health *health;
    struct router *router;
    const struct log *log;
    struct router_counters *counters;
    unsigned references;         /* atomic */
};

struct generation_setup {
    const struct log *log;
    struct cache_file *cache;          /* may be NULL */
    struct router_counters *counters;  /* of all generations together; NULL: each its own */
    const struct protocol *const *registry;
};

/*
 * Builds from a model that was read without errors; takes the model over. One reference. NULL with err.
 */
struct generation *generation_new(struct model *model, const struct generation_setup *setup, struct error *err) CHECKED;
/* Binds every listener for every worker, inside a listeners_begin() .. commit/rollback. 0 or negative with err. */
int generation_listen(struct generation *g, struct listeners *listeners, unsigned workers, struct error *err) CHECKED;
void generation_ref(struct generation *g);
/* Any thread; the last one frees. Health tests must have been stopped. Accepts NULL. */
void generation_unref(struct generation *g);
struct outbound *generation_outbound(const struct generation *g, struct text tag);

#endif
