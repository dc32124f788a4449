#include "test.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/listeners.h"
#include "net/port_owner.h"

static struct addr local_of(int fd)
{
    struct addr a = {0};
    socklen_t len = sizeof a;

    assert_int_equal(getsockname(fd, &a.sa, &len), 0);
    return a;
}

static bool is_open(int fd)
{
    int v;
    socklen_t len = sizeof v;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len) == 0;
}

static struct listen_options at(uint32_t ip, uint16_t port)
{
    return (struct listen_options){.addr = addr_v4(ip, port)};
}

enum { HERE = 0x7f000001 };

static int get(struct listeners *l, bool is_udp, struct listen_options o, const char *tag, unsigned worker)
{
    struct error err = {0};

    return listeners_get(l, is_udp, &o, tag, worker, &err);
}

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct listeners l;

    listeners_init(&l);
    struct addr a = local_of(get(&l, false, at(HERE, 0), "a", 0));
    listeners_done(&l);
    return addr_port(&a);
}

static void workers_and_networks_of_one_tag_share_the_port_that_was_chosen(void **state)
{
    struct listeners l;
    uint16_t port = 0;

    (void)state;
    listeners_init(&l);
    listeners_begin(&l);
    for (unsigned worker = 0; worker < 3; worker++) {
        for (int is_udp = 0; is_udp < 2; is_udp++) {
            int fd = get(&l, is_udp, at(HERE, 0), "in", worker);
            assert_true(fd >= 0);
            struct addr a = local_of(fd);
            assert_true(port == 0 || port == addr_port(&a));
            port = addr_port(&a);
        }
    }
    /* Also where one tag is the end, or the beginning, of the other. */
    static const char *const others[] = {"x in", "n", "", "in2"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct addr a = local_of(get(&l, false, at(HERE, 0), others[i], 0));
        assert_true(addr_port(&a) != port);
    }
    listeners_done(&l);
}

static void long_tags_and_paths_are_told_apart(void **state)
{
    char one[200], two[200], path[2][108];
    struct listeners l;

    (void)state;
    listeners_init(&l);
    memset(one, 'a', sizeof one);
    memset(two, 'a', sizeof two);
    one[198] = 'b';
    one[199] = two[199] = 0;
    assert_true(get(&l, false, at(HERE, 0), one, 0) != get(&l, false, at(HERE, 0), two, 0));
    for (int i = 0; i < 2; i++) {
        int n = snprintf(path[i], sizeof path[i], "/tmp/weir-listeners-%d-", (int)getpid());
        assert_true(n > 0 && n < 60);
        memset(path[i] + n, 'p', sizeof path[i] - (size_t)n);
        path[i][106] = (char)('0' + i);
        path[i][107] = 0;
    }
    int a = get(&l, false, (struct listen_options){.unix_path = path[0]}, "u", 0);
    int b = get(&l, false, (struct listen_options){.unix_path = path[1]}, "u", 0);
    assert_true(a >= 0 && b >= 0 && a != b);
    /* The workers share one. */
    assert_int_equal(get(&l, false, (struct listen_options){.unix_path = path[0]}, "u", 1), a);
    listeners_done(&l);
    assert_int_equal(unlink(path[0]), 0);
    assert_int_equal(unlink(path[1]), 0);
}

static void a_reload_hands_over_what_is_wanted_and_closes_the_rest(void **state)
{
    struct listeners l;

    (void)state;
    listeners_init(&l);
    listeners_begin(&l);
    int kept = get(&l, false, at(HERE, 0), "kept", 0), gone = get(&l, true, at(HERE, 0), "gone", 0);
    listeners_commit(&l);
    assert_true(is_open(kept) && is_open(gone));
    listeners_begin(&l);
    assert_int_equal(get(&l, false, at(HERE, 0), "kept", 0), kept);
    int added = get(&l, false, at(HERE, 0), "added", 0);
    listeners_commit(&l);
    assert_true(is_open(kept) && is_open(added));
    assert_false(is_open(gone));
    listeners_done(&l);
    assert_false(is_open(kept) || is_open(added));
}

