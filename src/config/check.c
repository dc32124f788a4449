/* What can only be checked, and repaired after --allow-unsupported, when everything is read. */
#include <errno.h>

#include "config/reading.h"

/* ---- references ---- */

static bool is_list_name(const struct model *m, struct text name)
{
    for (size_t i = 0; i < m->rules.len; i++) {
        if (m->rules.at[i].name.len && text_eq(m->rules.at[i].name, name))
            return true;
    }
    return false;
}

static const char *ref_wants(enum ref_kind kind)
{
    switch (kind) {
    case REF_DETOUR:
    case REF_MEMBER:
    case REF_CHOSEN:
    case REF_RULE:
    case REF_FINAL:
    case REF_INBOUND_OUTBOUND:
        return "outbound";
    case REF_INBOUND_DETOUR:
    case REF_RULE_INBOUND:
        return "inbound";
    case REF_SUB_RULE:
        return "sub-rule list";
    case REF_DNS_SERVER:
        return "DNS server";
    }
    return "";
}

static bool ref_is_inbound(enum ref_kind kind)
{
    return kind == REF_INBOUND_DETOUR || kind == REF_RULE_INBOUND;
}

static bool ref_exists(const struct reading *g, const struct ref *ref)
{
    if (ref->kind == REF_SUB_RULE)
        return is_list_name(g->model, ref->to);
    if (ref->kind == REF_DNS_SERVER)
        return map_get_text(&g->dns_servers, ref->to);
    if (ref_is_inbound(ref->kind))
        return map_get_text(&g->inbounds, ref->to);
    return map_get_text(&g->outbounds, ref->to) || map_get_text(&g->dns_outbounds, ref->to);
}

static bool ref_is_dropped(const struct reading *g, const struct ref *ref)
{
    if (ref->kind == REF_SUB_RULE || ref->kind == REF_DNS_SERVER)
        return false;
    return map_get_text(ref_is_inbound(ref->kind) ? &g->dropped_inbounds : &g->dropped, ref->to);
}

static void offer_names(const struct map *names, struct nearest *near)
{
    map_each(slot, names)
        nearest_offer(near, (struct text){.ptr = (const char *)slot->key.ptr, .len = slot->key.len});
}

static void report_dangling(struct reading *g, const struct ref *ref)
{
    struct nearest near = nearest_to(ref->to);

    if (ref->kind == REF_RULE_INBOUND)
        diag_warn(g->diag, ref->at, ref->path, "there is no inbound '%.*s'", TEXT_ARG(ref->to));
    else
        diag_error(g->diag, ref->at, ref->path, "there is no %s '%.*s'", ref_wants(ref->kind), TEXT_ARG(ref->to));
    if (ref->kind == REF_SUB_RULE)
        return;
    offer_names(ref->kind == REF_DNS_SERVER ? &g->dns_servers : ref_is_inbound(ref->kind) ? &g->inbounds : &g->outbounds,
                &near);
    if (near.best.ptr)
        diag_hint(g->diag, "did you mean '%.*s'?", TEXT_ARG(near.best));
}

/* What becomes of something that refers to an item that was left out. */
static const char *dropped_words(enum ref_kind kind)
{
    switch (kind) {
    case REF_DETOUR:
        return "this outbound is left out too";
    case REF_MEMBER:
        return "the group goes without it";
    case REF_CHOSEN:
        return "the first member is chosen instead";
    case REF_RULE:
    case REF_FINAL:
        return "what goes there is refused";
    case REF_INBOUND_OUTBOUND:
    case REF_INBOUND_DETOUR:
        return "this inbound is left out too";
    case REF_RULE_INBOUND:
        return "the rule goes without it";
    case REF_SUB_RULE:
    case REF_DNS_SERVER:
        break;
    }
    return "";
}

static void check_refs(struct reading *g)
{
    for (size_t i = 0; i < g->refs.len; i++) {
        const struct ref *ref = &g->refs.at[i];

        if (ref_is_dropped(g, ref) && !g->options->allow_unsupported)
            continue; /* that it is not carried was an error already */
        if (ref_is_dropped(g, ref))
            diag_warn(g->diag, ref->at, ref->path, "%s '%.*s' was left out: %s", ref_wants(ref->kind),
                      TEXT_ARG(ref->to), dropped_words(ref->kind));
        else if (!ref_exists(g, ref))
            report_dangling(g, ref);
    }
}

/* ---- repair: nothing may go a weaker way than the file says ---- */

