#include "policy/group.h"

#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "policy/group_internal.h"

enum { MAX_FAILED = 5, TIMEOUT_MS = 5000, NAME_MAX_ = 512 };

/* ---- carrying flows ------------------------------------------------------------------------ */

/* What is opened: one of the two. */
struct opening {
    struct stream **stream;
    struct packet **packet;
};

static int open_member(struct member *m, struct session *s, const struct opening *to, struct error *err)
{
    if (m->health)
        health_touch(m->health);
    int r = to->stream ? outbound_open(m->outbound, s, to->stream, err)
                       : outbound_open_packet(m->outbound, s, to->packet, err);
    if (r >= 0 && m->health)
        health_dial_worked(m->health);
    return r;
}

/* Failures that are this machine's or the request's own, and say nothing about the member. */
static bool is_members_fault(int r)
{
    return r != -ECANCELED && r != -ENOMEM && r != -EMFILE && r != -ENFILE && r != -ENOBUFS && r != -EINVAL &&
           r != -EOPNOTSUPP && r != -ENAMETOOLONG;
}

/* Enough failures within a timeout: the whole group is tested at once. */
static void count_failure(struct outbound_group *g)
{
    int64_t now = clock_ms(), since = atomic_load(&g->failing_since);
    unsigned max = g->spec->max_failed ? g->spec->max_failed : MAX_FAILED;
    int64_t window = g->spec->timeout_ms > 0 ? g->spec->timeout_ms : TIMEOUT_MS;

    if (now - since > window) {
        atomic_store(&g->failing_since, now);
        atomic_store(&g->failures, 0);
    }
    if (atomic_fetch_add(&g->failures, 1) + 1 < max)
        return;
    atomic_store(&g->failures, 0);
    for (unsigned i = 0; i < g->count; i++) {
        if (g->members[i].health)
            health_hurry(g->members[i].health);
    }
}

/*
 * A member refused and the flow has sent nothing: the next one gets a try. On a second failure the
 * error tells of both.
 */
static int open_next(struct outbound_group *g, struct session *s, struct member *refused, const struct opening *to,
                     struct error *err)
{
    struct choice c = {.session = s, .avoid = refused};
    struct member *m = group_choose(g, &c);
    OWNED struct error *first = NULL;

    if (!m)
        return -ENOENT;
    if (err)
        first = mem_dup(err, sizeof *err);
    int r = open_member(m, s, to, err);
    if (r >= 0 || r == -ECANCELED)
        return r;
    if (m->health && is_members_fault(r)) {
        health_dial_failed(m->health);
        count_failure(g);
    }
    return first ? error_prepend(err, r, "%s; then", first->text) : r;
}

static int open_through(struct outbound_group *g, struct session *s, const struct opening *to, struct error *err)
{
    struct choice c = {.session = s};
    struct member *m = group_choose(g, &c);
    unsigned chain = s->chain_len;

    if (!m && g->count > 0)
        return error_set(err, -EOPNOTSUPP, "no member carries UDP");
    if (!m)
        return error_set(err, -ENOENT, "has no members");
    int r = open_member(m, s, to, err);
    if (r >= 0 || g->spec->kind == GROUP_SELECTOR || !is_members_fault(r) ||
        strcmp(m->outbound->ops->type, "block") == 0)
        return r;
    if (m->health) {
        health_dial_failed(m->health);
        count_failure(g);
    }
    /* The chain tells what carried the flow, not what refused it. */
    s->chain_len = chain;
    int second = open_next(g, s, m, to, err);
    if (second == -ENOENT && s->chain_len == chain) {
        session_add_chain(s, m->outbound->tag);
        return r;
    }
    return second;
}

static int group_open(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    struct opening to = {.stream = out};

    return open_through(group_of(o), s, &to, err);
}

static int group_open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err)
{
    struct opening to = {.packet = out};

    return open_through(group_of(o), s, &to, err);
}

/* ---- life -------------------------------------------------------------------------------- */

