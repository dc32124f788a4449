#include "test.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "policy/resolver.h"

#include "dns_server.h"

static struct dns_server server;
static struct resolver *resolver;
static struct addr_list found;
static struct error err;
static struct addr servers[3];

/* Without the system's files, asking the test's server. */
static struct resolver_setup plain_setup(void)
{
    servers[0] = server.addr;
    return (struct resolver_setup){.resolv_conf = "", .hosts_file = "", .servers = servers, .server_count = 1,
                                   .timeout_ms = 200, .attempts = 2};
}

static void start_with(const struct resolver_setup *setup)
{
    check_int(resolver_new(setup, &resolver, &err), 0);
}

static void start(void)
{
    dns_server_start(&server);
    struct resolver_setup setup = plain_setup();
    start_with(&setup);
}

static void stop(void)
{
    resolver_free(resolver);
    dns_server_stop(&server);
}

static int find(const char *name, enum ip_strategy strategy)
{
    err.text[0] = 0;
    return resolver_lookup(resolver, text_of(name), strategy, &found, &err);
}

static bool is_v4(unsigned i)
{
    return addr_family(&found.at[i]) == AF_INET;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void both_kinds_body(void)
{
    start();
    check_int(find("www.test", IP_PREFER_V6), 0);
    check_int(found.count, 2);
    check(!is_v4(0) && is_v4(1));
    check_int(addr_port(&found.at[0]), 0);
    check_int(find("WWW.test.", IP_PREFER_V4), 0);
    check(is_v4(0) && !is_v4(1));
    check_int(server.asked[0], 1);
    check_int(server.asked[1], 1);
    check_int(server.with_edns, 2);
    stop();
}

static void only_one_kind_body(void)
{
    start();
    check_int(find("www.test", IP_V4_ONLY), 0);
    check_int(found.count, 1);
    check_int(server.asked[1], 0);
    /* What is known is not asked again. */
    check_int(find("www.test", IP_AS_IS), 0);
    check_int(found.count, 2);
    check_int(server.asked[0], 1);
    check_int(find("v4.test", IP_V6_ONLY), -ENOENT);
    stop();
}

static void no_ipv6_body(void)
{
    dns_server_start(&server);
    struct resolver_setup setup = plain_setup();
    setup.no_ipv6 = true;
    start_with(&setup);
    check_int(find("www.test", IP_PREFER_V6), 0);
    check(found.count == 1 && is_v4(0));
    check_int(find("www.test", IP_V6_ONLY), -ENOENT);
    check_int(server.asked[1], 0);
    stop();
}

static void negative_body(void)
{
    start();
    check_int(find("nx.test", IP_AS_IS), -ENOENT);
    check(strstr(err.text, "nx.test"));
    stop();
}

static void cname_body(void)
{
    start();
    check_int(find("alias.test", IP_AS_IS), 0);
    check_int(found.count, 1);
    check_int(addr_ip(&found.at[0]).ptr[3], 0x63);
    check_int(find("loop.test", IP_AS_IS), -ELOOP);
    stop();
}

static void literals_body(void)
{
    start();
    check_int(find("192.0.2.7", IP_AS_IS), 0);
    check_int(find("2001:db8::7", IP_AS_IS), 0);
    check_int(find("localhost", IP_V4_ONLY), 0);
    check(found.count == 1 && addr_is_loopback(&found.at[0]));
    check_int(find("", IP_AS_IS), -ENOENT);
    check_int(find(".", IP_AS_IS), -ENOENT);
    check_int(find("a..b", IP_AS_IS), -ENOENT);
    check_int(server.asked[0], 0);
    stop();
}

/* ---- servers that fail ------------------------------------------------------------------------- */

static void silent_body(void)
{
    start();
    int64_t before = clock_ms();
    check_int(find("silent.test", IP_AS_IS), -ETIMEDOUT);
    check(clock_ms() - before < 10000);
    check_int(server.asked[0], 2);
    stop();
}

static void lies_body(void)
{
    start();
    check_int(find("lies.test", IP_V4_ONLY), -ETIMEDOUT);
    check(resolver_stats(resolver).refused >= 6);
    check_int(find("spoof.test", IP_V4_ONLY), 0);
    check_int(found.count, 1);
    check_int(server.asked[0], 3);
    stop();
}

static void cut_body(void)
{
    start();
    check_int(find("big.test", IP_AS_IS), 0);
    check_int(found.count, RESOLVED_MAX);
    check(server.asked_tcp == 2);
    stop();
}

static void slow_kind_body(void)
{
    dns_server_start(&server);
    struct resolver_setup setup = plain_setup();
    setup.timeout_ms = 20000;
    start_with(&setup);
    int64_t before = clock_ms();
    check_int(find("onlya.test", IP_AS_IS), 0);
    check(found.count == 1 && is_v4(0));
    check(clock_ms() - before < 10000);
    /* Nor does the next look-up wait. */
    check_int(find("onlya.test", IP_AS_IS), 0);
    check_int(server.asked[1], 1);
    stop();
}

static void refusal_body(void)
{
    start();
    check_int(find("servfail.test", IP_AS_IS), -EREMOTEIO);
    check_int(find("badv6.test", IP_AS_IS), 0);
    check(found.count == 1 && is_v4(0));
    check_int(find("old.test", IP_AS_IS), 0);
    check_int(found.count, 2);
    stop();
}

static void next_server_body(void)
{
    /* A socket that never answers, a port where nobody is, then the real one. */
    struct listen_options o = {.addr = addr_v4(INADDR_LOOPBACK, 0)};
    socklen_t len = sizeof servers[0];

    dns_server_start(&server);
    int deaf = socket_bind_udp(&o, &err), closed = socket_bind_udp(&o, &err);
    struct resolver_setup setup = plain_setup();
    check_int(getsockname(deaf, &servers[0].sa, &len), 0);
    check_int(getsockname(closed, &servers[1].sa, &len), 0);
    (void)close(closed);
    servers[2] = server.addr;
    setup.server_count = 3;
    start_with(&setup);
    int64_t before = clock_ms();
    check_int(find("www.test", IP_AS_IS), 0);
    check(clock_ms() - before < 10000);
    (void)close(deaf);
    stop();
}

/* ---- sharing and keeping ----------------------------------------------------------------------- */

struct seeker {
    const char *name;
    int result;
    unsigned count;
};

static void seek(void *arg)
{
    struct seeker *s = arg;
    struct addr_list list;

    s->result = resolver_lookup(resolver, text_of(s->name), IP_AS_IS, &list, NULL);
    s->count = s->result == 0 ? list.count : 0;
}

static void shared_body(void)
{
    struct seeker seekers[20];
    struct group g;

    start();
    server.ttl = 0; /* not even kept */
    group_init(&g, co_group());
    for (int i = 0; i < 20; i++) {
        seekers[i] = (struct seeker){.name = "www.test", .result = 1};
        check_int(co_spawn(&g, "seeker", seek, &seekers[i]), 0);
    }
    group_wait(&g);
    for (int i = 0; i < 20; i++) {
        check_int(seekers[i].result, 0);
        check_int(seekers[i].count, 2);
    }
    check_int(server.asked[0], 1);
    check_int(resolver_stats(resolver).shared, 19);
    check_int(find("www.test", IP_AS_IS), 0);
    check_int(server.asked[0], 2);
    group_done(&g);
    stop();
}

static void cancelled_leader_body(void)
{
    struct seeker first = {.name = "silent.test", .result = 1}, second = first;
    struct group a, b;

    start();
    group_init(&a, co_group());
    group_init(&b, co_group());
    check_int(co_spawn(&a, "leader", seek, &first), 0);
    check_int(co_yield(), 0);
    check_int(co_spawn(&b, "follower", seek, &second), 0);
    check_int(co_sleep(20), 0);
    group_done(&a);
    check_int(first.result, -ECANCELED);
    group_wait(&b);
    check_int(second.result, -ETIMEDOUT);
    check(server.asked[0] >= 3);
    group_done(&b);
    stop();
}

static void bounded_body(void)
{
    char name[32];

    start();
    for (int i = 0; i < RESOLVER_CACHE + 100; i++) {
        (void)snprintf(name, sizeof name, "n%d.test", i);
        check_int(find(name, IP_V4_ONLY), 0);
    }
    unsigned asked = server.asked[0];
    check_int(find("n0.test", IP_V4_ONLY), 0);
    check_int(server.asked[0], asked + 1);
    (void)snprintf(name, sizeof name, "n%d.test", RESOLVER_CACHE + 50);
    check_int(find(name, IP_V4_ONLY), 0);
    check_int(server.asked[0], asked + 1);
    resolver_flush(resolver);
    check_int(find(name, IP_V4_ONLY), 0);
    check_int(server.asked[0], asked + 2);
    stop();
}

/* ---- files ----------------------------------------------------------------------------------- */

static char folder[] = "/tmp/weir-names-XXXXXX";
static char conf_path[64], hosts_path[64];

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
}

