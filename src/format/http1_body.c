/* What a head says about its body and its connection. */
#include <errno.h>

#include "format/http1.h"

/* The next element of a comma separated list, trimmed; false at its end. */
static bool next_element(struct text *list, struct text *out)
{
    while (text_next(list, ',', out)) {
        *out = text_trim(*out);
        if (out->len)
            return true;
    }
    return false;
}

bool http1_has_token(const struct http1_head *h, const char *name, const char *token)
{
    struct text element;

    for (size_t i = 0; i < h->count; i++) {
        if (!text_is_nocase(http1_name(h, i), name))
            continue;
        struct text list = http1_value(h, i);
        while (next_element(&list, &element)) {
            if (text_is_nocase(element, token))
                return true;
        }
    }
    return false;
}

static bool keeps_alive(const struct http1_head *h)
{
    /* Proxy-Connection is no standard, yet what old clients send to a proxy. */
    const char *name = http1_get(h, "connection").ptr ? "connection" : "proxy-connection";

    if (http1_has_token(h, name, "close"))
        return false;
    return h->minor == 1 || http1_has_token(h, name, "keep-alive");
}

/*
 * How many transfer codings are named and whether the last, and only the last, is chunked.
 * Codings with parameters are refused: nobody uses them, and programs disagree on them.
 */
static int read_codings(const struct http1_head *h, size_t *count, bool *chunked)
{
    struct text coding;

    *count = 0;
    *chunked = false;
    for (size_t i = 0; i < h->count; i++) {
        if (!text_is_nocase(http1_name(h, i), "transfer-encoding"))
            continue;
        size_t before = *count;
        struct text list = http1_value(h, i);
        while (next_element(&list, &coding)) {
            if (*chunked || !http1_is_token(coding))
                return -EBADMSG;
            *chunked = text_is_nocase(coding, "chunked");
            ++*count;
        }
        if (*count == before)
            return -EBADMSG;
    }
    return 0;
}

/* The one Content-Length: 1, 0 when there is none, -EBADMSG. Even two equal ones are refused. */
static int read_length(const struct http1_head *h, uint64_t *out)
{
    int found = 0;

    for (size_t i = 0; i < h->count; i++) {
        if (!text_is_nocase(http1_name(h, i), "content-length"))
            continue;
        if (found || text_to_u64(http1_value(h, i), out) < 0 || *out > INT64_MAX)
            return -EBADMSG;
        found = 1;
    }
    return found;
}

/* What both kinds of message have in common; body NONE means that no field says anything. */
static int read_framing(const struct http1_head *h, size_t *codings, struct http1_framing *f)
{
    bool chunked;
    int r = read_codings(h, codings, &chunked);

    if (r < 0)
        return r;
    int has_length = read_length(h, &f->length);
    if (has_length < 0)
        return has_length;
    if (*codings && (has_length || h->minor == 0))
        return -EBADMSG;
    if (*codings)
        f->body = chunked ? HTTP1_BODY_CHUNKED : HTTP1_BODY_CLOSE;
    else if (has_length)
        f->body = f->length ? HTTP1_BODY_LENGTH : HTTP1_BODY_NONE;
    return has_length;
}

int http1_request_framing(const struct http1_head *h, struct http1_framing *out)
{
    struct http1_framing f = {.keep_alive = keeps_alive(h)};
    size_t codings;
    int r = read_framing(h, &codings, &f);

    if (r < 0 || f.body == HTTP1_BODY_CLOSE)
        return -EBADMSG;
    if (text_is(h->method, "CONNECT")) {
        /* RFC 9110 9.3.6: content has no meaning here; whoever sends it plays with framing. */
        if (f.body != HTTP1_BODY_NONE)
            return -EBADMSG;
        f.body = HTTP1_BODY_TUNNEL;
    }
    *out = f;
    return 0;
}

int http1_response_framing(const struct http1_head *h, struct text method, struct http1_framing *out)
{
    struct http1_framing f = {.keep_alive = keeps_alive(h)};
    bool connected = text_is(method, "CONNECT") && h->status / 100 == 2;
    size_t codings;

    if (connected || h->status == 101) {
        f.body = HTTP1_BODY_TUNNEL;
    } else if (!text_is(method, "HEAD") && h->status >= 200 && h->status != 204 && h->status != 304) {
        int has_length = read_framing(h, &codings, &f);
        if (has_length < 0)
            return has_length;
        if (!has_length && codings == 0)
            f.body = HTTP1_BODY_CLOSE;
    }
    if (f.body == HTTP1_BODY_CLOSE || f.body == HTTP1_BODY_TUNNEL)
        f.keep_alive = false;
    *out = f;
    return 0;
}

static bool is_one_of(struct text name, const char *const *list)
{
    for (; *list; list++) {
        if (text_is_nocase(name, *list))
            return true;
    }
    return false;
}

int http1_hops_of(const struct http1_head *h, struct http1_hops *out)
{
    static const char *const kept[] = {"host", "content-length", "transfer-encoding", "content-type",
                                       "authorization", "cookie", "cache-control", NULL};
    struct text name;

    out->count = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (!text_is_nocase(http1_name(h, i), "connection"))
            continue;
        struct text list = http1_value(h, i);
        while (next_element(&list, &name)) {
            if (is_one_of(name, kept))
                continue;
            if (out->count == HTTP1_HOPS_MAX)
                return -EMSGSIZE;
            out->names[out->count++] = name;
        }
    }
    return 0;
}

bool http1_is_hop(const struct http1_hops *hops, struct text name)
{
    static const char *const always[] = {"connection", "keep-alive", "te", "trailer", "upgrade",
                                         "proxy-connection", "proxy-authorization",
                                         "proxy-authenticate", "proxy-authentication-info", NULL};

    if (is_one_of(name, always))
        return true;
    for (size_t i = 0; i < hops->count; i++) {
        if (text_eq_nocase(name, hops->names[i]))
            return true;
    }
    return false;
}
