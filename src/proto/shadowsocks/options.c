#include "proto/shadowsocks/options.h"

#include <errno.h>

#include "base/mem.h"
#include "proto/shadowsocks/ring.h"

/* ---- what is refused by name --------------------------------------------------------------- */

static int refuse(const struct node *n, struct option_reader *r, const char *what, struct text name, const char *why)
{
    r->met_unsupported = true;
    if (r->allow_unsupported) {
        diag_warn(r->diag, n->at, r->path, "%s '%.*s' is not supported by weir: %s", what, TEXT_ARG(name), why);
        return 0;
    }
    diag_error(r->diag, n->at, r->path, "%s '%.*s' is not supported by weir: %s", what, TEXT_ARG(name), why);
    diag_hint(r->diag, "--allow-unsupported leaves it out");
    return -EINVAL;
}

static int check_method(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    int id = *(int *)field;

    (void)o;
    return id < SS_METHODS ? 0 : refuse(n, r, "method", node_text(n), ss_method_refusal(id));
}

static int check_plugin(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    return *(int *)field != SS_PLUGIN_OTHER ? 0 : refuse(n, r, "plugin", node_text(n), "only simple-obfs is built in");
}

static const struct option_choice singbox_plugins[] = {
    {"", SS_PLUGIN_NONE},
    {"obfs-local", SS_PLUGIN_OBFS},
    {"v2ray-plugin", SS_PLUGIN_OTHER},
    {NULL, 0},
};

static const struct option_choice mihomo_plugins[] = {
    {"", SS_PLUGIN_NONE},
    {"obfs", SS_PLUGIN_OBFS},
    {"v2ray-plugin", SS_PLUGIN_OTHER},
    {"gost-plugin", SS_PLUGIN_OTHER},
    {"shadow-tls", SS_PLUGIN_OTHER},
    {"restls", SS_PLUGIN_OTHER},
    {"jls", SS_PLUGIN_OTHER},
    {"kcptun", SS_PLUGIN_OTHER},
    {NULL, 0},
};

static const struct option_choice server_plugins[] = {
    {"", SS_PLUGIN_NONE},
    {"obfs-server", SS_PLUGIN_OBFS},
    {"v2ray-plugin", SS_PLUGIN_OTHER},
    {NULL, 0},
};

/* ---- plugin options ------------------------------------------------------------------------ */

static int set_mode(const struct node *n, struct text word, struct ss_obfs_option *out, struct option_reader *r)
{
    if (text_is(word, "http"))
        out->mode = OBFS_HTTP;
    else if (text_is(word, "tls"))
        out->mode = OBFS_TLS;
    else
        return option_expected(n, "the mode http or tls", r);
    return 0;
}

/* SIP003: "key=value;key=value". */
static int read_obfs_text(const struct node *n, struct ss_obfs_option *out, struct option_reader *r)
{
    struct text rest, pair;
    int error = option_string(n, &rest, r);

    while (error == 0 && text_next(&rest, ';', &pair)) {
        ssize_t eq = text_find(pair, '=');
        struct text key = eq < 0 ? pair : text_sub(pair, 0, (size_t)eq);
        struct text value = eq < 0 ? (struct text){0} : text_sub(pair, (size_t)eq + 1, pair.len);
        if (text_is(key, "obfs"))
            error = set_mode(n, value, out, r);
        else if (text_is(key, "obfs-host"))
            out->host = value;
    }
    return error;
}

static int read_obfs_map(const struct node *n, struct ss_obfs_option *out, struct option_reader *r)
{
    const struct node *mode = node_get(n, "mode"), *host = node_get(n, "host");
    struct text word;
    int error = host ? option_string(host, &out->host, r) : 0;

    if (error < 0 || !mode)
        return error;
    error = option_string(mode, &word, r);
    /* Other plugins have modes of their own; their name is refused where it stands. */
    if (error == 0 && !text_is(word, "websocket"))
        error = set_mode(mode, word, out, r);
    return error;
}

