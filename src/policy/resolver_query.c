#include <errno.h>

#include "base/mem.h"
#include "base/rnd.h"
#include "net/packet.h"
#include "net/stream.h"
#include "policy/resolver_internal.h"

enum {
    FIRST_TRY_MS = 1000,
    LAST_TRY_MS = 5000,
    QUERY_MAX = 512,
    SOFT_NEGATIVE_S = 5, /* for a kind that did not come in its grace */
};

/* One question that is being asked. */
struct ask {
    struct dns_question question;
    struct answer *answer;
    uint16_t id;
    bool is_wanted;
    bool is_settled;
    bool is_truncated; /* to be asked again over TCP */
    bool no_edns;      /* a server did not understand it */
    int failure;       /* what the present server said instead of an answer; 0: nothing */
    int64_t settled_at;
};

struct inquiry {
    struct stub *stub;
    struct ask asks[ASK_KINDS];
    struct dns_answer scratch;
    struct error *err;
    int64_t deadline; /* of the present try */
};

/* ---- answers --------------------------------------------------------------------------------- */

static uint32_t clamp_ttl(uint32_t ttl, bool is_negative)
{
    return min_of(ttl, is_negative ? (uint32_t)RESOLVER_NEGATIVE_S : (uint32_t)RESOLVER_TTL_MAX_S);
}

static void settle_negative(struct ask *a, uint32_t ttl)
{
    *a->answer = (struct answer){.is_known = true, .result = -ENOENT, .ttl = clamp_ttl(ttl, true)};
    a->is_settled = true;
    a->settled_at = loop_now();
}

static void settle(struct inquiry *q, struct ask *a)
{
    const struct dns_answer *d = &q->scratch;

    if (d->rcode == DNS_NXDOMAIN || d->count == 0) {
        settle_negative(a, d->ttl);
        return;
    }
    *a->answer = (struct answer){.is_known = true, .ttl = clamp_ttl(d->ttl, false)};
    a->answer->count = (unsigned)min_of(d->count, (size_t)RESOLVED_MAX);
    memcpy(a->answer->addrs, d->addrs, a->answer->count * sizeof d->addrs[0]);
    a->is_settled = true;
    a->settled_at = loop_now();
}

/* RFC 8020: a name that does not exist has no address of any kind. */
static void settle_all_negative(struct inquiry *q, uint32_t ttl)
{
    for (int i = 0; i < ASK_KINDS; i++) {
        if (q->asks[i].is_wanted && !q->asks[i].is_settled)
            settle_negative(&q->asks[i], ttl);
    }
}

/* Takes what fits a question; returns false for what fits none. */
static bool take_message(struct inquiry *q, struct ask *a, struct bytes msg)
{
    int r = dns_read_answer(msg, a->id, &a->question, &q->scratch);

    if (r == -ELOOP) {
        a->failure = r;
        return true;
    }
    if (r < 0)
        return false;
    if (q->scratch.truncated) {
        a->is_truncated = true;
        return true;
    }
    switch (q->scratch.rcode) {
    case DNS_NXDOMAIN:
        settle(q, a);
        settle_all_negative(q, q->scratch.ttl);
        return true;
    case DNS_NOERROR:
        settle(q, a);
        return true;
    case DNS_FORMERR:
    case DNS_NOTIMP:
        a->no_edns = true;
        FALLTHROUGH;
    case DNS_SERVFAIL:
    case DNS_REFUSED:
        break;
    }
    a->failure = q->scratch.rcode == DNS_REFUSED ? -EACCES : -EREMOTEIO;
    return true;
}

static bool is_open(const struct ask *a)
{
    return a->is_wanted && !a->is_settled;
}

/* Still to come from the present server. */
static bool is_awaited(const struct ask *a)
{
    return is_open(a) && !a->is_truncated && !a->failure;
}

static bool any_open(const struct inquiry *q)
{
    return is_open(&q->asks[ASK_A]) || is_open(&q->asks[ASK_AAAA]);
}

/* Until when to wait, now that one kind may be there: RFC 8305 section 3. */
static int64_t wait_until(const struct inquiry *q)
{
    static const int64_t grace[ASK_KINDS] = {[ASK_A] = RESOLVER_A_GRACE_MS, [ASK_AAAA] = RESOLVER_AAAA_GRACE_MS};

    for (int i = 0; i < ASK_KINDS; i++) {
        const struct ask *other = &q->asks[1 - i];
        if (is_open(&q->asks[i]) && other->is_settled && other->answer->result == 0)
            return min_of(q->deadline, other->settled_at + grace[i]);
    }
    return q->deadline;
}

/* ---- UDP --------------------------------------------------------------------------------- */

