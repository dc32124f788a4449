#include "policy/explain.h"

#include <errno.h>

#include "policy/group.h"
#include "policy/router_internal.h"

enum { CHAIN_MAX = 2 * SESSION_CHAIN };

struct report {
    const struct explain_request *request;
    struct proxy_router *router;
    struct strbuf *out;
    bool as_json;
    bool has_steps; /* JSON: a comma is due */
};

/* ---- pieces -------------------------------------------------------------------------------- */

static void add_key(struct report *p, const char *key, const char *value)
{
    strbuf_addf(p->out, "\"%s\":", key);
    strbuf_add_json(p->out, text_of(value));
}

static void begin_step(struct report *p, const char *kind)
{
    if (!p->as_json)
        return;
    strbuf_addf(p->out, p->has_steps ? ",{" : "{");
    p->has_steps = true;
    add_key(p, "step", kind);
}

static void end_step(struct report *p)
{
    strbuf_add_char(p->out, p->as_json ? '}' : '\n');
}

static const char *action_name(const struct route_action *a)
{
    switch (a->kind) {
    case RULE_ROUTE:
        return "route";
    case RULE_REJECT:
        return a->method == REJECT_DROP ? "reject (drop)" : "reject";
    case RULE_SNIFF:
        return "sniff";
    case RULE_RESOLVE:
        return "resolve";
    case RULE_OPTIONS:
        return "route-options";
    case RULE_HIJACK_DNS:
        return "hijack-dns";
    case RULE_SUB_RULE:
        return "sub-rule";
    }
    return "";
}

/* One rule that was tried; `action` is NULL when it did not match. */
static void add_rule(struct report *p, struct rule_id id, const char *action)
{
    const struct route_table *t = p->router->table;
    char place[512];

    (void)route_rule_place(t, id, place, sizeof place);
    begin_step(p, "rule");
    if (p->as_json) {
        strbuf_addf(p->out, ",\"matched\":%s,\"index\":%u,", action ? "true" : "false", id.rule);
        add_key(p, "list", route_list_name(t, id.list));
        strbuf_add_char(p->out, ',');
        add_key(p, "place", place);
        strbuf_add_char(p->out, ',');
        add_key(p, "rule", route_rule_text(t, id));
        if (action) {
            strbuf_add_char(p->out, ',');
            add_key(p, "action", action);
        }
    } else {
        strbuf_addf(p->out, "  %s %s%s%s", action ? "match" : "no   ", place, place[0] ? "  " : "",
                    route_rule_text(t, id));
        if (action)
            strbuf_addf(p->out, "  => %s", action);
    }
    end_step(p);
}

/* ---- what the decision tells ---------------------------------------------------------------- */

static void on_passed(void *arg, uint32_t list, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        add_rule(arg, (struct rule_id){list, i}, NULL);
}

static void on_entered(void *arg, struct rule_id id, uint32_t list)
{
    (void)list;
    add_rule(arg, id, "sub-rule");
}

static void on_matched(void *arg, struct rule_id id, const struct route_action *a)
{
    add_rule(arg, id, action_name(a));
}

static void on_resolved(void *arg, struct rule_id id, const struct session *s, const struct error *err)
{
    struct report *p = arg;
    char ip[ADDR_TEXT], name[DEST_TEXT];

    (void)id;
    begin_step(p, "resolve");
    if (p->as_json) {
        strbuf_add_char(p->out, ',');
        add_key(p, "name", dest_print_host(&s->dest, name));
        strbuf_addf(p->out, ",\"addresses\":[");
        for (unsigned i = 0; i < s->resolved_count; i++)
            strbuf_addf(p->out, i ? ",\"%s\"" : "\"%s\"", addr_print_ip(&s->resolved[i], ip));
        strbuf_add_char(p->out, ']');
        if (err) {
            strbuf_add_char(p->out, ',');
            add_key(p, "error", err->text);
        }
    } else {
        strbuf_addf(p->out, "  resolve %s:", dest_print_host(&s->dest, name));
        for (unsigned i = 0; i < s->resolved_count; i++)
            strbuf_addf(p->out, " %s", addr_print_ip(&s->resolved[i], ip));
        if (err)
            strbuf_addf(p->out, " %s", err->text);
    }
    end_step(p);
}

static void on_sniff(void *arg, struct session *s)
{
    struct report *p = arg;
    const struct explain_request *q = p->request;

    (void)text_copy(q->protocol, s->protocol, sizeof s->protocol);
    if (q->sniffed.len && (dest_set_host(&s->sniffed, q->sniffed, s->dest.port) < 0 || !dest_is_name(&s->sniffed)))
        s->sniffed = (struct dest){0};
    begin_step(p, "sniff");
    if (p->as_json) {
        strbuf_add_char(p->out, ',');
        add_key(p, "protocol", s->protocol);
        strbuf_addf(p->out, ",\"name\":");
        strbuf_add_json(p->out, dest_name(&s->sniffed));
    } else if (s->protocol[0] || s->sniffed.name_len) {
        strbuf_addf(p->out, "  sniff: taken to be %s %.*s", s->protocol, TEXT_ARG(dest_name(&s->sniffed)));
    } else {
        strbuf_addf(p->out, "  sniff: a real flow is looked into here; this one has no bytes");
    }
    end_step(p);
}

