#include "policy/condition.h"

/* ---- items ------------------------------------------------------------------------------- */

bool wildcard_matches(struct text pattern, struct text name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, star_n = 0;

    while (n < name.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            star_n = n;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == name.ptr[n])) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++star_n;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool has_text(const struct text_list *list, struct text t)
{
    for (size_t i = 0; i < list->len; i++) {
        if (text_eq(list->at[i], t))
            return true;
    }
    return false;
}

/* An item that is not there agrees with everything. */
static bool text_agrees(const struct text_list *list, const char *value)
{
    return list->len == 0 || (value && has_text(list, text_of(value)));
}

static bool port_agrees(const struct port_ranges *ranges, uint16_t port)
{
    for (size_t i = 0; i < ranges->len; i++) {
        if (port >= ranges->at[i].first && port <= ranges->at[i].last)
            return true;
    }
    return ranges->len == 0;
}

static bool has_name(const struct condition *c, struct subject *u)
{
    if (u->name.len == 0)
        return false;
    if (domain_index_find(&c->names, u->name, 0, RULE_NONE) != RULE_NONE)
        return true;
    for (size_t i = 0; i < c->keywords.len; i++) {
        if (text_search(u->name, c->keywords.at[i]) >= 0)
            return true;
    }
    for (size_t i = 0; i < c->wildcards.len; i++) {
        if (wildcard_matches(c->wildcards.at[i], u->name))
            return true;
    }
    for (size_t i = 0; i < c->regex_count; i++) {
        if (regex_has(c->regexes[i], u->name, &u->regex_room))
            return true;
    }
    return false;
}

static bool has_address(const struct condition *c, const struct subject *u)
{
    for (unsigned i = 0; i < u->addr_count; i++) {
        if (cidr_index_find(&c->addresses, &u->addrs[i], 0) != RULE_NONE ||
            (c->is_private && addr_is_private(&u->addrs[i])))
            return true;
    }
    return false;
}

static bool source_agrees(const struct condition *c, const struct subject *u)
{
    if (cidr_index_is_empty(&c->sources) && !c->source_is_private)
        return true;
    return cidr_index_find(&c->sources, &u->source, 0) != RULE_NONE ||
           (c->source_is_private && addr_is_private(&u->source));
}

static bool version_agrees(const struct condition *c, const struct subject *u)
{
    if (c->ip_version == 0)
        return true;
    return addr_family(&u->ip) == (c->ip_version == 4 ? AF_INET : AF_INET6);
}

static bool inbound_agrees(const struct condition *c, const struct session *s)
{
    return text_agrees(&c->inbounds, s->inbound ? s->inbound->tag : NULL) &&
           text_agrees(&c->inbound_types, s->inbound ? s->inbound->ops->type : NULL) &&
           text_agrees(&c->users, s->user) && text_agrees(&c->protocols, s->protocol);
}

/* Everything but the destination's names and addresses. */
static bool rest_agrees(const struct condition *c, const struct subject *u)
{
    const struct session *s = u->session;

    if (c->has_network && !(c->networks & 1u << s->network))
        return false;
    return port_agrees(&c->ports, s->dest.port) && port_agrees(&c->source_ports, addr_port(&s->source)) &&
           port_agrees(&c->inbound_ports, addr_port(&s->local)) && version_agrees(c, u) && source_agrees(c, u) &&
           inbound_agrees(c, s);
}

/* ---- rules ------------------------------------------------------------------------------- */

static enum match test_default(const struct condition *c, struct subject *u)
{
    if (!rest_agrees(c, u))
        return MATCH_NO;
    if (!c->has_destination || has_name(c, u) || has_address(c, u))
        return MATCH_YES;
    return c->has_addresses && c->resolves && u->can_resolve ? MATCH_UNKNOWN : MATCH_NO;
}

static enum match test_and(const struct condition *c, struct subject *u)
{
    enum match all = MATCH_YES;

    for (size_t i = 0; i < c->rule_count; i++) {
        enum match one = condition_test(&c->rules[i], u);
        if (one == MATCH_NO)
            return MATCH_NO;
        if (one == MATCH_UNKNOWN)
            all = MATCH_UNKNOWN;
    }
    return all;
}

static enum match test_or(const struct condition *c, struct subject *u)
{
    enum match any = MATCH_NO;

    for (size_t i = 0; i < c->rule_count; i++) {
        enum match one = condition_test(&c->rules[i], u);
        if (one == MATCH_YES)
            return MATCH_YES;
        if (one == MATCH_UNKNOWN)
            any = MATCH_UNKNOWN;
    }
    return any;
}

static enum match test_kind(const struct condition *c, struct subject *u)
{
    switch (c->kind) {
    case RULE_DEFAULT:
        return test_default(c, u);
    case RULE_AND:
        return test_and(c, u);
    case RULE_OR:
        return test_or(c, u);
    }
    return MATCH_NO;
}

enum match condition_test(const struct condition *c, struct subject *u)
{
    enum match m = test_kind(c, u);

    if (!c->invert || m == MATCH_UNKNOWN)
        return m;
    return m == MATCH_YES ? MATCH_NO : MATCH_YES;
}
