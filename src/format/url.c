#include "format/url.h"

#include <errno.h>

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Cuts *t at the first `sep`: what follows goes to `after`; false when there is no `sep`. */
static bool cut(struct text *t, char sep, struct text *after)
{
    ssize_t at = text_find(*t, sep);

    if (at < 0)
        return false;
    *after = text_sub(*t, (size_t)at + 1, SIZE_MAX);
    t->len = (size_t)at;
    return true;
}

int url_scheme(struct text t, struct text *scheme, struct text *rest)
{
    size_t n = 0;

    if (t.len == 0 || !is_alpha(t.ptr[0]))
        return -EINVAL;
    while (n < t.len && (is_alpha(t.ptr[n]) || is_digit(t.ptr[n]) || t.ptr[n] == '+' ||
                         t.ptr[n] == '-' || t.ptr[n] == '.'))
        n++;
    if (n == t.len || t.ptr[n] != ':')
        return -EINVAL;
    *scheme = text_sub(t, 0, n);
    *rest = text_sub(t, n + 1, SIZE_MAX);
    if (text_starts(*rest, TEXT("//")))
        *rest = text_sub(*rest, 2, SIZE_MAX);
    return 0;
}

static bool is_host_char(char c)
{
    /* No percent sign: a name that is only a name after decoding fools whoever compares it. */
    return !is_control(c) && (unsigned char)c < 0x80 && !memchr(" \"#%/:<>?@[\\]^`{|}", c, 18);
}

/* Hex digits, colons, dots, and a zone such as %eth0 or %25eth0. */
static bool is_ipv6_text(struct text t)
{
    ssize_t zone = text_find(t, '%');
    size_t n = zone < 0 ? t.len : (size_t)zone;

    if (n < 2 || text_find(t, ':') < 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = t.ptr[i];
        if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F') && c != ':' && c != '.')
            return false;
    }
    for (size_t i = n; i < t.len; i++) {
        if (t.ptr[i] != '%' && !is_host_char(t.ptr[i]))
            return false;
    }
    return true;
}

static int split_port(struct text t, bool lists, struct url *out)
{
    struct text first = t;
    uint64_t port = 0;

    out->port_text = t;
    out->port = 0;
    if (t.len == 0) /* "host:" is allowed by RFC 3986 3.2.3 */
        return 0;
    for (size_t i = 0; lists && i < t.len; i++) {
        if (is_digit(t.ptr[i]))
            continue;
        if (t.ptr[i] != ',' && t.ptr[i] != '-')
            return -EINVAL;
        first.len = min_of(first.len, i);
    }
    if (text_to_u64(first, &port) < 0 || port > UINT16_MAX)
        return -EINVAL;
    out->port = (uint16_t)port;
    return 0;
}

static int split_host(struct text t, bool lists, struct url *out)
{
    struct text rest = t, port = {0};

    out->is_ipv6 = t.len && t.ptr[0] == '[';
    if (out->is_ipv6) {
        t = text_sub(t, 1, SIZE_MAX);
        if (!cut(&t, ']', &rest) || !is_ipv6_text(t))
            return -EINVAL;
        if (rest.len && rest.ptr[0] != ':')
            return -EINVAL;
        port = text_sub(rest, 1, SIZE_MAX);
    } else {
        (void)cut(&t, ':', &port);
        for (size_t i = 0; i < t.len; i++) {
            if (!is_host_char(t.ptr[i]))
                return -EINVAL;
        }
    }
    out->host = t;
    return split_port(port, lists, out);
}

int url_split_host(struct text t, struct url *out)
{
    return split_host(t, false, out);
}

static int split_authority(struct text t, bool lists, struct url *out)
{
    ssize_t at = text_find_last(t, '@');

    out->has_authority = true;
    if (at >= 0) {
        out->has_userinfo = true;
        out->userinfo = text_sub(t, 0, (size_t)at);
        out->user = out->userinfo;
        out->has_password = cut(&out->user, ':', &out->password);
        t = text_sub(t, (size_t)at + 1, SIZE_MAX);
    }
    return split_host(t, lists, out);
}

static bool has_bad_char(struct text t)
{
    ssize_t hash = text_find(t, '#');
    size_t fragment = hash < 0 ? t.len : (size_t)hash;

    for (size_t i = 0; i < t.len; i++) {
        if (is_control(t.ptr[i]) || (t.ptr[i] == ' ' && i < fragment))
            return true;
    }
    return false;
}

static int split(struct text t, bool lists, struct url *out)
{
    struct url u = {0};
    struct text rest;

    if (t.len > URL_SIZE_MAX)
        return -EMSGSIZE;
    if (has_bad_char(t) || url_scheme(t, &u.scheme, &rest) < 0)
        return -EINVAL;
    rest = text_sub(t, u.scheme.len + 1, SIZE_MAX);
    (void)cut(&rest, '#', &u.fragment);
    u.has_query = cut(&rest, '?', &u.query);
    if (text_starts(rest, TEXT("//"))) {
        struct text authority = text_sub(rest, 2, SIZE_MAX);
        ssize_t slash = text_find(authority, '/');
        if (slash >= 0)
            authority.len = (size_t)slash;
        rest = text_sub(rest, 2 + authority.len, SIZE_MAX);
        int r = split_authority(authority, lists, &u);
        if (r < 0)
            return r;
    }
    u.path = rest;
    *out = u;
    return 0;
}

int url_split(struct text t, struct url *out)
{
    return split(t, false, out);
}

int url_split_ports(struct text t, struct url *out)
{
    return split(t, true, out);
}

ssize_t url_decode(struct text in, bool plus, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (n == size)
            return -ENOSPC;
        if (c == '%') {
            if (hex_decode(text_sub(in, i + 1, 2), &c, 1) != 1)
                return -EINVAL;
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        out[n++] = c;
    }
    return (ssize_t)n;
}

ssize_t url_encode(struct text in, char *out, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;

    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        bool plain = is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
        if (size - n < (plain ? 1u : 3u))
            return -ENOSPC;
        if (plain) {
            out[n++] = c;
            continue;
        }
        out[n++] = '%';
        out[n++] = digits[(uint8_t)c >> 4];
        out[n++] = digits[(uint8_t)c & 15];
    }
    return (ssize_t)n;
}

bool url_param_next(struct text *query, struct url_param *out)
{
    struct text pair;

    while (text_next(query, '&', &pair)) {
        if (pair.len == 0)
            continue;
        struct text value = text_sub(pair, pair.len, 0);
        (void)cut(&pair, '=', &value);
        *out = (struct url_param){.name = pair, .value = value};
        return true;
    }
    return false;
}

bool url_param_find(struct text query, const char *name, struct text *out)
{
    struct url_param param;

    while (url_param_next(&query, &param)) {
        if (!text_is(param.name, name))
            continue;
        *out = param.value;
        return true;
    }
    return false;
}