static int read_obfs(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct ss_obfs_option *out = field;

    (void)o;
    *out = (struct ss_obfs_option){0};
    if (option_is_off(n))
        return 0;
    return n->kind == NODE_MAP ? read_obfs_map(n, out, r) : read_obfs_text(n, out, r);
}

static const char *mode_word(enum obfs_mode mode)
{
    return mode == OBFS_TLS ? "tls" : "http";
}

static int write_obfs_text(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct ss_obfs_option *v = field;
    char text[OBFS_HOST + 32];

    (void)o;
    if (v->mode == OBFS_NONE && v->host.len == 0)
        return 0;
    int n = snprintf(text, sizeof text, "obfs=%s%s%.*s", mode_word(v->mode), v->host.len ? ";obfs-host=" : "",
                     (int)min_of(v->host.len, (size_t)OBFS_HOST), v->host.ptr ? v->host.ptr : "");
    char *kept = arena_alloc(a, (size_t)n + 1);
    if (!kept)
        return -ENOMEM;
    memcpy(kept, text, (size_t)n + 1);
    *out = node_new_text(a, text_of(kept));
    return *out ? 0 : -ENOMEM;
}

static int write_obfs_map(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct ss_obfs_option *v = field;

    (void)o;
    if (v->mode == OBFS_NONE && v->host.len == 0)
        return 0;
    struct node *map = node_new(a, NODE_MAP);
    if (!map || node_set(a, map, TEXT("mode"), node_new_text(a, text_of(mode_word(v->mode)))) < 0)
        return -ENOMEM;
    if (v->host.len && node_set(a, map, TEXT("host"), node_new_text(a, v->host)) < 0)
        return -ENOMEM;
    *out = map;
    return 0;
}

/* mihomo's listener: simple-obfs: {enable: true, mode: tls} */
static int read_listener_obfs(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct ss_obfs_option *out = field;
    bool enable = false;

    (void)o;
    *out = (struct ss_obfs_option){0};
    if (option_is_off(n))
        return 0;
    if (n->kind != NODE_MAP)
        return option_expected(n, "a map", r);
    const struct node *on = node_get(n, "enable");
    int error = on ? option_bool(on, &enable, r) : 0;
    return error < 0 || !enable ? error : read_obfs_map(n, out, r);
}

static int write_listener_obfs(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    int r = write_obfs_map(o, field, a, out);

    return r == 0 && *out ? node_set(a, *out, TEXT("enable"), node_new_bool(a, true)) : r;
}

/* ---- the tables ---------------------------------------------------------------------------- */

#define OUT struct ss_outbound_options
#define IN struct ss_inbound_options

const struct option ss_outbound_table[] = {
    OPT_STRING(OUT, server, .singbox = "server", .mihomo = "server", .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY,
               .help = "Address of the Shadowsocks server."),
    OPT_PORT(OUT, server_port, .singbox = "server_port", .mihomo = "port", .flags = OPTION_REQUIRED,
             .help = "Its port."),
    OPT_ENUM(OUT, method, ss_method_names, .singbox = "method", .mihomo = "cipher", .flags = OPTION_REQUIRED,
             .read = check_method, .help = "Encryption method."),
    OPT_STRING(OUT, password, .singbox = "password", .mihomo = "password", .flags = OPTION_SECRET,
               .help = "Password; for 2022 methods a key in base64, or a chain of them with ':' between."),
    OPT_ENUM(OUT, plugin, singbox_plugins, .singbox = "plugin", .read = check_plugin,
             .help = "Disguise of the stream: obfs-local."),
    OPT_ENUM(OUT, plugin, mihomo_plugins, .mihomo = "plugin", .read = check_plugin,
             .help = "Disguise of the stream: obfs."),
    OPT_CUSTOM(OUT, obfs, read_obfs, write_obfs_text, .singbox = "plugin_opts",
               .help = "Options of the plugin: \"obfs=http;obfs-host=example.org\"."),
    OPT_CUSTOM(OUT, obfs, read_obfs, write_obfs_map, .mihomo = "plugin-opts",
               .help = "Options of the plugin: mode (http, tls) and host."),
    NETWORK_OPTIONS(OUT, network),
    OPT_CUSTOM(OUT, udp_over_tcp, uot_option_read, uot_option_write, .singbox = "udp_over_tcp",
               .help = "Carries UDP in a stream: true, or {enabled, version}."),
    OPT_BOOL(OUT, udp_over_tcp.enabled, .mihomo = "udp-over-tcp", .help = "Carries UDP in a stream."),
    OPT_U32(OUT, udp_over_tcp.version, .mihomo = "udp-over-tcp-version", .def = 1, .min = 0, .max = 2,
            .help = "Version of UDP over TCP, 1 or 2."),
    OPT_UNSUPPORTED(.singbox = "multiplex", .mihomo = "smux", .help = "Several streams over one connection."),
    OPT_IGNORED(.mihomo = "client-fingerprint", .help = "Of plugins that use TLS."),
    OPTION_END,
};

