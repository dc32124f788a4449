#include "test.h"

#include "format/hosts_file.h"

static void each_name_of_a_line_has_its_address(void **state)
{
    struct hosts_walk w = {.rest = TEXT("# comment\n127.0.0.1\tlocalhost  host # x\r\n\n::1 ip6\nbroken line\n10.0.0.1\n10.0.0.2 last")};
    static const char *const names[] = {"localhost", "host", "ip6", "last"};
    static const char *const ips[] = {"127.0.0.1", "127.0.0.1", "::1", "10.0.0.2"};
    char out[ADDR_TEXT];
    struct text name;
    struct addr ip;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(hosts_next(&w, &ip, &name));
        assert_true(text_is(name, names[i]));
        assert_string_equal(addr_print_ip(&ip, out), ips[i]);
    }
    assert_false(hosts_next(&w, &ip, &name));
    assert_false(hosts_next(&w, &ip, &name));
}

static void servers_search_and_options_are_read(void **state)
{
    struct resolv_conf c;
    char out[ADDR_TEXT];

    (void)state;
    resolv_conf_read(TEXT("; old\n# new\ndomain first.test\nnameserver 192.0.2.53\nnameserver nonsense\n"
                          "nameserver fe80::1%lo\r\nsearch a.test b.test\noptions ndots:2 timeout:3 attempts:99 rotate\n"
                          "options use-vc single-request\n"), &c);
    assert_int_equal(c.server_count, 2);
    assert_string_equal(addr_print(&c.servers[0], out), "192.0.2.53:53");
    assert_int_equal(c.search_count, 2);
    assert_true(text_is(c.search[1], "b.test"));
    assert_int_equal(c.ndots, 2);
    assert_int_equal(c.timeout, 3);
    assert_int_equal(c.attempts, RESOLV_ATTEMPTS_MAX);
    assert_true(c.rotates && c.uses_tcp && c.single_request);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    struct resolv_conf c;

    (void)state;
    resolv_conf_read(TEXT(""), &c);
    assert_int_equal(c.server_count, 0);
    assert_int_equal(c.ndots, 1);
    assert_int_equal(c.timeout, 5);
    assert_int_equal(c.attempts, 2);
    resolv_conf_read(TEXT("options timeout:0 attempts:0 ndots: ndots:x"), &c);
    assert_int_equal(c.ndots, 1);
    assert_int_equal(c.timeout, 1);
    assert_int_equal(c.attempts, 1);
}

static void more_than_fits_is_left_out(void **state)
{
    struct resolv_conf c;

    (void)state;
    resolv_conf_read(TEXT("nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\nsearch a b c d e f g h"), &c);
    assert_int_equal(c.server_count, RESOLV_SERVERS_MAX);
    assert_int_equal(c.search_count, RESOLV_SEARCH_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_of_a_line_has_its_address),
        cmocka_unit_test(servers_search_and_options_are_read),
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(more_than_fits_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
