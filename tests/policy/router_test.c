#include "worker.h"

#include <errno.h>

#include "rules.h"

#include "fakes.h"
#include "hello.h"
#include "policy/explain.h"

static struct fakes fakes;
static const struct inbound_ops mixed_ops = {.type = "mixed"};
static struct inbound mixed_in = {.ops = &mixed_ops, .tag = "in"};

static struct router *make(const struct router_setup *setup)
{
    struct router *r = NULL;
    struct error err;

    if (router_new(setup, &r, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return r;
}

/* A router over one list of rules; the fakes are new. */
static struct router *router_of(const struct rule_list *lists, size_t n)
{
    fakes_init(&fakes);
    struct router_setup setup = fake_setup(&fakes, lists, n);
    return make(&setup);
}

static _Thread_local int last_reply;

static int note_reply(struct session *s, int result, const struct addr *bound)
{
    (void)s;
    (void)bound;
    last_reply = result;
    return 0;
}

static struct session *flow_to(const char *to)
{
    struct addr source = addr_v4(0xc0a80109, 50000);
    struct session *s = session_new(&mixed_in, NETWORK_TCP, &source);

    check(s && dest_parse(text_of(to), &s->dest) == 0);
    s->reply = note_reply;
    last_reply = 1;
    return s;
}

/* Opens a flow without bytes, ends it, and gives the result of the opening. */
static int open_flow(struct router *r, struct session *s)
{
    struct stream *none = NULL, *out = NULL;
    struct error err = {0};

    int result = router_open(r, s, &none, &out, &err);
    router_end(r, s, result, &err);
    stream_close(out);
    if (result == 0) {
        for (struct fake_outbound **f = (struct fake_outbound *[]){&fakes.a, &fakes.b, &fakes.final, NULL}; *f; f++) {
            stream_close((*f)->far);
            (*f)->far = NULL;
        }
    }
    return result;
}

/* Which fake a flow ends at: "A", "B", "final" or why it failed. */
static const char *goes(struct router *r, const char *to)
{
    struct session *s = flow_to(to);
    int result = open_flow(r, s);
    const char *tag = result < 0 ? error_words(result) : s->chain[0];

    session_free(s);
    return tag;
}

#define check_goes(r, to, want) check(strcmp(goes(r, to), want) == 0)
#define WORKER_TEST(name, body)                                                                    \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }

/* ---- deciding ---------------------------------------------------------------------------- */

static void by_rules(void)
{
    const struct rule_list lists[] = {{.rules = RULES({.domain_suffix = TEXTS("a.org"), .outbound = TEXT("A")},
                                                      {.ip_cidr = CIDRS(cidr("10.0.0.0/8")), .outbound = TEXT("B")},
                                                      {.domain = TEXTS("late.org"), .outbound = TEXT("A")})}};
    struct router *r = router_of(lists, 1);

    check_goes(r, "x.a.org:1", "A");
    check_int(fakes.lookups, 0);
    check_goes(r, "10.0.0.1:1", "B");
    fakes.address = "10.0.0.9";
    check_goes(r, "b.org:1", "B");
    check_int(fakes.lookups, 1);
    fakes.address = "11.0.0.9";
    check_goes(r, "late.org:1", "A");
    check_goes(r, "b.org:1", "final");
    fakes.address = NULL;
    check_goes(r, "late.org:1", "A");
    router_free(r);
}
WORKER_TEST(the_first_rule_that_matches_routes, by_rules)

static void by_options(void)
{
    const struct rule_list lists[] = {
        {.rules = RULES({.port = PORTS({80, 80}), .action = RULE_OPTIONS, .override = {.port = 8080}},
                        {.domain = TEXTS("old.org"), .action = RULE_OPTIONS, .override = dest("new.org:0")},
                        {.domain = TEXTS("new.org"), .port = PORTS({8080, 8080}), .outbound = TEXT("A")})}};
    struct router *r = router_of(lists, 1);

    check_goes(r, "old.org:80", "A");
    check(text_is(dest_name(&fakes.a.last), "new.org") && fakes.a.last.port == 8080);
    check_goes(r, "old.org:81", "final");
    router_free(r);
}
WORKER_TEST(options_change_the_destination_for_later_rules, by_options)

static void by_resolve(void)
{
    const struct rule_list lists[] = {
        {.rules = RULES({.domain_suffix = TEXTS("org"), .action = RULE_RESOLVE},
                        {.ip_cidr = CIDRS(cidr("10.0.0.0/8")), .no_resolve = true, .outbound = TEXT("A")})}};
    struct router *r = router_of(lists, 1);

    fakes.address = "10.0.0.9";
    check_goes(r, "a.org:1", "A");
    check_goes(r, "a.net:1", "final");
    fakes.address = NULL;
    check_goes(r, "a.org:1", error_words(-ENOENT));
    check(strstr(fakes.log, "warn") && strstr(fakes.log, "no such name 'a.org'"));
    router_free(r);
}
WORKER_TEST(a_resolve_action_fills_addresses_or_fails_the_flow, by_resolve)

static void by_inbound(void)
{
    const struct rule_list lists[] = {{.rules = RULES({.outbound = TEXT("A")})},
                                      {.name = TEXT("s"), .rules = RULES({.domain = TEXTS("s.org"), .outbound = TEXT("B")})}};
    fakes_init(&fakes);
    struct router_setup setup = fake_setup(&fakes, lists, 2);
    struct inbound_policy in[] = {{.tag = TEXT("in"), .sub_rule = TEXT("s")}, {.tag = TEXT("forced"), .forced = &fakes.b.outbound}};
    setup.inbounds = in;
    setup.inbound_count = 2;
    struct router *r = make(&setup);

    check_goes(r, "s.org:1", "B");
    check_goes(r, "a.org:1", "final");
    mixed_in.tag = "forced";
    check_goes(r, "a.org:1", "B");
    mixed_in.tag = "other";
    check_goes(r, "a.org:1", "A");
    check_int(router_set_mode(r, MODE_DIRECT), 0);
    check_goes(r, "a.org:1", "B");
    check_int(router_set_mode(r, MODE_GLOBAL), 0);
    check_goes(r, "s.org:1", "A");
    mixed_in.tag = "in";
    router_free(r);
}
WORKER_TEST(inbounds_and_modes_go_before_the_rules, by_inbound)

static void local_only(void)
{
    const struct rule_list lists[] = {{.rules = {0}}};
    fakes_init(&fakes);
    struct router_setup setup = fake_setup(&fakes, lists, 1);
    struct inbound_policy in = {.tag = TEXT("in"), .is_local_only = true};
    setup.inbounds = &in;
    setup.inbound_count = 1;
    struct router *r = make(&setup);
    struct session *s = flow_to("a.org:1");

    check_int(open_flow(r, s), -EACCES);
    s->source = addr_v4(0x7f000001, 1);
    check_int(open_flow(r, s), 0);
    s->source = s->local = addr_v4(0xc0a80101, 1);
    check_int(open_flow(r, s), 0);
    session_free(s);
    router_free(r);
}
WORKER_TEST(an_inbound_without_allow_lan_refuses_others, local_only)

struct carried {
    struct router *router;
    struct session *session;
    struct stream *client;
};

/* ---- rejecting --------------------------------------------------------------------------- */

static void rejecting(void)
{
    const struct rule_list lists[] = {
        {.rules = RULES({.domain = TEXTS("bad.org"), .line = TEXT("DOMAIN,bad.org,REJECT"), .action = RULE_REJECT},
                        {.domain = TEXTS("dns.org"), .action = RULE_HIJACK_DNS})}};
    struct router *r = router_of(lists, 1);
    struct stream *ends[2], *out = NULL;
    struct session *s = flow_to("bad.org:1");
    struct error err = {0};
    char c;

    check_int(stream_pair(16, ends), 0);
    check_int(router_open(r, s, &ends[0], &out, &err), -EACCES);
    router_end(r, s, -EACCES, &err);
    router_end(r, s, -EACCES, &err);
    check_int(last_reply, -EACCES);
    check(ends[0] == NULL);
    check_int(stream_read(ends[1], &c, 1), 0);
    stream_close(ends[1]);
    check(strstr(fakes.log, "info: #1 tcp in 192.168.1.9:50000 -> bad.org:1, rule 'DOMAIN,bad.org,REJECT'"));
    check_int(router_stats(r).rejected, 1);
    check_int(router_stats(r).active, 0);
    session_free(s);
    check_goes(r, "dns.org:53", error_words(-EOPNOTSUPP));
    router_free(r);
}
WORKER_TEST(a_reject_answers_closes_and_is_logged_once, rejecting)

static void open_dropped(void *arg)
{
    struct carried *c = arg;
    struct stream *out = NULL;
    struct error err = {0};

    int result = router_open(c->router, c->session, &c->client, &out, &err);
    router_end(c->router, c->session, result, &err);
}

static void dropping(void)
{
    const struct rule_list lists[] = {{.rules = RULES({.action = RULE_REJECT, .reject = REJECT_DROP})}};
    struct router *r = router_of(lists, 1);
    struct stream *ends[2];
    struct group g;
    char c;

    check_int(stream_pair(16, ends), 0);
    struct carried f = {.router = r, .session = flow_to("a.org:1"), .client = ends[0]};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "drop", open_dropped, &f), 0);
    for (int i = 0; i < 3; i++)
        check_int(co_yield(), 0);
    check_int(stream_try_read(ends[1], &c, 1), -EAGAIN);
    group_cancel(&g);
    group_done(&g);
    check_int(last_reply, 1);
    check_int(stream_read(ends[1], &c, 1), 0);
    check(strstr(fakes.log, "info: ") && strstr(fakes.log, ": dropped by a rule"));
    stream_close(ends[1]);
    session_free(f.session);
    router_free(r);
}
WORKER_TEST(a_drop_says_nothing_and_holds, dropping)

