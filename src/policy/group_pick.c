#include "base/clock.h"
#include "policy/group_internal.h"

enum { TOLERANCE_MS = 50 };

/* ---- sites ------------------------------------------------------------------------------- */

/*
 * An approximation of the Public Suffix List: two labels, or three where the second is one of the usual
 * categories below a country ("co.uk", "com.cn"). Wrong guesses only spread a site's hosts over several members.
 */
static bool is_category(struct text label)
{
    static const char *const words[] = {"ac", "co", "com", "edu", "go", "gob", "gov", "gv", "id", "mil", "ne", "net",
                                        "nom", "or", "org", "sch"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_is_nocase(label, words[i]))
            return true;
    }
    return false;
}

struct text site_of(struct text name)
{
    size_t dots[3], count = 0;

    if (name.len > 0 && name.ptr[name.len - 1] == '.')
        name.len--;
    for (size_t i = name.len; i > 0 && count < ARRAY_LEN(dots); i--) {
        if (name.ptr[i - 1] == '.')
            dots[count++] = i - 1;
    }
    if (count < 2)
        return name;
    struct text last = text_sub(name, dots[0] + 1, name.len);
    struct text second = text_sub(name, dots[1] + 1, dots[0] - dots[1] - 1);
    if (last.len != 2 || !is_category(second))
        return text_sub(name, dots[1] + 1, name.len);
    return count == 3 ? text_sub(name, dots[2] + 1, name.len) : name;
}

/* ---- who can serve --------------------------------------------------------------------------- */

/*
 * Whether the member can carry the flow. Groups answer for their members; below GROUP_DEPTH they are believed.
 */
static bool carries(const struct outbound *o, enum network network, unsigned depth)
{
    if (network == NETWORK_TCP)
        return true;
    if (!outbound_has_packet(o))
        return false;
    const struct outbound_group *g = group_of(o);
    if (!g || depth == 0)
        return true;
    if (g->spec->kind == GROUP_SELECTOR) {
        int chosen = atomic_load(&g->chosen[0]);
        return g->count > 0 && carries(g->members[chosen].outbound, network, depth - 1);
    }
    for (unsigned i = 0; i < g->count; i++) {
        if (carries(g->members[i].outbound, network, depth - 1))
            return true;
    }
    return false;
}

static enum network network_of(const struct choice *c)
{
    return c->session ? c->session->network : NETWORK_TCP;
}

static bool is_able(const struct member *m, const struct choice *c)
{
    return m != c->avoid && carries(m->outbound, network_of(c), GROUP_DEPTH);
}

static bool is_ready(const struct member *m, const struct choice *c)
{
    return (!m->health || health_is_alive(m->health)) && is_able(m, c);
}

static struct member *first_able(struct outbound_group *g, const struct choice *c)
{
    for (unsigned i = 0; i < g->count; i++) {
        if (is_able(&g->members[i], c))
            return &g->members[i];
    }
    return NULL;
}

static struct member *first_ready(struct outbound_group *g, const struct choice *c)
{
    for (unsigned i = 0; i < g->count; i++) {
        if (is_ready(&g->members[i], c))
            return &g->members[i];
    }
    return NULL;
}

/* ---- the kinds --------------------------------------------------------------------------- */

static uint32_t delay_of(const struct member *m)
{
    uint32_t delay = m->health ? health_delay(m->health) : 0;

    return delay ? delay : UINT32_MAX;
}

static struct member *fastest(struct outbound_group *g, const struct choice *c)
{
    struct member *best = NULL;

    for (unsigned i = 0; i < g->count; i++) {
        struct member *m = &g->members[i];
        if ((!best || delay_of(m) < delay_of(best)) && is_ready(m, c))
            best = m;
    }
    return best;
}

static struct member *choose_urltest(struct outbound_group *g, const struct choice *c)
{
    _Atomic int *chosen = &g->chosen[network_of(c)];
    struct member *now = &g->members[atomic_load(chosen)];
    struct member *best = fastest(g, c);

    if (!best)
        return NULL;
    int64_t tolerance = g->spec->tolerance_ms > 0 ? g->spec->tolerance_ms : TOLERANCE_MS;
    if (is_ready(now, c) && delay_of(best) + tolerance >= delay_of(now))
        return now;
    /* A retry's choice is for its flow only. */
    if (!c->is_dry && !c->avoid)
        atomic_store(chosen, (int)(best - g->members));
    return best;
}

