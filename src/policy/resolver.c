#include "policy/resolver.h"

#include <errno.h>

#include "base/mem.h"
#include "policy/resolver_internal.h"

static struct stub *stub_of(struct resolver *r)
{
    return container_of(r, struct stub, resolver);
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- look-ups that share a query --------------------------------------------------------------- */

/* One query under way on this worker, and who waits for it. */
struct flight {
    struct list waiters;
    struct bytes key;
    uint8_t key_at[1 + DEST_NAME];
    unsigned refs;
    int result; /* -EINPROGRESS: none yet; -ECANCELED: its leader went away */
    struct error err;
    struct answers answers;
};

struct waiter {
    struct list link;
    struct event done;
};

/* A name that is being looked up, in lower case. */
struct wish {
    struct text name;
    unsigned wanted; /* bits by enum question_kind */
};

static struct resolver_worker *worker_of(struct stub *s)
{
    struct resolver_worker **w = &s->workers[loop_index()];

    if (!*w) {
        *w = mem_new(struct resolver_worker);
        if (*w)
            map_init(&(*w)->flights);
    }
    return *w;
}

static void flight_unref(struct flight *f)
{
    if (--f->refs == 0)
        mem_free(f);
}

static struct bytes flight_key(const struct wish *w, uint8_t out[1 + DEST_NAME])
{
    out[0] = (uint8_t)w->wanted;
    memcpy(out + 1, w->name.ptr, w->name.len);
    return (struct bytes){.ptr = out, .len = 1 + w->name.len};
}

/* -EAGAIN: the leader was cancelled, start again. */
static int join(struct flight *f, struct answers *out, struct error *err)
{
    struct waiter w = {0};

    f->refs++;
    list_add(&f->waiters, &w.link);
    int r = event_wait(&w.done, NEVER, "equal DNS query");
    list_remove(&w.link);
    if (r == 0) {
        r = f->result == -ECANCELED ? -EAGAIN : f->result;
        *out = f->answers;
        if (r < 0)
            (void)error_set(err, r, "%s", f->err.text);
    }
    flight_unref(f);
    return r;
}

static void land(struct resolver_worker *w, struct flight *f, int result)
{
    (void)map_remove(&w->flights, f->key);
    f->result = result;
    list_each(link, &f->waiters)
        event_set(&container_of(link, struct waiter, link)->done);
}

static int lead(struct stub *s, struct resolver_worker *w, const struct system_names *sys, const struct wish *wish,
                struct answers *out, struct error *err)
{
    struct flight *f = mem_new(struct flight);

    if (!f)
        return error_set(err, -ENOMEM, "out of memory");
    f->refs = 1;
    f->result = -EINPROGRESS;
    f->key = flight_key(wish, f->key_at);
    f->answers = *out;
    list_init(&f->waiters);
    /* Without memory for the entry, nobody shares it. */
    (void)!map_put(&w->flights, f->key, f);
    int r = resolver_query(s, sys, wish->name, wish->wanted, &f->answers, &f->err);
    /* What ended this caller's own time says nothing about the name. */
    bool is_mine = r == -ECANCELED || (r == -ETIMEDOUT && co_group()->deadline <= loop_now());
    for (int i = 0; i < ASK_KINDS && r == 0; i++) {
        if (wish->wanted & 1u << i)
            resolver_cache_put(&s->cache, wish->name, (enum question_kind)i, &f->answers.of[i]);
    }
    land(w, f, is_mine ? -ECANCELED : r);
    *out = f->answers;
    if (r < 0)
        (void)error_set(err, r, "%s", f->err.text);
    flight_unref(f);
    return r;
}

/* Takes what the cache has; leaves the rest in wish->wanted. */
static void take_cached(struct stub *s, struct wish *wish, struct answers *out)
{
    for (int i = 0; i < ASK_KINDS; i++) {
        if ((wish->wanted & 1u << i) &&
            resolver_cache_get(&s->cache, wish->name, (enum question_kind)i, &out->of[i]))
            wish->wanted &= ~(1u << i);
    }
}

/* One absolute name. 0 when all wanted kinds are known. */
static int find_answers(struct stub *s, const struct system_names *sys, struct wish wish, struct answers *out,
                        struct error *err)
{
    struct resolver_worker *w = worker_of(s);
    uint8_t key[1 + DEST_NAME];
    int r = -EAGAIN;

