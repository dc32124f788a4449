#include "proto/stranger.h"

#include <errno.h>

#include "base/mem.h"
#include "net/proxy_protocol.h"
#include "proto/carrier.h"

enum { SILENCE_MS = 60 * 1000 };

/* ---- options ------------------------------------------------------------------------------- */

/* 80, "80" (on this machine), "192.0.2.1:80", "[2001:db8::1]:80", "web.test:80" */
static int read_dest(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct dest *d = field;
    struct text t;
    uint64_t port;

    (void)o;
    if (option_string(n, &t, r) < 0)
        return -EINVAL;
    if (text_to_u64(t, &port) == 0 && port >= 1 && port <= 65535)
        return dest_set_host(d, TEXT("127.0.0.1"), (uint16_t)port);
    if (t.len && (t.ptr[0] == '/' || t.ptr[0] == '@'))
        return option_expected(n, "a port or \"host:port\"; UNIX sockets are not carried here", r);
    if (dest_parse(t, d) < 0 || d->port == 0)
        return option_expected(n, "a port or \"host:port\"", r);
    return 0;
}

static int write_dest(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct dest *d = field;
    char text[DEST_TEXT];

    (void)o;
    if (d->port == 0)
        return 0;
    struct text kept = arena_text(a, text_of(dest_print(d, text)));
    *out = kept.ptr ? node_new_text(a, kept) : NULL;
    return *out ? 0 : -ENOMEM;
}

#define ROW struct fallback_option

const struct option fallback_option_table[] = {
    OPT_STRING(ROW, name, .singbox = "name", .help = "Server name (SNI) of the strangers meant; empty: any."),
    OPT_STRING(ROW, alpn, .singbox = "alpn", .help = "Their protocol agreed on in TLS; empty: any."),
    OPT_STRING(ROW, path, .singbox = "path", .help = "Path of their HTTP request; empty: any."),
    OPT_CUSTOM(ROW, dest, read_dest, write_dest, .singbox = "dest", .flags = OPTION_REQUIRED,
               .help = "Where they are carried to: a port of this machine, or \"host:port\"."),
    OPT_U32(ROW, xver, .singbox = "xver", .max = 2, .help = "Version of a PROXY protocol header for it; 0: none."),
    OPTION_END,
};

static int read_server(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct dest *d = field;
    struct text host;

    (void)o;
    if (option_string(n, &host, r) < 0)
        return -EINVAL;
    return dest_set_host(d, host, d->port) < 0 ? option_expected(n, "an address", r) : 0;
}

static int write_server(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct dest *d = field;
    char text[DEST_TEXT];

    (void)o;
    if (d->port == 0)
        return 0;
    struct text kept = arena_text(a, text_of(dest_print_host(d, text)));
    *out = kept.ptr ? node_new_text(a, kept) : NULL;
    return *out ? 0 : -ENOMEM;
}

const struct option fallback_server_table[] = {
    OPT_CUSTOM(ROW, dest, read_server, write_server, .singbox = "server", .flags = OPTION_REQUIRED,
               .help = "Address of a web server for those who are no clients."),
    OPT_PORT(ROW, dest.port, .singbox = "server_port", .flags = OPTION_REQUIRED, .help = "Its port."),
    OPTION_END,
};

/* ---- the list -------------------------------------------------------------------------------- */

static int keep_text(struct text *t)
{
    char *copy = text_dup(*t);

    t->ptr = copy;
    return copy ? 0 : -ENOMEM;
}

static void free_text(struct text t)
{
    mem_free((void *)(uintptr_t)t.ptr);
}

static void free_texts(struct fallback_option *o)
{
    free_text(o->name);
    free_text(o->alpn);
    free_text(o->path);
}

int fallbacks_add(struct fallbacks *f, const struct fallback_option *o)
{
    struct fallback_option *more = mem_resize(f->at, (f->len + 1) * sizeof *more);

    if (!more)
        return -ENOMEM;
    f->at = more;
    struct fallback_option *kept = &f->at[f->len];
    *kept = *o;
    int r = keep_text(&kept->name);
    int alpn = keep_text(&kept->alpn);
    int path = keep_text(&kept->path);
    f->len++;
    return r < 0 ? r : alpn < 0 ? alpn : path;
}

