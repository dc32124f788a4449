#include "service/proxy/mixed.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "proto/accept_tls.h"
#include "proto/users.h"

enum { MEMBERS = 2 };

struct mixed {
    struct inbound inbound;
    struct inbound *member[MEMBERS];
    struct tls_server *tls; /* NULL: none */
};

static struct mixed *mixed_of(struct inbound *in)
{
    return container_of(in, struct mixed, inbound);
}

/* ---- the first octets, given again ---- */

/*
 * Like stream_replay(), but in the frame of serve(): a connection that is carried for hours
 * should not own memory for its first read. A SOCKS greeting fits; the rest of a longer request is
 * still in the socket.
 */
struct peeked {
    struct stream stream;
    uint8_t at;
    uint8_t len;
    uint8_t bytes[62];
};

static struct peeked *peeked_of(struct stream *s)
{
    return container_of(s, struct peeked, stream);
}

static ssize_t peeked_read(struct stream *s, void *buf, size_t n)
{
    struct peeked *p = peeked_of(s);

    if (p->at == p->len)
        return s->lower->ops->read(s->lower, buf, n);
    n = min_of(n, (size_t)(p->len - p->at));
    memcpy(buf, p->bytes + p->at, n);
    p->at = (uint8_t)(p->at + n);
    if (p->at == p->len) {
        s->flags |= STREAM_TRANSPARENT;
        event_set(s->lower->ops->readable(s->lower)); /* what came meanwhile */
    }
    return (ssize_t)n;
}

static int peeked_writev(struct stream *s, const struct iovec *iov, int count)
{
    return s->lower->ops->writev(s->lower, iov, count);
}

static int peeked_shutdown(struct stream *s)
{
    return s->lower->ops->shutdown(s->lower);
}

static void peeked_close(struct stream *s)
{
    stream_close(s->lower);
}

static struct event *peeked_readable(struct stream *s)
{
    struct event *e = s->lower->ops->readable(s->lower);

    if (peeked_of(s)->at < peeked_of(s)->len)
        e->is_set = true;
    return e;
}

static void peeked_init(struct peeked *p, struct stream *lower)
{
    static const struct stream_ops ops = {
        .name = "mixed",
        .read = peeked_read,
        .writev = peeked_writev,
        .shutdown = peeked_shutdown,
        .close = peeked_close,
        .readable = peeked_readable,
    };

    stream_init(&p->stream, &ops, lower);
    p->stream.deadline = lower->deadline;
    p->stream.flags = lower->flags & (STREAM_ENCRYPTED | STREAM_MULTIPLEXED);
    p->at = p->len = 0;
}

/* ---- serving ---- */

static void refuse(struct inbound *in, struct stream *client, const struct session *s, const char *why)
{
    char source[ADDR_TEXT];

    if (log_wants(in->log, LOG_DEBUG))
        log_debug(in->log, "inbound '%s' (mixed): %s: %s", in->tag, addr_print(&s->source, source), why);
    stream_close(client);
}

static struct inbound *member_for(const struct mixed *m, uint8_t first)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (m->member[i]->ops->claims && m->member[i]->ops->claims(first))
            return m->member[i];
    }
    return NULL;
}

static void serve(struct inbound *in, struct stream *client, struct session *s)
{
    struct peeked p;

    if (accept_tls(in, mixed_of(in)->tls, s, &client) < 0)
        return;
    ssize_t n = stream_read(client, p.bytes, sizeof p.bytes);

    if (n <= 0) {
        refuse(in, client, s, n < 0 ? error_words((int)n) : "closed without a request");
        return;
    }
    struct inbound *member = member_for(mixed_of(in), p.bytes[0]);
    if (!member) {
        refuse(in, client, s, "neither SOCKS nor HTTP");
        return;
    }
    peeked_init(&p, client);
    p.len = (uint8_t)n;
    member->ops->serve(member, &p.stream, s);
}

static void free_mixed(struct inbound *in)
{
    struct mixed *m = mixed_of(in);

    for (int i = 0; i < MEMBERS; i++) {
        if (m->member[i])
            m->member[i]->ops->free(m->member[i]);
    }
    tls_server_free(m->tls);
    mem_free(m);
}

/* TLS is taken off here, before anybody sees who is spoken to. */
static int make_members(struct mixed *m, const struct inbound_setup *mixed, struct error *err)
{
    static const char *const names[MEMBERS] = {"socks", "http"};
    const struct users_options *o = mixed->options;
    const struct users_options inner = {.users = {.at = o->users.at, .len = o->users.len}, .udp = o->udp};
    struct inbound_setup own = *mixed;
    const struct inbound_setup *setup = &own;

    own.options = &inner;

    for (int i = 0; i < MEMBERS; i++) {
        const struct protocol *p = protocol_find(setup->registry, names[i]);
        if (!p || !p->inbound_new)
            return error_set(err, -ENOENT, "this build has no '%s' inbound", names[i]);
        int r = p->inbound_new(setup, &m->member[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err)
{
    static const struct inbound_ops ops = {.type = "mixed", .serve = serve, .free = free_mixed};
    struct mixed *m = mem_new(struct mixed);

    if (!m)
        return error_set(err, -ENOMEM, "out of memory");
    m->inbound = (struct inbound){
        .ops = &ops,
        .tag = setup->tag,
        .router = setup->router,
        .log = setup->log,
        .udp_idle_ms = setup->udp_idle_ms,
    };
    const struct users_options *o = setup->options;
    int r = make_members(m, setup, err);
    if (r == 0 && tls_server_is_on(&o->tls)) {
        m->tls = tls_server_new(&o->tls, setup->log, setup->tag, err);
        r = m->tls ? 0 : -EINVAL;
    }
    if (r < 0) {
        free_mixed(&m->inbound);
        return r;
    }
    *out = &m->inbound;
    return 0;
}

OPTION_TABLE(struct users_options, inbound_table) = {
    OPT_OBJECT_LIST(struct users_options, users, user_option_table, .singbox = "users", .mihomo = "users",
                    .help = "Who may use it; everyone when empty."),
    OPT_BOOL(struct users_options, udp, .mihomo = "udp", .def = true, .help = "Whether SOCKS offers UDP."),
    OPT_UNSUPPORTED(.singbox = "set_system_proxy", .help = "Makes it the desktop's proxy."),
    OPT_UNSUPPORTED(.singbox = "domain_resolver", .help = "DNS server for names in UDP requests."),
    OPT_TLS_SERVER(struct users_options, tls),
    OPTION_END,
};

const struct protocol mixed_protocol = {
    .name = "mixed",
    .mihomo_listener = "mixed",
    .summary = "SOCKS and HTTP on one port",
    .inbound_options = inbound_table,
    .inbound_size = sizeof(struct users_options),
    .inbound_new = inbound_new,
    .inbound_check = users_options_check,
};
