/* A model as a mihomo configuration: each rule becomes lines. */
#include <errno.h>

#include "config/writing.h"

enum { LINE_MAX_SIZE = 1 << 20 };

/* The parts of a rule as "TYPE,payload", one field's alternatives next to each other. */
struct terms {
    VEC(struct text) list;
    VEC(size_t) ends; /* where each field's alternatives end */
    bool failed;
};

static void terms_done(struct terms *t)
{
    vec_done(&t->list);
    vec_done(&t->ends);
}

static PRINTF(3, 4) void add(struct writing *w, struct terms *t, const char *fmt, ...)
{
    STRBUF text;
    va_list args;

    strbuf_init(&text, LINE_MAX_SIZE);
    va_start(args, fmt);
    strbuf_vaddf(&text, fmt, args);
    va_end(args);
    struct text copy = arena_text(&w->arena, strbuf_text(&text));
    if (text.failed || !copy.ptr || vec_push(&t->list, copy) < 0)
        t->failed = true;
}

static void end_field(struct terms *t)
{
    size_t from = t->ends.len ? t->ends.at[t->ends.len - 1] : 0;

    if (t->list.len > from && vec_push(&t->ends, t->list.len) < 0)
        t->failed = true;
}

static void add_texts(struct writing *w, struct terms *t, const char *type, const struct text_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        add(w, t, "%s,%.*s", type, TEXT_ARG(list->at[i]));
}

static void add_cidrs(struct writing *w, struct terms *t, const char *type, const struct cidr *at, size_t len)
{
    char ip[ADDR_TEXT];

    for (size_t i = 0; i < len; i++)
        add(w, t, "%s,%s/%u", type, addr_print_ip(&at[i].base, ip), at[i].bits);
}

static void add_ports(struct writing *w, struct terms *t, const char *type, const struct port_range *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i].first == at[i].last)
            add(w, t, "%s,%u", type, at[i].first);
        else
            add(w, t, "%s,%u-%u", type, at[i].first, at[i].last);
    }
}

static void add_inbound_types(struct writing *w, struct terms *t, const struct text_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        struct text s = list->at[i];
        if (text_is(s, "direct"))
            s = TEXT("TUNNEL");
        else if (text_is(s, "redirect"))
            s = TEXT("REDIR");
        add(w, t, "IN-TYPE,%.*s", TEXT_ARG(s));
    }
}

/* All fields of a default rule; false when mihomo has no word for one. */
static bool collect(struct writing *w, struct terms *t, const struct rule_spec *r)
{
    if (r->protocol.len || r->client.len || r->ip_version || r->source_ip_is_private) {
        cannot(w, r->at, "%s in a rule",
               r->protocol.len ? "protocol" : r->client.len ? "client" : r->ip_version ? "ip_version"
                                                                                      : "source_ip_is_private");
        return false;
    }
    add_texts(w, t, "DOMAIN", &r->domain);
    add_texts(w, t, "DOMAIN-SUFFIX", &r->domain_suffix);
    add_texts(w, t, "DOMAIN-KEYWORD", &r->domain_keyword);
    add_texts(w, t, "DOMAIN-REGEX", &r->domain_regex);
    add_texts(w, t, "DOMAIN-WILDCARD", &r->domain_wildcard);
    add_cidrs(w, t, "IP-CIDR", r->ip_cidr.at, r->ip_cidr.len);
    if (r->ip_is_private)
        add(w, t, "GEOIP,private");
    end_field(t);
    add_cidrs(w, t, "SRC-IP-CIDR", r->source_ip_cidr.at, r->source_ip_cidr.len);
    end_field(t);
    add_ports(w, t, "DST-PORT", r->port.at, r->port.len);
    end_field(t);
    add_ports(w, t, "SRC-PORT", r->source_port.at, r->source_port.len);
    end_field(t);
    add_ports(w, t, "IN-PORT", r->inbound_port.at, r->inbound_port.len);
    end_field(t);
    add_texts(w, t, "NETWORK", &r->network);
    end_field(t);
    add_texts(w, t, "IN-NAME", &r->inbound);
    end_field(t);
    add_inbound_types(w, t, &r->inbound_type);
    end_field(t);
    add_texts(w, t, "IN-USER", &r->auth_user);
    end_field(t);
    return true;
}

static bool print_match(struct writing *w, const struct rule_spec *r, struct strbuf *out);

/* "OR,((..),(..))", or the only alternative itself. */
static void print_field(const struct terms *t, size_t from, size_t to, struct strbuf *out)
{
    if (to - from == 1) {
        strbuf_add_text(out, t->list.at[from]);
        return;
    }
    strbuf_add_text(out, TEXT("OR,("));
    for (size_t i = from; i < to; i++)
        strbuf_addf(out, "%s(%.*s)", i > from ? "," : "", TEXT_ARG(t->list.at[i]));
    strbuf_add_char(out, ')');
}

