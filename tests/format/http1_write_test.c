#include "test.h"

#include <errno.h>

#include "format/http1.h"
#include "format/http1_write.h"

static void a_written_request_reads_back(void **state)
{
    static char out[512];
    struct writer w = writer_of(out, sizeof(out));
    struct http1_head h = {0};
    struct http1_basic basic;

    (void)state;
    http1_write_request(&w, TEXT("CONNECT"), TEXT("a.test:443"));
    http1_write_field(&w, TEXT("Host"), TEXT("a.test:443"));
    http1_write_basic(&w, TEXT("Proxy-Authorization"), TEXT("Aladdin"), TEXT("open sesame"));
    http1_write_number(&w, TEXT("X-N"), UINT64_MAX);
    http1_write_end(&w);
    assert_false(w.failed);
    assert_int_equal(http1_read_request(&h, out, writer_len(&w)), writer_len(&w));
    /* RFC 7617 section 2 */
    assert_true(text_is(http1_get(&h, "proxy-authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    assert_int_equal(http1_basic_read(&basic, http1_get(&h, "proxy-authorization")), 0);
    assert_true(text_is(basic.user, "Aladdin") && text_is(basic.password, "open sesame"));
    http1_basic_done(&basic);
    assert_true(text_is(http1_get(&h, "x-n"), "18446744073709551615"));
}

static void a_written_response_reads_back(void **state)
{
    char out[128];
    struct writer w = writer_of(out, sizeof(out));
    struct http1_head h = {0};

    (void)state;
    http1_write_status(&w, 407);
    http1_write_end(&w);
    assert_int_equal(http1_read_response(&h, out, writer_len(&w)), writer_len(&w));
    assert_int_equal(h.status, 407);
    assert_true(text_is(h.reason, "Proxy Authentication Required"));
}

static void nothing_breaks_out_of_its_line(void **state)
{
    char out[128];
    struct writer w = writer_of(out, sizeof(out));

    (void)state;
    http1_write_field(&w, TEXT("A"), TEXT("b\r\nC: d"));
    assert_true(w.failed);
    w = writer_of(out, sizeof(out));
    http1_write_field(&w, TEXT("A: b"), TEXT("c"));
    assert_true(w.failed);
    w = writer_of(out, sizeof(out));
    http1_write_request(&w, TEXT("GET"), TEXT("/ HTTP/1.1\r\n"));
    assert_true(w.failed);
    w = writer_of(out, sizeof(out));
    http1_write_basic(&w, TEXT("A"), TEXT("us:er"), TEXT("x"));
    assert_true(w.failed);
}

static void bad_credentials_are_refused(void **state)
{
    static const char *const bad[] = {"", "Basic", "Bearer abc", "Basic !!!!", "Basic YWJj"};
    struct http1_basic basic;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(http1_basic_read(&basic, text_of(bad[i])), -EINVAL);
    assert_int_equal(http1_basic_read(&basic, TEXT("basic   YTpiOmM=")), 0);
    assert_true(text_is(basic.user, "a") && text_is(basic.password, "b:c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_request_reads_back),
        cmocka_unit_test(a_written_response_reads_back),
        cmocka_unit_test(nothing_breaks_out_of_its_line),
        cmocka_unit_test(bad_credentials_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