static void a_rollback_closes_what_was_bound_for_it_and_nothing_else(void **state)
{
    struct listeners l;

    (void)state;
    listeners_init(&l);
    listeners_begin(&l);
    int old = get(&l, false, at(HERE, 0), "old", 0), unwanted = get(&l, false, at(HERE, 0), "unwanted", 0);
    listeners_commit(&l);
    listeners_begin(&l);
    assert_int_equal(get(&l, false, at(HERE, 0), "old", 0), old);
    int added = get(&l, false, at(HERE, 0), "new", 0);
    listeners_rollback(&l);
    assert_true(is_open(old) && is_open(unwanted));
    assert_false(is_open(added));
    /* The next try starts from what was there. */
    listeners_begin(&l);
    assert_int_equal(get(&l, false, at(HERE, 0), "unwanted", 0), unwanted);
    listeners_commit(&l);
    assert_false(is_open(old));
    listeners_done(&l);
}

static void a_port_that_is_taken_is_refused_and_its_owner_named(void **state)
{
    struct listeners first, second;
    struct error err;
    char want[64];

    (void)state;
    (void)snprintf(want, sizeof want, "(pid %d)", (int)getpid());
    for (int is_udp = 0; is_udp < 2; is_udp++) {
        listeners_init(&first);
        listeners_init(&second);
        int fd = get(&first, is_udp, at(HERE, 0), "a", 0);
        struct addr a = local_of(fd);
        struct listen_options o = at(HERE, addr_port(&a));
        assert_int_equal(listeners_get(&second, is_udp, &o, "b", 0, &err), -EADDRINUSE);
        assert_non_null(strstr(err.text, "listen on 127.0.0.1:"));
        assert_non_null(strstr(err.text, "already in use: held by "));
        assert_non_null(strstr(err.text, want));
        assert_int_equal(listeners_get(&second, is_udp, &o, "b", 0, NULL), -EADDRINUSE);
        listeners_done(&first);
        /* Free again. */
        assert_true(listeners_get(&second, is_udp, &o, "b", 0, &err) >= 0);
        listeners_done(&second);
    }
}

static void a_reload_may_widen_or_narrow_an_address(void **state)
{
    struct listeners l;
    uint16_t port = free_port();

    (void)state;
    listeners_init(&l);
    listeners_begin(&l);
    int narrow = get(&l, false, at(HERE, port), "a", 0);
    assert_true(narrow >= 0);
    listeners_commit(&l);
    listeners_begin(&l);
    int wide = get(&l, false, at(0, port), "a", 0);
    assert_true(wide >= 0);
    listeners_commit(&l);
    assert_false(is_open(narrow));
    listeners_begin(&l);
    narrow = get(&l, false, at(HERE, port), "a", 0);
    assert_true(narrow >= 0);
    listeners_commit(&l);
    assert_false(is_open(wide));
    listeners_done(&l);
}

static void an_address_of_another_machine_is_refused_with_the_reason(void **state)
{
    struct listeners l;
    struct error err;
    struct listen_options o = at(0x08080808, 0);

    (void)state;
    listeners_init(&l);
    assert_int_equal(listeners_get(&l, false, &o, "a", 0, &err), -EADDRNOTAVAIL);
    assert_non_null(strstr(err.text, "8.8.8.8"));
    assert_int_equal(l.by_name.len, 0);
    listeners_done(&l);
}

#ifdef WEIR_FAILING_ALLOC
static void without_memory_nothing_is_bound(void **state)
{
    struct listeners l;
    struct error err;
    struct listen_options o = at(HERE, 0);
    int r = -ENOMEM;

    (void)state;
    listeners_init(&l);
    for (long n = 1; r < 0; n++) {
        mem_fail_at(n);
        r = listeners_get(&l, false, &o, "a", 0, &err);
        assert_true(r >= 0 || r == -ENOMEM);
        assert_int_equal(l.by_name.len, r >= 0);
        assert_true(n < 20);
    }
    mem_fail_at(0);
    listeners_done(&l);
}
#endif

static void nobody_owns_a_free_port(void **state)
{
    struct addr a = addr_v4(HERE, free_port());
    char out[64];

    (void)state;
    assert_false(port_owner(&a, false, out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_and_networks_of_one_tag_share_the_port_that_was_chosen),
        cmocka_unit_test(long_tags_and_paths_are_told_apart),
        cmocka_unit_test(a_reload_hands_over_what_is_wanted_and_closes_the_rest),
        cmocka_unit_test(a_rollback_closes_what_was_bound_for_it_and_nothing_else),
        cmocka_unit_test(a_port_that_is_taken_is_refused_and_its_owner_named),
        cmocka_unit_test(a_reload_may_widen_or_narrow_an_address),
        cmocka_unit_test(an_address_of_another_machine_is_refused_with_the_reason),
#ifdef WEIR_FAILING_ALLOC
        cmocka_unit_test(without_memory_nothing_is_bound),
#endif
        cmocka_unit_test(nobody_owns_a_free_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
