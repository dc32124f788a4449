/* Addresses, prefixes, destinations. */
#include "test.h"

#include <errno.h>
#include <net/if.h>

#include "net/dest.h"

static struct addr parsed(const char *s)
{
    struct addr a;

    assert_int_equal(addr_parse(text_of(s), 80, &a), 0);
    return a;
}

static void literals_are_printed_as_they_were_read(void **state)
{
    static const char *const c[] = {"192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1",
                                    "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8", "fe80::1%77"};
    char out[ADDR_TEXT], want[ADDR_TEXT];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        struct addr a = parsed(c[i]);
        assert_string_equal(addr_print_ip(&a, out), c[i]);
        (void)snprintf(want, sizeof want, strchr(c[i], ':') ? "[%s]:80" : "%s:80", c[i]);
        assert_string_equal(addr_print(&a, out), want);
    }
    assert_string_equal(addr_print(&(struct addr){0}, out), "-:0");
}

static void what_is_no_literal_is_refused(void **state)
{
    static const struct text c[] = {
        TEXT(""), TEXT("1.2.3"), TEXT("1.2.3.256"), TEXT("1.2.3.4 "), TEXT("01.2.3.4"), TEXT("1.2.3.4.5"),
        TEXT("1.2.3.4%1"), TEXT(":"), TEXT(":::"), TEXT("1:2:3:4:5:6:7"), TEXT("fe80::1%"), TEXT("%1"),
        TEXT("fe80::1%no-such-link"), TEXT("fe80::1%4294967296"), TEXT("::1\0"), TEXT("[::1]"), TEXT("example.org"),
        TEXT("1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333:4444:5555:6666"),
    };
    struct addr a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        assert_int_equal(addr_parse(c[i], 0, &a), -EINVAL);
    assert_int_equal(addr_parse((struct text){0}, 0, &a), -EINVAL);
}

static void a_scope_is_a_link_by_name_or_number(void **state)
{
    struct addr a = parsed("fe80::1%lo");

    (void)state;
    assert_int_equal(a.in6.sin6_scope_id, if_nametoindex("lo"));
    assert_int_equal(parsed("fe80::1%4294967295").in6.sin6_scope_id, UINT32_MAX);
}

static void mapped_addresses_become_plain_ones_and_others_stay(void **state)
{
    char out[ADDR_TEXT];
    struct addr a = addr_unmap(parsed("::ffff:10.1.2.3"));

    (void)state;
    assert_string_equal(addr_print(&a, out), "10.1.2.3:80");
    a = addr_unmap(parsed("::10.1.2.3"));
    assert_int_equal(addr_family(&a), AF_INET6);
    a = addr_unmap((struct addr){0});
    assert_false(addr_is_set(&a));
}

static void comparing_looks_at_family_ip_and_port(void **state)
{
    struct addr a = parsed("10.0.0.1"), b = parsed("10.0.0.1"), m = parsed("::ffff:10.0.0.1"), none = {0};

    (void)state;
    assert_true(addr_eq(&a, &b));
    addr_set_port(&b, 81);
    assert_int_equal(addr_port(&b), 81);
    assert_true(addr_same_ip(&a, &b));
    assert_false(addr_eq(&a, &b));
    assert_false(addr_same_ip(&a, &m));
    assert_false(addr_same_ip(&a, &none));
    assert_int_equal(addr_ip(&none).len, 0);
    a = addr_from_bytes("abc", 3, 1);
    assert_false(addr_is_set(&a));
    a = addr_v4(0x7f000001, 5);
    assert_true(addr_is_loopback(&a));
}

static void private_is_what_the_internet_does_not_reach(void **state)
{
    static const char *const inside[] = {
        "0.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "169.254.1.1", "172.16.0.0",
        "172.31.255.255", "192.168.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255", "::", "::1", "fc00::1",
        "fdff::1", "fe80::1", "febf::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
    };
    static const char *const outside[] = {
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
        "192.167.255.255", "192.169.0.0", "223.255.255.255", "2001:db8::1", "fbff::1", "fe00::1", "fec0::1",
        "::ffff:1.1.1.1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        struct addr a = parsed(inside[i]);
        assert_true(addr_is_private(&a));
    }
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        struct addr a = parsed(outside[i]);
        assert_false(addr_is_private(&a));
    }
    assert_false(addr_is_private(&(struct addr){0}));
    assert_false(addr_is_unspecified(&(struct addr){0}));
}

