/* Rule lines: AND,((DOMAIN,a.org),(NETWORK,udp)),TARGET. */
#include <errno.h>

#include "config/mihomo/mihomo.h"

enum { RULE_LINE_DEPTH_MAX = 32 };

struct line {
    struct rule_line *l;
    struct text type;
    struct text payload;
    struct text params; /* what follows the target, with commas */
    bool no_resolve;
    bool source;
};

static PRINTF(2, 3) int wrong(struct rule_line *l, const char *fmt, ...)
{
    struct reading *g = l->m->g;
    STRBUF text;
    va_list args;

    strbuf_init(&text, 1000);
    va_start(args, fmt);
    strbuf_vaddf(&text, fmt, args);
    va_end(args);
    diag_error(g->diag, l->at, g->r.path, "%.*s", TEXT_ARG(strbuf_text(&text)));
    return -EINVAL;
}

static int one_text(struct line *c, struct text t, struct text_list *out)
{
    struct arena *a = &c->l->m->g->model->arena;
    struct text copy = arena_text(a, t);

    return copy.ptr ? text_list_keep(a, &copy, 1, out) : -ENOMEM;
}

/* Texts between slashes, each passed through `map` (which may be NULL). */
static int slash_texts(struct line *c, struct text t, const char *(*map)(struct text), struct text_list *out)
{
    struct arena *a = &c->l->m->g->model->arena;
    struct text_vec v = {0};
    struct text part;
    int r = 0;

    while (r == 0 && text_next(&t, '/', &part)) {
        part = text_trim(part);
        if (!part.len) {
            vec_done(&v.list);
            return wrong(c->l, "%.*s: there is nothing between two slashes", TEXT_ARG(c->type));
        }
        const char *name = map ? map(part) : NULL;
        struct text copy = arena_text(a, name ? text_of(name) : part);
        r = copy.ptr ? vec_push(&v.list, copy) : -ENOMEM;
    }
    if (r == 0)
        r = text_list_keep(a, v.list.at, v.list.len, out);
    vec_done(&v.list);
    return r;
}

struct ranges {
    struct port_range *at;
    size_t len;
};

static int slash_ports(struct line *c, struct ranges *out)
{
    struct text rest = c->payload;
    struct text part;
    size_t count = 1;

    for (size_t i = 0; i < rest.len; i++)
        count += rest.ptr[i] == '/';
    out->at = arena_alloc(&c->l->m->g->model->arena, count * sizeof *out->at);
    if (!out->at)
        return -ENOMEM;
    while (text_next(&rest, '/', &part)) {
        struct port_range *p = &out->at[out->len++];
        if (port_range_parse(text_trim(part), '-', &p->first, &p->last) < 0)
            return wrong(c->l, "%.*s: '%.*s' is no port or range such as 1000-2000", TEXT_ARG(c->type), TEXT_ARG(part));
    }
    return 0;
}

static int set_ports(struct line *c, void *field)
{
    struct ranges ranges = {0};
    int r = slash_ports(c, &ranges);

    if (r == 0)
        memcpy(field, &ranges, sizeof ranges);
    return r;
}

/* ---- one function for each type ---- */

static int set_domain(struct line *c, struct rule_spec *out)
{
    return one_text(c, c->payload, &out->domain);
}

static int set_suffix(struct line *c, struct rule_spec *out)
{
    return one_text(c, c->payload, &out->domain_suffix);
}

static int set_keyword(struct line *c, struct rule_spec *out)
{
    return one_text(c, c->payload, &out->domain_keyword);
}

static int set_regex(struct line *c, struct rule_spec *out)
{
    return one_text(c, c->payload, &out->domain_regex);
}

static int set_wildcard(struct line *c, struct rule_spec *out)
{
    return one_text(c, c->payload, &out->domain_wildcard);
}

static int set_cidr(struct line *c, struct rule_spec *out)
{
    struct cidr *cidr = arena_new(&c->l->m->g->model->arena, struct cidr);

    if (!cidr)
        return -ENOMEM;
    if (cidr_parse(c->payload, cidr) < 0)
        return wrong(c->l, "%.*s: '%.*s' is no prefix such as 10.0.0.0/8", TEXT_ARG(c->type), TEXT_ARG(c->payload));
    if (c->source) {
        out->source_ip_cidr.at = cidr;
        out->source_ip_cidr.len = 1;
    } else {
        out->ip_cidr.at = cidr;
        out->ip_cidr.len = 1;
    }
    out->no_resolve = c->no_resolve;
    return 0;
}

