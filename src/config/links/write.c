#include <errno.h>

#include "config/links/links.h"
#include "format/url.h"

static void add_encoded(struct strbuf *out, struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        char text[3];
        ssize_t n = url_encode(text_sub(t, i, 1), text, sizeof text);
        if (n < 0)
            out->failed = true;
        else
            strbuf_add(out, text, (size_t)n);
    }
}

static void add_host(struct strbuf *out, const struct node *map)
{
    struct text host = node_text(node_get(map, "server"));
    const struct node *port = node_get(map, "server_port");

    strbuf_addf(out, text_find(host, ':') >= 0 ? "[%.*s]" : "%.*s", TEXT_ARG(host));
    strbuf_addf(out, ":%d", node_is(port, NODE_INT) ? (int)port->integer : 0);
}

static void add_tag(struct strbuf *out, const struct node *map)
{
    struct text tag = node_text(node_get(map, "tag"));

    if (!tag.len)
        return;
    strbuf_add_char(out, '#');
    add_encoded(out, tag);
}

/* A host stands as it is, so it must not look like another part of the link. */
static bool is_host(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '.' && c != '-' &&
            c != '_' && c != ':')
            return false;
    }
    return t.len > 0;
}

/* Links carry these and no more. */
static int check_keys(const struct node *map, const char *const *keys, struct error *err)
{
    node_each(item, map) {
        bool known = false;
        for (size_t i = 0; keys[i]; i++)
            known |= text_is(item->key, keys[i]);
        if (!known)
            return error_set(err, -ENOTSUP, "a link cannot say '%.*s'", TEXT_ARG(item->key));
    }
    return 0;
}

/* Where base64 would lose something, method and password stand percent-encoded, as for the 2022 methods. */
static void add_method(struct strbuf *out, const struct node *map)
{
    struct text method = node_text(node_get(map, "method"));
    struct text password = node_text(node_get(map, "password"));
    char plain[256];
    char coded[400];
    int n = snprintf(plain, sizeof plain, "%.*s:%.*s", TEXT_ARG(method), TEXT_ARG(password));

    if (!text_starts(method, TEXT("2022-")) && text_find(method, ':') < 0 && n > 0 &&
        (size_t)n == method.len + 1 + password.len && (size_t)n < sizeof plain) {
        base64url_encode(plain, (size_t)n, coded);
        strbuf_add_text(out, text_of(coded));
        return;
    }
    add_encoded(out, method);
    strbuf_add_char(out, ':');
    add_encoded(out, password);
}

static int write_ss(const struct node *map, struct strbuf *out, struct error *err)
{
    static const char *const keys[] = {"type",     "tag",    "server",      "server_port", "method",
                                       "password", "plugin", "plugin_opts", NULL};
    struct text plugin = node_text(node_get(map, "plugin"));
    struct text opts = node_text(node_get(map, "plugin_opts"));

    int r = check_keys(map, keys, err);
    if (r < 0)
        return r;
    strbuf_add_text(out, TEXT("ss://"));
    add_method(out, map);
    strbuf_add_char(out, '@');
    add_host(out, map);
    if (plugin.len || opts.len) {
        strbuf_add_text(out, TEXT("/?plugin="));
        add_encoded(out, plugin);
        if (opts.len) {
            strbuf_add_text(out, TEXT("%3B"));
            add_encoded(out, opts);
        }
    }
    add_tag(out, map);
    return 0;
}

static int write_plain(const struct node *map, const char *scheme, struct strbuf *out, struct error *err)
{
    static const char *const keys[] = {"type",     "tag",      "server",  "server_port", "username",
                                       "password", "version",  "tls",     NULL};
    const struct node *user = node_get(map, "username");
    const struct node *password = node_get(map, "password");

    int r = check_keys(map, keys, err);
    if (r < 0)
        return r;
    strbuf_addf(out, "%s://", scheme);
    if (user || password) {
        add_encoded(out, node_text(user));
        strbuf_add_char(out, ':');
        add_encoded(out, node_text(password));
        strbuf_add_char(out, '@');
    }
    add_host(out, map);
    add_tag(out, map);
    return 0;
}

/* TLS with nothing but `enabled` is https; more cannot be said. */
static int tls_state(const struct node *map, bool *on, struct error *err)
{
    const struct node *tls = node_get(map, "tls");
    const struct node *enabled = node_get(tls, "enabled");

    *on = node_is(enabled, NODE_BOOL) && enabled->boolean;
    return *on && tls->count > 1 ? error_set(err, -ENOTSUP, "a link cannot say how TLS is done") : 0;
}

int link_write(const struct node *outbound, struct strbuf *out, struct error *err)
{
    struct text type = node_text(node_get(outbound, "type"));
    struct text version = node_text(node_get(outbound, "version"));
    bool tls;

    int r = tls_state(outbound, &tls, err);
    if (r < 0)
        return r;
    if (!is_host(node_text(node_get(outbound, "server"))))
        return error_set(err, -ENOTSUP, "a link cannot say this server's name");
    if (text_is(type, "shadowsocks") && !tls)
        return write_ss(outbound, out, err);
    if (text_is(type, "http"))
        return write_plain(outbound, tls ? "https" : "http", out, err);
    if (text_is(type, "socks") && !tls)
        return write_plain(outbound, text_is(version, "4") ? "socks4" : text_is(version, "4a") ? "socks4a" : "socks5",
                           out, err);
    return error_set(err, -ENOTSUP, "there is no link for an outbound of type '%.*s'", TEXT_ARG(type));
}
