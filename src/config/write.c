#include "config/write.h"

#include <errno.h>

#include "config/writing.h"
#include "format/json.h"
#include "format/yaml.h"
#include "proto/direct/direct.h"

int put(struct writing *w, struct node *map, const char *key, struct node *value)
{
    return value && map ? node_set(&w->arena, map, text_of(key), value) : -ENOMEM;
}

int put_text(struct writing *w, struct node *map, const char *key, struct text t)
{
    return t.len ? put(w, map, key, node_new_text(&w->arena, t)) : 0;
}

int put_bool(struct writing *w, struct node *map, const char *key, bool value)
{
    return value ? put(w, map, key, node_new_bool(&w->arena, true)) : 0;
}

int put_int(struct writing *w, struct node *map, const char *key, int64_t value)
{
    return value ? put(w, map, key, node_new_int(&w->arena, value)) : 0;
}

int put_texts(struct writing *w, struct node *map, const char *key, const struct text_list *list)
{
    struct node *n = node_new(&w->arena, NODE_LIST);

    if (!list->len)
        return 0;
    for (size_t i = 0; n && i < list->len; i++) {
        if (node_add(&w->arena, n, node_new_text(&w->arena, list->at[i])) < 0)
            return -ENOMEM;
    }
    return put(w, map, key, n);
}

void cannot(struct writing *w, struct place at, const char *fmt, ...)
{
    STRBUF what;
    va_list args;

    strbuf_init(&what, 1000);
    va_start(args, fmt);
    strbuf_vaddf(&what, fmt, args);
    va_end(args);
    diag_warn(w->diag, at, NULL, "%.*s has no counterpart in %s: left out", TEXT_ARG(strbuf_text(&what)),
              w->to == DIALECT_SINGBOX ? "sing-box" : "mihomo");
}

/* ---- options ---- */

static const char *key_in(const struct option *o, enum dialect d)
{
    return d == DIALECT_SINGBOX ? o->singbox : o->mihomo;
}

static bool has_key_for(const struct option *table, size_t offset, enum dialect d)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        if (o->offset == offset && key_in(o, d) && o->type != OPTION_TYPE_UNSUPPORTED &&
            o->type != OPTION_TYPE_IGNORED)
            return true;
    }
    return false;
}

/* Options that are set and that the target cannot say: found by writing each alone in the source's dialect. */
static int warn_lost(struct writing *w, const struct option *table, const void *in, struct place at)
{
    enum dialect from = w->model->dialect;

    if (from == w->to)
        return 0;
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        struct option alone[] = {*o, OPTION_END};
        if (o->type == OPTION_TYPE_UNSUPPORTED || o->type == OPTION_TYPE_IGNORED || (o->flags & OPTION_ALIAS) ||
            !key_in(o, from) || has_key_for(table, o->offset, w->to))
            continue;
        struct node *map = node_new(&w->arena, NODE_MAP);
        if (!map || options_write(alone, from, in, &w->arena, map) < 0)
            return -ENOMEM;
        if (map->count)
            cannot(w, at, "the option '%s'", key_in(o, from));
    }
    return 0;
}

int put_options(struct writing *w, struct node *map, const struct option *table, const void *in, struct place at)
{
    if (!table)
        return 0;
    int r = options_write(table, w->to, in, &w->arena, map);
    return r < 0 ? r : warn_lost(w, table, in, at);
}

/* A fixed target is one key in mihomo and two in sing-box. */
static int put_direct_target(struct writing *w, struct node *map, const struct model_inbound *in)
{
    struct direct_inbound_options o = *(const struct direct_inbound_options *)in->options;
    char text[DEST_TEXT];
    struct dest d = {0};

    if (w->to == DIALECT_SINGBOX && o.target.len && dest_parse(o.target, &d) == 0) {
        o.override_address = arena_text(&w->arena, text_of(dest_print_host(&d, text)));
        o.override_port = d.port;
        o.target = (struct text){0};
    } else if (w->to == DIALECT_MIHOMO && !o.target.len && o.override_address.len &&
               dest_set_host(&d, o.override_address, o.override_port) == 0) {
        o.target = arena_text(&w->arena, text_of(dest_print(&d, text)));
        o.override_address = (struct text){0};
        o.override_port = 0;
    }
    return put_options(w, map, in->protocol->inbound_options, &o, in->at);
}

static int put_inbound_options(struct writing *w, struct node *map, const struct model_inbound *in)
{
    bool is_direct = text_is(text_of(in->protocol->name), "direct") &&
                     in->protocol->inbound_size == sizeof(struct direct_inbound_options);

    return is_direct ? put_direct_target(w, map, in)
                     : put_options(w, map, in->protocol->inbound_options, in->options, in->at);
}

static int put_listen(struct writing *w, struct node *map, const struct model_inbound *in)
{
    struct listen_fields f = listen_fields_of(&in->listen);
    uint16_t port = addr_is_set(&in->listen.addr) ? addr_port(&in->listen.addr) : 0;

    f.ports = (struct port_list){.at = &port, .len = 1};
    f.udp_timeout = in->udp_idle_ms * OPTION_MS;
    f.detour = in->detour;
    f.outbound = in->outbound;
    f.sub_rule = in->sub_rule;
    return put_options(w, map, listen_table, &f, in->at);
}

