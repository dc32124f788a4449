#include "main/generation.h"

#include <errno.h>

#include "base/mem.h"
#include "policy/resolver.h"

/* ---- outbounds --------------------------------------------------------------------------- */

struct outbound *generation_outbound(const struct generation *g, struct text tag)
{
    return map_get_text(&g->by_tag, tag);
}

static int make_outbound(struct generation *g, size_t i, const struct generation_setup *setup, struct error *err)
{
    const struct model_outbound *m = &g->model.outbounds.at[i];
    struct dialer *d = &g->dialers[i];
    int r;

    d->options = m->dial;
    d->resolver = g->resolver;
    if (m->protocol) {
        struct outbound_setup os = {.tag = m->tag.ptr, .options = m->options, .dialer = d, .log = setup->log};
        r = m->protocol->outbound_new(&os, &g->outbounds[i], err);
    } else {
        struct group_setup gs = {.tag = m->tag.ptr, .spec = m->group, .health = g->health,
                                 .cache = g->model.store_selected ? setup->cache : NULL, .log = setup->log};
        r = group_new(&gs, &g->outbounds[i], err);
    }
    if (r < 0)
        return error_prepend(err, r, "outbound '%s'", m->tag.ptr);
    if (m->protocol)
        g->outbounds[i]->dialer = d;
    r = map_put_text(&g->by_tag, m->tag, g->outbounds[i]);
    return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int find(const struct generation *g, struct text tag, struct outbound **out, struct error *err)
{
    struct outbound *o = generation_outbound(g, tag);

    if (!o)
        return error_set(err, -ENOENT, "no outbound is called '%.*s'", TEXT_ARG(tag));
    *out = o;
    return 0;
}

static int set_members(struct generation *g, size_t i, struct error *err)
{
    const struct text_list *tags = &g->model.outbounds.at[i].group->outbounds;
    OWNED struct outbound **members = mem_alloc_array(tags->len, sizeof *members);

    if (!members)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t k = 0; k < tags->len; k++) {
        int r = find(g, tags->at[k], &members[k], err);
        if (r < 0)
            return r;
    }
    return group_set_members(g->outbounds[i], members, (unsigned)tags->len, err);
}

/* Second pass: what refers to other outbounds by name. */
static int connect_outbounds(struct generation *g, struct error *err)
{
    for (size_t i = 0; i < g->outbound_count; i++) {
        const struct model_outbound *m = &g->model.outbounds.at[i];
        int r = 0;
        if (m->detour.len)
            r = find(g, m->detour, &g->dialers[i].detour, err);
        if (r == 0 && m->group)
            r = set_members(g, i, err);
        if (r < 0)
            return error_prepend(err, r, "outbound '%s'", m->tag.ptr);
    }
    return 0;
}

static int make_outbounds(struct generation *g, const struct generation_setup *setup, struct error *err)
{
    size_t n = g->model.outbounds.len;

    g->outbounds = mem_alloc_array(n, sizeof *g->outbounds);
    g->dialers = mem_alloc_array(n, sizeof *g->dialers);
    if (!g->outbounds || !g->dialers)
        return error_set(err, -ENOMEM, "out of memory");
    g->outbound_count = n;
    for (size_t i = 0; i < n; i++) {
        int r = make_outbound(g, i, setup, err);
        if (r < 0)
            return r;
    }
    return connect_outbounds(g, err);
}

/* ---- names ------------------------------------------------------------------------------- */

static int fill_hosts(struct generation *g)
{
    for (size_t i = 0; i < g->model.hosts.len; i++) {
        const struct model_host *h = &g->model.hosts.at[i];
        int r = h->alias.len ? hosts_add_alias(g->hosts, h->name, h->alias)
                             : hosts_add(g->hosts, h->name, h->addrs.at, h->addrs.count);
        if (r < 0)
            return r;
    }
    return 0;
}

