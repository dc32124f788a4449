/* A DNS server for tests, on loopback and the test's own worker; its answers depend on the first label. */
#ifndef WEIR_TESTS_DNS_SERVER_H
#define WEIR_TESTS_DNS_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/dns_message.h"
#include "net/packet.h"
#include "net/socket.h"
#include "worker.h"

struct dns_server {
    struct group group;
    struct packet *udp;
    struct watch tcp;
    struct addr addr;
    unsigned asked[2];   /* A, AAAA; over UDP */
    unsigned asked_tcp;
    unsigned with_edns;
    uint32_t ttl;
};

static inline bool first_label_is(const struct dns_question *q, const char *label)
{
    size_t n = strlen(label);

    return q->name.wire[0] == n && memcmp(q->name.wire + 1, label, n) == 0;
}

/* An answer section of CNAMEs by hand: owner, type, class, ttl, length, target. */
static inline void add_cname(struct writer *w, const char *owner, const char *target)
{
    struct dns_name from, to;

    check_int(dns_name_parse(text_of(owner), &from), 0);
    check_int(dns_name_parse(text_of(target), &to), 0);
    dns_name_write(w, &from);
    write_u16(w, DNS_CNAME);
    write_u16(w, DNS_CLASS_IN);
    write_u32(w, 60);
    write_u16(w, to.len);
    dns_name_write(w, &to);
    w->start[7]++;
}

static inline void add_named_addr(struct writer *w, const char *owner, uint32_t host)
{
    struct dns_name from;

    check_int(dns_name_parse(text_of(owner), &from), 0);
    dns_name_write(w, &from);
    write_u16(w, DNS_A);
    write_u16(w, DNS_CLASS_IN);
    write_u32(w, 60);
    write_u16(w, 4);
    write_u32(w, host);
    w->start[7]++;
}

static inline void add_default(const struct dns_server *d, struct writer *w, uint16_t type, unsigned count)
{
    struct addr a;

    for (unsigned i = 0; i < count; i++) {
        if (type == DNS_A)
            a = addr_v4(0xc0000201u + i, 0);
        else
            check_int(addr_parse(TEXT("2001:db8::1"), 0, &a), 0);
        dns_write_addr(w, &a, d->ttl);
    }
}

/* The answer, or nothing (length 0). */
static inline size_t dns_answer_to(struct dns_server *d, struct bytes query, bool is_tcp, uint8_t *out, size_t size)
{
    struct writer w = writer_of(out, size);
    struct dns_message m;
    struct dns_question q;

    check_int(dns_open(query, &m), 0);
    check_int(dns_next_question(&m, &q), 1);
    if (is_tcp)
        d->asked_tcp++;
    else
        d->asked[q.type == DNS_AAAA]++;
    if (m.counts[DNS_ADDITIONAL])
        d->with_edns++;
    enum dns_rcode rcode = DNS_NOERROR;
    if (first_label_is(&q, "nx"))
        rcode = DNS_NXDOMAIN;
    if (first_label_is(&q, "servfail") || (first_label_is(&q, "badv6") && q.type == DNS_AAAA))
        rcode = DNS_SERVFAIL;
    if (first_label_is(&q, "old") && m.counts[DNS_ADDITIONAL])
        rcode = DNS_FORMERR;
    if (first_label_is(&q, "silent") || (first_label_is(&q, "onlya") && q.type == DNS_AAAA))
        return 0;
    bool is_cut = first_label_is(&q, "big") && !is_tcp;
    check_int(dns_write_reply(&w, query, (uint16_t)(DNS_FLAG_RA | (is_cut ? DNS_FLAG_TC : 0)), rcode), 0);
    if (first_label_is(&q, "loop")) {
        add_cname(&w, "loop.test", "other.test");
        add_cname(&w, "other.test", "loop.test");
    } else if (first_label_is(&q, "alias")) {
        add_cname(&w, "alias.test", "far.test");
        add_cname(&w, "far.test", "end.test");
        if (q.type == DNS_A)
            add_named_addr(&w, "end.test", 0xc0000263u);
    } else if (rcode == DNS_NOERROR && !is_cut && !(first_label_is(&q, "v4") && q.type == DNS_AAAA)) {
        add_default(d, &w, q.type, first_label_is(&q, "big") ? 100 : 1);
    }
    check(!w.failed);
    return writer_len(&w);
}

