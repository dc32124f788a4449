/* The keys of transports in both dialects. */
#include <errno.h>

#include "layer/transport.h"

enum { TYPE_QUIC = TRANSPORT_TYPES, TYPE_OTHER }; /* known to the dialects, not carried */

static const struct option_choice singbox_types[] = {
    {"", TRANSPORT_NONE}, {"http", TRANSPORT_HTTP},       {"ws", TRANSPORT_WS},
    {"quic", TYPE_QUIC},  {"grpc", TRANSPORT_GRPC},       {"httpupgrade", TRANSPORT_HTTPUPGRADE},
    {0},
};

static const struct option_choice mihomo_networks[] = {
    {"tcp", TRANSPORT_NONE}, {"", TRANSPORT_NONE},      {"ws", TRANSPORT_WS},    {"http", TRANSPORT_HTTP1},
    {"h2", TRANSPORT_H2},    {"grpc", TRANSPORT_GRPC}, {"xhttp", TYPE_OTHER}, {"mkcp", TYPE_OTHER},
    {"mekya", TYPE_OTHER},   {0},
};

#define ROW_IDLE_TIMEOUT(mihomo_key)                                                               \
    OPT_DURATION(struct transport_keys, idle_timeout, .singbox = "idle_timeout", .mihomo = mihomo_key, \
                 .unit = OPTION_SECOND, .max = 24 * 60 * OPTION_MINUTE,                            \
                 .help = "Silence after which a client asks with a PING whether the peer is there; a server closes.")

/* sing-box: the keys of all types stand in one object. */
const struct option transport_table[] = {
    OPT_ENUM(struct transport_keys, type, singbox_types, .singbox = "type", .help = "Which transport."),
    OPT_STRING_LIST(struct transport_keys, host, .singbox = "host",
                    .help = "http: hosts, of which a client picks one each time; httpupgrade: the host."),
    OPT_STRING(struct transport_keys, path, .singbox = "path", .help = "Path of the request."),
    OPT_STRING(struct transport_keys, method, .singbox = "method", .help = "http: method of the request."),
    OPT_MAP(struct transport_keys, headers, .singbox = "headers", .help = "Further fields of the request."),
    OPT_U32(struct transport_keys, max_early_data, .singbox = "max_early_data", .max = 8192,
            .help = "ws: octets of the first write that may travel inside the handshake."),
    OPT_STRING(struct transport_keys, early_data_header_name, .singbox = "early_data_header_name",
               .help = "ws: the field that carries them; empty: behind the path."),
    OPT_STRING(struct transport_keys, service_name, .singbox = "service_name", .help = "grpc: name of the service."),
    ROW_IDLE_TIMEOUT(NULL),
    OPT_DURATION(struct transport_keys, ping_timeout, .singbox = "ping_timeout",
                 .max = 24 * 60 * OPTION_MINUTE, .help = "How long the answer to a PING may take."),
    OPT_BOOL(struct transport_keys, permit_without_stream, .singbox = "permit_without_stream",
             .help = "grpc: PINGs are sent also while no stream is open."),
    OPTION_END,
};

/* "?ed=2048" behind the path: v2ray's short form of early data, as mihomo reads it. */
static int path_with_early_data(const struct option *o, const struct node *n, void *field, struct option_reader *r);

const struct option transport_ws_table[] = {
    OPT_STRING(struct transport_keys, path, .mihomo = "path", .read = path_with_early_data,
               .help = "Path of the request; ?ed=N there is early data of N octets."),
    OPT_MAP(struct transport_keys, headers, .mihomo = "headers", .help = "Further fields of the request, and Host."),
    OPT_U32(struct transport_keys, max_early_data, .mihomo = "max-early-data", .max = 8192,
            .help = "Octets of the first write that may travel inside the handshake."),
    OPT_STRING(struct transport_keys, early_data_header_name, .mihomo = "early-data-header-name",
               .help = "The field that carries them; empty: behind the path."),
    OPT_BOOL(struct transport_keys, http_upgrade, .mihomo = "v2ray-http-upgrade",
             .help = "Raw octets instead of frames after the handshake."),
    OPT_BOOL(struct transport_keys, fast_open, .mihomo = "v2ray-http-upgrade-fast-open",
             .help = "The first write does not wait for the answer to the upgrade."),
    OPTION_END,
};

const struct option transport_h2_table[] = {
    OPT_STRING_LIST(struct transport_keys, host, .mihomo = "host", .help = "Hosts, of which one is picked each time."),
    OPT_STRING(struct transport_keys, path, .mihomo = "path", .help = "Path of the request."),
    OPTION_END,
};

const struct option transport_http_table[] = {
    OPT_STRING(struct transport_keys, method, .mihomo = "method", .help = "Method of the request; default GET."),
    OPT_STRING_LIST(struct transport_keys, paths, .mihomo = "path", .help = "Paths, of which one is picked each time."),
    OPT_MAP(struct transport_keys, headers, .mihomo = "headers",
            .help = "Further fields, and Host; of several values one is picked each time."),
    OPTION_END,
};