static int set_source_cidr(struct line *c, struct rule_spec *out)
{
    c->source = true;
    return set_cidr(c, out);
}

static int set_port(struct line *c, struct rule_spec *out)
{
    return set_ports(c, &out->port);
}

static int set_source_port(struct line *c, struct rule_spec *out)
{
    return set_ports(c, &out->source_port);
}

static int set_inbound_port(struct line *c, struct rule_spec *out)
{
    return set_ports(c, &out->inbound_port);
}

static int set_network(struct line *c, struct rule_spec *out)
{
    if (text_is_nocase(c->payload, "tcp"))
        return one_text(c, TEXT("tcp"), &out->network);
    if (text_is_nocase(c->payload, "udp"))
        return one_text(c, TEXT("udp"), &out->network);
    return wrong(c->l, "NETWORK: is '%.*s', expected tcp or udp", TEXT_ARG(c->payload));
}

static const char *inbound_type_name(struct text t)
{
    static const struct {
        const char *mihomo;
        const char *singbox;
    } names[] = {
        {"HTTP", "http"},     {"HTTPS", "http"},         {"SOCKS", "socks"},   {"SOCKS4", "socks"},
        {"SOCKS5", "socks"},  {"REDIR", "redirect"},     {"TPROXY", "tproxy"}, {"TUNNEL", "direct"},
        {"TUN", "tun"},       {"SHADOWSOCKS", "shadowsocks"}, {"SNELL", "snell"}, {"VMESS", "vmess"},
        {"VLESS", "vless"},   {"TROJAN", "trojan"},      {"TUIC", "tuic"},     {"HYSTERIA2", "hysteria2"},
        {"ANYTLS", "anytls"}, {"MIERU", "mieru"},        {"SUDOKU", "sudoku"}, {"TRUSTTUNNEL", "trusttunnel"},
        {"INNER", "inner"},   {"SHADOWQUIC", "shadowquic"},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (text_is_nocase(t, names[i].mihomo))
            return names[i].singbox;
    }
    return NULL;
}

static int set_inbound_type(struct line *c, struct rule_spec *out)
{
    struct text rest = c->payload;
    struct text part;

    while (text_next(&rest, '/', &part)) {
        if (text_trim(part).len && !inbound_type_name(text_trim(part)))
            return wrong(c->l, "IN-TYPE: there is no type '%.*s'", TEXT_ARG(text_trim(part)));
    }
    return slash_texts(c, c->payload, inbound_type_name, &out->inbound_type);
}

static int set_inbound_user(struct line *c, struct rule_spec *out)
{
    return slash_texts(c, c->payload, NULL, &out->auth_user);
}

static int set_inbound_name(struct line *c, struct rule_spec *out)
{
    struct reading *g = c->l->m->g;
    int r = slash_texts(c, c->payload, NULL, &out->inbound);

    for (size_t i = 0; r == 0 && i < out->inbound.len; i++)
        r = reading_ref(g, REF_RULE_INBOUND, out->inbound.at[i], c->l->at);
    return r;
}

static int set_match(struct line *c, struct rule_spec *out)
{
    (void)c;
    out->match_all = true;
    return 0;
}

static int not_carried_rule(struct line *c)
{
    struct reading *g = c->l->m->g;

    not_carried(g, c->l->at, "the rule is left out", "rule type %.*s", TEXT_ARG(c->type));
    return g->options->allow_unsupported ? 0 : -EINVAL;
}

/* Private addresses need no data base. */
static int set_geoip(struct line *c, struct rule_spec *out)
{
    if (!text_is_nocase(c->payload, "lan") && !text_is_nocase(c->payload, "private"))
        return not_carried_rule(c);
    out->source_ip_is_private = c->source;
    out->ip_is_private = !c->source;
    out->no_resolve = c->no_resolve;
    return 0;
}

static int set_rule_set(struct line *c, struct rule_spec *out)
{
    const struct rule_spec *set;

    int r = mihomo_provider_rule(c->l, c->payload, &set);
    if (r < 0 || !set)
        return r;
    *out = *set;
    out->no_resolve |= c->no_resolve;
    return 0;
}

/* ---- logic ---- */

