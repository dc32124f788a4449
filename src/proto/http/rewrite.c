#include "proto/http/rewrite.h"

#include <errno.h>
#include <string.h>

#include "format/http1_write.h"
#include "format/url.h"

/* ---- the target ---- */

static struct text cut_authority(struct text t)
{
    size_t n = 0;

    while (n < t.len && !strchr("/?#", t.ptr[n]))
        n++;
    return text_sub(t, 0, n);
}

int http_target_read(struct http_target *t, struct text target)
{
    static const char scheme[] = "http://";
    struct url u;

    if (!text_eq_nocase(text_sub(target, 0, sizeof scheme - 1), TEXT("http://")))
        return text_search(target, TEXT("://")) > 0 ? -EPROTONOSUPPORT : -EINVAL;
    struct text rest = text_sub(target, sizeof scheme - 1, target.len);
    struct text authority = cut_authority(rest);
    ssize_t at = text_find_last(authority, '@');
    ssize_t fragment = text_find(rest, '#');
    size_t end = fragment < 0 ? rest.len : (size_t)fragment;

    t->origin = text_sub(rest, authority.len, end - min_of(end, authority.len));
    t->authority = at < 0 ? authority : text_sub(authority, (size_t)at + 1, authority.len);
    if (url_split_host(t->authority, &u) < 0 || u.host.len == 0)
        return -EINVAL;
    return dest_set_host(&t->dest, u.host, u.port ? u.port : 80);
}

/* ---- requests ---- */

bool http_wants_upgrade(const struct http1_head *h)
{
    /* HTTP/2 in clear text speaks of this hop only: not ours to pass on (RFC 7540 section 3.2). */
    return h->minor == 1 && http1_has_token(h, "connection", "upgrade") && http1_get(h, "upgrade").len != 0 &&
           !http1_has_token(h, "upgrade", "h2c");
}

static void write_text(struct writer *w, struct text t)
{
    write_bytes(w, t.ptr, t.len);
}

static void write_origin(struct writer *w, const struct http1_head *h, struct text origin)
{
    if (origin.len == 0 && text_is(h->method, "OPTIONS"))
        write_u8(w, '*'); /* RFC 9112 section 3.2.4 */
    else if (origin.len == 0 || origin.ptr[0] != '/')
        write_u8(w, '/');
    write_text(w, origin);
}

/* All fields that go further than this hop, but for Host when there is another. */
static void write_fields(struct writer *w, const struct http1_head *h, bool without_host)
{
    struct http1_hops hops;

    if (http1_hops_of(h, &hops) < 0) {
        w->failed = true;
        return;
    }
    for (size_t i = 0; i < h->count; i++) {
        struct text name = http1_name(h, i);
        if (http1_is_hop(&hops, name) || (without_host && text_is_nocase(name, "host")))
            continue;
        http1_write_field(w, name, http1_value(h, i));
    }
}

static void write_upgrade(struct writer *w, const struct http1_head *h)
{
    http1_write_field(w, TEXT("Connection"), TEXT("Upgrade"));
    http1_write_field(w, TEXT("Upgrade"), http1_get(h, "upgrade"));
}

void http_rewrite_request(struct writer *w, const struct http1_head *h, const struct http_target *t)
{
    write_text(w, h->method);
    write_u8(w, ' ');
    write_origin(w, h, t->origin);
    /* The client's own version: what HTTP/1.0 gets must not be chunked. */
    write_text(w, h->minor == 0 ? TEXT(" HTTP/1.0\r\n") : TEXT(" HTTP/1.1\r\n"));
    http1_write_field(w, TEXT("Host"), t->authority);
    write_fields(w, h, true);
    if (http_wants_upgrade(h))
        write_upgrade(w, h);
    http1_write_end(w);
}

/* ---- responses ---- */

void http_rewrite_response(struct writer *w, const struct http1_head *h, bool keep_alive)
{
    const uint8_t status[3] = {(uint8_t)('0' + h->status / 100), (uint8_t)('0' + h->status / 10 % 10),
                               (uint8_t)('0' + h->status % 10)};

    write_text(w, TEXT("HTTP/1.1 "));
    write_bytes(w, status, sizeof status);
    write_u8(w, ' ');
    write_text(w, h->reason);
    write_text(w, TEXT("\r\n"));
    write_fields(w, h, false);
    if (h->status == 101)
        write_upgrade(w, h);
    else if (h->status >= 200)
        http1_write_field(w, TEXT("Connection"), keep_alive ? TEXT("keep-alive") : TEXT("close"));
    http1_write_end(w);
}

/* ---- our own answers ---- */

unsigned http_status_of(int result)
{
    switch (result) {
    case -EACCES:
    case -EPERM:
        return 403;
    case -ETIMEDOUT:
        return 504;
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
        return 503;
    default:
        return 502;
    }
}

void http_write_page(struct writer *w, const struct http_page *page)
{
    struct text reason = text_of(http1_reason(page->status)), words = text_of(page->words);

    http1_write_status(w, page->status);
    if (page->status == 407)
        http1_write_field(w, TEXT("Proxy-Authenticate"), TEXT("Basic realm=\"proxy\", charset=\"UTF-8\""));
    http1_write_field(w, TEXT("Content-Type"), TEXT("text/plain; charset=utf-8"));
    http1_write_number(w, TEXT("Content-Length"), reason.len + 2 + words.len + 1);
    http1_write_field(w, TEXT("Connection"), page->keep_alive ? TEXT("keep-alive") : TEXT("close"));
    http1_write_end(w);
    if (page->without_body)
        return;
    write_text(w, reason);
    write_text(w, TEXT(": "));
    write_text(w, words);
    write_u8(w, '\n');
}