struct node *write_inbound(struct writing *w, const struct model_inbound *in, bool *failed)
{
    bool mihomo = w->to == DIALECT_MIHOMO;
    const char *type = mihomo ? in->protocol->mihomo_listener : in->protocol->name;
    struct node *map = node_new(&w->arena, NODE_MAP);

    if (!type) {
        cannot(w, in->at, "the inbound '%.*s' of type '%s'", TEXT_ARG(in->tag), in->protocol->name);
        return NULL;
    }
    if (put_text(w, map, mihomo ? "name" : "tag", in->tag) < 0 || put_text(w, map, "type", text_of(type)) < 0 ||
        put_listen(w, map, in) < 0 || put_inbound_options(w, map, in) < 0)
        *failed = true;
    return map;
}

/* ---- outbounds ---- */

bool is_built_in(const struct model_outbound *o)
{
    return !o->at.source;
}

static const char *group_type(const struct writing *w, const struct model_outbound *o)
{
    static const char *const singbox[] = {"selector", "urltest", "urltest", "urltest"};
    static const char *const mihomo[] = {"select", "url-test", "fallback", "load-balance"};
    enum group_kind kind = o->group->kind;

    return w->to == DIALECT_MIHOMO ? mihomo[kind] : singbox[kind];
}

static int put_group(struct writing *w, struct node *map, const struct model_outbound *o)
{
    struct group_fields f;

    group_fields_fill(o->group, &f);
    if (w->to == DIALECT_SINGBOX) {
        if (o->group->kind == GROUP_FALLBACK || o->group->kind == GROUP_LOAD_BALANCE)
            diag_warn(w->diag, o->at, NULL, "the group '%.*s' becomes a urltest: sing-box has no %s group",
                      TEXT_ARG(o->tag), o->group->kind == GROUP_FALLBACK ? "fallback" : "load-balance");
        /* weir reads these, sing-box does not. */
        f.timeout = 0;
        f.lazy = -1;
        f.max_failed = 0;
        f.expected_status = (struct text){0};
        f.strategy = 0;
        if (o->group->kind == GROUP_SELECTOR)
            f.interval = f.tolerance = 0;
    }
    return put_options(w, map, group_table, &f, o->at);
}

static int put_proxy(struct writing *w, struct node *map, const struct model_outbound *o)
{
    struct dial_fields f = dial_fields_of(&o->dial, o->detour);

    int r = put_options(w, map, dial_table, &f, o->at);
    return r < 0 ? r : put_options(w, map, o->protocol->outbound_options, o->options, o->at);
}

struct node *write_outbound(struct writing *w, const struct model_outbound *o, bool *failed)
{
    bool mihomo = w->to == DIALECT_MIHOMO;
    const char *type = o->group ? group_type(w, o) : mihomo ? o->protocol->mihomo_proxy : o->protocol->name;
    struct node *map = node_new(&w->arena, NODE_MAP);

    if (!type) {
        cannot(w, o->at, "the outbound '%.*s' of type '%s'", TEXT_ARG(o->tag), o->protocol->name);
        return NULL;
    }
    if (put_text(w, map, mihomo ? "name" : "tag", o->tag) < 0 || put_text(w, map, "type", text_of(type)) < 0 ||
        (o->group ? put_group(w, map, o) : put_proxy(w, map, o)) < 0)
        *failed = true;
    return map;
}

/* ---- whole files ---- */

int config_write(const struct model *m, enum dialect to, struct strbuf *out, struct diag *diag)
{
    struct writing w = {.model = m, .to = to, .diag = diag};

    arena_init(&w.arena, 0);
    w.root = node_new(&w.arena, NODE_MAP);
    int r = !w.root ? -ENOMEM : to == DIALECT_SINGBOX ? singbox_write(&w) : mihomo_write(&w);
    if (r == 0 && to == DIALECT_SINGBOX)
        json_write_node(w.root, out);
    else if (r == 0)
        yaml_write(w.root, out);
    arena_done(&w.arena);
    return out->failed ? -ENOMEM : r;
}

int config_format(const struct config_source *s, struct strbuf *out, struct diag *diag)
{
    struct document doc;
    struct text t = text_trim(s->text);

    if (t.len && t.ptr[0] != '{' && t.ptr[0] != '/' && t.ptr[0] != '#') {
        struct source source = {.name = s->name, .text = s->text};
        diag_error(diag, (struct place){.source = &source}, NULL,
                   "only JSON is formatted: a YAML file would lose its comments");
        return -ENOTSUP;
    }
    int r = json_read(&doc, s->name, s->text, diag);
    if (r == 0)
        json_write(&doc, out);
    document_done(&doc);
    return r < 0 ? r : out->failed ? -ENOMEM : 0;
}