OPTION_TABLE(struct ss_user_option, user_table) = {
    OPT_STRING(struct ss_user_option, name, .singbox = "name", .help = "Name of the user, for rules and logs."),
    OPT_STRING(struct ss_user_option, password, .singbox = "password", .flags = OPTION_REQUIRED | OPTION_SECRET,
               .help = "Password; for 2022 methods a key in base64."),
    OPTION_END,
};

OPTION_TABLE(struct ss_target_option, target_table) = {
    OPT_STRING(struct ss_target_option, name, .singbox = "name", .help = "Name, for rules and logs."),
    OPT_STRING(struct ss_target_option, password, .singbox = "password", .flags = OPTION_REQUIRED | OPTION_SECRET,
               .help = "The next server's key in base64."),
    OPT_STRING(struct ss_target_option, server, .singbox = "server", .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY,
               .help = "Address of the next server."),
    OPT_PORT(struct ss_target_option, server_port, .singbox = "server_port", .flags = OPTION_REQUIRED,
             .help = "Its port."),
    OPTION_END,
};

const struct option ss_inbound_table[] = {
    OPT_CUSTOM(IN, network, network_option_read, network_option_write, .singbox = "network",
               .help = "Which networks are served."),
    OPT_BOOL(IN, udp, .mihomo = "udp", .def = 1, .help = "Serves UDP too."),
    OPT_ENUM(IN, method, ss_method_names, .singbox = "method", .mihomo = "cipher", .flags = OPTION_REQUIRED,
             .read = check_method, .help = "Encryption method."),
    OPT_STRING(IN, password, .singbox = "password", .mihomo = "password", .flags = OPTION_SECRET,
               .help = "Password; for 2022 methods a key in base64 (with users or destinations: the identity key)."),
    OPT_OBJECT_LIST(IN, users, user_table, .singbox = "users", .help = "Users, each with a key of its own."),
    OPT_OBJECT_LIST(IN, destinations, target_table, .singbox = "destinations",
                    .help = "Relay (2022): the servers behind this one, by their keys."),
    OPT_ENUM(IN, plugin, server_plugins, .singbox = "plugin", .read = check_plugin,
             .help = "Disguise of the streams: obfs-server. An addition of weir's."),
    OPT_CUSTOM(IN, obfs, read_obfs, write_obfs_text, .singbox = "plugin_opts",
               .help = "Options of the plugin: \"obfs=http\" or \"obfs=tls\". An addition of weir's."),
    OPT_CUSTOM(IN, obfs, read_listener_obfs, write_listener_obfs, .mihomo = "simple-obfs",
               .help = "Disguise of the streams: {enable, mode}."),
    OPT_UNSUPPORTED(.singbox = "multiplex", .mihomo = "mux-option", .help = "Several streams over one connection."),
    OPT_UNSUPPORTED(.singbox = "managed", .help = "Users from an API."),
    OPT_UNSUPPORTED(.mihomo = "shadow-tls", .help = "ShadowTLS before Shadowsocks."),
    OPT_UNSUPPORTED(.mihomo = "res-tls", .help = "Restls before Shadowsocks."),
    OPT_UNSUPPORTED(.mihomo = "jls-config", .help = "JLS before Shadowsocks."),
    OPT_UNSUPPORTED(.mihomo = "kcp-tun", .help = "KCP below Shadowsocks."),
    OPTION_END,
};