/* Cuts "(...)" off the front of *rest, with the comma behind it: its inside, or -EINVAL. */
static int next_group(struct text *rest, struct text *out)
{
    struct text t = text_trim(*rest);
    unsigned depth = 0;
    size_t i = 0;

    if (!t.len || t.ptr[0] != '(')
        return -EINVAL;
    for (; i < t.len; i++) {
        if (t.ptr[i] == '(')
            depth++;
        else if (t.ptr[i] == ')' && --depth == 0)
            break;
    }
    if (i == t.len)
        return -EINVAL;
    *out = text_sub(t, 1, i - 1);
    t = text_trim(text_sub(t, i + 1, SIZE_MAX));
    if (t.len && t.ptr[0] != ',')
        return -EINVAL;
    *rest = t.len ? text_trim(text_sub(t, 1, SIZE_MAX)) : t;
    return 0;
}

static int parse_inner(struct line *c, struct text t, struct rule_spec *out)
{
    if (c->l->depth >= RULE_LINE_DEPTH_MAX)
        return wrong(c->l, "rules stand inside each other more than %d deep", RULE_LINE_DEPTH_MAX);
    c->l->depth++;
    int r = mihomo_parse_rule(c->l, t, NULL, out);
    c->l->depth--;
    return r;
}

static int bad_payload(struct line *c)
{
    return wrong(c->l, "%.*s: '%.*s' is not of the form ((TYPE,value),(TYPE,value))", TEXT_ARG(c->type),
                 TEXT_ARG(c->payload));
}

static int parse_groups(struct line *c, struct text inner, struct rule_spec *out)
{
    struct rule_vec v = {0};
    struct text one;
    int r = 0;

    while (r == 0 && inner.len) {
        if (next_group(&inner, &one) < 0) {
            r = bad_payload(c);
            break;
        }
        struct rule_spec *spec = arena_new(&c->l->m->g->model->arena, struct rule_spec);
        r = spec ? parse_inner(c, one, spec) : -ENOMEM;
        if (r < 0)
            break;
        struct rule_spec *room = rule_vec_add(&v);
        if (room)
            *room = *spec;
        else
            r = -ENOMEM;
    }
    if (r == 0 && !v.list.len)
        r = bad_payload(c);
    if (r == 0) {
        out->rules.at = arena_alloc(&c->l->m->g->model->arena, v.list.len * sizeof *v.list.at);
        if (out->rules.at) {
            memcpy(out->rules.at, v.list.at, v.list.len * sizeof *v.list.at);
            out->rules.len = v.list.len;
        } else
            r = -ENOMEM;
    }
    vec_done(&v.list);
    return r;
}

static int set_logic(struct line *c, struct rule_spec *out, enum rule_kind kind)
{
    struct text rest = c->payload;
    struct text inner;

    if (next_group(&rest, &inner) < 0 || rest.len)
        return bad_payload(c);
    out->kind = kind;
    return parse_groups(c, text_trim(inner), out);
}

static int set_and(struct line *c, struct rule_spec *out)
{
    return set_logic(c, out, RULE_AND);
}

static int set_or(struct line *c, struct rule_spec *out)
{
    return set_logic(c, out, RULE_OR);
}

static int set_not(struct line *c, struct rule_spec *out)
{
    int r = set_logic(c, out, RULE_AND);

    if (r == 0 && out->rules.len != 1)
        return wrong(c->l, "NOT: has %zu rules, expected one", out->rules.len);
    out->invert = true;
    return r;
}

/* SUB-RULE,(NETWORK,tcp),name: what is in the parentheses, then a jump. */
static int set_sub_rule(struct line *c, struct rule_spec *out)
{
    struct text rest = c->payload;
    struct text inner;

    if (c->l->depth)
        return wrong(c->l, "SUB-RULE cannot stand inside another rule");
    if (next_group(&rest, &inner) < 0 || rest.len)
        return wrong(c->l, "SUB-RULE: '%.*s' is not of the form (TYPE,value)", TEXT_ARG(c->payload));
    int r = parse_inner(c, inner, out);
    out->action = RULE_SUB_RULE;
    return r;
}

/* ---- the line ---- */

