/* From a rule as the readers wrote it to one that can be asked. */
#include <errno.h>

#include "policy/condition.h"

static int copy_texts(struct arena *a, const struct text_list *in, bool lower, struct text_list *out)
{
    if (in->len == 0)
        return 0;
    out->at = arena_alloc(a, in->len * sizeof *out->at);
    if (!out->at)
        return -ENOMEM;
    for (size_t i = 0; i < in->len; i++) {
        char *copy = arena_alloc(a, in->at[i].len + 1);
        if (!copy)
            return -ENOMEM;
        for (size_t k = 0; k < in->at[i].len; k++) {
            char c = in->at[i].ptr[k];
            copy[k] = lower && c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        out->at[out->len++] = (struct text){.ptr = copy, .len = in->at[i].len};
    }
    return 0;
}

static int copy_ports(struct arena *a, const struct port_range *in, size_t len, struct port_ranges *out)
{
    if (len == 0)
        return 0;
    out->at = arena_alloc(a, len * sizeof *out->at);
    if (!out->at)
        return -ENOMEM;
    memcpy(out->at, in, len * sizeof *in);
    out->len = len;
    return 0;
}

static int make_names(struct condition *c, struct condition_maker *m, const struct rule_spec *spec, struct error *err)
{
    size_t count = spec->domain.len + spec->domain_suffix.len, n = 0, bad = 0;

    if (count == 0)
        return 0;
    OWNED struct domain_item *items = mem_alloc_array(count, sizeof *items);
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < spec->domain.len; i++)
        items[n++] = (struct domain_item){.name = spec->domain.at[i], .kind = DOMAIN_EXACT};
    for (size_t i = 0; i < spec->domain_suffix.len; i++)
        items[n++] = domain_item_of_suffix(spec->domain_suffix.at[i], 0);
    int r = domain_index_build(&c->names, &m->arena, items, n, &bad);
    if (r == -EINVAL)
        return error_set(err, r, "'%.*s' is no domain name", TEXT_ARG(items[bad].name));
    return r;
}

static int make_addresses(struct cidr_index *x, struct arena *a, const struct cidr *cidrs, size_t count)
{
    if (count == 0)
        return 0;
    OWNED struct cidr_item *items = mem_alloc_array(count, sizeof *items);
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct cidr_item){.cidr = cidrs[i]};
    return cidr_index_build(x, a, items, count);
}

static int make_regexes(struct condition *c, struct condition_maker *m, const struct text_list *list, struct error *err)
{
    if (list->len == 0)
        return 0;
    c->regexes = arena_alloc(&m->arena, list->len * sizeof(struct regex *));
    if (!c->regexes)
        return -ENOMEM;
    for (size_t i = 0; i < list->len; i++) {
        struct regex *x;
        int r = regex_new(list->at[i], &x, err);
        if (r < 0)
            return r;
        if (vec_push(&m->regexes, x) < 0) {
            regex_free(x);
            return -ENOMEM;
        }
        c->regexes[c->regex_count++] = x;
    }
    return 0;
}

static void make_networks(struct condition *c, const struct text_list *networks)
{
    c->has_network = networks->len > 0;
    for (size_t i = 0; i < networks->len; i++) {
        if (text_is_nocase(networks->at[i], "tcp"))
            c->networks |= 1u << NETWORK_TCP;
        else if (text_is_nocase(networks->at[i], "udp"))
            c->networks |= 1u << NETWORK_UDP;
    }
}

static void make_flags(struct condition *c, const struct condition_maker *m, const struct rule_spec *spec)
{
    c->kind = spec->kind;
    c->invert = spec->invert;
    c->is_private = spec->ip_is_private;
    c->source_is_private = spec->source_ip_is_private;
    c->ip_version = spec->ip_version;
    c->resolves = m->addresses_resolve && !spec->no_resolve;
    c->has_addresses = spec->ip_cidr.len > 0 || spec->ip_is_private;
    c->has_destination = c->has_addresses || spec->domain.len || spec->domain_suffix.len || spec->domain_keyword.len ||
                         spec->domain_regex.len || spec->domain_wildcard.len;
    make_networks(c, &spec->network);
}

/* The lists that are only copied. */
static int make_lists(struct condition *c, struct arena *a, const struct rule_spec *spec)
{
    const struct {
        const struct text_list *in;
        struct text_list *out;
        bool lower;
    } lists[] = {
        {&spec->domain_keyword, &c->keywords, true}, {&spec->domain_wildcard, &c->wildcards, true},
        {&spec->inbound, &c->inbounds, false},       {&spec->inbound_type, &c->inbound_types, false},
        {&spec->auth_user, &c->users, false},        {&spec->protocol, &c->protocols, true},
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++)
        r = copy_texts(a, lists[i].in, lists[i].lower, lists[i].out);
    if (r == 0)
        r = copy_ports(a, spec->port.at, spec->port.len, &c->ports);
    if (r == 0)
        r = copy_ports(a, spec->source_port.at, spec->source_port.len, &c->source_ports);
    if (r == 0)
        r = copy_ports(a, spec->inbound_port.at, spec->inbound_port.len, &c->inbound_ports);
    return r;
}

static int make_default(struct condition *c, struct condition_maker *m, const struct rule_spec *spec, struct error *err)
{
    if (spec->client.len)
        return error_set(err, -EINVAL, "the item 'client' is not carried yet");
    int r = make_lists(c, &m->arena, spec);
    if (r == 0)
        r = make_names(c, m, spec, err);
    if (r == 0)
        r = make_addresses(&c->addresses, &m->arena, spec->ip_cidr.at, spec->ip_cidr.len);
    if (r == 0)
        r = make_addresses(&c->sources, &m->arena, spec->source_ip_cidr.at, spec->source_ip_cidr.len);
    if (r == 0)
        r = make_regexes(c, m, &spec->domain_regex, err);
    return r;
}

static int make_at_depth(struct condition *c, struct condition_maker *m, const struct rule_spec *spec, unsigned depth,
                         struct error *err)
{
    *c = (struct condition){0};
    make_flags(c, m, spec);
    if (spec->kind == RULE_DEFAULT)
        return make_default(c, m, spec, err);
    if (depth == 0)
        return error_set(err, -EINVAL, "logical rules are nested deeper than %d", RULE_DEPTH_MAX);
    if (spec->rules.len == 0)
        return error_set(err, -EINVAL, "a logical rule without rules");
    c->rules = arena_alloc(&m->arena, spec->rules.len * sizeof *c->rules);
    if (!c->rules)
        return -ENOMEM;
    for (; c->rule_count < spec->rules.len; c->rule_count++) {
        int r = make_at_depth(&c->rules[c->rule_count], m, &spec->rules.at[c->rule_count], depth - 1, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int condition_init(struct condition *c, struct condition_maker *m, const struct rule_spec *spec, struct error *err)
{
    error_set(err, 0, "%s", "");
    int r = make_at_depth(c, m, spec, RULE_DEPTH_MAX, err);
    if (r < 0 && err && !err->text[0])
        return error_errno(err, r, "compiling a rule");
    return r;
}
