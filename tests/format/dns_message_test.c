#include "test.h"

#include <errno.h>

#include "format/dns_message.h"

static struct dns_name name_of(const char *s)
{
    struct dns_name n;

    assert_int_equal(dns_name_parse(text_of(s), &n), 0);
    return n;
}

static struct dns_question question(const char *name, uint16_t type)
{
    return (struct dns_question){.name = name_of(name), .type = type, .class = DNS_CLASS_IN};
}

/* Records written by hand, to be read back. */
static void put_header(struct writer *w, uint16_t flags, uint16_t answers, uint16_t authority)
{
    write_u16(w, 7);
    write_u16(w, flags);
    write_u16(w, 1);
    write_u16(w, answers);
    write_u16(w, authority);
    write_u16(w, 0);
}

static void put_question(struct writer *w, const char *name, uint16_t type)
{
    struct dns_name n = name_of(name);

    dns_name_write(w, &n);
    write_u16(w, type);
    write_u16(w, DNS_CLASS_IN);
}

static void put_record(struct writer *w, const char *name, uint16_t type, uint32_t ttl, struct bytes data)
{
    put_question(w, name, type);
    write_u32(w, ttl);
    write_u16(w, (uint16_t)data.len);
    write_bytes(w, data.ptr, data.len);
}

static void put_cname(struct writer *w, const char *name, uint32_t ttl, const char *target)
{
    struct dns_name n = name_of(target);

    put_record(w, name, DNS_CNAME, ttl, (struct bytes){n.wire, n.len});
}

static const uint8_t ip1[] = {192, 0, 2, 1}, ip2[] = {192, 0, 2, 2};

static void names_survive_text_and_wire(void **state)
{
    static const char *const names[] = {"a", "www.Example.org", "xn--bcher-kva.example", "a\\.b.c", "\\000\\255.x", "_sip._tcp.x"};
    char text[DNS_NAME_TEXT];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct dns_name n = name_of(names[i]), back;
        size_t at = 0;
        assert_string_equal(dns_name_print(&n, text), names[i]);
        assert_int_equal(dns_name_read((struct bytes){n.wire, n.len}, &at, &back), 0);
        assert_int_equal(at, n.len);
        assert_true(dns_name_eq(&n, &back));
    }
    struct dns_name root = name_of("."), dot = name_of("a."), plain = name_of("A");
    assert_int_equal(root.len, 1);
    assert_string_equal(dns_name_print(&root, text), ".");
    assert_true(dns_name_eq(&dot, &plain));
}

static void names_have_the_limits_of_the_rfc(void **state)
{
    char text[600];
    struct dns_name n;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(dns_name_parse((struct text){text, 63}, &n), 0);
    assert_int_equal(dns_name_parse((struct text){text, 64}, &n), -EINVAL);
    for (size_t i = 63; i < sizeof(text); i += 64)
        text[i] = '.';
    assert_int_equal(dns_name_parse((struct text){text, 253}, &n), 0);
    assert_int_equal(n.len, 255);
    assert_int_equal(dns_name_parse((struct text){text, 254}, &n), -EINVAL);
    assert_int_equal(dns_name_parse((struct text){text, 255}, &n), -EINVAL);
    assert_int_equal(dns_name_parse((struct text){text, 600}, &n), -EINVAL);
    assert_int_equal(dns_name_parse(TEXT("a..b"), &n), -EINVAL);
    assert_int_equal(dns_name_parse(TEXT(".a"), &n), -EINVAL);
    assert_int_equal(dns_name_parse(TEXT("a\\"), &n), -EINVAL);
    assert_int_equal(dns_name_parse(TEXT("a\\256"), &n), -EINVAL);
}