static size_t write_query(const struct ask *a, uint8_t *out, size_t size)
{
    struct writer w = writer_of(out, size);
    struct dns_query q = {.id = a->id, .question = a->question, .edns_size = a->no_edns ? 0 : DNS_EDNS_SIZE};

    dns_write_query(&w, &q);
    return w.failed ? 0 : writer_len(&w);
}

/* One call each, so that the kernel is never asked to cut two queries out of one send. */
static int send_query(struct inquiry *q, struct ask *a, struct packet *p, const struct dest *server)
{
    struct batch *b CLEANUP(batch_cleanup) = batch_get();
    uint8_t *room = b ? batch_room(b, QUERY_MAX) : NULL;

    if (!room)
        return -ENOMEM;
    a->id = (uint16_t)rnd_u64();
    struct datagram *d = &b->at[b->count++];
    d->ptr = room;
    d->len = write_query(a, room, QUERY_MAX);
    d->peer = *server;
    atomic_fetch_add_explicit(&q->stub->queries, 1, memory_order_relaxed);
    return packet_send(p, b);
}

static void take_datagram(struct inquiry *q, const struct datagram *d, const struct dest *server)
{
    struct bytes msg = {.ptr = d->ptr, .len = d->len};
    bool is_taken = false;

    for (int i = 0; i < ASK_KINDS && !is_taken && dest_eq(&d->peer, server); i++)
        is_taken = is_awaited(&q->asks[i]) && take_message(q, &q->asks[i], msg);
    if (!is_taken)
        atomic_fetch_add_explicit(&q->stub->refused, 1, memory_order_relaxed);
}

/* Takes what has come; the batch is held only meanwhile. 0, -EAGAIN, or the socket's failure. */
static int take_datagrams(struct inquiry *q, struct packet *p, const struct dest *server)
{
    struct batch *b CLEANUP(batch_cleanup) = batch_get();

    if (!b)
        return -ENOMEM;
    int n = p->ops->receive(p, b);
    for (int i = 0; i < n; i++)
        take_datagram(q, &b->at[i], server);
    return n < 0 ? n : 0;
}

static int ask_udp(struct inquiry *q, const struct dest *server)
{
    OWNED_PACKET *p = NULL;
    int r = dialer_packet(q->stub->dialer, NULL, server, &p, q->err);

    if (r < 0)
        return r;
    for (int i = 0; i < ASK_KINDS && r >= 0; i++)
        r = is_open(&q->asks[i]) ? send_query(q, &q->asks[i], p, server) : 0;
    if (r < 0)
        return error_errno(q->err, r, "sending a query");
    while (is_awaited(&q->asks[ASK_A]) || is_awaited(&q->asks[ASK_AAAA])) {
        r = take_datagrams(q, p, server);
        if (r == -EAGAIN)
            r = event_wait(p->ops->readable(p), wait_until(q), "answer from a DNS server");
        if (r < 0)
            return error_errno(q->err, r, "waiting for an answer");
    }
    return 0;
}

/* ---- TCP (RFC 7766): length 2 | message ------------------------------------------------------- */

static int exchange_tcp(struct inquiry *q, struct ask *a, struct stream *st)
{
    uint8_t head[2 + QUERY_MAX];
    size_t n = write_query(a, head + 2, QUERY_MAX);

    head[0] = (uint8_t)(n >> 8);
    head[1] = (uint8_t)n;
    int r = stream_write(st, head, n + 2);
    if (r == 0)
        r = stream_read_full(st, head, 2);
    if (r < 0)
        return r;
    n = (size_t)head[0] << 8 | head[1];
    OWNED uint8_t *msg = mem_alloc(n);
    if (!msg)
        return -ENOMEM;
    r = stream_read_full(st, msg, n);
    if (r < 0)
        return r;
    a->is_truncated = false;
    if (!take_message(q, a, (struct bytes){.ptr = msg, .len = n}) || a->is_truncated)
        return -EBADMSG;
    return 0;
}

static int ask_tcp(struct inquiry *q, struct ask *a, const struct dest *server)
{
    OWNED_STREAM *st = NULL;
    int r = dialer_connect(q->stub->dialer, NULL, server, &st, q->err);

    if (r < 0)
        return r;
    stream_set_deadline(st, max_of(q->deadline, loop_now() + FIRST_TRY_MS));
    a->id = (uint16_t)rnd_u64();
    atomic_fetch_add_explicit(&q->stub->queries, 1, memory_order_relaxed);
    r = exchange_tcp(q, a, st);
    return r < 0 ? error_errno(q->err, r, "over TCP") : 0;
}

/* ---- servers --------------------------------------------------------------------------------- */

