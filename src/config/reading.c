#include "config/reading.h"

#include <errno.h>

int reading_init(struct reading *g, struct model *m, struct diag *diag, const struct config_options *options)
{
    *g = (struct reading){
        .model = m,
        .diag = diag,
        .options = options,
        .r = {.arena = &m->arena, .diag = diag, .dialect = m->dialect, .allow_unsupported = options->allow_unsupported},
    };
    map_init(&g->inbounds);
    map_init(&g->outbounds);
    map_init(&g->dropped_inbounds);
    map_init(&g->dropped);
    map_init(&g->dns_outbounds);
    map_init(&g->dns_servers);
    map_init(&g->rule_sets);
    return 0;
}

void reading_done(struct reading *g)
{
    vec_done(&g->refs);
    map_done(&g->inbounds);
    map_done(&g->outbounds);
    map_done(&g->dropped_inbounds);
    map_done(&g->dropped);
    map_done(&g->dns_outbounds);
    map_done(&g->dns_servers);
    map_done(&g->rule_sets);
    vec_done(&g->before.list);
    vec_done(&g->rules.list);
}

void step_enter(struct step *s, struct reading *g, struct text key)
{
    s->g = g;
    s->path = (struct key_path){.up = g->r.path, .key = key};
    g->r.path = &s->path;
}

void step_enter_index(struct step *s, struct reading *g, size_t index)
{
    s->g = g;
    s->path = (struct key_path){.up = g->r.path, .index = index};
    g->r.path = &s->path;
}

void step_leave(struct step *s)
{
    if (s->g)
        s->g->r.path = s->path.up;
}

void not_carried(struct reading *g, struct place at, const char *instead, const char *fmt, ...)
{
    STRBUF what;
    va_list args;

    strbuf_init(&what, 1000);
    va_start(args, fmt);
    strbuf_vaddf(&what, fmt, args);
    va_end(args);
    g->r.met_unsupported = true;
    if (g->options->allow_unsupported) {
        diag_warn(g->diag, at, g->r.path, "%.*s is not carried yet: %s", TEXT_ARG(strbuf_text(&what)), instead);
        return;
    }
    diag_error(g->diag, at, g->r.path, "%.*s is not carried yet", TEXT_ARG(strbuf_text(&what)));
    diag_hint(g->diag, "with --allow-unsupported %s", instead);
}

/* A copy of the path that outlives the reader's stack; NULL also when memory ran out. */
static const struct key_path *keep_path(struct arena *a, const struct key_path *p)
{
    if (!p)
        return NULL;
    struct key_path *copy = arena_new(a, struct key_path);
    if (!copy)
        return NULL;
    *copy = *p;
    copy->up = keep_path(a, p->up);
    return copy;
}

int reading_ref(struct reading *g, enum ref_kind kind, struct text to, struct place at)
{
    if (!to.len)
        return 0;
    struct ref ref = {.kind = kind, .to = to, .at = at, .path = keep_path(&g->model->arena, g->r.path)};
    return vec_push(&g->refs, ref);
}

struct place place_of(const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);

    return n ? n->at : map ? map->at : (struct place){0};
}

int reading_ref_key(struct reading *g, enum ref_kind kind, struct text to, const struct node *map, const char *key)
{
    STEP(s);

    step_enter(&s, g, text_of(key));
    return reading_ref(g, kind, to, place_of(map, key));
}

static int name_thing(struct reading *g, struct map *names, struct text tag, struct place at)
{
    const struct place *other = map_get_text(names, tag);

    if (other) {
        diag_error(g->diag, at, g->r.path, "the tag '%.*s' is used twice", TEXT_ARG(tag));
        if (other->source)
            diag_hint(g->diag, "first used in %.*s:%u:%u", TEXT_ARG(other->source->name), other->line, other->column);
        return 0;
    }
    struct place *copy = arena_new(&g->model->arena, struct place);
    if (!copy)
        return -ENOMEM;
    *copy = at;
    return map_put_text(names, tag, copy);
}

