#include "test.h"

#include "base/mem.h"
#include "format/json.h"
#include "format/yaml.h"
#include "proto/users.h"

static const struct user_option options[] = {
    {.username = {"alice", 5}, .password = {"secret", 6}},
    {.username = {"bob", 3}, .password = {"", 0}},
    {.username = {"alice", 5}, .password = {"other", 5}},
};

static void names_and_passwords_are_checked(void **state)
{
    struct users u;

    (void)state;
    assert_int_equal(users_init(&u, options, 3), 0);
    assert_string_equal(users_check(&u, TEXT("alice"), TEXT("secret")), "alice");
    assert_string_equal(users_check(&u, TEXT("alice"), TEXT("other")), "alice");
    assert_string_equal(users_check(&u, TEXT("bob"), TEXT("")), "bob");
    assert_null(users_check(&u, TEXT("alice"), TEXT("secre")));
    assert_null(users_check(&u, TEXT("alice"), TEXT("secrets")));
    assert_null(users_check(&u, TEXT("alice"), (struct text){"secret\0", 7}));
    assert_null(users_check(&u, TEXT("alice"), TEXT("")));
    assert_null(users_check(&u, TEXT("Alice"), TEXT("secret")));
    assert_null(users_check(&u, TEXT("eve"), TEXT("")));
    assert_null(users_check(&u, TEXT(""), TEXT("")));
    users_done(&u);
}

static void no_users_let_nobody_match(void **state)
{
    struct users u;

    (void)state;
    assert_int_equal(users_init(&u, NULL, 0), 0);
    assert_null(users_check(&u, TEXT("x"), TEXT("y")));
    users_done(&u);
}

#ifdef WEIR_FAILING_ALLOC
static void without_memory_nothing_is_kept(void **state)
{
    struct users u;

    (void)state;
    for (long n = 1; n < 100; n++) {
        mem_fail_at(n);
        int r = users_init(&u, options, 3);
        bool failed = mem_has_failed();
        mem_fail_at(0);
        if (!failed) {
            users_done(&u);
            return;
        }
        assert_int_equal(r, -12);
    }
    fail();
}
#endif

/* ---- networks ---- */

struct subject {
    struct network_option network;
};

OPTION_TABLE(struct subject, table) = {
    NETWORK_OPTIONS(struct subject, network),
    OPTION_END,
};

static int read_as(enum dialect dialect, const char *text, struct subject *out)
{
    struct document doc;
    struct diag diag;
    struct arena arena;

    diag_init(&diag);
    arena_init(&arena, 1 << 20);
    struct option_reader r = {.arena = &arena, .diag = &diag, .dialect = dialect};
    int result = dialect == DIALECT_SINGBOX ? json_read(&doc, TEXT("t"), text_of(text), &diag)
                                            : yaml_read(&doc, TEXT("t"), text_of(text), &diag);
    assert_int_equal(result, 0);
    result = options_read(table, doc.root, out, &r);
    document_done(&doc);
    arena_done(&arena);
    diag_done(&diag);
    return result;
}

static void the_default_differs_by_dialect(void **state)
{
    struct subject s;

    (void)state;
    assert_int_equal(read_as(DIALECT_SINGBOX, "{}", &s), 0);
    assert_true(network_has_tcp(&s.network) && network_has_udp(&s.network));
    assert_int_equal(read_as(DIALECT_MIHOMO, "{}", &s), 0);
    assert_true(network_has_tcp(&s.network) && !network_has_udp(&s.network));
    options_default(table, &s);
    assert_true(network_has_tcp(&s.network) && network_has_udp(&s.network));
}

static void networks_are_read(void **state)
{
    struct subject s;

    (void)state;
    assert_int_equal(read_as(DIALECT_SINGBOX, "{\"network\": \"udp\"}", &s), 0);
    assert_true(!network_has_tcp(&s.network) && network_has_udp(&s.network));
    assert_int_equal(read_as(DIALECT_SINGBOX, "{\"network\": [\"tcp\", \"udp\"]}", &s), 0);
    assert_true(network_has_tcp(&s.network) && network_has_udp(&s.network));
    assert_int_equal(read_as(DIALECT_SINGBOX, "{\"network\": \"\"}", &s), 0);
    assert_true(network_has_tcp(&s.network) && network_has_udp(&s.network));
    assert_int_equal(read_as(DIALECT_SINGBOX, "{\"network\": \"icmp\"}", &s), -22);
    assert_int_equal(read_as(DIALECT_MIHOMO, "{udp: true}", &s), 0);
    assert_true(network_has_tcp(&s.network) && network_has_udp(&s.network));
    assert_int_equal(read_as(DIALECT_MIHOMO, "{udp: false}", &s), 0);
    assert_true(!network_has_udp(&s.network));
    assert_int_equal(read_as(DIALECT_MIHOMO, "{udp: [1]}", &s), -22);
}

static void networks_are_written(void **state)
{
    struct arena arena;
    struct subject s = {.network = {.tcp = true}};

    (void)state;
    arena_init(&arena, 1 << 20);
    struct node *map = node_new(&arena, NODE_MAP);
    assert_int_equal(options_write(table, DIALECT_SINGBOX, &s, &arena, map), 0);
    assert_true(text_is(node_text(node_get(map, "network")), "tcp"));
    s.network.udp = true;
    map = node_new(&arena, NODE_MAP);
    assert_int_equal(options_write(table, DIALECT_MIHOMO, &s, &arena, map), 0);
    assert_true(node_get(map, "udp")->boolean);
    map = node_new(&arena, NODE_MAP);
    assert_int_equal(options_write(table, DIALECT_SINGBOX, &s, &arena, map), 0);
    assert_null(node_get(map, "network"));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_passwords_are_checked),
        cmocka_unit_test(no_users_let_nobody_match),
#ifdef WEIR_FAILING_ALLOC
        cmocka_unit_test(without_memory_nothing_is_kept),
#endif
        cmocka_unit_test(the_default_differs_by_dialect),
        cmocka_unit_test(networks_are_read),
        cmocka_unit_test(networks_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