static void files_body(void)
{
    struct hosts *fixed = hosts_new();
    struct addr a = addr_v4(0x0a000001, 0);

    dns_server_start(&server);
    write_file(conf_path, "search nx.invalid corp.test\noptions ndots:1 timeout:1\n");
    write_file(hosts_path, "10.0.0.2 file.test www.test\nfd00::2 file.test\n");
    check_int(hosts_add(fixed, TEXT("+.fixed.test"), &a, 1), 0);
    check_int(hosts_add_alias(fixed, TEXT("again.test"), TEXT("file.test")), 0);
    struct resolver_setup setup = plain_setup();
    setup.resolv_conf = conf_path;
    setup.hosts_file = hosts_path;
    setup.hosts = fixed;
    start_with(&setup);
    check_int(find("a.fixed.test", IP_AS_IS), 0);
    check_int(addr_ip(&found.at[0]).ptr[3], 1);
    check_int(find("file.test", IP_PREFER_V6), 0);
    check(found.count == 2 && !is_v4(0));
    check_int(find("again.test", IP_V4_ONLY), 0);
    check_int(addr_ip(&found.at[0]).ptr[3], 2);
    check_int(find("www.test", IP_V6_ONLY), -ENOENT);
    check_int(server.asked[0] + server.asked[1], 0);
    /* "nx" exists nowhere: all suffixes and the name itself are asked; one with dots only as it is. */
    check_int(find("nx", IP_V4_ONLY), -ENOENT);
    check_int(server.asked[0], 3);
    check_int(find("nx.a", IP_V4_ONLY), -ENOENT);
    check_int(server.asked[0], 4);
    check_int(find("nx.", IP_V4_ONLY), -ENOENT);
    check_int(server.asked[0], 5);
    stop();
    hosts_free(fixed);
}