static int make_resolver(struct generation *g, const struct log *log, struct error *err)
{
    g->hosts = hosts_new();
    if (!g->hosts || fill_hosts(g) < 0)
        return error_set(err, -ENOMEM, "hosts: out of memory or a bad name");
    if (g->model.interface_name.len)
        g->resolver_dialer.options.bind_interface = g->model.interface_name.ptr;
    g->resolver_dialer.options.mark = g->model.mark;
    struct resolver_setup setup = {
        .hosts_file = g->model.use_system_hosts ? NULL : "",
        .hosts = g->hosts,
        .dialer = &g->resolver_dialer,
        .strategy = g->model.strategy,
        .no_ipv6 = g->model.no_ipv6,
        .log = log,
    };
    return resolver_new(&setup, &g->resolver, err);
}

/* ---- router ------------------------------------------------------------------------------ */

static struct outbound *outbound_for_rule(void *arg, struct text tag)
{
    return generation_outbound(arg, tag);
}

static enum router_mode mode_of(struct text mode)
{
    return text_is_nocase(mode, "global") ? MODE_GLOBAL : text_is_nocase(mode, "direct") ? MODE_DIRECT : MODE_RULE;
}

static struct outbound *first_of_type(const struct generation *g, const char *type)
{
    for (size_t i = 0; i < g->outbound_count; i++) {
        if (text_is(text_of(g->outbounds[i]->ops->type), type))
            return g->outbounds[i];
    }
    return NULL;
}

static int inbound_policies(const struct generation *g, struct inbound_policy *out, struct error *err)
{
    for (size_t i = 0; i < g->model.inbounds.len; i++) {
        const struct model_inbound *m = &g->model.inbounds.at[i];
        out[i] = (struct inbound_policy){.tag = m->tag, .sub_rule = m->sub_rule,
                                         .is_local_only = g->model.dialect == DIALECT_MIHOMO && !m->allow_lan};
        int r = m->outbound.len ? find(g, m->outbound, &out[i].forced, err) : 0;
        if (r < 0)
            return error_prepend(err, r, "inbound '%s'", m->tag.ptr);
    }
    return 0;
}

static int make_router(struct generation *g, struct error *err)
{
    OWNED struct inbound_policy *policies = mem_alloc_array(g->model.inbounds.len, sizeof *policies);
    struct outbound *final = NULL;

    if (!policies)
        return error_set(err, -ENOMEM, "out of memory");
    int r = inbound_policies(g, policies, err);
    if (r == 0 && g->model.final.len)
        r = find(g, g->model.final, &final, err);
    if (r < 0)
        return r;
    if (!final)
        final = g->outbound_count ? g->outbounds[0] : NULL;
    bool is_mihomo = g->model.dialect == DIALECT_MIHOMO;
    struct router_setup setup = {
        .rules = {.lists = g->model.rules.at, .count = g->model.rules.len, .addresses_resolve = is_mihomo,
                  .outbound = outbound_for_rule, .arg = g},
        .udp_falls_through = is_mihomo,
        .inbounds = policies,
        .inbound_count = g->model.inbounds.len,
        .final = final,
        .global = generation_outbound(g, TEXT("GLOBAL")),
        .direct = first_of_type(g, "direct"),
        .mode = mode_of(g->model.mode),
        .resolver = g->resolver,
        .strategy = g->model.strategy,
        .counters = g->counters,
        .log = g->log,
    };
    return router_new(&setup, &g->router, err);
}

/* ---- inbounds ---------------------------------------------------------------------------- */

static int make_inbounds(struct generation *g, const struct generation_setup *setup, struct error *err)
{
    size_t n = g->model.inbounds.len;

    g->inbounds = mem_alloc_array(n, sizeof *g->inbounds);
    if (!g->inbounds)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const struct model_inbound *m = &g->model.inbounds.at[i];
        struct inbound_setup is = {.tag = m->tag.ptr, .options = m->options, .router = g->router, .log = setup->log,
                                   .udp_idle_ms = m->udp_idle_ms, .registry = setup->registry};
        int r = m->protocol->inbound_new(&is, &g->inbounds[i], err);
        if (r < 0)
            return error_prepend(err, r, "inbound '%s' (%s)", m->tag.ptr, m->protocol->name);
        g->inbound_count++;
    }
    return 0;
}