static void flooding(void)
{
    const struct rule_list lists[] = {
        {.rules = RULES({.port = PORTS({1, 1}), .action = RULE_REJECT}, {.action = RULE_REJECT, .no_drop = true})}};
    struct router *r = router_of(lists, 1);

    for (int i = 0; i < REJECT_BURST + 60; i++) {
        fakes.log[0] = 0;
        check_goes(r, "a.org:2", error_words(-EACCES));
        check(strstr(fakes.log, ": rejected by a rule"));
    }
    /* A burst may lie across two windows. */
    for (int i = 0; i < 2 * REJECT_BURST + 1; i++) {
        fakes.log[0] = 0;
        check_goes(r, "a.org:1", error_words(-EACCES));
    }
    check(strstr(fakes.log, ": dropped by a rule"));
    router_free(r);
}
WORKER_TEST(a_flood_of_rejects_is_dropped_unless_told, flooding)

static void dialling_fails(void)
{
    const struct rule_list lists[] = {{.rules = {0}}};
    struct router *r = router_of(lists, 1);

    fakes.final.fails = -ECONNREFUSED;
    check_goes(r, "a.org:1", error_words(-ECONNREFUSED));
    check(strstr(fakes.log, "warn: #1 tcp in 192.168.1.9:50000 -> a.org:1, chain final, up 0 down 0"));
    check(strstr(fakes.log, "outbound 'final' (fake): connect: connection refused"));
    check_int(router_stats(r).failed, 1);
    router_free(r);
}
WORKER_TEST(a_failed_dial_is_logged_with_its_causes, dialling_fails)