static void changed_files_body(void)
{
    dns_server_start(&server);
    write_file(hosts_path, "10.0.0.2 file.test\n");
    struct resolver_setup setup = plain_setup();
    setup.hosts_file = hosts_path;
    setup.check_ms = 1;
    start_with(&setup);
    check_int(find("file.test", IP_V4_ONLY), 0);
    check_int(addr_ip(&found.at[0]).ptr[3], 2);
    write_file(hosts_path, "10.0.0.33 file.test other.test\n");
    for (int i = 0; i < 500 && addr_ip(&found.at[0]).ptr[3] != 33; i++) {
        check_int(find("file.test", IP_V4_ONLY), 0);
        check_int(co_sleep(2), 0);
    }
    check_int(addr_ip(&found.at[0]).ptr[3], 33);
    stop();
}

/* ---- many workers ------------------------------------------------------------------------------ */

static struct workers *crowd;
static _Atomic bool is_ready, is_over;

static int serve_until_over(void *arg)
{
    (void)arg;
    start();
    is_ready = true;
    while (!is_over)
        check_int(co_sleep(2), 0);
    stop();
    return 0;
}

static int look_up_much(void *arg)
{
    const unsigned *index = arg;
    struct addr_list list;
    char name[32];

    while (!is_ready)
        check_int(co_sleep(2), 0);
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "n%u.test", (i + *index * 17) % 60);
        check_int(resolver_lookup(resolver, text_of(name), IP_AS_IS, &list, NULL), 0);
        check_int(list.count, 2);
        if (i % 50 == 0)
            resolver_flush(resolver);
    }
    return 0;
}

