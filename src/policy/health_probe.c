#include "policy/health_probe.h"

#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "base/strbuf.h"
#include "base/wire.h"
#include "format/http1.h"
#include "format/url.h"

enum { RESPONSE_MAX = 8192 };

/* ---- what to test ------------------------------------------------------------------------ */

int health_expect_parse(struct text t, struct health_expect *out)
{
    struct health_expect e = {0};
    struct text part, first;

    *out = e;
    t = text_trim(t);
    if (t.len == 0 || text_is(t, "*"))
        return 0;
    while (text_next(&t, '/', &part)) {
        uint64_t from, to;
        if (e.count == ARRAY_LEN(e.range))
            return -EINVAL;
        (void)text_next(&part, '-', &first);
        if (text_to_u64(text_trim(first), &from) < 0)
            return -EINVAL;
        to = from;
        if (part.ptr && text_to_u64(text_trim(part), &to) < 0)
            return -EINVAL;
        if (from < 100 || to > 999 || from > to)
            return -EINVAL;
        e.range[e.count].first = (uint16_t)from;
        e.range[e.count++].last = (uint16_t)to;
    }
    *out = e;
    return 0;
}

bool health_expects(const struct health_expect *e, unsigned status)
{
    for (unsigned i = 0; i < e->count; i++) {
        if (status >= e->range[i].first && status <= e->range[i].last)
            return true;
    }
    return e->count == 0;
}

int probe_target_parse(struct text url, struct probe_target *out, struct error *err)
{
    struct url u;
    struct probe_target t = {0};

    if (url.len >= HEALTH_URL || url_split(url, &u) < 0 || u.host.len == 0)
        return error_set(err, -EINVAL, "'%.*s' is no URL to test", TEXT_ARG(url));
    t.is_tls = text_is_nocase(u.scheme, "https");
    if (!t.is_tls && !text_is_nocase(u.scheme, "http"))
        return error_set(err, -EINVAL, "'%.*s': a test needs http:// or https://", TEXT_ARG(url));
    if (dest_set_host(&t.dest, u.host, u.port ? u.port : t.is_tls ? 443 : 80) < 0)
        return error_set(err, -EINVAL, "'%.*s': bad host", TEXT_ARG(url));
    const char *authority = u.is_ipv6 ? u.host.ptr - 1 : u.host.ptr;
    const char *end = u.port_text.len ? u.port_text.ptr + u.port_text.len : u.host.ptr + u.host.len + u.is_ipv6;
    t.host = (struct text){.ptr = authority, .len = (size_t)(end - authority)};
    t.path = u.path;
    if (u.has_query)
        t.path.len = (size_t)(u.query.ptr + u.query.len - u.path.ptr);
    *out = t;
    return 0;
}

/* ---- TLS: a ClientHello and whether the answer is one -------------------------------------- */

static void add_extension(struct writer *w, uint16_t type, const void *body, size_t n)
{
    write_u16(w, type);
    write_u16(w, (uint16_t)n);
    write_bytes(w, body, n);
}

static void add_server_name(struct writer *w, struct text name)
{
    write_u16(w, 0);
    write_u16(w, (uint16_t)(name.len + 5));
    write_u16(w, (uint16_t)(name.len + 3));
    write_u8(w, 0);
    write_u16(w, (uint16_t)name.len);
    write_bytes(w, name.ptr, name.len);
}

static void add_extensions(struct writer *w, struct text name)
{
    static const uint8_t versions[] = {4, 3, 4, 3, 3};
    static const uint8_t groups[] = {0, 4, 0, 29, 0, 23}; /* x25519, secp256r1 */
    static const uint8_t points[] = {1, 0};
    static const uint8_t signatures[] = {0, 14, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6};
    uint8_t share[38] = {0, 36, 0, 29, 0, 32};

    if (name.len > 0)
        add_server_name(w, name);
    add_extension(w, 10, groups, sizeof groups);
    add_extension(w, 11, points, sizeof points);
    add_extension(w, 13, signatures, sizeof signatures);
    add_extension(w, 43, versions, sizeof versions);
    /* Any 32 octets are a point of x25519; nothing is ever derived from it. */
    rnd_bytes(share + 6, 32);
    add_extension(w, 51, share, sizeof share);
}