static int ask_server(struct inquiry *q, const struct addr *server, bool only_tcp)
{
    struct dest dest = dest_of_addr(server);
    int r = only_tcp ? 0 : ask_udp(q, &dest);

    for (int i = 0; i < ASK_KINDS && r != -ECANCELED; i++) {
        struct ask *a = &q->asks[i];
        if (!is_open(a) || !(only_tcp || a->is_truncated))
            continue;
        /* A truncated answer is worth a connection even when the other kind never came. */
        int tcp = ask_tcp(q, a, &dest);
        a->is_truncated = false;
        r = r == 0 || tcp == -ECANCELED ? tcp : r;
    }
    for (int i = 0; i < ASK_KINDS; i++) {
        if (r == 0 && is_open(&q->asks[i]))
            r = q->asks[i].failure;
    }
    return r;
}

static bool is_enough(const struct inquiry *q)
{
    for (int i = 0; i < ASK_KINDS; i++) {
        if (q->asks[i].is_settled && q->asks[i].answer->result == 0)
            return true;
    }
    return !any_open(q);
}

/* The kind that did not come is not asked for again at once, or every look-up would wait for it. */
static void give_up_rest(struct inquiry *q)
{
    for (int i = 0; i < ASK_KINDS; i++) {
        if (is_open(&q->asks[i]))
            settle_negative(&q->asks[i], SOFT_NEGATIVE_S);
    }
}

struct server_list {
    const struct addr *at;
    unsigned count;
    unsigned first;
    bool only_tcp;
};

static int ask_round(struct inquiry *q, const struct server_list *servers, int64_t timeout)
{
    char text[ADDR_TEXT];
    int r = -ETIMEDOUT;

    for (unsigned i = 0; i < servers->count; i++) {
        const struct addr *server = &servers->at[(servers->first + i) % servers->count];
        q->deadline = loop_now() + timeout;
        q->asks[ASK_A].failure = q->asks[ASK_AAAA].failure = 0;
        r = ask_server(q, server, servers->only_tcp);
        if (is_enough(q) || r == -ECANCELED)
            return r == -ECANCELED ? r : 0;
        (void)error_errno(q->err, r < 0 ? r : -ETIMEDOUT, "server %s", addr_print(server, text));
    }
    return r < 0 ? r : -ETIMEDOUT;
}

static struct server_list servers_of(struct stub *s, const struct system_names *sys)
{
    struct server_list l = {.at = sys->conf.servers, .count = (unsigned)sys->conf.server_count};

    if (s->server_count) {
        l.at = s->servers;
        l.count = s->server_count;
    } else {
        l.only_tcp = sys->conf.uses_tcp;
        if (sys->conf.rotates)
            l.first = atomic_fetch_add(&s->rotation, 1);
    }
    return l;
}

static int ask_all(struct inquiry *q, const struct system_names *sys)
{
    struct stub *s = q->stub;
    struct addr fallback = addr_v4(INADDR_LOOPBACK, 53);
    struct server_list servers = servers_of(s, sys);
    int64_t timeout = s->timeout ? s->timeout : FIRST_TRY_MS;
    int64_t longest = max_of(timeout, min_of((int64_t)sys->conf.timeout * 1000, (int64_t)LAST_TRY_MS));
    unsigned rounds = s->attempts ? s->attempts : sys->conf.attempts + 1;
    int r = -ETIMEDOUT;

    if (servers.count == 0)
        servers = (struct server_list){.at = &fallback, .count = 1};
    for (unsigned i = 0; i < rounds; i++, timeout = min_of(2 * timeout, longest)) {
        r = ask_round(q, &servers, timeout);
        if (r == 0 || r == -ECANCELED)
            break;
        /* Refusals do not get better; the second round is for servers that dislike EDNS. */
        if (i > 0 && (r == -EREMOTEIO || r == -EACCES || r == -ELOOP))
            break;
    }
    if (r == 0)
        give_up_rest(q);
    return r;
}

int resolver_query(struct stub *s, const struct system_names *sys, struct text name, unsigned wanted,
                   struct answers *out, struct error *err)
{
    static const uint16_t types[ASK_KINDS] = {[ASK_A] = DNS_A, [ASK_AAAA] = DNS_AAAA};
    OWNED struct inquiry *q = mem_new(struct inquiry);
    struct error scrap;

    if (!q)
        return error_set(err, -ENOMEM, "out of memory");
    q->stub = s;
    q->err = err ? err : &scrap;
    for (int i = 0; i < ASK_KINDS; i++) {
        struct ask *a = &q->asks[i];
        a->answer = &out->of[i];
        a->is_wanted = wanted & 1u << i;
        a->question.type = types[i];
        a->question.class = DNS_CLASS_IN;
        if (dns_name_parse(name, &a->question.name) < 0)
            return error_set(err, -ENOENT, "is no DNS name");
    }
    return ask_all(q, sys);
}
