#include "service/proxy/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/proxy_protocol.h"

enum {
    ACCEPTS_PER_TURN = 16,
    REST_MAX = 4096,
    HANDSHAKE_MS = 10000,  /* when the inbound does not say */
    TELL_MS = 10000,       /* how often the lack of descriptors or of places is reported */
    BREATH_MS = 20,        /* pause after one that could not be accepted */
};

struct acceptor {
    struct acceptor_setup setup;
    struct watch watch;
    uint64_t last_turn; /* loop wake-up that accepted before */
};

struct connection {
    struct acceptor_setup setup;
    struct session *session;
    struct stream *stream;
};

void admission_init(struct admission *a, unsigned max_connections)
{
    *a = (struct admission){.reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)};
    gate_init(&a->connections, max_connections);
}

void admission_done(struct admission *a)
{
    if (a->reserve >= 0)
        (void)close(a->reserve);
    a->reserve = -1;
}

/* ---- one connection ---------------------------------------------------------------------- */

static bool is_own_machine(const struct session *s)
{
    return !addr_is_set(&s->source) || addr_is_loopback(&s->source) || addr_same_ip(&s->source, &s->local);
}

static int receive_proxy_header(struct connection *c)
{
    struct addr source = {0}, dest = {0};
    struct error err = {0};

    int r = proxy_header_accept(&c->stream, &source, &dest, &err);
    if (r < 0) {
        log_debug(c->setup.inbound->log, "inbound '%s': %s", c->setup.inbound->tag, err.text);
        return r;
    }
    if (addr_is_set(&source)) {
        c->session->source = addr_unmap(source);
        c->session->local = addr_unmap(dest);
    }
    return 0;
}

static int prepare(struct connection *c)
{
    struct inbound *in = c->setup.inbound;

    stream_set_deadline(c->stream, loop_now() + (in->handshake_ms ? in->handshake_ms : HANDSHAKE_MS));
    if (c->setup.listen->accept_proxy_protocol && receive_proxy_header(c) < 0)
        return -EPROTO;
    if (c->setup.is_lan_refused) {
        c->session->local = stream_local_addr(c->stream);
        if (!is_own_machine(c->session)) {
            char text[ADDR_TEXT];
            log_debug(in->log, "inbound '%s': refused %s: allow-lan is off", in->tag,
                      addr_print(&c->session->source, text));
            return -EACCES;
        }
    }
    return 0;
}

static void serve(void *arg)
{
    struct connection *c = arg;
    struct session *s = c->session;
    struct admission *admission = c->setup.admission;

    if (prepare(c) < 0) {
        stream_close(c->stream);
        mem_free(c);
    } else {
        struct inbound *in = c->setup.inbound;
        struct stream *stream = c->stream;
        mem_free(c);
        in->ops->serve(in, stream, s);
    }
    session_free(s);
    gate_leave(&admission->connections);
}

/* Takes the descriptor over. The caller has entered the gate. */
static int begin(const struct acceptor *a, int fd, const struct addr *source)
{
    OWNED struct connection *c = mem_new(struct connection);

    if (!c) {
        (void)close(fd);
        return -ENOMEM;
    }
    int r = socket_stream(fd, false, &c->stream);
    if (r < 0)
        return r;
    c->setup = a->setup;
    c->session = session_new(a->setup.inbound, NETWORK_TCP, source);
    r = c->session ? co_spawn(a->setup.sessions, a->setup.inbound->ops->type, serve, c) : -ENOMEM;
    if (r < 0) {
        stream_close(c->stream);
        session_free(c->session);
        return r;
    }
    (void)take(c);
    return 0;
}

/* ---- accepting --------------------------------------------------------------------------- */

/*
 * No descriptor is left. The connection must leave the kernel's queue, or the listener would
 * report it for ever: it is accepted with the reserve and closed.
 */
