#include <errno.h>

#include "config/links/links.h"
#include "format/url.h"

struct linked {
    struct arena *a;
    struct node *map;
    struct error *err;
};

static int set(struct linked *l, const char *key, struct text value)
{
    struct text t = arena_text(l->a, value);

    return t.ptr ? node_set(l->a, l->map, text_of(key), node_new_text(l->a, t)) : -ENOMEM;
}

/* Undoes percent encoding. */
static int set_decoded(struct linked *l, const char *key, struct text value)
{
    char text[LINK_PART_MAX];
    ssize_t n = url_decode(value, false, text, sizeof text);

    if (n < 0)
        return error_set(l->err, -EINVAL, "'%s' of the link is not well encoded or too long", key);
    return set(l, key, (struct text){.ptr = text, .len = (size_t)n});
}

static int set_place(struct linked *l, const struct url *u)
{
    if (!u->host.len || !u->port)
        return error_set(l->err, -EINVAL, "the link has no host and port");
    int r = u->fragment.len ? set_decoded(l, "tag", u->fragment) : 0;
    if (r == 0)
        r = set(l, "server", u->host);
    return r < 0 ? r : node_set(l->a, l->map, TEXT("server_port"), node_new_int(l->a, u->port));
}

/* "a:b" to two keys. */
static int set_pair(struct linked *l, const char *first, const char *second, struct text pair)
{
    ssize_t colon = text_find(pair, ':');

    if (colon < 0)
        return error_set(l->err, -EINVAL, "the link has no ':' between %s and %s", first, second);
    int r = set(l, first, text_sub(pair, 0, (size_t)colon));
    return r < 0 ? r : set(l, second, text_sub(pair, (size_t)colon + 1, SIZE_MAX));
}

/* SIP003: "obfs-local;obfs=http;obfs-host=example.org". */
static int set_plugin(struct linked *l, struct text query)
{
    struct text plugin;
    char text[LINK_PART_MAX];

    if (!url_param_find(query, "plugin", &plugin))
        return 0;
    ssize_t n = url_decode(plugin, true, text, sizeof text);
    if (n < 0)
        return error_set(l->err, -EINVAL, "the plugin of the link is not well encoded");
    struct text rest = {.ptr = text, .len = (size_t)n};
    struct text name = rest;
    (void)text_next(&rest, ';', &name);
    int r = name.len ? set(l, "plugin", name) : 0;
    return r == 0 && rest.len ? set(l, "plugin_opts", rest) : r;
}

static int set_method(struct linked *l, const struct url *u)
{
    char text[LINK_PART_MAX];

    if (u->has_password) {
        int r = set_decoded(l, "method", u->user);
        return r < 0 ? r : set_decoded(l, "password", u->password);
    }
    ssize_t n = url_decode(u->userinfo, false, text, sizeof text);
    if (n > 0)
        n = base64_decode((struct text){.ptr = text, .len = (size_t)n}, text, sizeof text);
    if (n <= 0)
        return error_set(l->err, -EINVAL, "method and password of the link are no base64");
    return set_pair(l, "method", "password", (struct text){.ptr = text, .len = (size_t)n});
}

/* ss://BASE64(method:password@host:port)#name; `rest` is what follows "ss://". */
static int read_old_form(struct linked *l, struct text rest)
{
    char text[LINK_PART_MAX];
    struct url u = {0};
    ssize_t hash = text_find(rest, '#');
    struct text body = hash < 0 ? rest : text_sub(rest, 0, (size_t)hash);

    ssize_t n = base64_decode(body, text, sizeof text);
    struct text all = {.ptr = text, .len = n > 0 ? (size_t)n : 0};
    ssize_t at = text_find_last(all, '@');
    if (n <= 0 || at < 0 || url_split_host(text_sub(all, (size_t)at + 1, SIZE_MAX), &u) < 0)
        return error_set(l->err, -EINVAL, "the link is no base64 of method:password@host:port");
    if (hash >= 0)
        u.fragment = text_sub(rest, (size_t)hash + 1, SIZE_MAX);
    int r = set_place(l, &u);
    return r < 0 ? r : set_pair(l, "method", "password", text_sub(all, 0, (size_t)at));
}