/* ---- checks over several options ------------------------------------------------------------ */

/* The place of an entry's value, or of the whole. */
static struct place place_of(const struct node *map, const char *key)
{
    const struct node *n = node_get(map, key);

    return n ? n->at : map->at;
}

static int wrong(struct option_reader *r, struct place at, const char *text)
{
    diag_error(r->diag, at, r->path, "%s", text);
    return -EINVAL;
}

int ss_outbound_check(const void *options, const struct node *at, struct option_reader *r)
{
    const struct ss_outbound_options *o = options;
    struct ss_keys keys;
    struct error err = {0};

    if (o->method >= SS_METHODS || o->plugin == SS_PLUGIN_OTHER)
        return 0; /* said already */
    int error = ss_keys_read(ss_method((enum ss_method_id)o->method), o->password, &keys, &err);
    ss_keys_wipe(&keys);
    if (error < 0)
        return wrong(r, place_of(at, "password"), err.text);
    if (o->obfs.host.len > OBFS_HOST)
        return wrong(r, at->at, "the host name of the plugin is too long");
    return 0;
}

static int check_key(const struct ss_method *m, struct text password, struct place at, struct option_reader *r)
{
    struct ss_key key;
    struct error err = {0};
    int error = ss_key_read(m, password, &key, &err);

    mem_wipe(&key, sizeof key);
    return error < 0 ? wrong(r, at, err.text) : 0;
}

static int check_users(const struct ss_inbound_options *o, const struct node *at, struct option_reader *r)
{
    const struct ss_method *m = ss_method((enum ss_method_id)o->method);
    size_t limit = m->edition == SS_2022 ? (size_t)SS_USERS_MAX : (size_t)SS_TRIALS_MAX;
    int error = 0;

    if (o->users.len && m->edition == SS_PLAIN)
        return wrong(r, place_of(at, "users"), "the method none cannot tell users apart");
    if (o->users.len && m->edition == SS_2022 && !m->has_identity)
        return wrong(r, place_of(at, "users"), "2022-blake3-chacha20-poly1305 has no identity headers, so no users");
    if (o->users.len > limit)
        return wrong(r, place_of(at, "users"), "too many users: classic methods find theirs by trying every key");
    for (size_t i = 0; i < o->users.len; i++) {
        const struct node *user = node_at(node_get(at, "users"), i);
        if (check_key(m, o->users.at[i].password, user ? place_of(user, "password") : at->at, r) < 0)
            error = -EINVAL;
    }
    return error;
}

static int check_targets(const struct ss_inbound_options *o, const struct node *at, struct option_reader *r)
{
    const struct ss_method *m = ss_method((enum ss_method_id)o->method);
    int error = 0;

    if (o->destinations.len && !m->has_identity)
        return wrong(r, place_of(at, "destinations"), "a relay needs a 2022 method with AES");
    if (o->destinations.len && o->users.len)
        return wrong(r, place_of(at, "destinations"), "users and destinations exclude each other");
    for (size_t i = 0; i < o->destinations.len; i++) {
        const struct node *target = node_at(node_get(at, "destinations"), i);
        if (check_key(m, o->destinations.at[i].password, target ? place_of(target, "password") : at->at, r) < 0)
            error = -EINVAL;
    }
    return error;
}

int ss_inbound_check(const void *options, const struct node *at, struct option_reader *r)
{
    const struct ss_inbound_options *o = options;

    if (o->method >= SS_METHODS)
        return 0; /* said already */
    const struct ss_method *m = ss_method((enum ss_method_id)o->method);
    /* Classic servers with users have no key of their own. */
    bool needs_key = m->edition == SS_2022 || o->users.len == 0;
    int error = needs_key ? check_key(m, o->password, place_of(at, "password"), r) : 0;
    int users = check_users(o, at, r);
    int targets = check_targets(o, at, r);
    return error < 0 ? error : users < 0 ? users : targets;
}