static int spend_reserve(struct acceptor *a)
{
    struct admission *ad = a->setup.admission;

    if (loop_now() - ad->told_at >= TELL_MS || ad->told_at == 0) {
        ad->told_at = loop_now();
        log_error(a->setup.inbound->log, "inbound '%s': no descriptors left (ulimit -n): refusing connections",
                  a->setup.inbound->tag);
    }
    if (ad->reserve >= 0) {
        (void)close(ad->reserve);
        int fd = accept4(a->watch.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            ad->refused++;
            (void)close(fd);
        }
        ad->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    (void)watch_listen(&a->watch, false);
    int r = co_sleep(BREATH_MS);
    (void)watch_listen(&a->watch, true);
    return r;
}

static void tell_full(struct acceptor *a)
{
    struct admission *ad = a->setup.admission;

    if (loop_now() - ad->told_full_at < TELL_MS && ad->told_full_at != 0)
        return;
    ad->told_full_at = loop_now();
    log_warn(a->setup.inbound->log, "inbound '%s': %u connections on worker %u are the limit (--max-connections, "
             "--memory-limit): more wait", a->setup.inbound->tag, ad->connections.limit, loop_index());
}

/* Parks at the limit of connections; those that come meanwhile wait in the kernel's queue. */
static int enter(struct acceptor *a)
{
    struct gate *g = &a->setup.admission->connections;
    bool is_full = g->limit && g->inside >= g->limit;

    if (is_full) {
        tell_full(a);
        (void)watch_listen(&a->watch, false);
    }
    int r = gate_enter(g, NEVER);
    if (is_full)
        (void)watch_listen(&a->watch, true);
    return r;
}

/* 1: there may be more; 0: none now; negative: stop. The caller has entered the gate, which this leaves on failure. */
static int accept_one(struct acceptor *a)
{
    struct admission *ad = a->setup.admission;
    union {
        struct addr addr;
        struct sockaddr_storage storage;
    } peer = {.storage = {0}};
    socklen_t len = sizeof peer;

    int fd = accept4(a->watch.fd, &peer.addr.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        struct addr source = peer.storage.ss_family == AF_UNIX ? (struct addr){0} : addr_unmap(peer.addr);
        if (begin(a, fd, &source) < 0)
            gate_leave(&ad->connections);
        return 1;
    }
    int code = errno;
    gate_leave(&ad->connections);
    if (code == EAGAIN)
        return 0;
    if (code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS) {
        int r = spend_reserve(a);
        return r < 0 ? r : 1;
    }
    /* A connection that died in the queue, or a network error that accept(2) passes on. */
    return code == EBADF || code == EINVAL || code == ENOTSOCK ? -code : 1;
}

/*
 * One connection a wake-up, so that no system call is spent on finding the queue empty; when the
 * listener was ready in the turn before as well, the queue is probably long, and more are taken.
 */
static int accept_some(struct acceptor *a)
{
    uint64_t turn = loop_stats(loop_self()).wakeups;
    int most = turn - a->last_turn <= 1 ? ACCEPTS_PER_TURN : 1;

    a->last_turn = turn;
    for (int i = 0; i < most; i++) {
        int r = enter(a);
        if (r < 0)
            return r;
        r = accept_one(a);
        if (r <= 0)
            return r;
    }
    return 0;
}

/* Accepting ends: whoever is in the queue already was let in by the kernel, and closing would reset it. Never parks. */
static void accept_rest(struct acceptor *a)
{
    struct gate *g = &a->setup.admission->connections;

    for (int i = 0; i < REST_MAX && (!g->limit || g->inside < g->limit); i++) {
        if (gate_enter(g, NEVER) < 0 || accept_one(a) <= 0)
            return;
    }
}

static void accept_connections(void *arg)
{
    struct acceptor *a = arg;
    int r = 0;

    while (r >= 0) {
        r = event_wait(&a->watch.readable, NEVER, "accept");
        if (r >= 0)
            r = accept_some(a);
    }
    if (r == -ECANCELED)
        accept_rest(a);
    else
        log_error(a->setup.inbound->log, "inbound '%s': accept: %s", a->setup.inbound->tag, error_words(r));
    (void)watch_release(&a->watch);
    mem_free(a);
}

/* ---- datagrams --------------------------------------------------------------------------- */

struct packet_server {
    struct inbound *inbound;
    struct packet *socket;
    struct addr local;
};

static void serve_packets(void *arg)
{
    struct packet_server *p = arg;
    struct packet_server own = *p;

    mem_free(p);
    own.inbound->ops->serve_packets(own.inbound, own.socket, &own.local);
}

static int start_packets(const struct acceptor_setup *setup, struct error *err)
{
    OWNED struct packet_server *p = mem_new(struct packet_server);
    int fd = fcntl(setup->udp_fd, F_DUPFD_CLOEXEC, 0);

    if (!p || fd < 0) {
        if (fd >= 0)
            (void)close(fd);
        return error_errno(err, p ? -errno : -ENOMEM, "inbound '%s'", setup->inbound->tag);
    }
    int r = socket_packet(fd, NULL, &p->socket);
    if (r < 0)
        return error_errno(err, r, "inbound '%s'", setup->inbound->tag);
    p->inbound = setup->inbound;
    p->local = setup->listen->addr;
    r = co_spawn(setup->accepting, setup->inbound->ops->type, serve_packets, p);
    if (r < 0) {
        packet_close(p->socket);
        return error_errno(err, r, "inbound '%s'", setup->inbound->tag);
    }
    (void)take(p);
    return 0;
}

static int start_connections(const struct acceptor_setup *setup, struct error *err)
{
    OWNED struct acceptor *a = mem_new(struct acceptor);

    if (!a)
        return error_set(err, -ENOMEM, "out of memory");
    a->setup = *setup;
    int r = watch_init(&a->watch, setup->tcp_fd, WATCH_LISTEN);
    if (r < 0)
        return error_errno(err, r, "inbound '%s'", setup->inbound->tag);
    r = co_spawn(setup->accepting, "accept", accept_connections, a);
    if (r < 0) {
        (void)watch_release(&a->watch);
        return error_errno(err, r, "inbound '%s'", setup->inbound->tag);
    }
    (void)take(a);
    return 0;
}

int acceptor_start(const struct acceptor_setup *setup, struct error *err)
{
    int r = setup->tcp_fd >= 0 ? start_connections(setup, err) : 0;

    return r < 0 || setup->udp_fd < 0 ? r : start_packets(setup, err);
}