    if (!w)
        return error_set(err, -ENOMEM, "out of memory");
    while (r == -EAGAIN) {
        take_cached(s, &wish, out);
        if (!wish.wanted) {
            count(&s->hits);
            return 0;
        }
        struct flight *f = map_get(&w->flights, flight_key(&wish, key));
        if (!f)
            return lead(s, w, sys, &wish, out, err);
        count(&s->shared);
        struct answers *joined = mem_dup(out, sizeof *out);
        if (!joined)
            return error_set(err, -ENOMEM, "out of memory");
        r = join(f, joined, err);
        for (int i = 0; i < ASK_KINDS && r == 0; i++) {
            if (wish.wanted & 1u << i)
                out->of[i] = joined->of[i];
        }
        mem_free(joined);
    }
    return r;
}

/* ---- one list from two kinds ------------------------------------------------------------------- */

static void add(struct addr_list *out, const struct answer *a, unsigned max)
{
    for (unsigned i = 0; a->is_known && i < a->count && i < max && out->count < RESOLVED_MAX; i++)
        out->at[out->count++] = a->addrs[i];
}

/* Preferred first; half the room is kept for the other kind if it needs it. */
static void merge(const struct answers *a, bool v4_first, struct addr_list *out)
{
    const struct answer *first = &a->of[v4_first ? ASK_A : ASK_AAAA];
    const struct answer *second = &a->of[v4_first ? ASK_AAAA : ASK_A];

    out->count = 0;
    add(out, first, RESOLVED_MAX - min_of(second->count, (unsigned)RESOLVED_MAX / 2));
    add(out, second, RESOLVED_MAX);
}

static unsigned wanted_kinds(const struct stub *s, enum ip_strategy strategy)
{
    unsigned wanted = 1u << ASK_A | 1u << ASK_AAAA;

    if (strategy == IP_V4_ONLY)
        wanted = 1u << ASK_A;
    else if (strategy == IP_V6_ONLY)
        wanted = 1u << ASK_AAAA;
    return s->no_ipv6 ? wanted & ~(1u << ASK_AAAA) : wanted;
}

/* RFC 6724 puts IPv6 first, but only where it leads anywhere. */
static bool wants_v4_first(enum ip_strategy strategy, const struct system_names *sys)
{
    return strategy == IP_PREFER_V4 || strategy == IP_V4_ONLY || (strategy == IP_AS_IS && !sys->has_ipv6);
}

/* Addresses that were in hand, as the strategy wants them. */
static int arrange(struct addr_list *list, unsigned wanted, bool v4_first)
{
    struct addr_list in = *list;
    int families[2] = {v4_first ? AF_INET : AF_INET6, v4_first ? AF_INET6 : AF_INET};

    list->count = 0;
    for (int f = 0; f < 2; f++) {
        unsigned bit = families[f] == AF_INET ? 1u << ASK_A : 1u << ASK_AAAA;
        for (unsigned i = 0; i < in.count && (wanted & bit); i++) {
            if (addr_family(&in.at[i]) == families[f])
                list->at[list->count++] = in.at[i];
        }
    }
    return list->count ? 0 : -ENOENT;
}

/* ---- the ways a name may be found ------------------------------------------------------------ */

struct lookup {
    struct stub *stub;
    const struct system_names *sys;
    unsigned wanted;
    bool v4_first;
    struct addr_list *out;
    struct error *err;
    struct answers answers;
};

static int ask_dns(struct lookup *l, struct text name)
{
    struct wish wish = {.name = name, .wanted = l->wanted};

    if (name.len == 0 || name.len > DEST_NAME)
        return error_set(l->err, -ENOENT, "is no DNS name");
    l->answers = (struct answers){0};
    int r = find_answers(l->stub, l->sys, wish, &l->answers, l->err);
    if (r < 0)
        return r;
    merge(&l->answers, l->v4_first, l->out);
    return l->out->count ? 0 : error_set(l->err, -ENOENT, "no such name, or no address of the wanted kind");
}

/* name.suffix for each suffix of resolv.conf, until one exists. */
static int ask_with_search(struct lookup *l, struct text name)
{
    char full[DEST_NAME + 1];
    int r = -ENOENT;

    for (size_t i = 0; i < l->sys->conf.search_count && r == -ENOENT; i++) {
        struct text suffix = l->sys->conf.search[i];
        if (suffix.len == 0 || text_is(suffix, ".") || name.len + 1 + suffix.len > DEST_NAME)
            continue;
        memcpy(full, name.ptr, name.len);
        full[name.len] = '.';
        for (size_t k = 0; k < suffix.len; k++) {
            char c = suffix.ptr[k];
            full[name.len + 1 + k] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        r = ask_dns(l, (struct text){.ptr = full, .len = name.len + 1 + suffix.len});
    }
    return r;
}

/* As the system's resolver, but suffixes are only tried for names of one label. */
static int ask_names(struct lookup *l, struct text name)
{
    bool is_absolute = name.ptr[name.len - 1] == '.';
    bool is_single = text_find(name, '.') < 0;
    int r = -ENOENT;

    if (is_absolute)
        name.len--;
    if (is_absolute || !is_single)
        return ask_dns(l, name);
    if (l->sys->conf.ndots == 0)
        r = ask_dns(l, name);
    if (r == -ENOENT)
        r = ask_with_search(l, name);
    if (r == -ENOENT && l->sys->conf.ndots > 0)
        r = ask_dns(l, name);
    return r;
}

/* RFC 6761 section 6.3: never asked. */
static bool is_localhost(struct text name)
{
    return text_is(name, "localhost") || text_ends(name, TEXT(".localhost"));
}

static int find_here(struct lookup *l, struct text *name)
{
    const struct hosts *tables[] = {l->stub->hosts, l->sys->hosts};
    struct addr literal;

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        int r = tables[i] ? hosts_find(tables[i], name, l->out) : 0;
        if (r != 0)
            return r;
    }
    if (addr_parse(*name, 0, &literal) == 0) {
        l->out->at[0] = literal;
        l->out->count = 1;
        return 1;
    }
    if (is_localhost(*name)) {
        uint8_t v6[16] = {[15] = 1};
        l->out->at[0] = addr_v4(INADDR_LOOPBACK, 0);
        l->out->at[1] = addr_from_bytes(v6, sizeof v6, 0);
        l->out->count = 2;
        return 1;
    }
    return 0;
}

static int find_name(struct lookup *l, struct text name)
{
    int r = find_here(l, &name);

    if (r < 0)
        return error_set(l->err, r, "aliases lead in a circle");
    if (r == 0)
        return ask_names(l, name);
    count(&l->stub->hits);
    r = arrange(l->out, l->wanted, l->v4_first);
    return r < 0 ? error_set(l->err, r, "has no address of the wanted kind") : 0;
}

static int stub_lookup(struct resolver *r, struct text name, enum ip_strategy strategy, struct addr_list *out,
                       struct error *err)
{
    struct stub *s = stub_of(r);
    char lower[DEST_NAME + 1];