const struct option transport_grpc_table[] = {
    OPT_STRING(struct transport_keys, service_name, .mihomo = "grpc-service-name", .help = "Name of the service."),
    OPT_STRING(struct transport_keys, user_agent, .mihomo = "grpc-user-agent", .help = "User-Agent that is shown."),
    ROW_IDLE_TIMEOUT("ping-interval"),
    OPT_U32(struct transport_keys, max_connections, .mihomo = "max-connections",
            .help = "Connections at most; 0: no limit."),
    OPT_U32(struct transport_keys, min_streams, .mihomo = "min-streams",
            .help = "Streams of a connection before another one is opened."),
    OPT_U32(struct transport_keys, max_streams, .mihomo = "max-streams",
            .help = "Streams of a connection at most; 0: no limit."),
    OPTION_END,
};

/* ---- reading ---- */

static int refuse(const struct node *n, struct option_reader *r)
{
    r->met_unsupported = true;
    if (r->allow_unsupported) {
        diag_warn(r->diag, n->at, r->path, "is not supported by weir yet");
        return 0;
    }
    diag_error(r->diag, n->at, r->path, "is not supported by weir yet");
    diag_hint(r->diag, "--allow-unsupported leaves it out");
    return -EINVAL;
}

/* Takes "ed=N" out of a query; the rest of the path stays as it is. */
static int cut_early_data(struct transport_keys *k, struct arena *a)
{
    ssize_t mark = text_find(k->path, '?');
    struct text rest = mark < 0 ? (struct text){0} : text_sub(k->path, (size_t)mark + 1, k->path.len);
    struct text pair;
    uint64_t n;

    while (mark >= 0 && rest.len && text_next(&rest, '&', &pair)) {
        if (!text_starts(pair, TEXT("ed=")) || text_to_u64(text_sub(pair, 3, pair.len), &n) < 0)
            continue;
        size_t before = (size_t)(pair.ptr - k->path.ptr) - 1; /* with neither '?' nor '&' */
        char *path = arena_alloc(a, k->path.len + 1);
        if (!path)
            return -ENOMEM;
        memcpy(path, k->path.ptr, before);
        if (rest.ptr && rest.len) {
            path[before] = before == (size_t)mark ? '?' : '&';
            before++;
        }
        memcpy(path + before, rest.ptr, rest.len);
        k->path = (struct text){path, before + rest.len};
        k->max_early_data = (uint32_t)min_of(n, UINT64_C(8192));
        k->early_data_header_name = TEXT("Sec-WebSocket-Protocol");
        return 0;
    }
    return 0;
}

static int path_with_early_data(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    (void)n;
    return cut_early_data(container_of((struct text *)field, struct transport_keys, path), r->arena);
}

static int read_one(const struct node *n, struct transport_options *out, struct option_reader *r)
{
    struct transport_keys *keys = arena_new(r->arena, struct transport_keys);

    if (!keys)
        return -ENOMEM;
    int result = options_read(transport_table, n, keys, r);
    if (result < 0)
        return result;
    if (keys->type == TYPE_QUIC)
        return refuse(n, r);
    out->type = keys->type;
    out->of[keys->type] = keys;
    return 0;
}

int transport_object_read(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct transport_options *out = field;

    (void)o;
    if (!n)
        return 0;
    if (n->kind != NODE_LIST)
        return read_one(n, out, r);
    bool is_first = true;
    node_each(item, n) {
        if (!is_first) {
            out->next = arena_new(r->arena, struct transport_options);
            out = out->next;
        }
        int result = out ? read_one(item->value, out, r) : -ENOMEM;
        if (result < 0)
            return result;
        is_first = false;
    }
    return 0;
}

int transport_network_read(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct transport_options *out = field;
    struct text name;

    (void)o;
    if (!n)
        return 0;
    if (option_string(n, &name, r) < 0)
        return -EINVAL;
    for (const struct option_choice *c = mihomo_networks; c->name; c++) {
        if (!text_is_nocase(name, c->name))
            continue;
        if (c->value >= TRANSPORT_TYPES)
            return refuse(n, r);
        out->type = c->value;
        return 0;
    }
    return option_expected(n, "tcp, ws, http, h2 or grpc", r);
}

static enum transport_type type_of_table(const struct option *table)
{
    if (table == transport_ws_table)
        return TRANSPORT_WS;
    if (table == transport_h2_table)
        return TRANSPORT_H2;
    return table == transport_http_table ? TRANSPORT_HTTP1 : TRANSPORT_GRPC;
}

int transport_opts_read(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct transport_options *out = field;
    struct transport_keys *keys = n ? arena_new(r->arena, struct transport_keys) : NULL;

    if (!keys)
        return n ? -ENOMEM : 0;
    out->of[type_of_table(o->table)] = keys;
    return options_read(o->table, n, keys, r);
}