static void pointers_must_go_back(void **state)
{
    /* RFC 1035 section 4.1.4: F.ISI.ARPA at 0, FOO.F.ISI.ARPA at 12, the root at 18 */
    static const uint8_t msg[] = "\1F\3ISI\4ARPA\0\3FOO\xc0\0\0\xc0\x13\xc0\x17\1a\xc0\x17";
    struct bytes b = {msg, sizeof(msg) - 1};
    struct dns_name n;
    char text[DNS_NAME_TEXT];
    size_t at = 12;

    (void)state;
    assert_int_equal(dns_name_read(b, &at, &n), 0);
    assert_int_equal(at, 18);
    assert_string_equal(dns_name_print(&n, text), "FOO.F.ISI.ARPA");
    at = 19; /* to itself */
    assert_int_equal(dns_name_read(b, &at, &n), -EBADMSG);
    at = 21; /* ahead */
    assert_int_equal(dns_name_read(b, &at, &n), -EBADMSG);
    at = 23; /* a loop over a label */
    assert_int_equal(dns_name_read(b, &at, &n), -EBADMSG);
    at = sizeof(msg) - 1;
    assert_int_equal(dns_name_read(b, &at, &n), -EBADMSG);
}

static void a_query_has_the_expected_octets(void **state)
{
    struct dns_query q = {.id = 0x1234, .question = question("a.test", DNS_AAAA), .edns_size = DNS_EDNS_SIZE, .dnssec_ok = true};
    uint8_t out[64];
    char hex[129];
    struct writer w = writer_of(out, sizeof(out));

    (void)state;
    dns_write_query(&w, &q);
    assert_false(w.failed);
    hex_encode(out, writer_len(&w), hex);
    assert_string_equal(hex, "123401000001000000000001" "016104746573740000" "1c0001" "000029" "04d0" "00008000" "0000");
    w = writer_of(out, 20);
    dns_write_query(&w, &q);
    assert_true(w.failed);
}

static void a_chain_is_followed_in_any_order(void **state)
{
    uint8_t out[512];
    struct writer w = writer_of(out, sizeof(out));
    struct dns_question q = question("A.test", DNS_A);
    struct dns_answer a;
    char text[DNS_NAME_TEXT];

    (void)state;
    put_header(&w, DNS_FLAG_QR, 5, 0);
    put_question(&w, "a.TEST", DNS_A);
    put_record(&w, "c.test", DNS_A, 300, (struct bytes){ip1, 4});
    put_cname(&w, "b.test", 60, "c.test");
    put_record(&w, "stranger.test", DNS_A, 1, (struct bytes){ip2, 4});
    put_cname(&w, "a.test", 600, "b.test");
    put_record(&w, "C.test", DNS_A, 90, (struct bytes){ip2, 4});
    struct bytes msg = {out, writer_len(&w)};
    assert_int_equal(dns_read_answer(msg, 7, &q, &a), 0);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.ttl, 60);
    assert_string_equal(dns_name_print(&a.name, text), "c.test");
    assert_memory_equal(addr_ip(&a.addrs[1]).ptr, ip2, 4);
    for (size_t n = 0; n < msg.len; n++)
        assert_int_equal(dns_read_answer((struct bytes){out, n}, 7, &q, &a), -EBADMSG);
}

static void an_endless_chain_is_refused(void **state)
{
    uint8_t out[256];
    struct writer w = writer_of(out, sizeof(out));
    struct dns_question q = question("a.test", DNS_A);
    struct dns_answer a;

    (void)state;
    put_header(&w, DNS_FLAG_QR, 2, 0);
    put_question(&w, "a.test", DNS_A);
    put_cname(&w, "a.test", 60, "b.test");
    put_cname(&w, "b.test", 60, "a.test");
    assert_int_equal(dns_read_answer((struct bytes){out, writer_len(&w)}, 7, &q, &a), -ELOOP);
}

static void answers_to_others_are_ignored(void **state)
{
    uint8_t out[256];
    struct writer w = writer_of(out, sizeof(out));
    struct dns_question q = question("a.test", DNS_A), other = question("b.test", DNS_A), aaaa = question("a.test", DNS_AAAA);
    struct dns_answer a;

    (void)state;
    put_header(&w, DNS_FLAG_QR | DNS_NXDOMAIN, 0, 0);
    put_question(&w, "a.test", DNS_A);
    struct bytes msg = {out, writer_len(&w)};
    assert_int_equal(dns_read_answer(msg, 7, &q, &a), 0);
    assert_int_equal(a.rcode, DNS_NXDOMAIN);
    assert_int_equal(dns_read_answer(msg, 8, &q, &a), -ENOMSG);
    assert_int_equal(dns_read_answer(msg, 7, &other, &a), -ENOMSG);
    assert_int_equal(dns_read_answer(msg, 7, &aaaa, &a), -ENOMSG);
    out[2] = 0; /* a query */
    assert_int_equal(dns_read_answer(msg, 7, &q, &a), -ENOMSG);
}

