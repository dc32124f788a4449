#include "policy/matcher.h"

#include <errno.h>

struct other {
    uint32_t rule;
    struct condition condition;
};

struct matcher {
    struct condition_maker maker; /* owns all memory */
    uint32_t count;
    struct domain_index names;
    struct cidr_index targets;
    struct cidr_index sources;
    uint64_t *asking;
    struct other *others;
    uint32_t other_count;
};

void matcher_free(struct matcher *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->maker.regexes.len; i++)
        regex_free(m->maker.regexes.at[i]);
    vec_done(&m->maker.regexes);
    arena_done(&m->maker.arena);
    mem_free(m);
}

/* ---- building ---------------------------------------------------------------------------- */

/* What is collected for the indices before they are built. */
struct draft {
    VEC(struct domain_item) names;
    VEC(struct cidr_item) targets;
    VEC(struct cidr_item) sources;
};

static void draft_done(struct draft *d)
{
    vec_done(&d->names);
    vec_done(&d->targets);
    vec_done(&d->sources);
}

static bool has_rest(const struct rule_spec *s)
{
    return s->kind != RULE_DEFAULT || s->invert || s->domain_keyword.len || s->domain_regex.len ||
           s->domain_wildcard.len || s->ip_is_private || s->source_ip_is_private || s->ip_version || s->port.len ||
           s->source_port.len || s->inbound_port.len || s->network.len || s->inbound.len || s->inbound_type.len ||
           s->auth_user.len || s->protocol.len || s->client.len;
}

/* Whether the indices of the list can answer for the rule. */
static bool is_indexed(const struct rule_spec *s)
{
    bool has_target = s->domain.len || s->domain_suffix.len || s->ip_cidr.len;

    return !has_rest(s) && has_target != (s->source_ip_cidr.len > 0);
}

static int draft_add(struct draft *d, const struct rule_spec *s, uint32_t rule)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < s->domain.len; i++)
        r = vec_push(&d->names, ((struct domain_item){s->domain.at[i], rule, DOMAIN_EXACT}));
    for (size_t i = 0; r == 0 && i < s->domain_suffix.len; i++)
        r = vec_push(&d->names, domain_item_of_suffix(s->domain_suffix.at[i], rule));
    for (size_t i = 0; r == 0 && i < s->ip_cidr.len; i++)
        r = vec_push(&d->targets, ((struct cidr_item){s->ip_cidr.at[i], rule}));
    for (size_t i = 0; r == 0 && i < s->source_ip_cidr.len; i++)
        r = vec_push(&d->sources, ((struct cidr_item){s->source_ip_cidr.at[i], rule}));
    return r;
}

static int add_rule(struct matcher *m, struct draft *d, const struct rule_spec *s, uint32_t rule, struct error *err)
{
    if (!is_indexed(s)) {
        struct other *o = &m->others[m->other_count++];
        o->rule = rule;
        return condition_init(&o->condition, &m->maker, s, err);
    }
    if (s->ip_cidr.len && m->maker.addresses_resolve && !s->no_resolve)
        m->asking[rule / 64] |= UINT64_C(1) << rule % 64;
    int r = draft_add(d, s, rule);
    return r < 0 ? error_errno(err, r, "compiling a rule") : 0;
}

static int build_indices(struct matcher *m, const struct draft *d, size_t *bad, struct error *err)
{
    size_t wrong = 0;
    int r = domain_index_build(&m->names, &m->maker.arena, d->names.at, d->names.len, &wrong);

    if (r == -EINVAL) {
        *bad = d->names.at[wrong].rule;
        return error_set(err, r, "'%.*s' is no domain name", TEXT_ARG(d->names.at[wrong].name));
    }
    if (r == 0)
        r = cidr_index_build(&m->targets, &m->maker.arena, d->targets.at, d->targets.len);
    if (r == 0)
        r = cidr_index_build(&m->sources, &m->maker.arena, d->sources.at, d->sources.len);
    return r < 0 ? error_errno(err, r, "compiling the rules") : 0;
}

