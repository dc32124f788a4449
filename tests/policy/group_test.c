#include "test.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "policy/cache_file.h"
#include "policy/group.h"
#include "policy/health.h"
#include "worker.h"

enum { FAKES = 4 };

/* An outbound that works or refuses as told and counts. */
struct fake {
    struct outbound outbound;
    _Atomic int result;
    _Atomic unsigned opened;
    _Atomic unsigned packets;
};

static struct fake fakes[FAKES];

static struct fake *fake_of(struct outbound *o)
{
    return container_of(o, struct fake, outbound);
}

static int fake_open(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    struct fake *f = fake_of(o);
    struct stream *pair[2];

    (void)s;
    f->opened++;
    if (f->result < 0)
        return error_set(err, f->result, "%s refuses", o->tag);
    check_int(stream_pair(100, pair), 0);
    stream_close(pair[1]);
    *out = pair[0];
    return 0;
}

static void fake_close_packet(struct packet *p)
{
    mem_free(p);
}

static int fake_open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err)
{
    static const struct packet_ops ops = {.name = "fake", .close = fake_close_packet};
    struct fake *f = fake_of(o);

    (void)s;
    f->packets++;
    if (f->result < 0)
        return error_set(err, f->result, "%s refuses", o->tag);
    *out = mem_new(struct packet);
    check(*out != NULL);
    (*out)->ops = &ops;
    return 0;
}

static const struct outbound_ops with_udp = {.type = "fake", .open = fake_open, .open_packet = fake_open_packet};
static const struct outbound_ops without_udp = {.type = "fake", .open = fake_open};

static struct health *health;
static struct group_spec spec;

static void reset(void)
{
    static const char *const tags[FAKES] = {"a", "b", "c", "d"};

    for (int i = 0; i < FAKES; i++) {
        fakes[i].outbound = (struct outbound){.ops = &with_udp, .tag = tags[i]};
        fakes[i].result = 0;
        fakes[i].opened = fakes[i].packets = 0;
    }
    health_free(health);
    health = health_new(NULL);
    spec = (struct group_spec){.url = TEXT("http://test.example/")};
}

static struct outbound *make_with(enum group_kind kind, struct cache_file *cache)
{
    struct group_setup setup = {.tag = "group", .spec = &spec, .health = health, .cache = cache};
    struct outbound *members[FAKES], *g;

    spec.kind = kind;
    for (int i = 0; i < FAKES; i++)
        members[i] = &fakes[i].outbound;
    check_int(group_new(&setup, &g, NULL), 0);
    check_int(group_set_members(g, members, FAKES, NULL), 0);
    return g;
}

static struct outbound *make(enum group_kind kind)
{
    return make_with(kind, NULL);
}

static struct session *flow(const char *host, uint8_t source)
{
    struct addr from = addr_v4(0x0a000000u | source, 1000);
    struct session *s = session_new(NULL, NETWORK_TCP, &from);

    check(s != NULL);
    check_int(dest_set_host(&s->dest, text_of(host), 443), 0);
    return s;
}

/* Opens a flow through the group; the tag of who carried it, or "" for a failure. */
static const char *carry(struct outbound *g, const char *host, uint8_t source)
{
    struct session *s = flow(host, source);
    struct stream *st;
    struct error err;
    int r = outbound_open(g, s, &st, &err);
    const char *last = r == 0 ? s->chain[s->chain_len - 1] : "";

    if (r == 0)
        stream_close(st);
    session_free(s);
    return last;
}

static const char *carry_packets(struct outbound *g)
{
    struct session *s = flow("a.org", 1);
    struct packet *p;
    struct error err;

    s->network = NETWORK_UDP;
    int r = outbound_open_packet(g, s, &p, &err);
    const char *last = r == 0 ? s->chain[s->chain_len - 1] : "";
    if (r == 0)
        packet_close(p);
    session_free(s);
    return last;
}

#define check_text(got, want) check(strcmp(got, want) == 0)

/* ---- selector ------------------------------------------------------------------------------ */

static void selector_body(void)
{
    reset();
    spec.chosen = TEXT("b");
    struct outbound *g = make(GROUP_SELECTOR);
    check_text(carry(g, "a.org", 1), "b");
    check_int(group_select(g, TEXT("nobody")), -ENOENT);
    check_int(group_select(g, TEXT("d")), 0);
    check_text(carry(g, "a.org", 1), "d");
    check_text(group_now(g), "d");
    /* What was chosen is used, whatever its health. */
    fakes[3].result = -ECONNREFUSED;
    check_text(carry(g, "a.org", 1), "");
    check_int(fakes[0].opened, 0);
    check_int(fakes[3].opened, 2);
    g->ops->free(g);
}