static int read_ss(struct linked *l, struct text link, const struct url *u)
{
    int r = set(l, "type", TEXT("shadowsocks"));

    if (r < 0)
        return r;
    if (!u->has_userinfo)
        return read_old_form(l, text_sub(link, sizeof("ss://") - 1, SIZE_MAX));
    r = set_place(l, u);
    if (r == 0)
        r = set_method(l, u);
    return r < 0 ? r : set_plugin(l, u->query);
}

static int set_user(struct linked *l, const struct url *u)
{
    char text[LINK_PART_MAX];

    if (!u->userinfo.len)
        return 0;
    if (u->has_password) {
        int r = set_decoded(l, "username", u->user);
        return r < 0 ? r : set_decoded(l, "password", u->password);
    }
    /* v2rayN writes BASE64(user:password). */
    ssize_t n = base64_decode(u->userinfo, text, sizeof text);
    struct text pair = {.ptr = text, .len = n > 0 ? (size_t)n : 0};
    if (text_find(pair, ':') > 0)
        return set_pair(l, "username", "password", pair);
    return set_decoded(l, "username", u->userinfo);
}

static int set_tls(struct linked *l)
{
    struct node *tls = node_new(l->a, NODE_MAP);

    if (!tls || node_set(l->a, tls, TEXT("enabled"), node_new_bool(l->a, true)) < 0)
        return -ENOMEM;
    return node_set(l->a, l->map, TEXT("tls"), tls);
}

static const struct plain_scheme {
    const char *scheme;
    const char *type;
    const char *version;
    bool tls;
} plain_schemes[] = {
    {"socks", "socks", NULL, false}, {"socks5", "socks", NULL, false},  {"socks5h", "socks", NULL, false},
    {"socks4", "socks", "4", false}, {"socks4a", "socks", "4a", false}, {"http", "http", NULL, false},
    {"https", "http", NULL, true},
};

static int read_plain(struct linked *l, const struct url *u, const struct plain_scheme *s)
{
    int r = set(l, "type", text_of(s->type));

    if (r == 0)
        r = set_place(l, u);
    if (r == 0 && s->version)
        r = set(l, "version", text_of(s->version));
    if (r == 0)
        r = set_user(l, u);
    return r == 0 && s->tls ? set_tls(l) : r;
}

static int read_scheme(struct linked *l, struct text link, const struct url *u)
{
    if (text_is_nocase(u->scheme, "ss"))
        return read_ss(l, link, u);
    for (size_t i = 0; i < ARRAY_LEN(plain_schemes); i++) {
        if (text_is_nocase(u->scheme, plain_schemes[i].scheme))
            return read_plain(l, u, &plain_schemes[i]);
    }
    return error_set(l->err, -ENOTSUP, "links of scheme '%.*s' are not carried yet", TEXT_ARG(u->scheme));
}

int link_read(struct arena *a, struct text link, struct node **out, struct error *err)
{
    struct linked l = {.a = a, .map = node_new(a, NODE_MAP), .err = err};
    struct url u;

    link = text_trim(link);
    if (!l.map)
        return -ENOMEM;
    if (link.len > LINK_SIZE_MAX)
        return error_set(err, -EINVAL, "the link is longer than %d bytes", LINK_SIZE_MAX);
    if (url_split(link, &u) < 0) {
        if (!text_starts(link, TEXT("ss://")))
            return error_set(err, -EINVAL, "this is no link");
        u = (struct url){.scheme = TEXT("ss")}; /* base64 with a '/' or '=' is no URL */
    }
    int r = read_scheme(&l, link, &u);
    if (r == 0)
        *out = l.map;
    return r;
}