static void group_free(struct outbound *o)
{
    struct outbound_group *g = group_of(o);

    sticky_free(g->sticky);
    mem_free(g->members);
    mem_free(g);
}

/* Types in sing-box's words; load-balance is mihomo's. With `disable_udp` a group has no packets. */
#define GROUP_OPS(name)                                                                            \
    {                                                                                              \
        {.type = name, .open = group_open, .open_packet = group_open_packet, .free = group_free},  \
        {.type = name, .open = group_open, .free = group_free},                                    \
    }
static const struct outbound_ops group_ops[][2] = {
    [GROUP_SELECTOR] = GROUP_OPS("selector"),
    [GROUP_URLTEST] = GROUP_OPS("urltest"),
    [GROUP_FALLBACK] = GROUP_OPS("fallback"),
    [GROUP_LOAD_BALANCE] = GROUP_OPS("load-balance"),
};

bool outbound_is_group(const struct outbound *o)
{
    return o->ops->open == group_open;
}

struct outbound_group *group_of(const struct outbound *o)
{
    return outbound_is_group(o) ? container_of((struct outbound *)(uintptr_t)o, struct outbound_group, outbound) : NULL;
}

int group_new(const struct group_setup *setup, struct outbound **out, struct error *err)
{
    OWNED struct outbound_group *g = mem_new(struct outbound_group);

    if (!g)
        return error_set(err, -ENOMEM, "out of memory");
    g->outbound.ops = &group_ops[setup->spec->kind][setup->spec->disable_udp];
    g->outbound.tag = setup->tag;
    g->spec = setup->spec;
    g->health = setup->health;
    g->cache = setup->cache;
    g->log = setup->log;
    atomic_init(&g->pinned, NO_MEMBER);
    if (g->spec->kind == GROUP_LOAD_BALANCE && g->spec->strategy == BALANCE_STICKY_SESSIONS) {
        g->sticky = sticky_new();
        if (!g->sticky)
            return error_set(err, -ENOMEM, "out of memory");
    }
    if (g->spec->interrupt_exist_connections)
        log_warn(g->log, "group '%s': interrupt_exist_connections is not carried: flows stay where they are",
                 setup->tag);
    *out = &take(g)->outbound;
    return 0;
}

static bool leads_to(struct outbound *o, struct outbound_group *target)
{
    struct outbound_group *g = group_of(o);

    if (!g || g->seen_by == target)
        return false;
    if (g == target)
        return true;
    g->seen_by = target;
    for (unsigned i = 0; i < g->count; i++) {
        if (leads_to(g->members[i].outbound, target))
            return true;
    }
    return false;
}

static int find_member(const struct outbound_group *g, struct text tag)
{
    for (unsigned i = 0; i < g->count; i++) {
        if (text_eq(text_of(g->members[i].outbound->tag), tag))
            return (int)i;
    }
    return NO_MEMBER;
}

static int watch_members(struct outbound_group *g, struct member *members, unsigned n, struct error *err)
{
    const struct group_spec *spec = g->spec;
    struct health_settings s = {
        .url = spec->url, .expected_status = spec->expected_status, .interval_ms = spec->interval_ms,
        .timeout_ms = spec->timeout_ms, .idle_ms = spec->idle_ms, .lazy = spec->lazy,
    };

    if (!g->health || spec->kind == GROUP_SELECTOR)
        return 0;
    for (unsigned i = 0; i < n; i++) {
        members[i].health = health_watch(g->health, members[i].outbound, &s, err);
        if (!members[i].health)
            return -EINVAL;
    }
    return 0;
}