static bool print_default(struct writing *w, const struct rule_spec *r, struct strbuf *out)
{
    CLEANUP(terms_done) struct terms t = {0};
    size_t from = 0;

    if (!collect(w, &t, r))
        return false;
    if (t.failed)
        out->failed = true;
    if (!t.ends.len) { /* matches everything */
        strbuf_add_text(out, TEXT("OR,((NETWORK,tcp),(NETWORK,udp))"));
        return true;
    }
    if (t.ends.len > 1)
        strbuf_add_text(out, TEXT("AND,("));
    for (size_t i = 0; i < t.ends.len; i++) {
        strbuf_add_text(out, t.ends.len == 1 ? TEXT("") : i ? TEXT(",(") : TEXT("("));
        print_field(&t, from, t.ends.at[i], out);
        strbuf_add_text(out, t.ends.len == 1 ? TEXT("") : TEXT(")"));
        from = t.ends.at[i];
    }
    if (t.ends.len > 1)
        strbuf_add_char(out, ')');
    return true;
}

static bool print_logical(struct writing *w, const struct rule_spec *r, struct strbuf *out)
{
    if (r->rules.len == 1)
        return print_match(w, &r->rules.at[0], out);
    strbuf_add_text(out, r->kind == RULE_AND ? TEXT("AND,(") : TEXT("OR,("));
    for (size_t i = 0; i < r->rules.len; i++) {
        strbuf_add_text(out, i ? TEXT(",(") : TEXT("("));
        if (!print_match(w, &r->rules.at[i], out))
            return false;
        strbuf_add_char(out, ')');
    }
    strbuf_add_char(out, ')');
    return true;
}

static bool print_match(struct writing *w, const struct rule_spec *r, struct strbuf *out)
{
    bool fine;

    if (r->invert)
        strbuf_add_text(out, TEXT("NOT,(("));
    fine = r->kind == RULE_DEFAULT ? print_default(w, r, out) : print_logical(w, r, out);
    if (r->invert)
        strbuf_add_text(out, TEXT("))"));
    return fine;
}

/* ---- rules ---- */

/* The target's name; false when the rule says something that no line can. */
static bool target_of(struct writing *w, const struct rule_spec *r, struct text *out)
{
    switch (r->action) {
    case RULE_ROUTE:
        *out = r->outbound;
        if (text_find(*out, ',') < 0)
            return true;
        cannot(w, r->at, "a comma in the name of an outbound");
        return false;
    case RULE_REJECT:
        *out = r->reject == REJECT_DROP ? TEXT("REJECT-DROP") : TEXT("REJECT");
        return true;
    case RULE_SUB_RULE:
        *out = r->sub_rule;
        return true;
    case RULE_SNIFF:
        cannot(w, r->at, "the action sniff");
        return false;
    case RULE_RESOLVE:
        cannot(w, r->at, "the action resolve");
        return false;
    case RULE_OPTIONS:
        cannot(w, r->at, "the action route-options");
        return false;
    case RULE_HIJACK_DNS:
        cannot(w, r->at, "the action hijack-dns");
        return false;
    }
    return false;
}

static int add_line(struct writing *w, struct node *list, struct strbuf *line)
{
    struct text t = arena_text(&w->arena, strbuf_text(line));

    if (line->failed || !t.ptr)
        return -ENOMEM;
    return node_add(&w->arena, list, node_new_text(&w->arena, t));
}

/* A rule of one field is a line for each of its values. */
static int put_simple(struct writing *w, struct node *list, const struct rule_spec *r, struct text target, bool *done)
{
    CLEANUP(terms_done) struct terms t = {0};
    int result = 0;

    *done = false;
    if (r->kind != RULE_DEFAULT || r->invert || r->action == RULE_SUB_RULE)
        return 0;
    *done = true;
    if (!collect(w, &t, r))
        return 0;
    *done = t.ends.len == 1;
    for (size_t i = 0; *done && result == 0 && i < t.list.len; i++) {
        bool address = text_starts(t.list.at[i], TEXT("IP-CIDR")) || text_starts(t.list.at[i], TEXT("GEOIP"));
        STRBUF line;
        strbuf_init(&line, LINE_MAX_SIZE);
        strbuf_addf(&line, "%.*s,%.*s%s", TEXT_ARG(t.list.at[i]), TEXT_ARG(target),
                    address && (r->no_resolve || w->model->dialect == DIALECT_SINGBOX) ? ",no-resolve" : "");
        result = add_line(w, list, &line);
    }
    return t.failed ? -ENOMEM : result;
}

static int put_rule(struct writing *w, struct node *list, const struct rule_spec *r)
{
    struct text target;
    STRBUF line;
    bool done;

    strbuf_init(&line, LINE_MAX_SIZE);
    if (!target_of(w, r, &target))
        return 0;
    if (r->match_all) {
        strbuf_addf(&line, "MATCH,%.*s", TEXT_ARG(target));
        return add_line(w, list, &line);
    }
    int result = put_simple(w, list, r, target, &done);
    if (result < 0 || done)
        return result;
    if (r->action == RULE_SUB_RULE)
        strbuf_add_text(&line, TEXT("SUB-RULE,("));
    if (!print_match(w, r, &line))
        return 0;
    strbuf_addf(&line, r->action == RULE_SUB_RULE ? "),%.*s" : ",%.*s", TEXT_ARG(target));
    return add_line(w, list, &line);
}