static void a_selector_uses_what_was_chosen(void **state)
{
    (void)state;
    on_worker(selector_body);
}

static void a_selection_is_saved_and_found_again(void **state)
{
    struct cache_file *c = cache_file_open(TEXT("/nonexistent/cache"), NULL);

    (void)state;
    reset();
    spec.chosen = TEXT("b");
    struct outbound *g = make_with(GROUP_SELECTOR, c);
    assert_string_equal(group_now(g), "b");
    assert_int_equal(group_select(g, TEXT("c")), 0);
    g->ops->free(g);
    g = make_with(GROUP_SELECTOR, c);
    assert_string_equal(group_now(g), "c");
    g->ops->free(g);
    /* A member that is gone is forgotten. */
    assert_int_equal(cache_file_select(c, TEXT("group"), TEXT("gone")), 0);
    g = make_with(GROUP_SELECTOR, c);
    assert_string_equal(group_now(g), "b");
    g->ops->free(g);
    cache_file_close(c);
}

/* ---- fallback and passive health ---------------------------------------------------------------- */

static void fallback_body(void)
{
    reset();
    struct outbound *g = make(GROUP_FALLBACK);
    check_text(carry(g, "a.org", 1), "a");
    fakes[0].result = -ECONNREFUSED;
    check_text(carry(g, "a.org", 1), "b");
    check_int(fakes[0].opened, 2);
    /* Put aside at once: the next flow does not try it. */
    check_text(carry(g, "a.org", 1), "b");
    check_int(fakes[0].opened, 2);
    check_text(group_now(g), "b");
    g->ops->free(g);
}

static void a_failed_dial_puts_aside_and_the_flow_goes_on(void **state)
{
    (void)state;
    on_worker(fallback_body);
}

static void only_one_retry_body(void)
{
    struct error err = {0};
    struct stream *st;

    reset();
    struct outbound *g = make(GROUP_FALLBACK);
    for (int i = 0; i < FAKES; i++)
        fakes[i].result = -ECONNREFUSED;
    struct session *s = flow("a.org", 1);
    check_int(outbound_open(g, s, &st, &err), -ECONNREFUSED);
    check_int(fakes[0].opened + fakes[1].opened + fakes[2].opened + fakes[3].opened, 2);
    check(strstr(err.text, "a refuses") && strstr(err.text, "b refuses"));
    session_free(s);
    /* All are aside after the next: then all count as alive, because a refusal helps nobody. */
    check_text(carry(g, "a.org", 1), "");
    fakes[0].result = 0;
    check_text(carry(g, "a.org", 1), "a");
    g->ops->free(g);
}

static void a_flow_is_tried_twice_at_most(void **state)
{
    (void)state;
    on_worker(only_one_retry_body);
}

static void own_faults_body(void)
{
    reset();
    struct outbound *g = make(GROUP_FALLBACK);
    fakes[0].result = -EMFILE;
    check_text(carry(g, "a.org", 1), "");
    check_int(fakes[1].opened, 0);
    fakes[0].result = 0;
    check_text(carry(g, "a.org", 1), "a");
    g->ops->free(g);
}

static void this_machines_shortage_is_no_members_fault(void **state)
{
    (void)state;
    on_worker(own_faults_body);
}

static void pin_body(void)
{
    reset();
    struct outbound *g = make(GROUP_FALLBACK);
    check_int(group_select(g, TEXT("c")), 0);
    check_text(carry(g, "a.org", 1), "c");
    check_text(group_pinned(g), "c");
    fakes[2].result = -ECONNREFUSED;
    check_text(carry(g, "a.org", 1), "a");
    check_int(group_select(g, TEXT("")), 0);
    check(group_pinned(g) == NULL);
    g->ops->free(g);
}

static void a_pin_holds_while_its_member_is_alive(void **state)
{
    (void)state;
    on_worker(pin_body);
}

/* ---- load-balance -------------------------------------------------------------------------------- */

static void hashing_body(void)
{
    char host[32];
    unsigned moved = 0;
    const char *before[200];

    reset();
    spec.strategy = BALANCE_CONSISTENT_HASHING;
    struct outbound *g = make(GROUP_LOAD_BALANCE);
    check_text(carry(g, "www.site.co.uk", 1), carry(g, "cdn.SITE.co.uk", 9));
    for (int i = 0; i < 200; i++) {
        (void)snprintf(host, sizeof host, "www.site%d.org", i);
        before[i] = carry(g, host, 1);
    }
    check(fakes[0].opened > 20 && fakes[1].opened > 20 && fakes[2].opened > 20 && fakes[3].opened > 20);
    fakes[1].result = -ECONNREFUSED;
    for (int i = 0; i < 200; i++) {
        (void)snprintf(host, sizeof host, "www.site%d.org", i);
        const char *now = carry(g, host, 1);
        if (strcmp(before[i], "b") != 0 && strcmp(before[i], now) != 0)
            moved++;
    }
    check_int(moved, 0);
    g->ops->free(g);
}