static void a_negative_answer_lives_as_long_as_the_soa_says(void **state)
{
    uint8_t out[256];
    static const uint8_t soa[] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 30};
    struct writer w = writer_of(out, sizeof(out));
    struct dns_question q = question("a.test", DNS_A);
    struct dns_answer a;

    (void)state;
    put_header(&w, DNS_FLAG_QR | DNS_NXDOMAIN, 0, 1);
    put_question(&w, "a.test", DNS_A);
    put_record(&w, "test", DNS_SOA, 3600, (struct bytes){soa, sizeof(soa)});
    assert_int_equal(dns_read_answer((struct bytes){out, writer_len(&w)}, 7, &q, &a), 0);
    assert_int_equal(a.ttl, 30);
}

static void a_truncated_answer_says_so(void **state)
{
    uint8_t out[256];
    struct writer w = writer_of(out, sizeof(out));
    struct dns_question q = question("a.test", DNS_A);
    struct dns_answer a;

    (void)state;
    put_header(&w, DNS_FLAG_QR | DNS_FLAG_TC, 3, 0);
    put_question(&w, "a.test", DNS_A);
    put_record(&w, "a.test", DNS_A, 9, (struct bytes){ip1, 4});
    assert_int_equal(dns_read_answer((struct bytes){out, writer_len(&w)}, 7, &q, &a), 0);
    assert_true(a.truncated);
}

static void a_reply_answers_its_query(void **state)
{
    struct dns_query q = {.id = 9, .question = question("a.test", DNS_A), .edns_size = 512};
    struct addr one = addr_v4(0xc6120001, 0);
    uint8_t in[64], out[128];
    struct writer w = writer_of(in, sizeof(in)), v = writer_of(out, sizeof(out));
    struct dns_answer a;

    (void)state;
    dns_write_query(&w, &q);
    assert_int_equal(dns_write_reply(&v, (struct bytes){in, writer_len(&w)}, DNS_FLAG_RA, DNS_NOERROR), 0);
    dns_write_addr(&v, &one, 5);
    assert_false(v.failed);
    assert_int_equal(dns_read_answer((struct bytes){out, writer_len(&v)}, 9, &q.question, &a), 0);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.ttl, 5);
    assert_true(addr_same_ip(&a.addrs[0], &one));
}

static void all_records_are_walked(void **state)
{
    uint8_t out[256];
    struct writer w = writer_of(out, sizeof(out));
    struct dns_message m;
    struct dns_record rec;

    (void)state;
    put_header(&w, DNS_FLAG_QR, 1, 1);
    put_question(&w, "a.test", DNS_TXT);
    put_record(&w, "a.test", DNS_TXT, 0x80000001, (struct bytes){(const uint8_t *)"\3abc", 4});
    put_cname(&w, "test", 60, "x");
    assert_int_equal(dns_open((struct bytes){out, writer_len(&w)}, &m), 0);
    assert_int_equal(dns_next_record(&m, &rec), 1);
    assert_int_equal(rec.section, DNS_ANSWER);
    assert_int_equal(rec.ttl, 0);
    assert_memory_equal(out + rec.data_at, "\3abc", 4);
    assert_int_equal(out[rec.ttl_at], 0x80);
    assert_int_equal(dns_next_record(&m, &rec), 1);
    assert_int_equal(rec.section, DNS_AUTHORITY);
    assert_int_equal(dns_next_record(&m, &rec), 0);
    assert_int_equal(dns_next_record(&m, &rec), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_survive_text_and_wire),
        cmocka_unit_test(names_have_the_limits_of_the_rfc),
        cmocka_unit_test(pointers_must_go_back),
        cmocka_unit_test(a_query_has_the_expected_octets),
        cmocka_unit_test(a_chain_is_followed_in_any_order),
        cmocka_unit_test(an_endless_chain_is_refused),
        cmocka_unit_test(answers_to_others_are_ignored),
        cmocka_unit_test(a_negative_answer_lives_as_long_as_the_soa_says),
        cmocka_unit_test(a_truncated_answer_says_so),
        cmocka_unit_test(a_reply_answers_its_query),
        cmocka_unit_test(all_records_are_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
