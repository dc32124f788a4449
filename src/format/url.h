/*
 * URLs (RFC 3986) cut into views; nothing is allocated and nothing is decoded until asked.
 * A little wider than the RFC where share links are: bytes above 127 may stand anywhere but in
 * the host, and the fragment (a node's name) may hold spaces.
 */
#ifndef WEIR_FORMAT_URL_H
#define WEIR_FORMAT_URL_H

#include "base/text.h"

enum {
    URL_SIZE_MAX = 65536,
};

/*
 *   scheme://user:password@host:port/path?query#fragment
 * All views are still percent-encoded, without their separators; path keeps its first '/'.
 */
struct url {
    struct text scheme;
    struct text userinfo; /* user[:password], whole */
    struct text user;
    struct text password;
    struct text host; /* an IPv6 literal stands without brackets */
    struct text port_text;
    struct text path;
    struct text query;
    struct text fragment;
    uint16_t port; /* 0 when there is none */
    bool has_authority;
    bool has_userinfo;
    bool has_password;
    bool has_query;
    bool is_ipv6; /* the host stood in brackets */
};

struct url_param {
    struct text name;
    struct text value;
};

/*
 * Cuts "scheme:" or "scheme://" off, for links whose rest is no URL (vmess:// with base64).
 * Returns -EINVAL when `t` does not start with a scheme.
 */
int url_scheme(struct text t, struct text *scheme, struct text *rest) CHECKED;

/* Cuts `t`; -EINVAL when it is no URL or its port no number, -EMSGSIZE above URL_SIZE_MAX. */
int url_split(struct text t, struct url *out) CHECKED;

/*
 * As url_split, but the port may be a list such as "443,8000-9000" (hysteria2): port_text has
 * it whole and port has its first number.
 */
int url_split_ports(struct text t, struct url *out) CHECKED;

/* Cuts "host", "host:port", "[v6]" or "[v6]:port" into the host members of `out`. */
int url_split_host(struct text t, struct url *out) CHECKED;

/*
 * Undoes percent encoding; with `plus`, '+' is a space, as in forms. Writes no zero byte.
 * Returns the length, -EINVAL (bad escape) or -ENOSPC. `out` may be where `in` lies.
 */
ssize_t url_decode(struct text in, bool plus, char *out, size_t size) CHECKED;

/*
 * Encodes all but the unreserved characters of RFC 3986. Returns the length or -ENOSPC; writes
 * no zero byte.
 */
ssize_t url_encode(struct text in, char *out, size_t size) CHECKED;

/* The next name=value of a query; false at its end. Empty pairs ("a&&b") are skipped. */
bool url_param_next(struct text *query, struct url_param *out);

/* The value of the first parameter of that (encoded) name; false when there is none. */
bool url_param_find(struct text query, const char *name, struct text *out);

#endif