static void hashing_moves_only_the_sites_of_a_dead_member(void **state)
{
    (void)state;
    on_worker(hashing_body);
}

static void turn_body(void)
{
    reset();
    spec.strategy = BALANCE_ROUND_ROBIN;
    struct outbound *g = make(GROUP_LOAD_BALANCE);
    for (int i = 0; i < 40; i++)
        (void)carry(g, "a.org", 1);
    for (int i = 0; i < FAKES; i++)
        check_int(fakes[i].opened, 10);
    check(group_now(g) == NULL);
    check_int(group_select(g, TEXT("a")), -EINVAL);
    g->ops->free(g);
}

static void round_robin_gives_each_the_same(void **state)
{
    (void)state;
    on_worker(turn_body);
}

static void sticky_body(void)
{
    reset();
    spec.strategy = BALANCE_STICKY_SESSIONS;
    struct outbound *g = make(GROUP_LOAD_BALANCE);
    const char *first = carry(g, "a.org", 1), *other = carry(g, "a.org", 2);
    for (int i = 0; i < 10; i++) {
        check_text(carry(g, "a.org", 1), first);
        check_text(carry(g, "a.org", 2), other);
    }
    check(strcmp(first, other) != 0);
    /* More pairs than it remembers. */
    for (int i = 0; i < 3000; i++) {
        char host[16];
        (void)snprintf(host, sizeof host, "h%d.org", i);
        check(*carry(g, host, 1));
    }
    g->ops->free(g);
}

static void sticky_sessions_stay_with_their_member(void **state)
{
    (void)state;
    on_worker(sticky_body);
}

/* ---- UDP, nesting, explain --------------------------------------------------------------------- */

static void udp_body(void)
{
    reset();
    fakes[0].outbound.ops = &without_udp;
    struct outbound *g = make(GROUP_FALLBACK);
    check_text(carry(g, "a.org", 1), "a");
    check_text(carry_packets(g), "b");
    fakes[1].result = -ENETUNREACH;
    check_text(carry_packets(g), "c");
    g->ops->free(g);

    reset();
    fakes[0].outbound.ops = &without_udp;
    g = make(GROUP_SELECTOR);
    check_text(carry_packets(g), "");
    g->ops->free(g);

    reset();
    spec.disable_udp = true;
    g = make(GROUP_FALLBACK);
    check(!outbound_has_packet(g));
    check_text(carry_packets(g), "");
    g->ops->free(g);
}

static void udp_goes_to_members_that_carry_it(void **state)
{
    (void)state;
    on_worker(udp_body);
}

static void nesting_body(void)
{
    struct group_spec outer_spec = {.kind = GROUP_SELECTOR};
    struct group_setup setup = {.tag = "outer", .spec = &outer_spec, .health = health};
    struct outbound *outer, *inner;
    struct stream *st;

    reset();
    inner = make(GROUP_FALLBACK);
    check_int(group_new(&setup, &outer, NULL), 0);
    check(group_pick(outer, NULL) == NULL);
    check_text(carry(outer, "a.org", 1), "");
    check_int(group_set_members(outer, &inner, 1, NULL), 0);
    fakes[0].result = -ECONNREFUSED;
    struct session *s = flow("a.org", 1);
    check(group_pick(group_pick(outer, s), s) == &fakes[0].outbound);
    check_int(fakes[0].opened, 0);
    check_int(outbound_open(outer, s, &st, NULL), 0);
    check_int(s->chain_len, 3);
    check_text(s->chain[0], "outer");
    check_text(s->chain[1], "group");
    check_text(s->chain[2], "b");
    check(group_pick(&fakes[0].outbound, s) == NULL);
    stream_close(st);
    session_free(s);
    check_int(group_set_members(inner, &outer, 1, NULL), -ELOOP);
    outer->ops->free(outer);
    inner->ops->free(inner);
}

static void groups_nest_and_the_chain_tells_who_carried(void **state)
{
    (void)state;
    on_worker(nesting_body);
}