    count(&s->lookups);
    if (name.len == 0 || name.len > DEST_NAME || text_is(name, "."))
        return error_set(err, -ENOENT, "'%.*s' is no DNS name", TEXT_ARG(text_sub(name, 0, DEST_NAME)));
    for (size_t i = 0; i < name.len; i++)
        lower[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (char)(name.ptr[i] | 0x20) : name.ptr[i];
    if (strategy == IP_AS_IS)
        strategy = s->strategy;
    OWNED_SYSTEM_NAMES *sys = system_files_get(&s->files);
    OWNED struct lookup *l = mem_new(struct lookup);
    if (!l)
        return error_set(err, -ENOMEM, "out of memory");
    *l = (struct lookup){.stub = s, .sys = sys, .wanted = wanted_kinds(s, strategy), .out = out, .err = err,
                         .v4_first = wants_v4_first(strategy, sys)};
    int result = l->wanted ? find_name(l, (struct text){.ptr = lower, .len = name.len})
                           : error_set(err, -ENOENT, "IPv6 is switched off");
    return result < 0 ? error_prepend(err, result, "resolve %.*s", TEXT_ARG(name)) : 0;
}

/* ---- life -------------------------------------------------------------------------------- */

static void stub_free(struct resolver *r)
{
    struct stub *s = stub_of(r);

    for (size_t i = 0; i < WORKERS_MAX; i++) {
        if (s->workers[i])
            map_done(&s->workers[i]->flights);
        mem_free(s->workers[i]);
    }
    resolver_cache_done(&s->cache);
    system_files_done(&s->files);
    mem_free(s);
}

int resolver_new(const struct resolver_setup *setup, struct resolver **out, struct error *err)
{
    static const struct resolver_ops ops = {.lookup = stub_lookup, .free = stub_free};
    struct stub *s = mem_new(struct stub);

    if (!s)
        return error_set(err, -ENOMEM, "out of memory");
    s->resolver.ops = &ops;
    s->hosts = setup->hosts;
    s->dialer = setup->dialer ? setup->dialer : &s->plain;
    s->server_count = min_of(setup->server_count, (unsigned)RESOLVER_SERVERS);
    if (s->server_count)
        memcpy(s->servers, setup->servers, s->server_count * sizeof s->servers[0]);
    s->strategy = setup->strategy;
    s->no_ipv6 = setup->no_ipv6;
    s->timeout = setup->timeout_ms;
    s->attempts = setup->attempts;
    s->log = setup->log;
    resolver_cache_init(&s->cache);
    if (system_files_init(&s->files, setup->resolv_conf, setup->hosts_file) < 0) {
        stub_free(&s->resolver);
        return error_set(err, -ENOMEM, "out of memory");
    }
    if (setup->check_ms > 0)
        s->files.check_ms = setup->check_ms;
    *out = &s->resolver;
    return 0;
}

void resolver_free(struct resolver *r)
{
    if (r)
        r->ops->free(r);
}

struct resolver_stats resolver_stats(struct resolver *r)
{
    struct stub *s = stub_of(r);

    return (struct resolver_stats){.lookups = atomic_load(&s->lookups), .hits = atomic_load(&s->hits),
                                   .shared = atomic_load(&s->shared), .queries = atomic_load(&s->queries),
                                   .refused = atomic_load(&s->refused)};
}

void resolver_flush(struct resolver *r)
{
    resolver_cache_flush(&stub_of(r)->cache);
}