static void put_u16(uint8_t *at, size_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

/*
 *   22 | 3 1 | length (2) || 1 | length (3) | 3 3 | random (32) | 0 | suites | 1 0 | extensions
 */
size_t probe_client_hello(struct text name, uint8_t out[PROBE_HELLO_MAX])
{
    static const uint8_t suites[] = {0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2b, 0xc0, 0x2f,
                                     0xc0, 0x2c, 0xc0, 0x30, 0xcc, 0xa9, 0xcc, 0xa8};
    struct writer w = writer_of(out, PROBE_HELLO_MAX);
    uint8_t random[32];

    write_be(&w, 0x1603010000, 5);
    write_u32(&w, 0x01000000);
    write_u16(&w, 0x0303);
    rnd_bytes(random, sizeof random);
    write_bytes(&w, random, sizeof random);
    write_u8(&w, 0);
    write_u16(&w, sizeof suites);
    write_bytes(&w, suites, sizeof suites);
    write_u16(&w, 0x0100);
    size_t extensions = writer_len(&w);
    write_u16(&w, 0);
    add_extensions(&w, name);
    size_t len = writer_len(&w);
    put_u16(out + 3, len - 5);
    put_u16(out + 7, len - 9);
    put_u16(out + extensions, len - extensions - 2);
    return len;
}

static int exchange_tls(struct stream *st, const struct probe_target *t, struct error *err)
{
    uint8_t hello[PROBE_HELLO_MAX], head[6];
    struct text name = dest_is_name(&t->dest) ? dest_name(&t->dest) : (struct text){0};
    int r = stream_write(st, hello, probe_client_hello(name, hello));

    if (r < 0)
        return error_errno(err, r, "sending the ClientHello");
    r = stream_read_full(st, head, sizeof head);
    if (r < 0)
        return error_errno(err, r, "waiting for the ServerHello");
    bool is_server_hello = head[0] == 22 && head[5] == 2;
    bool is_alert = head[0] == 21 && (head[5] == 1 || head[5] == 2);
    if (head[1] != 3 || !(is_server_hello || is_alert))
        return error_set(err, -EBADMSG, "the answer is not TLS");
    return 0;
}

/* ---- HTTP -------------------------------------------------------------------------------- */

/* What is too large for a stack. */
struct probe {
    struct session session;
    struct probe_target target;
    struct http1_head head;
    char response[RESPONSE_MAX];
};

static int send_request(struct stream *st, const struct probe_target *t)
{
    STRBUF b;

    strbuf_init(&b, 2 * HEALTH_URL + 256);
    strbuf_addf(&b, "HEAD %s%.*s HTTP/1.1\r\nHost: %.*s\r\n", t->path.len ? "" : "/", TEXT_ARG(t->path),
                TEXT_ARG(t->host));
    strbuf_addf(&b, "User-Agent: weir\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    return b.failed ? -ENOMEM : stream_write(st, b.ptr, b.len);
}

static int exchange_http(struct stream *st, struct probe *p, const struct health_expect *expect, struct error *err)
{
    size_t have = 0;
    ssize_t n = send_request(st, &p->target);

    if (n < 0)
        return error_errno(err, (int)n, "sending the request");
    while ((n = http1_read_response(&p->head, p->response, have)) == 0) {
        if (have == sizeof p->response)
            return error_set(err, -EMSGSIZE, "the response head is too long");
        n = stream_read(st, p->response + have, sizeof p->response - have);
        if (n <= 0)
            return error_errno(err, n == 0 ? -EPIPE : (int)n, "waiting for the response");
        have += (size_t)n;
    }
    if (n < 0)
        return error_set(err, -EBADMSG, "the answer is not HTTP");
    if (!health_expects(expect, p->head.status))
        return error_set(err, -EBADMSG, "status %u", p->head.status);
    return 0;
}

int probe_run(struct outbound *o, struct text url, const struct health_expect *expect, struct error *err)
{
    OWNED struct probe *p = mem_new(struct probe);
    OWNED_STREAM *st = NULL;
    int64_t started = clock_ns();

    if (!p)
        return error_set(err, -ENOMEM, "out of memory");
    int r = probe_target_parse(url, &p->target, err);
    if (r < 0)
        return r;
    p->session.network = NETWORK_TCP;
    p->session.dest = p->target.dest;
    p->session.started = started;
    r = outbound_open(o, &p->session, &st, err);
    if (r < 0)
        return r;
    r = p->target.is_tls ? exchange_tls(st, &p->target, err) : exchange_http(st, p, expect, err);
    if (r < 0)
        return r;
    return (int)max_of((clock_ns() - started) / 1000000, (int64_t)1);
}

/* ---- with a deadline of its own -------------------------------------------------------------- */

struct timed_test {
    struct group group;
    struct outbound *outbound;
    struct text url;
    const struct health_expect *expect;
    struct error *err;
    struct event done;
    int result;
};

static void timed_body(void *arg)
{
    struct timed_test *t = arg;

    t->result = probe_run(t->outbound, t->url, t->expect, t->err);
    event_set(&t->done);
}

int health_test(struct outbound *o, struct text url, const struct health_expect *expect, int64_t deadline,
                struct error *err)
{
    struct timed_test t = {.outbound = o, .url = url, .expect = expect, .err = err};

    group_init(&t.group, co_group());
    group_set_deadline(&t.group, deadline);
    int r = co_spawn(&t.group, "test of an outbound", timed_body, &t);
    if (r == 0)
        r = event_wait(&t.done, NEVER, "test of an outbound");
    group_done(&t.group);
    return r < 0 ? error_errno(err, r, "test") : t.result;
}