static const struct rule_type {
    const char *name;
    int (*set)(struct line *c, struct rule_spec *out); /* NULL: not carried */
    bool has_commas; /* the payload reaches to the target, there are no parameters */
} rule_types[] = {
    {"DOMAIN", set_domain, false},
    {"DOMAIN-SUFFIX", set_suffix, false},
    {"DOMAIN-KEYWORD", set_keyword, false},
    {"DOMAIN-REGEX", set_regex, true},
    {"DOMAIN-WILDCARD", set_wildcard, false},
    {"GEOSITE", NULL, false},
    {"GEOIP", set_geoip, false},
    {"SRC-GEOIP", NULL, false},
    {"IP-ASN", NULL, false},
    {"SRC-IP-ASN", NULL, false},
    {"IP-CIDR", set_cidr, false},
    {"IP-CIDR6", set_cidr, false},
    {"SRC-IP-CIDR", set_source_cidr, false},
    {"IP-SUFFIX", NULL, false},
    {"SRC-IP-SUFFIX", NULL, false},
    {"SRC-PORT", set_source_port, false},
    {"DST-PORT", set_port, false},
    {"IN-PORT", set_inbound_port, false},
    {"DSCP", NULL, false},
    {"PROCESS-NAME", NULL, false},
    {"PROCESS-PATH", NULL, false},
    {"PROCESS-NAME-REGEX", NULL, true},
    {"PROCESS-PATH-REGEX", NULL, true},
    {"PROCESS-NAME-WILDCARD", NULL, false},
    {"PROCESS-PATH-WILDCARD", NULL, false},
    {"NETWORK", set_network, false},
    {"UID", NULL, false},
    {"IN-TYPE", set_inbound_type, false},
    {"IN-USER", set_inbound_user, false},
    {"IN-NAME", set_inbound_name, false},
    {"REMATCH-NAME", NULL, false},
    {"SUB-RULE", set_sub_rule, true},
    {"AND", set_and, true},
    {"OR", set_or, true},
    {"NOT", set_not, true},
    {"RULE-SET", set_rule_set, false},
    {"MATCH", set_match, false},
};

static const struct rule_type *find_type(struct rule_line *l, struct text name)
{
    struct nearest near = nearest_to(name);

    for (size_t i = 0; i < ARRAY_LEN(rule_types); i++) {
        if (text_is_nocase(name, rule_types[i].name))
            return &rule_types[i];
        nearest_offer(&near, text_of(rule_types[i].name));
    }
    (void)wrong(l, "there is no rule type '%.*s'", TEXT_ARG(name));
    if (near.best.ptr)
        diag_hint(l->m->g->diag, "did you mean %.*s?", TEXT_ARG(near.best));
    return NULL;
}

/* The payload, the target and the parameters from what follows the type. */
static int cut(struct line *c, const struct rule_type *type, struct text rest, struct text *target)
{
    struct text part = {0};
    ssize_t last = text_find_last(rest, ',');

    c->payload = text_trim(rest);
    if (type->set == set_match) {
        if (target)
            (void)text_next(&rest, ',', target);
        return 0;
    }
    if (type->has_commas) {
        if (target && last >= 0) {
            c->payload = text_trim(text_sub(rest, 0, (size_t)last));
            *target = text_sub(rest, (size_t)last + 1, SIZE_MAX);
        }
    } else {
        (void)text_next(&rest, ',', &part);
        c->payload = text_trim(part);
        if (target && rest.ptr)
            (void)text_next(&rest, ',', target);
        c->params = rest;
    }
    if (!c->payload.len)
        return wrong(c->l, "%.*s: there is nothing to compare with", TEXT_ARG(c->type));
    return 0;
}

static void read_params(struct line *c)
{
    struct text rest = c->params;
    struct text part;

    while (rest.ptr && text_next(&rest, ',', &part)) {
        part = text_trim(part);
        c->source |= text_is(part, "src");
        c->no_resolve |= text_is(part, "no-resolve") || text_is(part, "src");
        if (part.len && !text_is(part, "src") && !text_is(part, "no-resolve"))
            diag_warn(c->l->m->g->diag, c->l->at, c->l->m->g->r.path, "the parameter '%.*s' is unknown",
                      TEXT_ARG(part));
    }
}

int mihomo_parse_rule(struct rule_line *l, struct text line, struct text *target, struct rule_spec *out)
{
    struct text rest = line;
    struct line c = {.l = l};
    struct text type_text;

    memset(out, 0, sizeof *out);
    if (target)
        *target = (struct text){0};
    (void)text_next(&rest, ',', &type_text);
    c.type = text_trim(type_text);
    const struct rule_type *type = find_type(l, c.type);
    if (!type)
        return -EINVAL;
    c.type = text_of(type->name);
    int r = cut(&c, type, rest, target);
    if (r < 0)
        return r;
    if (target) {
        *target = text_trim(*target);
        if (!target->len)
            return wrong(l, "%.*s: has no target", TEXT_ARG(c.type));
    }
    out->at = l->at;
    read_params(&c);
    return type->set ? type->set(&c, out) : not_carried_rule(&c);
}