static int listen_on(struct generation *g, struct listeners *l, size_t i, unsigned worker, struct error *err)
{
    const struct model_inbound *m = &g->model.inbounds.at[i];
    size_t slot = worker * g->inbound_count + i;

    g->tcp_fd[slot] = g->udp_fd[slot] = -1;
    if (m->tcp && g->inbounds[i]->ops->serve) {
        int fd = listeners_get(l, false, &m->listen, m->tag.ptr, worker, err);
        if (fd < 0)
            return fd;
        g->tcp_fd[slot] = fd;
    }
    if (m->udp && g->inbounds[i]->ops->serve_packets && !m->listen.unix_path) {
        int fd = listeners_get(l, true, &m->listen, m->tag.ptr, worker, err);
        if (fd < 0)
            return fd;
        g->udp_fd[slot] = fd;
    }
    return 0;
}

int generation_listen(struct generation *g, struct listeners *listeners, unsigned workers, struct error *err)
{
    size_t n = g->inbound_count * workers;

    g->tcp_fd = mem_alloc_array(n, sizeof *g->tcp_fd);
    g->udp_fd = mem_alloc_array(n, sizeof *g->udp_fd);
    if (!g->tcp_fd || !g->udp_fd)
        return error_set(err, -ENOMEM, "out of memory");
    for (unsigned w = 0; w < workers; w++) {
        for (size_t i = 0; i < g->inbound_count; i++) {
            int r = listen_on(g, listeners, i, w, err);
            if (r < 0)
                return error_prepend(err, r, "inbound '%s'", g->model.inbounds.at[i].tag.ptr);
        }
    }
    return 0;
}

/* ---- life -------------------------------------------------------------------------------- */

static int make_all(struct generation *g, const struct generation_setup *setup, struct error *err)
{
    map_init(&g->by_tag);
    g->health = health_new(setup->log);
    if (!g->health)
        return error_set(err, -ENOMEM, "out of memory");
    int r = make_resolver(g, setup->log, err);
    if (r == 0)
        r = make_outbounds(g, setup, err);
    if (r == 0)
        r = make_router(g, err);
    if (r == 0)
        r = make_inbounds(g, setup, err);
    return r;
}

struct generation *generation_new(struct model *model, const struct generation_setup *setup, struct error *err)
{
    struct generation *g = mem_new(struct generation);

    if (!g) {
        model_done(model);
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    g->model = *model;
    g->log = setup->log;
    g->counters = setup->counters;
    g->references = 1;
    if (make_all(g, setup, err) < 0) {
        generation_unref(g);
        return NULL;
    }
    return g;
}

void generation_ref(struct generation *g)
{
    __atomic_fetch_add(&g->references, 1, __ATOMIC_RELAXED);
}

void generation_unref(struct generation *g)
{
    if (!g || __atomic_sub_fetch(&g->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < g->inbound_count; i++)
        g->inbounds[i]->ops->free(g->inbounds[i]);
    mem_free(g->inbounds);
    router_free(g->router);
    /* The tests hold their outbounds. */
    health_free(g->health);
    for (size_t i = 0; i < g->outbound_count; i++) {
        if (g->outbounds[i])
            g->outbounds[i]->ops->free(g->outbounds[i]);
    }
    mem_free(g->outbounds);
    mem_free(g->dialers);
    resolver_free(g->resolver);
    hosts_free(g->hosts);
    map_done(&g->by_tag);
    mem_free(g->tcp_fd);
    mem_free(g->udp_fd);
    model_done(&g->model);
    mem_free(g);
}