int reading_name_outbound(struct reading *g, struct text tag, struct place at)
{
    return name_thing(g, &g->outbounds, tag, at);
}

int reading_name_inbound(struct reading *g, struct text tag, struct place at)
{
    return name_thing(g, &g->inbounds, tag, at);
}

int reading_drop(struct map *dropped, struct text tag)
{
    return map_put_text(dropped, tag, dropped); /* any address: only the key counts */
}

struct text made_tag(struct reading *g, const char *type, size_t index)
{
    char tag[80];

    (void)snprintf(tag, sizeof tag, "%s[%zu]", type, index);
    return arena_text(&g->model->arena, text_of(tag));
}

struct text kept(struct reading *g, struct text t)
{
    return arena_text(&g->model->arena, t);
}

/* ---- inbounds ---- */

/* The networks that a listener opens: sing-box's `network`, mihomo's `network` list and `udp: false`. */
static void read_networks(const struct node *map, struct model_inbound *in)
{
    const struct node *n = node_get(map, "network");
    const struct node *udp = node_get(map, "udp");
    struct text rest;
    struct text part;

    in->tcp = in->udp = true;
    if (node_is(udp, NODE_BOOL) && !udp->boolean)
        in->udp = false;
    if (!n)
        return;
    in->tcp = in->udp = false;
    if (n->kind == NODE_STRING) {
        rest = n->text;
        while (text_next(&rest, ',', &part)) {
            in->tcp |= text_is(text_trim(part), "tcp");
            in->udp |= text_is(text_trim(part), "udp");
        }
    } else if (n->kind == NODE_LIST) {
        node_each(item, n) {
            in->tcp |= text_is(node_text(item->value), "tcp");
            in->udp |= text_is(node_text(item->value), "udp");
        }
    }
    if (!in->tcp && !in->udp)
        in->tcp = in->udp = true;
}

static void warn_open_proxy(struct reading *g, const struct inbound_draft *d)
{
    static const char *const proxies[] = {"socks", "http", "mixed"};
    char text[ADDR_TEXT];

    if (d->has_users || !addr_is_set(&d->listen.addr) || addr_is_loopback(&d->listen.addr))
        return;
    for (size_t i = 0; i < ARRAY_LEN(proxies); i++) {
        if (!text_is(text_of(d->protocol->name), proxies[i]))
            continue;
        if (!addr_is_unspecified(&d->listen.addr) && addr_is_private(&d->listen.addr))
            return;
        diag_warn(g->diag, place_of(d->node, "listen"), g->r.path, "listens on %s without users: an open proxy",
                  addr_print_ip(&d->listen.addr, text));
        diag_hint(g->diag, "%s", "add users, or listen on 127.0.0.1");
        return;
    }
}

int reading_add_inbound(struct reading *g, struct inbound_draft *d)
{
    struct model_inbound in = {
        .tag = d->tag,
        .at = d->node ? d->node->at : (struct place){0},
        .protocol = d->protocol,
        .options = d->options,
        .detour = d->listen.detour,
        .outbound = d->listen.outbound,
        .sub_rule = d->listen.sub_rule,
        .udp_idle_ms = d->listen.udp_timeout / OPTION_MS,
        .allow_lan = true,
    };
    size_t ports = d->listen.ports.len ? d->listen.ports.len : 1;

    read_networks(d->node, &in);
    warn_open_proxy(g, d);
    for (size_t i = 0; i < ports; i++) {
        in.listen = listen_options_of(&d->listen, i);
        int r = vec_push(&g->model->inbounds, in);
        if (r < 0)
            return r;
    }
    int r = reading_ref_key(g, REF_INBOUND_DETOUR, in.detour, d->node, "detour");
    if (r == 0)
        r = reading_ref_key(g, REF_INBOUND_OUTBOUND, in.outbound, d->node, "proxy");
    return r < 0 ? r : reading_ref_key(g, REF_SUB_RULE, in.sub_rule, d->node, "rule");
}

