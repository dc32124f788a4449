#include "net/dialer.h"

#include <errno.h>

#include "base/mem.h"
#include "net/proxy.h"
#include "net/proxy_protocol.h"
#include "net/socket.h"

enum { CONNECT_MS = 5000, FALLBACK_MS = 300 };

/* ---- names ------------------------------------------------------------------------------- */

static void keep_family(struct addr_list *list, enum ip_strategy strategy)
{
    int family = strategy == IP_V4_ONLY ? AF_INET : strategy == IP_V6_ONLY ? AF_INET6 : AF_UNSPEC;
    unsigned n = 0;

    for (unsigned i = 0; i < list->count; i++) {
        if (family == AF_UNSPEC || addr_family(&list->at[i]) == family)
            list->at[n++] = list->at[i];
    }
    list->count = n;
}

/* The addresses to try for `dest`, with its port. */
static int resolve(struct dialer *d, struct session *s, const struct dest *dest, struct addr_list *out,
                   struct error *err)
{
    char text[DEST_TEXT];

    out->count = 0;
    if (!dest_is_name(dest)) {
        out->at[out->count++] = dest->ip;
    } else if (s && s->resolved_count && dest_eq(dest, &s->dest)) {
        for (unsigned i = 0; i < s->resolved_count; i++)
            out->at[out->count++] = s->resolved[i];
        keep_family(out, d->options.strategy);
    } else {
        if (!d->resolver)
            return error_set(err, -EHOSTUNREACH, "%s: no resolver", dest_print(dest, text));
        int r = resolver_lookup(d->resolver, dest_name(dest), d->options.strategy, out, err);
        if (r < 0)
            return r;
    }
    if (out->count == 0)
        return error_set(err, -EHOSTUNREACH, "%s: no address of the wanted family", dest_print(dest, text));
    for (unsigned i = 0; i < out->count; i++)
        addr_set_port(&out->at[i], dest->port);
    return 0;
}

/* ---- happy eyeballs (RFC 8305 section 5) ------------------------------------------------- */

struct race {
    const struct dial_options *options;
    const struct addr_list *list;
    int64_t deadline;
    unsigned next;       /* address to try */
    unsigned running;
    unsigned failures;
    struct stream *winner;
    int failure;         /* the first */
    struct addr failed;
    struct event changed;
};

static void attempt(void *arg)
{
    struct race *race = arg;
    const struct addr *a = &race->list->at[race->next++];
    struct stream *s = NULL;

    int r = socket_connect(a, race->options, race->deadline, &s);
    race->running--;
    if (r == 0 && !race->winner) {
        race->winner = s;
    } else {
        stream_close(s);
        race->failures += r < 0;
        if (r < 0 && r != -ECANCELED && !race->failure) {
            race->failure = r;
            race->failed = *a;
        }
    }
    event_set(&race->changed);
}

static int run_race(struct race *race, int64_t delay)
{
    struct group g;
    unsigned started = 0, failures = 0;
    int r = 0;

    group_init(&g, co_group());
    while (!race->winner && (race->running || started < race->list->count) && r != -ECANCELED) {
        /* The next one starts when one has failed, or the delay passed. */
        bool has_failed = race->failures > failures;
        failures = race->failures;
        if (started < race->list->count && (started == 0 || has_failed || r == -ETIMEDOUT)) {
            r = co_spawn(&g, "connect", attempt, race);
            if (r < 0)
                break;
            started++;
            race->running++;
        }
        int64_t until = started < race->list->count ? loop_now() + delay : race->deadline;
        until = min_of(until, race->deadline);
        r = event_wait(&race->changed, until, "happy eyeballs");
        /* Timed out before its time: the deadline of a group above has passed. */
        if (r == -ETIMEDOUT && (loop_now() >= race->deadline || loop_now() < until))
            break;
    }
    group_done(&g);
    if (race->winner)
        return 0;
    if (r == -ECANCELED)
        return r;
    return race->failure ? race->failure : r < 0 ? r : -ETIMEDOUT;
}