/* ---- the result ----------------------------------------------------------------------------- */

/* The next outbound on the way and how it is reached: a group's choice, or a detour. */
static struct outbound *next_outbound(struct outbound *o, const struct session *s, const char **how)
{
    struct outbound *next = group_pick(o, s);

    *how = next ? "chooses" : "through";
    return next ? next : o->dialer ? o->dialer->detour : NULL;
}

static void add_chain(struct report *p, struct outbound *o, const struct session *s)
{
    const char *how = "";

    strbuf_addf(p->out, p->as_json ? ",\"chain\":[" : "chain:");
    for (unsigned i = 0; o && i < CHAIN_MAX; i++) {
        if (p->as_json) {
            strbuf_addf(p->out, i ? ",{" : "{");
            add_key(p, "tag", o->tag);
            strbuf_add_char(p->out, ',');
            add_key(p, "type", o->ops->type);
            strbuf_add_char(p->out, ',');
            add_key(p, "how", how);
            strbuf_add_char(p->out, '}');
        } else {
            strbuf_addf(p->out, i ? " %s %s (%s)" : "%s %s (%s)", how, o->tag, o->ops->type);
        }
        o = next_outbound(o, s, &how);
    }
    strbuf_add_char(p->out, p->as_json ? ']' : '\n');
}

static const char *verdict_name(enum verdict v)
{
    switch (v) {
    case VERDICT_ROUTE:
        return "route";
    case VERDICT_REJECT:
        return "reject";
    case VERDICT_DROP:
        return "drop";
    }
    return "";
}

static void add_result(struct report *p, struct decision *d, int result, const struct error *err)
{
    const char *rule = d->session->rule ? d->session->rule : "no rule matched: the final outbound";
    const char *name = result < 0 ? "fail" : verdict_name(d->verdict);
    char to[DEST_TEXT];

    if (p->as_json) {
        strbuf_addf(p->out, "],");
        add_key(p, "result", name);
        strbuf_add_char(p->out, ',');
        add_key(p, "rule", rule);
        strbuf_add_char(p->out, ',');
        add_key(p, "destination", dest_print(&d->session->dest, to));
        if (result < 0) {
            strbuf_add_char(p->out, ',');
            add_key(p, "error", err->text);
        }
    } else {
        strbuf_addf(p->out, "result: %s %s (%s)\n", name, dest_print(&d->session->dest, to), rule);
        if (result < 0)
            strbuf_addf(p->out, "error: %s\n", err->text);
    }
    if (result == 0 && d->verdict == VERDICT_ROUTE)
        add_chain(p, d->outbound, d->session);
    if (p->as_json)
        strbuf_addf(p->out, "}\n");
}

static void add_head(struct report *p)
{
    const struct explain_request *q = p->request;
    const char *network = q->network == NETWORK_TCP ? "tcp" : "udp";
    char to[DEST_TEXT];

    if (!p->as_json) {
        strbuf_addf(p->out, "%s %s", network, dest_print(&q->dest, to));
        strbuf_addf(p->out, q->inbound ? " from inbound %s\n" : "\n", q->inbound);
        return;
    }
    strbuf_add_char(p->out, '{');
    add_key(p, "network", network);
    strbuf_add_char(p->out, ',');
    add_key(p, "asked", dest_print(&q->dest, to));
    strbuf_addf(p->out, ",\"steps\":[");
}

int explain(struct router *base, const struct explain_request *q, bool as_json, struct strbuf *out)
{
    struct report p = {.request = q, .router = proxy_router_of(base), .out = out, .as_json = as_json};
    struct inbound_ops ops = {.type = q->inbound_type ? q->inbound_type : ""};
    struct inbound in = {.ops = &ops, .tag = q->inbound ? q->inbound : "", .router = base, .log = base->log};
    struct addr source = addr_is_set(&q->source) ? q->source : addr_v4(INADDR_LOOPBACK, 0);
    const struct decision_trace trace = {.passed = on_passed, .entered = on_entered, .matched = on_matched,
                                         .resolved = on_resolved, .sniff = on_sniff, .arg = &p};
    struct error err = {0};

    CLEANUP(session_cleanup) struct session *s = session_new(&in, q->network, &source);
    if (!s)
        return -ENOMEM;
    s->dest = q->dest;
    s->user = q->user;
    struct decision d = {.router = p.router, .session = s, .trace = &trace};
    add_head(&p);
    int result = decide(&d, &err);
    if (result == -ECANCELED)
        return result;
    add_result(&p, &d, result, &err);
    return out->failed ? -ENOMEM : 0;
}