/* ---- outbounds ---- */

int reading_add_outbound(struct reading *g, const struct outbound_draft *d)
{
    struct model_outbound out = {
        .tag = d->tag,
        .at = d->node ? d->node->at : (struct place){0},
        .protocol = d->protocol,
        .options = d->options,
        .dial = dial_options_of(&d->dial),
        .detour = d->dial.detour,
    };
    const char *key = g->r.dialect == DIALECT_MIHOMO ? "dialer-proxy" : "detour";

    int r = vec_push(&g->model->outbounds, out);
    if (r == 0)
        r = reading_ref_key(g, REF_DETOUR, out.detour, d->node, key);
    return r < 0 ? r : reading_ref_key(g, REF_DNS_SERVER, d->dial.resolver.server, d->node, "domain_resolver");
}

int reading_add_group(struct reading *g, struct text tag, const struct node *n, struct group_spec *spec)
{
    struct model_outbound out = {.tag = tag, .at = n ? n->at : (struct place){0}, .group = spec};
    const char *key = g->r.dialect == DIALECT_MIHOMO ? "proxies" : "outbounds";
    const struct node *members = node_get(n, key);
    const struct node_item *item = node_is(members, NODE_LIST) ? members->first : NULL;

    for (size_t i = 0; i < spec->outbounds.len; i++) {
        STEP(list);
        STEP(at);
        step_enter(&list, g, text_of(key));
        step_enter_index(&at, g, i);
        struct place place = item ? item->value->at : members ? members->at : out.at;
        int r = reading_ref(g, REF_MEMBER, spec->outbounds.at[i], place);
        if (r < 0)
            return r;
        item = item ? item->next : NULL;
    }
    int r = reading_ref_key(g, REF_CHOSEN, spec->chosen, n, "default");
    return r < 0 ? r : vec_push(&g->model->outbounds, out);
}

int reading_add_built_in(struct reading *g, const char *tag, const char *type)
{
    const struct protocol *p = protocol_find(g->options->registry, type);
    struct outbound_draft d = {.tag = text_of(tag), .protocol = p};

    if (!p || !p->outbound_new) {
        diag_error(g->diag, (struct place){0}, NULL, "this program is built without outbound type '%s'", type);
        return 0;
    }
    d.options = arena_alloc(&g->model->arena, p->outbound_size ? p->outbound_size : 1);
    if (!d.options)
        return -ENOMEM;
    if (p->outbound_options)
        options_default(p->outbound_options, d.options);
    int r = reading_name_outbound(g, d.tag, (struct place){0});
    return r < 0 ? r : reading_add_outbound(g, &d);
}

/* ---- rules ---- */

struct rule_spec *rule_vec_add(struct rule_vec *v)
{
    void *at = v->list.at;

    if (vec_grow(&at, v->list.len, &v->list.cap, sizeof *v->list.at) < 0)
        return NULL;
    v->list.at = at;
    struct rule_spec *rule = &v->list.at[v->list.len++];
    memset(rule, 0, sizeof *rule);
    return rule;
}

int reading_add_rules(struct reading *g, struct text name, struct rule_vec *v)
{
    struct rule_list list = {.name = name};
    size_t size = v->list.len * sizeof *v->list.at;

    list.rules.len = v->list.len;
    list.rules.at = arena_alloc(&g->model->arena, size ? size : 1);
    if (!list.rules.at)
        return -ENOMEM;
    if (size)
        memcpy(list.rules.at, v->list.at, size);
    return vec_push(&g->model->rules, list);
}

int text_list_keep(struct arena *a, const struct text *at, size_t len, struct text_list *out)
{
    out->at = arena_alloc(a, len ? len * sizeof *at : 1);
    if (!out->at)
        return -ENOMEM;
    if (len)
        memcpy(out->at, at, len * sizeof *at);
    out->len = len;
    return 0;
}