static void *call_from_thread(void *arg)
{
    const unsigned *index = arg;

    check_int(workers_call(crowd, *index, *index == 0 ? serve_until_over : look_up_much, arg), 0);
    return NULL;
}

static void a_resolver_is_shared_by_workers(void **state)
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

#define RUN(name, body)                                                                            \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }
RUN(both_kinds_are_asked_once_and_kept, both_kinds_body)
RUN(a_strategy_asks_only_for_its_kind, only_one_kind_body)
RUN(without_ipv6_nothing_asks_for_it, no_ipv6_body)
RUN(a_name_that_does_not_exist_is_named, negative_body)
RUN(cnames_are_followed_but_not_in_circles, cname_body)
RUN(literals_and_localhost_are_not_asked, literals_body)
RUN(a_silent_server_ends_in_a_timeout, silent_body)
RUN(answers_to_other_questions_are_refused, lies_body)
RUN(a_cut_answer_is_asked_again_over_tcp, cut_body)
RUN(a_missing_aaaa_is_waited_for_only_briefly, slow_kind_body)
RUN(a_refusal_of_one_kind_does_not_lose_the_other, refusal_body)
RUN(the_next_server_is_asked, next_server_body)
RUN(equal_lookups_share_a_query, shared_body)
RUN(a_cancelled_lookup_does_not_fail_the_others, cancelled_leader_body)
RUN(the_cache_is_bounded, bounded_body)
RUN(files_and_static_hosts_come_first, files_body)
RUN(files_are_read_again_when_they_change, changed_files_body)

static int make_folder(void **state)
{
    (void)state;
    check(mkdtemp(folder) != NULL);
    (void)snprintf(conf_path, sizeof conf_path, "%s/resolv.conf", folder);
    (void)snprintf(hosts_path, sizeof hosts_path, "%s/hosts", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(conf_path);
    (void)unlink(hosts_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_kinds_are_asked_once_and_kept),
        cmocka_unit_test(a_strategy_asks_only_for_its_kind),
        cmocka_unit_test(without_ipv6_nothing_asks_for_it),
        cmocka_unit_test(a_name_that_does_not_exist_is_named),
        cmocka_unit_test(cnames_are_followed_but_not_in_circles),
        cmocka_unit_test(literals_and_localhost_are_not_asked),
        cmocka_unit_test(a_silent_server_ends_in_a_timeout),
        cmocka_unit_test(answers_to_other_questions_are_refused),
        cmocka_unit_test(a_cut_answer_is_asked_again_over_tcp),
        cmocka_unit_test(a_missing_aaaa_is_waited_for_only_briefly),
        cmocka_unit_test(a_refusal_of_one_kind_does_not_lose_the_other),
        cmocka_unit_test(the_next_server_is_asked),
        cmocka_unit_test(equal_lookups_share_a_query),
        cmocka_unit_test(a_cancelled_lookup_does_not_fail_the_others),
        cmocka_unit_test(the_cache_is_bounded),
        cmocka_unit_test(files_and_static_hosts_come_first),
        cmocka_unit_test(files_are_read_again_when_they_change),
        cmocka_unit_test(a_resolver_is_shared_by_workers),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