/* RFC 8305 section 4: families take turns, the first one keeps its place. */
static void interleave(struct addr_list *list)
{
    struct addr_list sorted = {0};
    bool taken[RESOLVED_MAX] = {0};

    for (unsigned turn = 0; turn < list->count; turn++) {
        int last = turn ? addr_family(&sorted.at[turn - 1]) : AF_UNSPEC;
        unsigned pick = RESOLVED_MAX;
        for (unsigned i = 0; i < list->count; i++) {
            if (taken[i])
                continue;
            if (pick == RESOLVED_MAX)
                pick = i;
            if (addr_family(&list->at[i]) != last) {
                pick = i;
                break;
            }
        }
        taken[pick] = true;
        sorted.at[sorted.count++] = list->at[pick];
    }
    *list = sorted;
}

static int connect_one_of(struct dialer *d, struct addr_list *list, struct stream **out, struct error *err)
{
    const struct dial_options *o = &d->options;
    int64_t deadline = loop_now() + (o->connect_timeout_ms ? o->connect_timeout_ms : CONNECT_MS);
    char text[ADDR_TEXT];

    if (list->count == 1) {
        int r = socket_connect(&list->at[0], o, deadline, out);
        return r < 0 ? error_errno(err, r, "connect %s", addr_print(&list->at[0], text)) : 0;
    }
    interleave(list);
    struct race race = {.options = o, .list = list, .deadline = deadline};
    int r = run_race(&race, o->fallback_delay_ms ? o->fallback_delay_ms : FALLBACK_MS);
    if (r < 0) {
        const struct addr *named = race.failure ? &race.failed : &list->at[0];
        return error_errno(err, r, "connect %s (of %u addresses)", addr_print(named, text), list->count);
    }
    *out = race.winner;
    return 0;
}

/* ---- through another outbound ------------------------------------------------------------ */

/* The session with another destination for the time of a call. NULL when memory ran out. */
struct detour {
    struct session *s;
    struct session *own; /* when the caller had none */
    struct dest dest;
    unsigned resolved_count;
    enum network network;
};

static int detour_begin(struct detour *t, struct session *s, enum network network, const struct dest *dest)
{
    *t = (struct detour){.s = s};
    if (!s) {
        t->s = t->own = session_new(NULL, network, &(struct addr){0});
        if (!t->own)
            return -ENOMEM;
    }
    t->dest = t->s->dest;
    t->network = t->s->network;
    t->resolved_count = t->s->resolved_count;
    t->s->dest = *dest;
    t->s->network = network;
    t->s->resolved_count = 0;
    return 0;
}

static void detour_end(struct detour *t)
{
    t->s->dest = t->dest;
    t->s->network = t->network;
    t->s->resolved_count = t->resolved_count;
    session_free(t->own);
}

static NOINLINE int connect_detour(struct dialer *d, struct session *s, const struct dest *dest, struct stream **out,
                                   struct error *err)
{
    struct detour t;
    int r = detour_begin(&t, s, NETWORK_TCP, dest);

    if (r < 0)
        return error_set(err, r, "out of memory");
    r = outbound_open(d->detour, t.s, out, err);
    detour_end(&t);
    return r;
}

/* ---- dialing ----------------------------------------------------------------------------- */

static int send_proxy_header(struct dialer *d, const struct session *s, struct stream *stream)
{
    uint8_t header[PROXY_HEADER_MAX];
    struct addr dest = dest_is_name(&s->dest) ? s->local : dest_addr(&s->dest);

    int n = proxy_header_write(d->options.proxy_protocol, &s->source, &dest, header, sizeof header);
    return n < 0 ? n : stream_write(stream, header, (size_t)n);
}

static NOINLINE int connect_direct(struct dialer *d, struct session *s, const struct dest *dest, struct stream **out,
                                   struct error *err)
{
    struct addr_list list;
    int r = resolve(d, s, dest, &list, err);

    return r < 0 ? r : connect_one_of(d, &list, out, err);
}

int dialer_connect(struct dialer *d, struct session *s, const struct dest *dest, struct stream **out,
                   struct error *err)
{
    struct stream *stream = NULL;
    int r = d->detour ? connect_detour(d, s, dest, &stream, err) : connect_direct(d, s, dest, &stream, err);

    if (r < 0)
        return r;
    if (d->options.proxy_protocol && s) {
        r = send_proxy_header(d, s, stream);
        if (r < 0) {
            stream_close(stream);
            return error_errno(err, r, "PROXY header");
        }
    }
    *out = stream;
    return 0;
}