/* ---- carrying ---------------------------------------------------------------------------- */


static void carry_it(void *arg)
{
    struct carried *c = arg;

    router_carry(c->router, c->session, c->client);
}

static void carrying(void)
{
    const struct rule_list lists[] = {{.rules = RULES({.action = RULE_SNIFF, .sniff_override = true},
                                                      {.protocol = TEXTS("tls"), .domain = TEXTS("a.org"), .outbound = TEXT("A")})}};
    struct router *r = router_of(lists, 1);
    struct stream *ends[2];
    uint8_t hello[HELLO_SIZE], back[HELLO_SIZE];
    struct group g;

    make_hello(hello);
    check_int(stream_pair(4096, ends), 0);
    struct carried c = {.router = r, .session = flow_to("192.0.2.1:443"), .client = ends[0]};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "carry", carry_it, &c), 0);
    check_int(stream_write(ends[1], hello, 10), 0);
    for (int i = 0; i < 3; i++)
        check_int(co_yield(), 0);
    check_int(last_reply, 0);
    check_int(stream_write(ends[1], hello + 10, sizeof hello - 10), 0);
    while (!fakes.a.far)
        check_int(co_yield(), 0);
    check(text_is(dest_name(&fakes.a.last), "a.org"));
    check_int(stream_read_full(fakes.a.far, back, sizeof back), 0);
    check(memcmp(hello, back, sizeof back) == 0);
    check_int(stream_write(fakes.a.far, "hi", 2), 0);
    check_int(stream_read_full(ends[1], back, 2), 0);
    check_int(stream_shutdown(fakes.a.far), 0);
    check_int(stream_shutdown(ends[1]), 0);
    group_wait(&g);
    group_done(&g);
    check_int(c.session->up, sizeof hello);
    check_int(c.session->down, 2);
    check_int(router_stats(r).up, sizeof hello);
    check(strstr(fakes.log, "(tls a.org)") && strstr(fakes.log, ", chain A, up ") && strstr(fakes.log, ": done"));
    stream_close(ends[1]);
    stream_close(fakes.a.far);
    session_free(c.session);
    router_free(r);
}
WORKER_TEST(a_sniffed_flow_arrives_whole_at_the_outbound, carrying)