/* What was chosen before the restart, else what the configuration says. */
static int first_choice(struct outbound_group *g, struct error *err)
{
    char saved[NAME_MAX_];
    int i = NO_MEMBER;

    if (g->spec->kind == GROUP_LOAD_BALANCE)
        return 0;
    if (g->cache && cache_file_selected(g->cache, text_of(g->outbound.tag), saved, sizeof saved))
        i = find_member(g, text_of(saved));
    if (g->spec->kind != GROUP_SELECTOR) {
        atomic_store(&g->pinned, i);
        return 0;
    }
    if (i == NO_MEMBER && g->spec->chosen.len > 0) {
        i = find_member(g, g->spec->chosen);
        if (i == NO_MEMBER)
            return error_set(err, -EINVAL, "'%.*s' is no member", TEXT_ARG(g->spec->chosen));
    }
    atomic_store(&g->chosen[0], max_of(i, 0));
    return 0;
}

int group_set_members(struct outbound *o, struct outbound *const *members, unsigned n, struct error *err)
{
    struct outbound_group *g = group_of(o);

    if (!g || n == 0)
        return error_set(err, -EINVAL, "a group needs members");
    OWNED struct member *list = mem_alloc_array(n, sizeof *list);
    if (!list)
        return error_set(err, -ENOMEM, "out of memory");
    g->seen_by = NULL;
    for (unsigned i = 0; i < n; i++) {
        if (leads_to(members[i], g))
            return error_set(err, -ELOOP, "through '%s' it would be its own member", members[i]->tag);
        list[i].outbound = members[i];
    }
    int r = watch_members(g, list, n, err);
    if (r < 0)
        return r;
    mem_free(g->members);
    g->members = take(list);
    g->count = n;
    return first_choice(g, err);
}

/* ---- asking and choosing --------------------------------------------------------------------- */

struct outbound *group_pick(struct outbound *o, const struct session *s)
{
    struct outbound_group *g = group_of(o);
    struct choice c = {.session = s, .is_dry = true};
    struct member *m = g ? group_choose(g, &c) : NULL;

    return m ? m->outbound : NULL;
}

static int save_choice(struct outbound_group *g, struct text member)
{
    return g->cache ? cache_file_select(g->cache, text_of(g->outbound.tag), member) : 0;
}

int group_select(struct outbound *o, struct text member)
{
    struct outbound_group *g = group_of(o);

    if (!g || g->spec->kind == GROUP_LOAD_BALANCE)
        return -EINVAL;
    bool is_selector = g->spec->kind == GROUP_SELECTOR;
    int i = find_member(g, member);
    if (i == NO_MEMBER && (member.len > 0 || is_selector))
        return -ENOENT;
    atomic_store(is_selector ? &g->chosen[0] : &g->pinned, i);
    log_info(g->log, "group '%s': '%.*s' chosen", g->outbound.tag, TEXT_ARG(member));
    /* The choice holds even if it could not be noted down. */
    if (save_choice(g, member) < 0)
        log_warn(g->log, "group '%s': out of memory, the choice will not survive a restart", g->outbound.tag);
    return 0;
}

const char *group_now(struct outbound *o)
{
    struct outbound_group *g = group_of(o);

    if (!g || g->spec->kind == GROUP_LOAD_BALANCE)
        return NULL;
    struct outbound *m = group_pick(o, NULL);
    return m ? m->tag : NULL;
}

const char *group_pinned(struct outbound *o)
{
    struct outbound_group *g = group_of(o);
    int i = g ? atomic_load(&g->pinned) : NO_MEMBER;

    return i == NO_MEMBER ? NULL : g->members[i].outbound->tag;
}

const struct group_spec *group_spec_of(const struct outbound *o)
{
    const struct outbound_group *g = group_of(o);

    return g ? g->spec : NULL;
}

unsigned group_count(const struct outbound *o)
{
    const struct outbound_group *g = group_of(o);

    return g ? g->count : 0;
}

struct outbound *group_outbound_at(const struct outbound *o, unsigned i)
{
    return i < group_count(o) ? group_of(o)->members[i].outbound : NULL;
}

struct health_record *group_health(const struct outbound *o, unsigned i)
{
    return i < group_count(o) ? group_of(o)->members[i].health : NULL;
}
