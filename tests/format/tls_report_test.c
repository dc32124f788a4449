#include "test.h"

#include <errno.h>
#include <string.h>

#include "format/tls_report.h"

/* A hello with what matters filled in. */
static struct tls_hello hello(uint16_t legacy, const uint8_t *suites, size_t suites_len)
{
    return (struct tls_hello){.legacy_version = legacy, .cipher_suites = {suites, suites_len}, .extension_count = 5};
}

static const uint8_t good[] = {0x13, 0x01, 0xc0, 0x2f, 0x00, 0x2f, 0x00, 0xff};
static const uint8_t versions_13[] = {0x03, 0x04, 0x03, 0x03};

static struct tls_report report_of(const struct tls_hello *h, uint16_t record)
{
    struct tls_report r;

    tls_report_hello(h, record, &r);
    return r;
}

static void a_modern_hello_is_not_reported(void **state)
{
    struct tls_hello h = hello(0x0303, good, sizeof good);
    char text[TLS_REPORT_TEXT];

    (void)state;
    h.versions = (struct bytes){versions_13, sizeof versions_13};
    struct tls_report r = report_of(&h, 0x0301);
    assert_int_equal(r.issues, 0);
    assert_int_equal(r.offered, 0x0304);
    assert_int_equal(tls_report_print(&r, text), 0);
    assert_string_equal(text, "");
    h.versions.len = 0;
    assert_int_equal(report_of(&h, 0x0303).issues, 0); /* TLS 1.2 */
}

static void old_versions_are_deprecated(void **state)
{
    struct tls_hello h = hello(0x0302, good, sizeof good);
    char text[TLS_REPORT_TEXT];

    (void)state;
    struct tls_report r = report_of(&h, 0x0301);
    assert_int_equal(r.issues, TLS_ISSUE_DEPRECATED);
    (void)tls_report_print(&r, text);
    assert_string_equal(text, "deprecated version: at most TLS 1.1 is offered");
    h.legacy_version = 0x0303;
    assert_int_equal(report_of(&h, 0x0300).issues, TLS_ISSUE_DEPRECATED);
    assert_false(tls_report_is_critical(&r));
}

static void versions_have_to_go_together(void **state)
{
    struct tls_hello h = hello(0x0304, good, sizeof good);

    (void)state;
    h.versions = (struct bytes){versions_13, sizeof versions_13};
    assert_int_equal(report_of(&h, 0x0301).issues, TLS_ISSUE_MISMATCH);
    h = hello(0x0302, good, sizeof good);
    assert_true(report_of(&h, 0x0303).issues & TLS_ISSUE_MISMATCH);
}

static void weak_suites_are_counted(void **state)
{
    static const uint8_t weak[] = {0x13, 0x01, 0x00, 0x05, 0xc0, 0x10, 0x00, 0x18};
    struct tls_hello h = hello(0x0303, weak, sizeof weak);
    char text[TLS_REPORT_TEXT];

    (void)state;
    struct tls_report r = report_of(&h, 0x0301);
    assert_int_equal(r.issues, TLS_ISSUE_WEAK);
    assert_true(tls_report_is_critical(&r));
    (void)tls_report_print(&r, text);
    assert_string_equal(text, "weak cipher suite 0x0005 and 2 more");
}

static void a_fallback_is_a_sign_of_a_downgrade(void **state)
{
    static const uint8_t fallback[] = {0xc0, 0x2f, 0x56, 0x00};
    struct tls_hello h = hello(0x0302, fallback, sizeof fallback);
    char text[TLS_REPORT_TEXT];

    (void)state;
    struct tls_report r = report_of(&h, 0x0301);
    assert_int_equal(r.issues, TLS_ISSUE_DOWNGRADE | TLS_ISSUE_DEPRECATED);
    (void)tls_report_print(&r, text);
    assert_string_equal(text, "deprecated version: at most TLS 1.1 is offered; possible downgrade to TLS 1.1");
}

static void no_extensions_and_malformed_are_told(void **state)
{
    struct tls_hello h = hello(0x0303, good, sizeof good);
    struct tls_report r;
    char text[TLS_REPORT_TEXT];

    (void)state;
    h.extension_count = 0;
    assert_int_equal(report_of(&h, 0x0301).issues, TLS_ISSUE_BARE);
    tls_report_malformed(&r);
    (void)tls_report_print(&r, text);
    assert_string_equal(text, "malformed handshake");
    assert_true(tls_report_is_critical(&r));
}

/* type, length, version, random, session id, suite, compression, extensions */
static size_t answer(uint8_t *out, uint16_t version, bool has_sentinel, uint16_t selected)
{
    size_t n = 4;

    memset(out, 0, 64);
    out[0] = 2;
    out[n++] = (uint8_t)(version >> 8);
    out[n++] = (uint8_t)version;
    memset(out + n, 'r', 32);
    if (has_sentinel)
        memcpy(out + n + 24, "DOWNGRD\1", 8);
    n += 32;
    out[n++] = 0;
    out[n++] = 0xc0;
    out[n++] = 0x2f;
    out[n++] = 0;
    if (selected) {
        const uint8_t block[] = {0, 6, 0, 43, 0, 2, (uint8_t)(selected >> 8), (uint8_t)selected};
        memcpy(out + n, block, sizeof block);
        n += sizeof block;
    }
    out[3] = (uint8_t)(n - 4);
    return n;
}

static void an_answer_is_held_against_the_offer(void **state)
{
    struct tls_report r = {.offered = 0x0304};
    uint8_t message[64];
    char text[TLS_REPORT_TEXT];

    (void)state;
    size_t n = answer(message, 0x0303, false, 0x0304);
    assert_int_equal(tls_report_answer((struct bytes){message, n}, &r), 0x0304);
    assert_int_equal(r.issues, 0);
    n = answer(message, 0x0303, false, 0); /* a server of TLS 1.2: no downgrade */
    assert_int_equal(tls_report_answer((struct bytes){message, n}, &r), 0x0303);
    assert_int_equal(r.issues, 0);
    n = answer(message, 0x0303, true, 0);
    assert_int_equal(tls_report_answer((struct bytes){message, n}, &r), 0x0303);
    assert_int_equal(r.issues, TLS_ISSUE_DOWNGRADE);
    (void)tls_report_print(&r, text);
    assert_string_equal(text, "possible downgrade to TLS 1.2");
    r = (struct tls_report){.offered = 0x0304};
    n = answer(message, 0x0301, false, 0);
    assert_int_equal(tls_report_answer((struct bytes){message, n}, &r), 0x0301);
    assert_int_equal(r.issues, TLS_ISSUE_DEPRECATED);
}

static void an_answer_cut_anywhere_is_malformed(void **state)
{
    uint8_t message[64];
    size_t n = answer(message, 0x0303, false, 0x0304);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct tls_report r = {0};
        assert_int_equal(tls_report_answer((struct bytes){message, i}, &r), -EBADMSG);
        assert_int_equal(r.issues, TLS_ISSUE_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_modern_hello_is_not_reported),
        cmocka_unit_test(old_versions_are_deprecated),
        cmocka_unit_test(versions_have_to_go_together),
        cmocka_unit_test(weak_suites_are_counted),
        cmocka_unit_test(a_fallback_is_a_sign_of_a_downgrade),
        cmocka_unit_test(no_extensions_and_malformed_are_told),
        cmocka_unit_test(an_answer_is_held_against_the_offer),
        cmocka_unit_test(an_answer_cut_anywhere_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