static int build(struct matcher *m, const struct rule_spec *rules, size_t *bad, struct error *err)
{
    CLEANUP(draft_done) struct draft d = {0};
    size_t others = 0;

    for (size_t i = 0; i < m->count; i++)
        others += !is_indexed(&rules[i]);
    m->asking = arena_alloc(&m->maker.arena, (m->count / 64 + 1) * sizeof *m->asking);
    m->others = arena_alloc(&m->maker.arena, others * sizeof *m->others);
    if (!m->asking || !m->others)
        return error_errno(err, -ENOMEM, "compiling the rules");
    for (uint32_t i = 0; i < m->count; i++) {
        int r = add_rule(m, &d, &rules[i], i, err);
        if (r < 0) {
            *bad = i;
            return r;
        }
    }
    return build_indices(m, &d, bad, err);
}

int matcher_new(const struct rule_spec *rules, size_t count, bool addresses_resolve, struct matcher **out, size_t *bad,
                struct error *err)
{
    size_t wrong = SIZE_MAX;

    if (count >= RULE_NONE)
        return error_errno(err, -E2BIG, "compiling the rules");
    CLEANUP(matcher_cleanup) struct matcher *m = mem_new(struct matcher);
    if (!m)
        return error_errno(err, -ENOMEM, "compiling the rules");
    arena_init(&m->maker.arena, 0);
    m->maker.addresses_resolve = addresses_resolve;
    m->count = (uint32_t)count;
    int r = build(m, rules, &wrong, err);
    if (r < 0) {
        if (bad)
            *bad = wrong;
        if (wrong < count && rules[wrong].line.len)
            return error_prepend(err, r, "rule '%.*s'", (int)min_of(rules[wrong].line.len, (size_t)100),
                                 rules[wrong].line.ptr);
        return r;
    }
    *out = take(m);
    return 0;
}

/* ---- asking ------------------------------------------------------------------------------ */

/* The lowest rule >= from whose answer hangs on an unknown address. */
static uint32_t first_asking(const struct matcher *m, uint32_t from)
{
    for (uint32_t word = from / 64; word <= m->count / 64; word++) {
        uint64_t bits = m->asking[word];
        if (word == from / 64)
            bits &= UINT64_MAX << from % 64;
        if (bits)
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return RULE_NONE;
}

static uint32_t first_other(const struct matcher *m, uint32_t from)
{
    uint32_t first = 0, end = m->other_count;

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (m->others[middle].rule < from)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static uint32_t find_indexed(const struct matcher *m, const struct subject *u, uint32_t from)
{
    uint32_t best = domain_index_find(&m->names, u->name, from, RULE_NONE);

    for (unsigned i = 0; i < u->addr_count; i++)
        best = min_of(best, cidr_index_find(&m->targets, &u->addrs[i], from));
    return min_of(best, cidr_index_find(&m->sources, &u->source, from));
}

enum match matcher_find(const struct matcher *m, struct subject *u, uint32_t from, uint32_t *rule)
{
    if (from >= m->count)
        return MATCH_NO;
    uint32_t best = find_indexed(m, u, from);
    uint32_t asking = u->can_resolve ? first_asking(m, from) : RULE_NONE;
    for (uint32_t i = first_other(m, from); i < m->other_count && m->others[i].rule < min_of(best, asking); i++) {
        enum match one = condition_test(&m->others[i].condition, u);
        if (one == MATCH_YES)
            best = m->others[i].rule;
        else if (one == MATCH_UNKNOWN)
            asking = m->others[i].rule;
    }
    if (best == RULE_NONE && asking == RULE_NONE)
        return MATCH_NO;
    *rule = min_of(best, asking);
    return asking < best ? MATCH_UNKNOWN : MATCH_YES;
}

uint32_t matcher_count(const struct matcher *m)
{
    return m->count;
}

size_t matcher_size(const struct matcher *m)
{
    return sizeof *m + m->maker.arena.total;
}
