#include "test.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "format/tls_hello.h"
#include "policy/group.h"
#include "policy/health.h"
#include "policy/health_probe.h"
#include "worker.h"

/* An outbound to a server in memory, which answers as told. */
enum manner { ANSWERS_HTTP, ANSWERS_TLS, ANSWERS_GARBAGE, ANSWERS_NOTHING, HANGS, REFUSES };

struct fake {
    struct outbound outbound;
    struct group *group; /* of its servers */
    _Atomic enum manner manner;
    _Atomic int status;
    _Atomic int delay_ms;
    _Atomic unsigned opened;
    char request[512];
};

struct visit {
    struct fake *fake;
    struct stream *stream;
};

static struct fake fakes[2];
static struct health *health;
static struct group group;
static struct error err;

static void answer(struct fake *f, struct stream *st)
{
    char text[128];
    const uint8_t server_hello[] = {22, 3, 3, 0, 40, 2, 0, 0, 36};
    enum manner manner = f->manner;

    switch (manner) {
    case ANSWERS_HTTP:
        (void)snprintf(text, sizeof text, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", f->status);
        (void)!stream_write(st, text, strlen(text));
        break;
    case ANSWERS_TLS:
        (void)!stream_write(st, server_hello, sizeof server_hello);
        break;
    case ANSWERS_GARBAGE:
        (void)!stream_write(st, "SSH-2.0-OpenSSH\r\n", 17);
        break;
    case HANGS:
        (void)!co_sleep(100000);
        break;
    case ANSWERS_NOTHING:
    case REFUSES:
        break;
    }
}

static void serve(void *arg)
{
    struct visit *v = arg;
    ssize_t n = stream_read(v->stream, v->fake->request, sizeof v->fake->request - 1);

    if (n > 0) {
        v->fake->request[n] = 0;
        if (v->fake->delay_ms == 0 || co_sleep(v->fake->delay_ms) == 0)
            answer(v->fake, v->stream);
    }
    stream_close(v->stream);
    mem_free(v);
}

static int fake_open(struct outbound *o, struct session *s, struct stream **out, struct error *e)
{
    struct fake *f = container_of(o, struct fake, outbound);
    struct visit *v = mem_new(struct visit);
    struct stream *pair[2];

    (void)s;
    f->opened++;
    if (f->manner == REFUSES) {
        mem_free(v);
        return error_set(e, -ECONNREFUSED, "refused");
    }
    check_int(stream_pair(2000, pair), 0);
    if (loop_index() != 0) {
        /* A flow of another worker: only that it opened counts. */
        mem_free(v);
        stream_close(pair[1]);
        *out = pair[0];
        return 0;
    }
    *v = (struct visit){.fake = f, .stream = pair[1]};
    check_int(co_spawn(f->group, "server", serve, v), 0);
    *out = pair[0];
    return 0;
}

static const struct outbound_ops ops = {.type = "fake", .open = fake_open};

static void begin(void)
{
    group_init(&group, co_group());
    for (int i = 0; i < 2; i++) {
        fakes[i].outbound = (struct outbound){.ops = &ops, .tag = i ? "b" : "a"};
        fakes[i].group = &group;
        fakes[i].manner = ANSWERS_HTTP;
        fakes[i].status = 204;
        fakes[i].delay_ms = 0;
        fakes[i].opened = 0;
    }
    health = health_new(NULL);
    check(health != NULL);
}

static void end(void)
{
    health_stop(health);
    health_free(health);
    group_done(&group);
}

static int test(const char *url, const char *expected)
{
    struct health_expect expect;

    check_int(health_expect_parse(text_of(expected), &expect), 0);
    return health_test(&fakes[0].outbound, text_of(url), &expect, loop_now() + 300, &err);
}

/* Waits until `cond` holds, at most five seconds. */
#define await(cond)                                                                                \
    do {                                                                                           \
        for (int i_ = 0; i_ < 1000 && !(cond); i_++)                                               \
            check_int(co_sleep(5), 0);                                                             \
        check(cond);                                                                               \
    } while (0)

static struct health_record *watch(int i, const struct health_settings *s)
{
    struct health_record *r = health_watch(health, &fakes[i].outbound, s, &err);

    check(r != NULL);
    return r;
}

static const struct health_settings plain = {.url = {.ptr = "http://t.test/x", .len = 15}, .interval_ms = 100000};

/* ---- one test ------------------------------------------------------------------------------ */

static void status_lists_are_read(void **state)
{
    static const char *const bad[] = {"x", "20", "200-", "300-200", "200//204", "1000", "200-204-208"};
    struct health_expect e;

    (void)state;
    assert_int_equal(health_expect_parse(TEXT("200/204/300-399"), &e), 0);
    assert_true(health_expects(&e, 204) && health_expects(&e, 350) && !health_expects(&e, 404));
    assert_int_equal(health_expect_parse(TEXT("*"), &e), 0);
    assert_true(health_expects(&e, 500));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(health_expect_parse(text_of(bad[i]), &e), -EINVAL);
}

static void targets_are_read(void **state)
{
    struct probe_target t;

    (void)state;
    assert_int_equal(probe_target_parse(TEXT("http://a.test"), &t, NULL), 0);
    assert_true(t.dest.port == 80 && text_is(t.host, "a.test") && t.path.len == 0 && !t.is_tls);
    assert_int_equal(probe_target_parse(TEXT("HTTPS://[::1]:444/a?b=c#d"), &t, NULL), 0);
    assert_true(t.dest.port == 444 && text_is(t.host, "[::1]:444") && text_is(t.path, "/a?b=c") && t.is_tls);
    assert_int_equal(probe_target_parse(TEXT("http://[::1]/"), &t, NULL), 0);
    assert_true(text_is(t.host, "[::1]"));
    assert_int_equal(probe_target_parse(TEXT("ftp://a.test/"), &t, NULL), -EINVAL);
    assert_int_equal(probe_target_parse(TEXT("a.test"), &t, NULL), -EINVAL);
}

static void the_client_hello_is_one(void **state)
{
    uint8_t hello[PROBE_HELLO_MAX], scratch[TLS_HELLO_MAX];
    size_t n = probe_client_hello(TEXT("www.example.org"), hello);
    struct tls_hello h;

    (void)state;
    assert_int_equal(tls_hello_read_records((struct bytes){.ptr = hello, .len = n}, scratch, &h), n);
    assert_true(text_is(h.sni, "www.example.org"));
    assert_int_equal(h.versions.len, 4);
    n = probe_client_hello((struct text){0}, hello);
    assert_int_equal(tls_hello_read_records((struct bytes){.ptr = hello, .len = n}, scratch, &h), n);
    assert_int_equal(h.sni.len, 0);
}

static void http_body(void)
{
    begin();
    check(test("http://t.test:81/x?y", "") > 0);
    check(strncmp(fakes[0].request, "HEAD /x?y HTTP/1.1\r\nHost: t.test:81\r\n", 36) == 0);
    check(test("http://t.test", "204") > 0);
    check(strncmp(fakes[0].request, "HEAD / HTTP/1.1\r\n", 17) == 0);
    check_int(test("http://t.test", "200"), -EBADMSG);
    fakes[0].manner = ANSWERS_GARBAGE;
    check(test("http://t.test", "") < 0);
    fakes[0].manner = ANSWERS_NOTHING;
    check_int(test("http://t.test", ""), -EPIPE);
    fakes[0].manner = HANGS;
    check_int(test("http://t.test", ""), -ETIMEDOUT);
    fakes[0].manner = REFUSES;
    check_int(test("http://t.test", ""), -ECONNREFUSED);
    end();
}

static void an_http_test_is_a_head_request(void **state)
{
    (void)state;
    on_worker(http_body);
}

static void tls_body(void)
{
    begin();
    fakes[0].manner = ANSWERS_TLS;
    check(test("https://t.test/", "") > 0);
    check(fakes[0].request[0] == 22);
    fakes[0].manner = ANSWERS_GARBAGE;
    check_int(test("https://t.test/", ""), -EBADMSG);
    end();
}

static void a_tls_test_waits_for_the_server_hello(void **state)
{
    (void)state;
    on_worker(tls_body);
}

/* ---- the schedule ------------------------------------------------------------------------------ */

static void start_body(void)
{
    struct health_sample samples[HEALTH_HISTORY];

    begin();
    struct health_record *a = watch(0, &plain), *b = watch(1, &plain);
    check(watch(0, &plain) == a);
    fakes[1].manner = REFUSES;
    check_int(health_delay(a), 0);
    check(health_is_alive(a) && health_is_alive(b));
    check_int(health_start(health, &group), 0);
    await(health_delay(a) > 0 && !health_is_alive(b));
    check_int(fakes[0].opened, 1);
    check_int(health_history(a, samples), 1);
    check(samples[0].delay > 0);
    check_int(health_history(b, samples), 1);
    check_int(samples[0].delay, 0);
    end();
}

static void every_member_is_tested_at_the_start_and_shared(void **state)
{
    (void)state;
    on_worker(start_body);
}

static void readmission_body(void)
{
    begin();
    struct health_record *a = watch(0, &plain);
    check_int(health_start(health, &group), 0);
    await(health_delay(a) > 0);
    /* The target was bad, the member is not: one probe, at once. */
    health_dial_failed(a);
    check(!health_is_alive(a));
    await(health_is_alive(a));
    check_int(fakes[0].opened, 2);
    /* Dead for a while: probes go on until they pass. */
    fakes[0].manner = REFUSES;
    health_dial_failed(a);
    await(fakes[0].opened >= 3);
    check(!health_is_alive(a));
    fakes[0].manner = ANSWERS_HTTP;
    for (int i = 0; i < 2000 && !health_is_alive(a); i++)
        check_int(co_sleep(5), 0);
    check(health_is_alive(a));
    end();
}

static void a_failed_dial_ejects_until_probes_pass(void **state)
{
    (void)state;
    on_worker(readmission_body);
}

static void hurry_body(void)
{
    struct health_settings lazy = plain;

    begin();
    lazy.lazy = true;
    struct health_record *a = watch(0, &lazy);
    check_int(health_start(health, &group), 0);
    await(health_delay(a) > 0);
    health_hurry(a);
    await(fakes[0].opened == 2);
    end();
}

static void a_test_can_be_hurried(void **state)
{
    (void)state;
    on_worker(hurry_body);
}

static void stop_body(void)
{
    begin();
    fakes[0].manner = HANGS;
    (void)watch(0, &plain);
    check_int(health_start(health, &group), 0);
    await(fakes[0].opened == 1);
    end();
}

static void stopping_ends_a_running_test(void **state)
{
    (void)state;
    on_worker(stop_body);
}

static void without_tests_body(void)
{
    begin();
    struct health_record *a = watch(0, &plain);
    health_dial_failed(a);
    check(!health_is_alive(a));
    /* Nothing probes: after a second, a flow may. */
    await(health_is_alive(a));
    health_touch(a);
    check(!health_is_alive(a));
    health_dial_worked(a);
    check(health_is_alive(a));
    end();
}

static void without_tests_a_flow_is_the_probe(void **state)
{
    (void)state;
    on_worker(without_tests_body);
}

static void direct_body(void)
{
    struct outbound_ops direct = ops;

    begin();
    direct.type = "direct";
    fakes[0].outbound.ops = &direct;
    struct health_record *a = watch(0, &plain);
    health_dial_failed(a);
    check(health_is_alive(a));
    end();
}

static void a_direct_dial_says_nothing_about_the_outbound(void **state)
{
    (void)state;
    on_worker(direct_body);
}

/* ---- urltest --------------------------------------------------------------------------------- */

static void urltest_body(void)
{
    struct group_spec spec = {.kind = GROUP_URLTEST, .url = TEXT("http://t.test/"), .interval_ms = 100000,
                              .tolerance_ms = 60};
    struct outbound *members[2] = {&fakes[0].outbound, &fakes[1].outbound}, *g;

    begin();
    struct group_setup setup = {.tag = "g", .spec = &spec, .health = health};
    check_int(group_new(&setup, &g, &err), 0);
    check_int(group_set_members(g, members, 2, &err), 0);
    fakes[0].delay_ms = 150;
    check_int(health_start(health, &group), 0);
    struct health_record *a = group_health(g, 0), *b = group_health(g, 1);
    await(health_delay(a) > 0 && health_delay(b) > 0);
    struct session *s = session_new(NULL, NETWORK_TCP, &(struct addr){0});
    struct stream *st;
    check_int(outbound_open(g, s, &st, &err), 0);
    stream_close(st);
    check(strcmp(s->chain[1], "b") == 0);
    session_free(s);
    /* a becomes the faster one, but by less than the tolerance. */
    fakes[0].delay_ms = 0;
    fakes[1].delay_ms = 30;
    unsigned before = fakes[0].opened;
    health_hurry(a);
    health_hurry(b);
    await(fakes[0].opened > before && health_delay(a) < 100 && health_delay(b) >= 15);
    check(strcmp(group_now(g), "b") == 0);
    /* A dead one is left whatever the tolerance. */
    fakes[1].manner = REFUSES;
    health_hurry(b);
    await(!health_is_alive(b));
    check(strcmp(group_now(g), "a") == 0);
    g->ops->free(g);
    end();
}

static void urltest_takes_the_fastest_and_keeps_it_within_tolerance(void **state)
{
    (void)state;
    on_worker(urltest_body);
}

/* ---- many workers ------------------------------------------------------------------------------ */

static struct workers *crowd;
static struct outbound *shared;
static _Atomic bool is_ready, is_over;

static int run_tests_until_over(void *arg)
{
    static struct group_spec spec = {.kind = GROUP_URLTEST, .url = {.ptr = "http://t.test/", .len = 14},
                                     .max_failed = 2};
    struct outbound *members[2] = {&fakes[0].outbound, &fakes[1].outbound};

    (void)arg;
    begin();
    struct group_setup setup = {.tag = "g", .spec = &spec, .health = health};
    check_int(group_new(&setup, &shared, &err), 0);
    check_int(group_set_members(shared, members, 2, &err), 0);
    check_int(health_start(health, &group), 0);
    is_ready = true;
    for (int i = 0; !is_over; i++) {
        fakes[i & 1].manner = i & 2 ? REFUSES : ANSWERS_HTTP;
        check_int(co_sleep(2), 0);
    }
    health_stop(health);
    shared->ops->free(shared);
    end();
    return 0;
}

static int carry_flows(void *arg)
{
    (void)arg;
    while (!is_ready)
        check_int(co_sleep(2), 0);
    struct session *s = session_new(NULL, NETWORK_TCP, &(struct addr){0});
    for (int i = 0; i < 2000; i++) {
        struct stream *st;
        s->chain_len = 0;
        if (outbound_open(shared, s, &st, NULL) == 0)
            stream_close(st);
        if (i % 20 == 0)
            check_int(co_sleep(1), 0);
    }
    session_free(s);
    return 0;
}

static void *call_from_thread(void *arg)
{
    const unsigned *index = arg;

    check_int(workers_call(crowd, *index, *index == 0 ? run_tests_until_over : carry_flows, NULL), 0);
    return NULL;
}

static void health_is_shared_by_workers(void **state)
{
    unsigned index[3] = {0, 1, 2};
    pthread_t threads[3];

    (void)state;
    crowd = workers_new(3, NULL, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_from_thread, &index[i]), 0);
    for (int i = 2; i >= 0; i--) {
        is_over = i == 0;
        (void)pthread_join(threads[i], NULL);
    }
    workers_free(crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_lists_are_read),
        cmocka_unit_test(targets_are_read),
        cmocka_unit_test(the_client_hello_is_one),
        cmocka_unit_test(an_http_test_is_a_head_request),
        cmocka_unit_test(a_tls_test_waits_for_the_server_hello),
        cmocka_unit_test(every_member_is_tested_at_the_start_and_shared),
        cmocka_unit_test(a_failed_dial_ejects_until_probes_pass),
        cmocka_unit_test(a_test_can_be_hurried),
        cmocka_unit_test(stopping_ends_a_running_test),
        cmocka_unit_test(without_tests_a_flow_is_the_probe),
        cmocka_unit_test(a_direct_dial_says_nothing_about_the_outbound),
        cmocka_unit_test(urltest_takes_the_fastest_and_keeps_it_within_tolerance),
        cmocka_unit_test(health_is_shared_by_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