static void a_prefix_holds_its_addresses_and_no_others(void **state)
{
    static const struct {
        const char *prefix, *ip;
        bool has;
    } c[] = {
        {"10.0.0.0/8", "10.255.255.255", true},   {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true},         {"0.0.0.0/0", "255.1.1.1", true},
        {"0.0.0.0/0", "::1", false},              {"::/0", "1.1.1.1", false},
        {"192.0.2.128/25", "192.0.2.128", true},  {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.4/30", "192.0.2.7", true},      {"192.0.2.4/30", "192.0.2.8", false},
        {"192.0.2.4", "192.0.2.4", true},         {"192.0.2.4", "192.0.2.5", false},
        {"192.0.2.4/32", "192.0.2.5", false},     {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::", false}, {"::1/128", "::1", true}, {"::1/128", "::2", false},
    };
    static const char *const wrong[] = {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8",
                                        "10.0.0.0/8 ", "10.0/8", "a/8", "10.0.0.0/256", "10.0.0.0/18446744073709551617"};
    struct cidr p;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        struct addr a = parsed(c[i].ip);
        assert_int_equal(cidr_parse(text_of(c[i].prefix), &p), 0);
        assert_int_equal(cidr_has(&p, &a), c[i].has);
        assert_false(cidr_has(&p, &(struct addr){0}));
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(cidr_parse(text_of(wrong[i]), &p), -EINVAL);
}

/* ---- destinations ------------------------------------------------------------------------ */

static void destinations_are_printed_as_they_were_read(void **state)
{
    static const char *const c[] = {"example.org:443", "192.0.2.1:0", "[2001:db8::1]:65535", "a:1", "_x.y-z.:53",
                                    "m\xc3\xbcnchen.de:1"};
    char out[DEST_TEXT];
    struct dest d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        assert_int_equal(dest_parse(text_of(c[i]), &d), 0);
        assert_string_equal(dest_print(&d, out), c[i]);
    }
    assert_int_equal(dest_parse(text_of("[::ffff:1.2.3.4]:5"), &d), 0);
    assert_string_equal(dest_print(&d, out), "1.2.3.4:5");
    assert_string_equal(dest_print_host(&d, out), "1.2.3.4");
}

static void what_is_no_destination_is_refused_and_changes_nothing(void **state)
{
    static const char *const c[] = {"", ":", ":80", "a", "a:", "a:65536", "a:-1", "a:+1", "a: 1", "::1:80", "[::1]",
                                    "[]:1", "[1.2.3.4]:1", "[a]:1", "a b:1", "a\n:1", "a\":1", "a\\:1", "a/b:1",
                                    "u@h:1", "a[b:1", "a]b:1", "a\x7f:1", "fe80::zz:80"};
    struct dest d = {.port = 7}, before = d;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        assert_int_equal(dest_parse(text_of(c[i]), &d), -EINVAL);
    assert_int_equal(dest_set_host(&d, TEXT("fe80::zz"), 80), -EINVAL);
    assert_int_equal(dest_set_host(&d, TEXT("a\0b"), 80), -EINVAL);
    assert_memory_equal(&d, &before, sizeof d);
}

static void a_name_of_255_octets_is_a_name_and_a_longer_one_is_not(void **state)
{
    char much[DEST_NAME + 2], out[DEST_TEXT];
    struct dest d;

    (void)state;
    memset(much, 'a', sizeof much);
    assert_int_equal(dest_set_host(&d, (struct text){.ptr = much, .len = DEST_NAME}, 65535), 0);
    assert_int_equal(strlen(dest_print(&d, out)), DEST_NAME + 6);
    assert_int_equal(strlen(dest_print_host(&d, out)), DEST_NAME);
    assert_int_equal(dest_set_host(&d, (struct text){.ptr = much, .len = DEST_NAME + 1}, 1), -EINVAL);
}

static void names_compare_without_case_and_never_equal_an_address(void **state)
{
    struct dest a, b;

    (void)state;
    assert_int_equal(dest_parse(text_of("EXAMPLE.org:1"), &a), 0);
    assert_int_equal(dest_parse(text_of("example.ORG:1"), &b), 0);
    assert_true(dest_eq(&a, &b));
    b.port = 2;
    assert_false(dest_eq(&a, &b));
    assert_int_equal(dest_parse(text_of("1.2.3.4:1"), &b), 0);
    assert_false(dest_eq(&a, &b));
    struct addr ip = dest_addr(&b);
    assert_int_equal(addr_port(&ip), 1);
    a = dest_of_addr(&ip);
    assert_true(dest_eq(&a, &b));
    /* A name set over an address and back again. */
    assert_int_equal(dest_set_host(&a, TEXT("x"), 1), 0);
    assert_true(dest_is_name(&a));
    assert_int_equal(dest_set_host(&a, TEXT("[::1]"), 1), 0);
    assert_false(dest_is_name(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_printed_as_they_were_read),
        cmocka_unit_test(what_is_no_literal_is_refused),
        cmocka_unit_test(a_scope_is_a_link_by_name_or_number),
        cmocka_unit_test(mapped_addresses_become_plain_ones_and_others_stay),
        cmocka_unit_test(comparing_looks_at_family_ip_and_port),
        cmocka_unit_test(private_is_what_the_internet_does_not_reach),
        cmocka_unit_test(a_prefix_holds_its_addresses_and_no_others),
        cmocka_unit_test(destinations_are_printed_as_they_were_read),
        cmocka_unit_test(what_is_no_destination_is_refused_and_changes_nothing),
        cmocka_unit_test(a_name_of_255_octets_is_a_name_and_a_longer_one_is_not),
        cmocka_unit_test(names_compare_without_case_and_never_equal_an_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