int transport_path_read(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct transport_options *out = field, **last = &out->next;
    bool is_ws = text_is(text_of(o->mihomo), "ws-path");
    struct text name;

    if (!n)
        return 0;
    if (option_string(n, &name, r) < 0)
        return -EINVAL;
    if (!name.len)
        return 0;
    if (out->type != TRANSPORT_NONE) {
        *last = arena_new(r->arena, struct transport_options);
        out = *last;
    }
    struct transport_keys *keys = arena_new(r->arena, struct transport_keys);
    struct text kept = arena_text(r->arena, name);
    if (!out || !keys || !kept.ptr)
        return -ENOMEM;
    out->type = is_ws ? TRANSPORT_WS : TRANSPORT_GRPC;
    out->of[out->type] = keys;
    if (!is_ws) {
        keys->service_name = kept;
        return 0;
    }
    /* mihomo's server takes early data from this field unasked. */
    keys->path = kept;
    keys->early_data_header_name = TEXT("Sec-WebSocket-Protocol");
    return 0;
}

/* ---- writing ---- */

const struct transport_keys *transport_keys_of(const struct transport_options *o, enum transport_type *type)
{
    const struct transport_keys *k = o->of[o->type];

    *type = (enum transport_type)o->type;
    if (o->type == TRANSPORT_WS && k && k->http_upgrade)
        *type = TRANSPORT_HTTPUPGRADE;
    return k;
}

static int write_one(const struct transport_options *t, struct arena *a, struct node **out)
{
    enum transport_type type;
    const struct transport_keys *given = transport_keys_of(t, &type);
    struct transport_keys keys = given ? *given : (struct transport_keys){0};

    if (type == TRANSPORT_NONE)
        return 0;
    keys.type = type == TRANSPORT_H2 || type == TRANSPORT_HTTP1 ? TRANSPORT_HTTP : (int)type;
    if (keys.paths.len && !keys.path.len)
        keys.path = keys.paths.at[0];
    *out = node_new(a, NODE_MAP);
    return *out ? options_write(transport_table, DIALECT_SINGBOX, &keys, a, *out) : -ENOMEM;
}

int transport_object_write(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct transport_options *t = field;

    (void)o;
    if (!t->next)
        return write_one(t, a, out);
    *out = node_new(a, NODE_LIST);
    for (; t; t = t->next) {
        struct node *one = NULL;
        if (write_one(t, a, &one) < 0 || (one && node_add(a, *out, one) < 0))
            return -ENOMEM;
    }
    return *out ? 0 : -ENOMEM;
}

/* As mihomo calls it: its "http" is HTTP/1, sing-box's is HTTP/2 in nearly every configuration. */
static enum transport_type mihomo_type(const struct transport_options *t)
{
    if (t->type == TRANSPORT_HTTP)
        return TRANSPORT_H2;
    return t->type == TRANSPORT_HTTPUPGRADE ? TRANSPORT_WS : (enum transport_type)t->type;
}

int transport_network_write(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    enum transport_type type = mihomo_type(field);

    (void)o;
    for (const struct option_choice *c = mihomo_networks; type != TRANSPORT_NONE && c->name; c++) {
        if (c->value == (int)type) {
            *out = node_new_text(a, text_of(c->name));
            return *out ? 0 : -ENOMEM;
        }
    }
    return 0;
}

int transport_opts_write(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct transport_options *t = field;
    const struct transport_keys *given = t->of[t->type];

    if (t->type == TRANSPORT_NONE || !given || mihomo_type(t) != type_of_table(o->table))
        return 0;
    struct transport_keys keys = *given;
    if (t->type == TRANSPORT_HTTPUPGRADE)
        keys.http_upgrade = true;
    *out = node_new(a, NODE_MAP);
    if (!*out || options_write(o->table, DIALECT_MIHOMO, &keys, a, *out) < 0)
        return -ENOMEM;
    if (!(*out)->count)
        *out = NULL;
    return 0;
}

int transport_path_write(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    enum transport_type want = text_is(text_of(o->mihomo), "ws-path") ? TRANSPORT_WS : TRANSPORT_GRPC;

    for (const struct transport_options *t = field; t; t = t->next) {
        const struct transport_keys *k = t->of[t->type];
        if (t->type != (int)want || !k)
            continue;
        *out = node_new_text(a, want == TRANSPORT_WS ? k->path : k->service_name);
        return *out ? 0 : -ENOMEM;
    }
    return 0;
}

const char *const *transport_alpn(const struct transport_options *o)
{
    static const char *const h2[] = {"h2", NULL}, *const http1[] = {"http/1.1", NULL}, *const both[] = {"h2", "http/1.1", NULL};
    static const char *const none[] = {NULL};
    bool has_h2 = false, has_http1 = false;

    for (; o; o = o->next) {
        has_h2 |= o->type == TRANSPORT_H2 || o->type == TRANSPORT_HTTP || o->type == TRANSPORT_GRPC;
        has_http1 |= o->type == TRANSPORT_WS || o->type == TRANSPORT_HTTPUPGRADE || o->type == TRANSPORT_HTTP1;
    }
    if (has_h2 && has_http1)
        return both;
    return has_h2 ? h2 : has_http1 ? http1 : none;
}