static void carrying_packets(void)
{
    const struct rule_list lists[] = {
        {.rules = RULES({.network = TEXTS("udp"), .outbound = TEXT("tcp-only")},
                        {.port = PORTS({53, 53}), .action = RULE_OPTIONS, .override = dest("10.0.0.1:5353"), .udp_idle_ms = 20},
                        {.network = TEXTS("udp"), .outbound = TEXT("A")})}};
    struct fake_packet client = {.packet.ops = &fake_packet_ops}, server = {.packet.ops = &fake_packet_ops};
    fakes_init(&fakes);
    struct router_setup setup = fake_setup(&fakes, lists, 1);
    setup.udp_falls_through = true;
    struct router *r = make(&setup);
    struct session *s = flow_to("8.8.8.8:53");

    s->network = NETWORK_UDP;
    fakes.a.packets = &server.packet;
    fake_packet_add(&client, "query", 5, dest("8.8.8.8:53"));
    fake_packet_add(&client, "other", 5, dest("9.9.9.9:53"));
    fake_packet_add(&server, "answer", 6, dest("10.0.0.1:5353"));
    router_carry_packets(r, s, &client.packet);
    check_int(server.out_count, 2);
    check(dest_eq(&server.out[0].peer, &(struct dest){.ip = addr_v4(0x0a000001, 0), .port = 5353}));
    check(memcmp(server.out[0].bytes, "query", 5) == 0);
    check_int(server.out[1].peer.port, 53);
    check_int(client.out_count, 1);
    check_int(client.out[0].peer.port, 53);
    check(client.is_closed && server.is_closed);
    check_int(s->up, 10);
    check_int(s->down, 6);
    check(strstr(fakes.log, ": done"));
    session_free(s);
    router_free(r);
}
WORKER_TEST(udp_passes_by_tcp_outbounds_and_keeps_its_first_datagrams, carrying_packets)

static void carrying_uot(void)
{
    static const uint8_t request[] = {1, 1, 8, 8, 8, 8, 0, 53, 0, 5, 'q', 'u', 'e', 'r', 'y'};
    const struct rule_list lists[] = {
        {.rules = RULES({.network = TEXTS("udp"), .port = PORTS({53, 53}), .udp_idle_ms = 20, .outbound = TEXT("A")})}};
    struct fake_packet server = {.packet.ops = &fake_packet_ops};
    struct router *r = router_of(lists, 1);
    struct stream *ends[2];

    struct session *s = flow_to("sp.v2.udp-over-tcp.arpa:0");
    fakes.a.packets = &server.packet;
    check_int(stream_pair(4096, ends), 0);
    check_int(stream_write(ends[1], request, sizeof request), 0);
    router_carry(r, s, ends[0]);
    check_int(last_reply, 0);
    check_int(server.out_count, 1);
    check_int(server.out[0].len, 5);
    check(memcmp(server.out[0].bytes, "query", 5) == 0);
    check(server.is_closed);
    check(strstr(fakes.log, "#1 udp in 192.168.1.9:50000 -> 8.8.8.8:53") && strstr(fakes.log, ": done"));
    check(!strstr(fakes.log, "#2"));
    check_int(router_stats(r).active, 0);
    stream_close(ends[1]);
    session_free(s);
    router_free(r);
}
WORKER_TEST(udp_over_tcp_becomes_a_packet_flow, carrying_uot)

static void udp_idle_times(void **state)
{
    (void)state;
    assert_int_equal(udp_protocol_idle_ms("", 53), 10000);
    assert_int_equal(udp_protocol_idle_ms("", 443), 30000);
    assert_int_equal(udp_protocol_idle_ms("", 0), 0);
    assert_int_equal(udp_protocol_idle_ms("dtls", 53), 30000);
    assert_int_equal(udp_protocol_idle_ms("bittorrent", 53), 0);
}

/* ---- hooks ------------------------------------------------------------------------------- */