static void wrong_setups_are_refused(void **state)
{
    struct outbound *member = &fakes[0].outbound, *g;
    struct group_setup setup = {.tag = "group", .spec = &spec};
    struct error err;

    (void)state;
    reset();
    setup.health = health;
    spec.kind = GROUP_SELECTOR;
    spec.chosen = TEXT("nobody");
    assert_int_equal(group_new(&setup, &g, &err), 0);
    assert_int_equal(group_set_members(g, NULL, 0, &err), -EINVAL);
    assert_int_equal(group_set_members(g, &member, 1, &err), -EINVAL);
    g->ops->free(g);
    spec = (struct group_spec){.kind = GROUP_URLTEST, .expected_status = TEXT("20x")};
    assert_int_equal(group_new(&setup, &g, &err), 0);
    assert_int_equal(group_set_members(g, &member, 1, &err), -EINVAL);
    spec.expected_status = TEXT("");
    spec.url = TEXT("ftp://x/");
    assert_int_equal(group_set_members(g, &member, 1, &err), -EINVAL);
    g->ops->free(g);
}

/* ---- many workers ------------------------------------------------------------------------------ */

struct crowd {
    struct outbound *groups[4];
    struct workers *workers;
};

static int use_groups(void *arg)
{
    struct crowd *c = arg;
    char host[16];

    for (int i = 0; i < 500; i++) {
        (void)snprintf(host, sizeof host, "h%d.org", i % 50);
        for (int k = 0; k < 4; k++)
            (void)carry(c->groups[k], host, (uint8_t)i);
        if (i % 50 == 0) {
            fakes[(i / 50) % FAKES].result = i % 100 ? 0 : -ECONNREFUSED;
            (void)group_select(c->groups[0], i % 100 ? TEXT("a") : TEXT("b"));
            (void)group_select(c->groups[1], i % 100 ? TEXT("c") : TEXT(""));
            check_int(co_yield(), 0);
        }
        (void)group_now(c->groups[1]);
    }
    return 0;
}

struct thread_arg {
    struct crowd *crowd;
    unsigned index;
};

static void *one_thread(void *arg)
{
    struct thread_arg *t = arg;

    check_int(workers_call(t->crowd->workers, t->index, use_groups, t->crowd), 0);
    return NULL;
}

static void groups_are_shared_by_workers(void **state)
{
    struct group_spec specs[4] = {
        {.kind = GROUP_SELECTOR},
        {.kind = GROUP_URLTEST},
        {.kind = GROUP_LOAD_BALANCE, .strategy = BALANCE_STICKY_SESSIONS},
        {.kind = GROUP_LOAD_BALANCE, .strategy = BALANCE_ROUND_ROBIN},
    };
    struct crowd c = {.workers = workers_new(3, NULL, NULL)};
    struct outbound *members[FAKES];
    struct thread_arg args[3];
    pthread_t threads[3];

    (void)state;
    reset();
    for (int i = 0; i < FAKES; i++)
        members[i] = &fakes[i].outbound;
    for (int i = 0; i < 4; i++) {
        struct group_setup setup = {.tag = "g", .spec = &specs[i], .health = health};
        assert_int_equal(group_new(&setup, &c.groups[i], NULL), 0);
        assert_int_equal(group_set_members(c.groups[i], members, FAKES, NULL), 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        args[i] = (struct thread_arg){.crowd = &c, .index = i};
        assert_int_equal(pthread_create(&threads[i], NULL, one_thread, &args[i]), 0);
    }
    for (unsigned i = 0; i < 3; i++)
        (void)pthread_join(threads[i], NULL);
    workers_free(c.workers);
    for (int i = 0; i < 4; i++)
        c.groups[i]->ops->free(c.groups[i]);
}

static int last(void **state)
{
    (void)state;
    health_free(health);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_selector_uses_what_was_chosen),
        cmocka_unit_test(a_selection_is_saved_and_found_again),
        cmocka_unit_test(a_failed_dial_puts_aside_and_the_flow_goes_on),
        cmocka_unit_test(a_flow_is_tried_twice_at_most),
        cmocka_unit_test(this_machines_shortage_is_no_members_fault),
        cmocka_unit_test(a_pin_holds_while_its_member_is_alive),
        cmocka_unit_test(hashing_moves_only_the_sites_of_a_dead_member),
        cmocka_unit_test(round_robin_gives_each_the_same),
        cmocka_unit_test(sticky_sessions_stay_with_their_member),
        cmocka_unit_test(udp_goes_to_members_that_carry_it),
        cmocka_unit_test(groups_nest_and_the_chain_tells_who_carried),
        cmocka_unit_test(wrong_setups_are_refused),
        cmocka_unit_test(groups_are_shared_by_workers),
    };

    return cmocka_run_group_tests(tests, NULL, last);
}