/* Fixed, so that a site keeps its member over restarts; there is nothing to gain from collisions. */
static uint64_t hash(const void *p, size_t n, uint64_t salt)
{
    const uint64_t seed[2] = {0x7765697267726f75u, salt};

    return siphash13(seed, p, n);
}

static uint64_t hash_of_dest(const struct session *s)
{
    const struct dest *d = dest_is_name(&s->sniffed) && !dest_is_name(&s->dest) ? &s->sniffed : &s->dest;

    if (!dest_is_name(d)) {
        struct bytes ip = addr_ip(&d->ip);
        return hash(ip.ptr, ip.len, 0);
    }
    char lower[DEST_NAME];
    struct text site = site_of(dest_name(d));
    for (size_t i = 0; i < site.len; i++)
        lower[i] = site.ptr[i] >= 'A' && site.ptr[i] <= 'Z' ? (char)(site.ptr[i] | 0x20) : site.ptr[i];
    return hash(lower, site.len, 0);
}

/*
 * Highest random weight: each member has a score for the key and the highest serves, so that a member that goes
 * takes only its own keys with it, whatever the order in the file.
 */
static struct member *choose_by_hash(struct outbound_group *g, const struct choice *c, uint64_t key)
{
    struct member *best = NULL;
    uint64_t best_score = 0;

    for (unsigned i = 0; i < g->count; i++) {
        struct member *m = &g->members[i];
        uint64_t score = hash(m->outbound->tag, strlen(m->outbound->tag), key);
        if ((!best || score > best_score) && is_ready(m, c)) {
            best = m;
            best_score = score;
        }
    }
    return best;
}

static struct member *choose_in_turn(struct outbound_group *g, const struct choice *c)
{
    unsigned turn = c->is_dry ? atomic_load(&g->turn) : atomic_fetch_add(&g->turn, 1);

    for (unsigned i = 0; i < g->count; i++) {
        struct member *m = &g->members[(turn + i) % g->count];
        if (is_ready(m, c))
            return m;
    }
    return NULL;
}

static struct member *choose_sticky(struct outbound_group *g, const struct choice *c)
{
    struct bytes ip = addr_ip(&c->session->source);
    uint64_t key = hash(ip.ptr, ip.len, hash_of_dest(c->session));
    int64_t now = clock_ms();
    int before = sticky_get(g->sticky, key, now);

    if (before != NO_MEMBER && is_ready(&g->members[before], c))
        return &g->members[before];
    struct member *m = choose_in_turn(g, c);
    if (m && !c->is_dry)
        sticky_put(g->sticky, key, (int)(m - g->members), now);
    return m;
}

static struct member *choose_balanced(struct outbound_group *g, const struct choice *c)
{
    if (!c->session)
        return first_ready(g, c);
    switch (g->spec->strategy) {
    case BALANCE_CONSISTENT_HASHING:
        return choose_by_hash(g, c, hash_of_dest(c->session));
    case BALANCE_ROUND_ROBIN:
        return choose_in_turn(g, c);
    case BALANCE_STICKY_SESSIONS:
        return choose_sticky(g, c);
    }
    return NULL;
}

static struct member *pinned(struct outbound_group *g, const struct choice *c)
{
    int i = atomic_load(&g->pinned);

    return i != NO_MEMBER && is_ready(&g->members[i], c) ? &g->members[i] : NULL;
}

static struct member *choose_by_kind(struct outbound_group *g, const struct choice *c)
{
    struct member *m = &g->members[atomic_load(&g->chosen[0])];

    switch (g->spec->kind) {
    case GROUP_SELECTOR:
        return is_able(m, c) ? m : NULL;
    case GROUP_URLTEST:
        m = pinned(g, c);
        return m ? m : choose_urltest(g, c);
    case GROUP_FALLBACK:
        m = pinned(g, c);
        return m ? m : first_ready(g, c);
    case GROUP_LOAD_BALANCE:
        return choose_balanced(g, c);
    }
    return NULL;
}

struct member *group_choose(struct outbound_group *g, const struct choice *c)
{
    if (g->count == 0)
        return NULL;
    struct member *m = choose_by_kind(g, c);
    /* Nobody is alive: better a try than a refusal. */
    if (!m && !c->avoid && g->spec->kind != GROUP_SELECTOR)
        m = first_able(g, c);
    return m;
}