static inline void send_copy(struct dns_server *d, const struct datagram *query, const uint8_t *msg, size_t n,
                             size_t damaged)
{
    struct batch *b = batch_get();
    uint8_t *room = batch_room(b, n);

    memcpy(room, msg, n);
    if (damaged < n)
        room[damaged] ^= 1;
    b->at[b->count++] = (struct datagram){.ptr = room, .len = n, .peer = query->peer};
    check(packet_send(d->udp, b) >= 0);
    batch_put(b);
}

static inline void answer_datagram(struct dns_server *d, const struct datagram *query)
{
    uint8_t out[4096];
    struct bytes msg = {.ptr = query->ptr, .len = query->len};
    size_t n = dns_answer_to(d, msg, false, out, sizeof out);
    bool lies = query->len > 20 && (memcmp(query->ptr + 13, "lies", 4) == 0 || memcmp(query->ptr + 13, "spoof", 5) == 0);

    if (n == 0)
        return;
    if (lies) {
        send_copy(d, query, out, n, 1);  /* another id */
        send_copy(d, query, out, n, 14); /* another name */
        send_copy(d, query, out, 5, n);  /* cut off in its header */
    }
    if (memcmp(query->ptr + 13, "lies", 4) != 0)
        send_copy(d, query, out, n, n);
}

static inline void serve_udp(void *arg)
{
    struct dns_server *d = arg;
    struct batch *b = batch_get();

    check(b != NULL);
    while (packet_receive(d->udp, b, NEVER) > 0) {
        for (unsigned i = 0; i < b->count; i++)
            answer_datagram(d, &b->at[i]);
    }
    batch_put(b);
}

static inline void serve_one_tcp(struct dns_server *d, struct stream *st)
{
    uint8_t query[600], out[8192];

    if (stream_read_full(st, query, 2) == 0) {
        size_t n = (size_t)query[0] << 8 | query[1];
        check(n <= sizeof query);
        check_int(stream_read_full(st, query, n), 0);
        n = dns_answer_to(d, (struct bytes){.ptr = query, .len = n}, true, out + 2, sizeof out - 2);
        out[0] = (uint8_t)(n >> 8);
        out[1] = (uint8_t)n;
        check_int(stream_write(st, out, n + 2), 0);
    }
    stream_close(st);
}

static inline void serve_tcp(void *arg)
{
    struct dns_server *d = arg;

    for (;;) {
        int fd = accept4(d->tcp.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (event_wait(&d->tcp.readable, NEVER, "accept") < 0)
                return;
            continue;
        }
        struct stream *st;
        check_int(socket_stream(fd, false, &st), 0);
        serve_one_tcp(d, st);
    }
}

/* One port for both, as a resolver expects. */
static inline void dns_server_start(struct dns_server *d)
{
    struct error err = {0};
    socklen_t len = sizeof d->addr;

    *d = (struct dns_server){.ttl = 60};
    for (int tries = 0; tries < 50; tries++) {
        struct listen_options o = {.addr = addr_v4(INADDR_LOOPBACK, 0)};
        int udp = socket_bind_udp(&o, &err);
        check(udp >= 0);
        check_int(getsockname(udp, &d->addr.sa, &len), 0);
        o.addr = d->addr;
        int tcp = socket_listen(&o, &err);
        if (tcp < 0) {
            (void)close(udp);
            continue;
        }
        check_int(socket_packet(udp, NULL, &d->udp), 0);
        check_int(watch_init(&d->tcp, tcp, WATCH_LISTEN), 0);
        group_init(&d->group, co_group());
        check_int(co_spawn(&d->group, "test DNS", serve_udp, d), 0);
        check_int(co_spawn(&d->group, "test DNS over TCP", serve_tcp, d), 0);
        return;
    }
    check(false); /* no port that both could have */
}

static inline void dns_server_stop(struct dns_server *d)
{
    group_done(&d->group);
    packet_close(d->udp);
    watch_close(&d->tcp);
}

#endif