static void limits(void)
{
    struct hook *h = limit_hook_new(3, 2);
    struct hook_chain chain = {.at = &h, .len = 1};
    struct session *s[4];
    struct error err;
    size_t passed;

    for (int i = 0; i < 4; i++)
        s[i] = flow_to("a.org:1");
    s[2]->source = addr_v4(0xc0a80202, 1);
    s[3]->source = addr_v4(0xc0a80303, 1);
    check_int(hooks_accept(&chain, s[0], &passed, &err), 0);
    check_int(hooks_accept(&chain, s[1], &passed, &err), 0);
    check_int(passed, 1);
    check_int(hooks_accept(&chain, s[1], &passed, &err), -EMFILE);
    check_int(passed, 0);
    check(strstr(err.text, "limit: 192.168.1.9 has 2 flows open"));
    check_int(hooks_accept(&chain, s[2], &passed, &err), 0);
    check_int(hooks_accept(&chain, s[3], &passed, &err), -EMFILE);
    hooks_close(&chain, s[0], 1, 0);
    check_int(hooks_accept(&chain, s[3], &passed, &err), 0);
    hooks_close(&chain, s[1], 1, 0);
    check_int(hooks_accept(&chain, s[0], &passed, &err), 0);
    hook_free(h);
    for (int i = 0; i < 4; i++)
        session_free(s[i]);
}
WORKER_TEST(limits_count_in_all_and_per_source, limits)

static void limited_router(void)
{
    const struct rule_list lists[] = {{.rules = {0}}};
    fakes_init(&fakes);
    struct router_setup setup = fake_setup(&fakes, lists, 1);
    setup.limits.sessions = 1;
    struct router *r = make(&setup);
    struct session *first = flow_to("a.org:1");
    struct stream *none = NULL, *out;
    struct error err;

    check_int(router_open(r, first, &none, &out, &err), 0);
    check_goes(r, "b.org:1", error_words(-EMFILE));
    check_int(router_stats(r).active, 1);
    router_end(r, first, 0, NULL);
    stream_close(out);
    stream_close(take(fakes.final.far));
    check_goes(r, "b.org:1", "final");
    session_free(first);
    router_free(r);
}
WORKER_TEST(the_ceiling_refuses_and_lets_in_again, limited_router)

/* Two workers share a router: for TSan, and the counters must add up. */
enum { MANY = 300 };

static int open_many(void *arg)
{
    struct router *r = arg;

    for (int i = 0; i < MANY; i++) {
        struct session *s = flow_to(i % 2 ? "bad.org:1" : "1.2.3.4:1");
        struct stream *none = NULL, *out = NULL;
        struct error err = {0};
        int result = router_open(r, s, &none, &out, &err);
        router_end(r, s, result, &err);
        session_free(s);
        if (co_yield() < 0)
            return -ECANCELED;
    }
    return 0;
}

static void *second_thread(void *arg)
{
    struct { struct workers *w; struct router *r; } *a = arg;

    check_int(workers_call(a->w, 1, open_many, a->r), 0);
    return NULL;
}

static int refuse(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    (void)o;
    (void)s;
    (void)out;
    return error_set(err, -ECONNREFUSED, "no");
}