static const char BLOCK[] = "(left out)";

/* An outbound that dials through one that was left out must not dial directly: it goes too. */
static int drop_by_detour(struct reading *g)
{
    struct model *m = g->model;
    bool again = true;

    while (again) {
        again = false;
        for (size_t i = 0; i < m->outbounds.len; i++) {
            const struct model_outbound *o = &m->outbounds.at[i];
            if (!o->detour.len || !map_get_text(&g->dropped, o->detour))
                continue;
            int r = reading_drop(&g->dropped, o->tag);
            if (r < 0)
                return r;
            memmove(&m->outbounds.at[i], &m->outbounds.at[i + 1], (m->outbounds.len - i - 1) * sizeof *o);
            m->outbounds.len--;
            i--;
            again = true;
        }
    }
    return 0;
}

static size_t remove_names(struct text_list *list, const struct map *dropped)
{
    size_t kept_len = 0;

    for (size_t i = 0; i < list->len; i++) {
        if (!map_get_text(dropped, list->at[i]))
            list->at[kept_len++] = list->at[i];
    }
    size_t removed = list->len - kept_len;
    list->len = kept_len;
    return removed;
}

static int block_group(struct reading *g, struct model_outbound *o, bool *needs_block)
{
    struct text block = text_of(BLOCK);

    if (g->options->allow_unsupported)
        diag_warn(g->diag, o->at, NULL, "group '%.*s' has no members left: what goes there is refused",
                  TEXT_ARG(o->tag));
    *needs_block = true;
    o->group->chosen = (struct text){0};
    return text_list_keep(&g->model->arena, &block, 1, &o->group->outbounds);
}