static int put_rules(struct writing *w)
{
    const struct model *m = w->model;
    struct node *rules = node_new(&w->arena, NODE_LIST);
    struct node *sub_rules = node_new(&w->arena, NODE_MAP);
    int r = rules && sub_rules ? 0 : -ENOMEM;
    STRBUF line;

    strbuf_init(&line, LINE_MAX_SIZE);
    for (size_t i = 0; r == 0 && i < m->rules.len; i++) {
        const struct rule_list *from = &m->rules.at[i];
        struct node *list = i ? node_new(&w->arena, NODE_LIST) : rules;
        for (size_t k = 0; list && r == 0 && k < from->rules.len; k++)
            r = put_rule(w, list, &from->rules.at[k]);
        if (i && r == 0)
            r = list ? node_set(&w->arena, sub_rules, from->name, list) : -ENOMEM;
    }
    bool has_match = m->rules.len && m->rules.at[0].rules.len &&
                     m->rules.at[0].rules.at[m->rules.at[0].rules.len - 1].match_all;
    if (r == 0 && m->final.len && !has_match) {
        strbuf_addf(&line, "MATCH,%.*s", TEXT_ARG(m->final));
        r = add_line(w, rules, &line);
    }
    if (r == 0 && sub_rules->count)
        r = put(w, w->root, "sub-rules", sub_rules);
    return r < 0 ? r : put(w, w->root, "rules", rules);
}

/* ---- the rest ---- */

static int put_general(struct writing *w)
{
    static const char *const levels[] = {"debug", "debug", "info", "warning", "error", "silent"};
    const struct model *m = w->model;

    int r = put_text(w, w->root, "mode", m->mode.len ? m->mode : TEXT("rule"));
    if (r == 0)
        r = put_text(w, w->root, "log-level", m->log.disabled ? TEXT("silent") : text_of(levels[m->log.level]));
    if (m->log.output.len)
        cannot(w, (struct place){0}, "log.output");
    if (r == 0 && m->no_ipv6)
        r = put(w, w->root, "ipv6", node_new_bool(&w->arena, false));
    if (r == 0)
        r = put_text(w, w->root, "interface-name", m->interface_name);
    return r < 0 ? r : put_int(w, w->root, "routing-mark", m->mark);
}

static int put_hosts(struct writing *w)
{
    const struct model *m = w->model;
    struct node *hosts = node_new(&w->arena, NODE_MAP);
    char ip[ADDR_TEXT];
    int r = hosts ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < m->hosts.len; i++) {
        const struct model_host *h = &m->hosts.at[i];
        struct node *list = node_new(&w->arena, NODE_LIST);
        for (unsigned k = 0; list && r == 0 && k < h->addrs.count; k++) {
            struct text t = arena_text(&w->arena, text_of(addr_print_ip(&h->addrs.at[k], ip)));
            r = t.ptr ? node_add(&w->arena, list, node_new_text(&w->arena, t)) : -ENOMEM;
        }
        struct node *value = h->alias.len ? node_new_text(&w->arena, h->alias) : list;
        if (r == 0)
            r = value ? node_set(&w->arena, hosts, h->name, value) : -ENOMEM;
    }
    return r < 0 || !hosts->count ? r : put(w, w->root, "hosts", hosts);
}

/* What mihomo has without being told. */
static bool is_known_name(struct text t)
{
    return text_is(t, "DIRECT") || text_is(t, "REJECT") || text_is(t, "REJECT-DROP") || text_is(t, "COMPATIBLE") ||
           text_is(t, "GLOBAL");
}

static int put_outbounds(struct writing *w, bool *failed)
{
    const struct model *m = w->model;
    struct node *proxies = node_new(&w->arena, NODE_LIST);
    struct node *groups = node_new(&w->arena, NODE_LIST);
    int r = proxies && groups ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && !*failed && i < m->outbounds.len; i++) {
        const struct model_outbound *o = &m->outbounds.at[i];
        if (is_built_in(o) && is_known_name(o->tag))
            continue;
        struct node *n = write_outbound(w, o, failed);
        r = n ? node_add(&w->arena, o->group ? groups : proxies, n) : 0;
    }
    if (r == 0 && proxies->count)
        r = put(w, w->root, "proxies", proxies);
    return r == 0 && groups->count ? put(w, w->root, "proxy-groups", groups) : r;
}

int mihomo_write(struct writing *w)
{
    const struct model *m = w->model;
    struct node *listeners = node_new(&w->arena, NODE_LIST);
    bool failed = !listeners;

    int r = put_general(w);
    for (size_t i = 0; r == 0 && !failed && i < m->inbounds.len; i++) {
        struct node *n = write_inbound(w, &m->inbounds.at[i], &failed);
        r = n ? node_add(&w->arena, listeners, n) : 0;
    }
    if (r == 0 && !failed && listeners->count)
        r = put(w, w->root, "listeners", listeners);
    if (r == 0)
        r = put_outbounds(w, &failed);
    if (r == 0)
        r = put_hosts(w);
    if (failed)
        r = -ENOMEM;
    return r < 0 ? r : put_rules(w);
}