static void a_router_is_shared_by_workers(void **state)
{
    static const struct outbound_ops ops = {.type = "none", .open = refuse};
    struct outbound none = {.ops = &ops, .tag = "none"};
    const struct rule_list lists[] = {{.rules = RULES({.domain = TEXTS("bad.org"), .action = RULE_REJECT},
                                                      {.domain_regex = TEXTS("x"), .action = RULE_REJECT})}};
    struct error err;
    pthread_t thread;

    (void)state;
    fakes_init(&fakes);
    struct router_setup setup = fake_setup(&fakes, lists, 1);
    setup.final = &none;
    setup.log = NULL;
    setup.limits = (struct router_limits){.sessions = 100, .per_source = 50};
    struct router *r = make(&setup);
    struct workers *w = workers_new(2, NULL, &err);
    struct { struct workers *w; struct router *r; } both = {w, r};
    assert_non_null(w);
    assert_int_equal(pthread_create(&thread, NULL, second_thread, &both), 0);
    assert_int_equal(workers_call(w, 0, open_many, r), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    workers_free(w);
    assert_int_equal(router_stats(r).total, 2 * MANY);
    assert_int_equal(router_stats(r).rejected, MANY);
    assert_int_equal(router_stats(r).failed, MANY);
    assert_int_equal(router_stats(r).active, 0);
    router_free(r);
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
#ifdef WEIR_FAILING_ALLOC
    const struct rule_list lists[] = {{.rules = RULES({.domain = TEXTS("a.org"), .outbound = TEXT("A")})}};
    fakes_init(&fakes);
    struct router_setup setup = fake_setup(&fakes, lists, 1);
    struct inbound_policy in = {.tag = TEXT("in"), .is_local_only = true};
    setup.inbounds = &in;
    setup.inbound_count = 1;
    setup.limits.sessions = 1;
    for (long n = 1;; n++) {
        struct router *r = NULL;
        struct error err;
        mem_fail_at(n);
        int result = router_new(&setup, &r, &err);
        bool has_failed = mem_has_failed();
        mem_fail_at(0);
        router_free(r);
        if (!has_failed)
            break;
        assert_int_equal(result, -ENOMEM);
    }
#else
    skip();
#endif
}

/* ---- explain ----------------------------------------------------------------------------- */

static void explaining(void)
{
    const struct source file = {.name = TEXT("c.yaml")};
    const struct rule_list lists[] = {
        {.rules = RULES({.line = TEXT("sniff"), .action = RULE_SNIFF},
                        {.at = {&file, 4, 1, 0}, .line = TEXT("DOMAIN,b.org,B"), .domain = TEXTS("b.org"), .outbound = TEXT("B")},
                        {.at = {&file, 5, 1, 0}, .line = TEXT("IP-CIDR,10.0.0.0/8,A"), .ip_cidr = CIDRS(cidr("10.0.0.0/8")),
                         .outbound = TEXT("A")})}};
    struct router *r = router_of(lists, 1);
    struct explain_request q = {.inbound = "in"};
    STRBUF out;

    check_int(dest_parse(TEXT("a.org:443"), &q.dest), 0);
    strbuf_init(&out, 65536);
    fakes.address = "10.1.2.3";
    check_int(explain(r, &q, false, &out), 0);
    check(strcmp(out.ptr, "tcp a.org:443 from inbound in\n"
                          "  match sniff  => sniff\n"
                          "  sniff: a real flow is looked into here; this one has no bytes\n"
                          "  no    c.yaml:4  DOMAIN,b.org,B\n"
                          "  resolve a.org: 10.1.2.3\n"
                          "  match c.yaml:5  IP-CIDR,10.0.0.0/8,A  => route\n"
                          "result: route a.org:443 (IP-CIDR,10.0.0.0/8,A)\n"
                          "chain: A (fake)\n") == 0);
    strbuf_clear(&out);
    check_int(explain(r, &q, true, &out), 0);
    check(strstr(out.ptr, "{\"step\":\"resolve\",\"name\":\"a.org\",\"addresses\":[\"10.1.2.3\"]}"));
    check(strstr(out.ptr, "\"chain\":[{\"tag\":\"A\",\"type\":\"fake\",\"how\":\"\"}]}"));
    strbuf_clear(&out);
    q.protocol = TEXT("tls");
    q.sniffed = TEXT("b.org");
    check_int(explain(r, &q, false, &out), 0);
    check(strstr(out.ptr, "sniff: taken to be tls b.org\n") && strstr(out.ptr, "chain: B (fake)\n"));
    check_int(fakes.a.opened + fakes.b.opened, 0);
    check_int(router_stats(r).total, 0);
    router_free(r);
}
WORKER_TEST(explain_tells_each_rule_and_dials_nothing, explaining)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_matches_routes),
        cmocka_unit_test(options_change_the_destination_for_later_rules),
        cmocka_unit_test(a_resolve_action_fills_addresses_or_fails_the_flow),
        cmocka_unit_test(inbounds_and_modes_go_before_the_rules),
        cmocka_unit_test(an_inbound_without_allow_lan_refuses_others),
        cmocka_unit_test(a_reject_answers_closes_and_is_logged_once),
        cmocka_unit_test(a_drop_says_nothing_and_holds),
        cmocka_unit_test(a_flood_of_rejects_is_dropped_unless_told),
        cmocka_unit_test(a_failed_dial_is_logged_with_its_causes),
        cmocka_unit_test(a_sniffed_flow_arrives_whole_at_the_outbound),
        cmocka_unit_test(udp_passes_by_tcp_outbounds_and_keeps_its_first_datagrams),
        cmocka_unit_test(udp_over_tcp_becomes_a_packet_flow),
        cmocka_unit_test(udp_idle_times),
        cmocka_unit_test(limits_count_in_all_and_per_source),
        cmocka_unit_test(the_ceiling_refuses_and_lets_in_again),
        cmocka_unit_test(a_router_is_shared_by_workers),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
        cmocka_unit_test(explain_tells_each_rule_and_dials_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