void fallbacks_done(struct fallbacks *f)
{
    for (size_t i = 0; i < f->len; i++)
        free_texts(&f->at[i]);
    mem_free(f->at);
    *f = (struct fallbacks){0};
}

/* The path of "GET /path?query HTTP/1.1", or nothing if it is no such request. */
static struct text path_of(struct bytes sent)
{
    struct text t = {(const char *)sent.ptr, sent.len};
    ssize_t line = text_find(t, '\r');
    struct text first = text_sub(t, 0, line < 0 ? t.len : (size_t)line), method, path = {0};

    if (!text_next(&first, ' ', &method) || method.len > 16 || !text_next(&first, ' ', &path))
        return (struct text){0};
    ssize_t query = text_find(path, '?');
    return query < 0 ? path : text_sub(path, 0, (size_t)query);
}

/* How well it fits: -1 not at all, else how much it names, in the order of importance. */
static int fit(const struct fallback_option *o, const struct stranger *who, struct text path)
{
    int score = 0;

    if (o->name.len) {
        if (!text_eq_nocase(o->name, who->sni))
            return -1;
        score += 4;
    }
    if (o->alpn.len) {
        if (!text_eq(o->alpn, who->alpn))
            return -1;
        score += 2;
    }
    if (o->path.len) {
        if (!text_eq(o->path, path))
            return -1;
        score += 1;
    }
    return score;
}

const struct fallback_option *fallbacks_find(const struct fallbacks *f, const struct stranger *who)
{
    const struct fallback_option *best = NULL;
    struct text path = path_of(who->sent);
    int most = -1;

    for (size_t i = 0; i < f->len; i++) {
        int score = fit(&f->at[i], who, path);
        if (score > most) {
            most = score;
            best = &f->at[i];
        }
    }
    return best;
}

/* ---- the stranger ---------------------------------------------------------------------------- */

void stranger_silence(struct stream *client)
{
    uint8_t away[1024];
    struct stream *bottom = stream_bottom(client);

    /* Without a deadline a prober could keep the connection for ever. */
    if (bottom->deadline == NEVER)
        stream_set_deadline(client, loop_now() + SILENCE_MS);
    while (stream_read(bottom, away, sizeof away) > 0)
        continue;
    stream_close(client);
}

/* The octets go out again before what is still to come, behind a PROXY header if one is wanted. NULL: out of memory. */
static struct stream *again(struct stream *client, const struct session *s, const struct fallback_option *to,
                            struct bytes sent)
{
    uint8_t header[PROXY_HEADER_MAX];
    int n = to->xver ? proxy_header_write((int)to->xver, &s->source, &s->local, header, sizeof header) : 0;

    if (n <= 0)
        return stream_replay(client, sent.ptr, sent.len);
    uint8_t *all = mem_alloc((size_t)n + sent.len);
    if (!all) {
        stream_close(client);
        return NULL;
    }
    memcpy(all, header, (size_t)n);
    if (sent.len)
        memcpy(all + n, sent.ptr, sent.len);
    struct stream *out = stream_replay(client, all, (size_t)n + sent.len);
    mem_free(all);
    return out;
}

void stranger_serve(const struct fallbacks *f, struct inbound *in, struct session *s, struct intake *read)
{
    struct stream *client = read->lower;
    struct bytes sent = intake_len(read) ? (struct bytes){intake_at(read), intake_len(read)} : (struct bytes){0};
    struct stranger who = {.sni = carrier_sni(s), .alpn = carrier_alpn(client), .sent = sent};
    const struct fallback_option *to = fallbacks_find(f, &who);

    if (to)
        client = again(client, s, to, sent);
    intake_done(read);
    if (!to) {
        stranger_silence(client);
    } else if (client) {
        s->dest = to->dest;
        router_carry(in->router, s, client);
    }
}