static int repair_groups(struct reading *g, bool *needs_block)
{
    struct model *m = g->model;

    for (size_t i = 0; i < m->outbounds.len; i++) {
        struct group_spec *spec = m->outbounds.at[i].group;
        if (!spec)
            continue;
        size_t removed = remove_names(&spec->outbounds, &g->dropped);
        if (spec->chosen.len && map_get_text(&g->dropped, spec->chosen))
            spec->chosen = (struct text){0};
        if (removed && !spec->outbounds.len) {
            int r = block_group(g, &m->outbounds.at[i], needs_block);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* False when the rule can no longer match: all the inbounds it names are left out. */
static bool repair_rule(struct reading *g, struct rule_spec *rule)
{
    size_t removed = remove_names(&rule->inbound, &g->dropped_inbounds);

    if (rule->action == RULE_ROUTE && map_get_text(&g->dropped, rule->outbound))
        rule->action = RULE_REJECT;
    for (size_t i = 0; i < rule->rules.len; i++)
        (void)repair_rule(g, &rule->rules.at[i]);
    /* A rule without items matches everything; inverted, nothing. */
    return !(removed && !rule->inbound.len);
}

static void repair_rules(struct reading *g)
{
    for (size_t i = 0; i < g->model->rules.len; i++) {
        struct rule_list *list = &g->model->rules.at[i];
        size_t kept_len = 0;
        for (size_t k = 0; k < list->rules.len; k++) {
            if (repair_rule(g, &list->rules.at[k]))
                list->rules.at[kept_len++] = list->rules.at[k];
        }
        list->rules.len = kept_len;
    }
}

static void repair_inbounds(struct reading *g)
{
    struct model *m = g->model;
    size_t kept_len = 0;

    for (size_t i = 0; i < m->inbounds.len; i++) {
        const struct model_inbound *in = &m->inbounds.at[i];
        if (map_get_text(&g->dropped, in->outbound) || map_get_text(&g->dropped_inbounds, in->detour))
            continue;
        m->inbounds.at[kept_len++] = *in;
    }
    m->inbounds.len = kept_len;
}

static int repair(struct reading *g)
{
    bool needs_block = false;

    int r = repair_groups(g, &needs_block);
    if (r < 0)
        return r;
    repair_rules(g);
    repair_inbounds(g);
    if (map_get_text(&g->dropped, g->model->final)) {
        g->model->final = text_of(BLOCK);
        needs_block = true;
    }
    return needs_block ? reading_add_built_in(g, BLOCK, "block") : 0;
}

/* ---- cycles ---- */

enum { WHITE, GREY, BLACK };

struct walk {
    struct map index; /* tag -> &nodes[i] */
    struct visit {
        uint8_t colour;
        size_t next; /* which of its references comes next */
    } *visits;
    size_t *stack;
    size_t depth;
};

static void walk_done(struct walk *w)
{
    map_done(&w->index);
    mem_free(w->visits);
    mem_free(w->stack);
}

/* The n-th outbound that `o` leads to; false when there is none. */
static bool nth_target(const struct model_outbound *o, size_t n, struct text *out)
{
    if (o->group) {
        if (n >= o->group->outbounds.len)
            return false;
        *out = o->group->outbounds.at[n];
        return true;
    }
    *out = o->detour;
    return n == 0 && o->detour.len;
}

static void report_cycle(struct reading *g, const struct walk *w, size_t back_to)
{
    const struct model_outbound *o = &g->model->outbounds.at[back_to];
    STRBUF names;
    size_t from = w->depth;

    strbuf_init(&names, 1500);
    while (from > 0 && w->stack[from - 1] != back_to)
        from--;
    for (size_t i = from ? from - 1 : 0; i < w->depth; i++)
        strbuf_addf(&names, "%.*s -> ", TEXT_ARG(g->model->outbounds.at[w->stack[i]].tag));
    strbuf_addf(&names, "%.*s", TEXT_ARG(o->tag));
    diag_error(g->diag, o->at, NULL, "outbounds go round in a circle: %.*s", TEXT_ARG(strbuf_text(&names)));
}

static void walk_from(struct reading *g, struct walk *w, size_t start)
{
    const struct model *m = g->model;
    struct text to;

    w->depth = 0;
    w->stack[w->depth++] = start;
    w->visits[start].colour = GREY;
    while (w->depth) {
        size_t at = w->stack[w->depth - 1];
        if (!nth_target(&m->outbounds.at[at], w->visits[at].next, &to)) {
            w->visits[at].colour = BLACK;
            w->depth--;
            continue;
        }
        w->visits[at].next++;
        const struct visit *v = map_get_text(&w->index, to);
        if (!v)
            continue;
        size_t next = (size_t)(v - w->visits);
        if (v->colour == GREY)
            report_cycle(g, w, next);
        else if (v->colour == WHITE) {
            w->visits[next].colour = GREY;
            w->stack[w->depth++] = next;
        }
    }
}

static int check_cycles(struct reading *g)
{
    const struct model *m = g->model;
    CLEANUP(walk_done) struct walk w = {0};

    map_init(&w.index);
    if (!m->outbounds.len)
        return 0;
    w.visits = mem_alloc_array(m->outbounds.len, sizeof *w.visits);
    w.stack = mem_alloc_array(m->outbounds.len, sizeof *w.stack);
    if (!w.visits || !w.stack)
        return -ENOMEM;
    for (size_t i = 0; i < m->outbounds.len; i++) {
        int r = map_put_text(&w.index, m->outbounds.at[i].tag, &w.visits[i]);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < m->outbounds.len; i++) {
        if (w.visits[i].colour == WHITE)
            walk_from(g, &w, i);
    }
    return 0;
}

/* Inbounds that hand on to each other: each has one successor at most. */
static void check_inbound_cycles(struct reading *g)
{
    const struct model *m = g->model;

    for (size_t i = 0; i < m->inbounds.len; i++) {
        struct text at = m->inbounds.at[i].detour;
        size_t steps = 0;
        while (at.len && steps++ <= m->inbounds.len) {
            if (text_eq(at, m->inbounds.at[i].tag)) {
                diag_error(g->diag, m->inbounds.at[i].at, NULL, "inbound '%.*s' hands its connections back to itself",
                           TEXT_ARG(at));
                break;
            }
            struct text next = {0};
            for (size_t k = 0; k < m->inbounds.len; k++) {
                if (text_eq(m->inbounds.at[k].tag, at))
                    next = m->inbounds.at[k].detour;
            }
            at = next;
        }
    }
}

/* Lists of rules that jump to each other: sub-rules form no circle either. */
static bool list_reaches(const struct model *m, size_t from, size_t target, uint8_t *seen)
{
    const struct rule_list *list = &m->rules.at[from];

    seen[from] = 1;
    for (size_t i = 0; i < list->rules.len; i++) {
        if (list->rules.at[i].action != RULE_SUB_RULE)
            continue;
        for (size_t k = 0; k < m->rules.len; k++) {
            if (!text_eq(m->rules.at[k].name, list->rules.at[i].sub_rule))
                continue;
            if (k == target || (!seen[k] && list_reaches(m, k, target, seen)))
                return true;
        }
    }
    return false;
}

enum { SUB_RULE_LISTS_MAX = 256 };

static int check_sub_rules(struct reading *g)
{
    struct model *m = g->model;
    uint8_t seen[SUB_RULE_LISTS_MAX];

    if (m->rules.len > SUB_RULE_LISTS_MAX) {
        diag_error(g->diag, (struct place){0}, NULL, "has %zu lists of sub-rules, at most %d are allowed", m->rules.len,
                   SUB_RULE_LISTS_MAX);
        return 0;
    }
    for (size_t i = 1; i < m->rules.len; i++) {
        memset(seen, 0, sizeof seen);
        if (list_reaches(m, i, i, seen))
            diag_error(g->diag, m->rules.at[i].rules.len ? m->rules.at[i].rules.at[0].at : (struct place){0}, NULL,
                       "sub-rules '%.*s' lead back to themselves", TEXT_ARG(m->rules.at[i].name));
    }
    return 0;
}

/* ---- ports ---- */

/* The UDP of these comes on ports of its own. */
static bool listens_udp(const struct model_inbound *in)
{
    struct text type = text_of(in->protocol->name);

    return in->udp && !text_is(type, "socks") && !text_is(type, "http") && !text_is(type, "mixed");
}

static bool is_same_network(const struct model_inbound *a, const struct model_inbound *b)
{
    return (a->tcp && b->tcp) || (listens_udp(a) && listens_udp(b));
}

static bool is_same_address(const struct addr *a, const struct addr *b)
{
    if (!addr_is_set(a) || !addr_is_set(b) || !addr_port(a) || addr_port(a) != addr_port(b))
        return false;
    return addr_same_ip(a, b) ||
           (addr_family(a) == addr_family(b) && (addr_is_unspecified(a) || addr_is_unspecified(b)));
}

static void report_port(struct reading *g, const struct model_inbound *in, const struct model_inbound *other)
{
    char text[ADDR_TEXT];

    if (in->listen.unix_path)
        diag_error(g->diag, in->at, NULL, "inbound '%.*s' listens on %s like '%.*s'", TEXT_ARG(in->tag),
                   in->listen.unix_path, TEXT_ARG(other->tag));
    else
        diag_error(g->diag, in->at, NULL, "inbound '%.*s' listens on %s like '%.*s'", TEXT_ARG(in->tag),
                   addr_print(&in->listen.addr, text), TEXT_ARG(other->tag));
    if (other->at.source)
        diag_hint(g->diag, "the other is in %.*s:%u", TEXT_ARG(other->at.source->name), other->at.line);
}

static bool is_conflict(const struct model_inbound *a, const struct model_inbound *b)
{
    const char *ns_a = a->listen.netns ? a->listen.netns : "";
    const char *ns_b = b->listen.netns ? b->listen.netns : "";

    if (strcmp(ns_a, ns_b) != 0)
        return false;
    if (a->listen.unix_path && b->listen.unix_path)
        return strcmp(a->listen.unix_path, b->listen.unix_path) == 0;
    return is_same_address(&a->listen.addr, &b->listen.addr) && is_same_network(a, b);
}

static int check_ports(struct reading *g)
{
    const struct model *m = g->model;
    size_t *by_port = mem_alloc_array(65536, sizeof *by_port); /* index + 1 of the last inbound of a port */
    size_t *before = mem_alloc_array(m->inbounds.len + 1, sizeof *before);
    int r = by_port && before ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < m->inbounds.len; i++) {
        const struct model_inbound *in = &m->inbounds.at[i];
        uint16_t port = addr_is_set(&in->listen.addr) ? addr_port(&in->listen.addr) : 0;
        for (size_t k = by_port[port]; k; k = before[k - 1]) {
            if (is_conflict(in, &m->inbounds.at[k - 1])) {
                report_port(g, in, &m->inbounds.at[k - 1]);
                break;
            }
        }
        before[i] = by_port[port];
        by_port[port] = i + 1;
    }
    mem_free(by_port);
    mem_free(before);
    return r;
}

int reading_check(struct reading *g)
{
    int r = drop_by_detour(g);

    if (r < 0)
        return r;
    check_refs(g);
    r = repair(g);
    if (r == 0)
        r = check_cycles(g);
    if (r == 0)
        r = check_sub_rules(g);
    if (r == 0)
        r = check_regexes(g);
    if (r < 0)
        return r;
    check_inbound_cycles(g);
    return check_ports(g);
}
