/* wire, error, log, random numbers, printed times. */
#include "test.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/rnd.h"
#include "base/wire.h"

/* ---- wire -------------------------------------------------------------------------------- */

static void a_reader_that_ran_out_gives_zeros_and_stays_failed(void **state)
{
    struct reader r = reader_of("\x01\x02\x03\x04\x05\x06\x07", 7);
    uint8_t out[4] = "abc";

    (void)state;
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u16(&r), 0x0203);
    assert_int_equal(reader_left(&r), 4);
    assert_int_equal(read_u64(&r), 0);
    assert_true(r.failed);
    /* Four bytes are left, but a parser that went wrong gets none of them. */
    assert_int_equal(read_u32(&r), 0);
    read_copy(&r, out, 4);
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_null(read_bytes(&r, 0).ptr);
    assert_true(read_sub(&r, 1).failed);
}

static void an_empty_reader_has_nothing_to_give(void **state)
{
    struct reader r = reader_of(NULL, 0);

    (void)state;
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(read_bytes(&r, 0).len, 0);
    struct reader sub = read_sub(&r, 0);
    assert_false(r.failed || sub.failed);
    assert_int_equal(read_bytes(&r, SIZE_MAX).len, 0);
    assert_true(r.failed);
}

static void a_reader_within_a_reader_ends_where_it_was_told(void **state)
{
    struct reader r = reader_of("\x01\x02\x03\x04\xff\xff\xff\xff\xff\xff\xff\xfe", 12);
    struct reader sub = read_sub(&r, 3);

    (void)state;
    assert_int_equal(read_be(&sub, 3), 0x010203);
    (void)read_u8(&sub);
    assert_true(sub.failed);
    assert_false(r.failed);
    assert_int_equal(read_u8(&r), 4);
    assert_true(read_u64(&r) == UINT64_MAX - 1);
    assert_false(r.failed);
}

static void a_writer_never_writes_past_its_end(void **state)
{
    uint8_t out[8] = {0};
    struct writer w = writer_of(out, 7);

    (void)state;
    write_u8(&w, 1);
    write_u16(&w, 0x0203);
    write_bytes(&w, NULL, 0);
    write_u32(&w, 0x04050607);
    assert_false(w.failed);
    assert_int_equal(writer_len(&w), 7);
    assert_non_null(write_room(&w, 0));
    write_u8(&w, 9);
    assert_true(w.failed);
    assert_memory_equal(out, "\1\2\3\4\5\6\7\0", 8);
    assert_null(write_room(&w, 0));
    assert_int_equal(writer_len(&w), 7);
}

static void a_writer_without_memory_fails_at_its_first_byte(void **state)
{
    struct writer w = writer_of(NULL, 10);

    (void)state;
    (void)write_room(&w, 0);
    write_bytes(&w, NULL, 0);
    assert_false(w.failed);
    write_u64(&w, 1);
    assert_true(w.failed);
    assert_int_equal(writer_len(&w), 0);
}

/* ---- error ------------------------------------------------------------------------------- */

static void callers_put_their_step_before_the_cause(void **state)
{
    struct error err;

    (void)state;
    assert_int_equal(error_errno(&err, -ECONNREFUSED, "connect %s", "10.0.0.1:80"), -ECONNREFUSED);
    assert_int_equal(error_prepend(&err, -ECONNREFUSED, "outbound '%s'", "a"), -ECONNREFUSED);
    assert_string_equal(err.text, "outbound 'a': connect 10.0.0.1:80: connection refused");
    assert_int_equal(error_set(&err, -EINVAL, "%d", 5), -EINVAL);
    assert_string_equal(err.text, "5");
    assert_int_equal(error_set(NULL, -1, "a") + error_prepend(NULL, -2, "b") + error_errno(NULL, -3, "c"), -6);
}

static void a_text_that_is_too_long_is_cut_and_still_ends(void **state)
{
    struct error err;
    char much[600];

    (void)state;
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = 0;
    (void)error_set(&err, -1, "%s", much);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    (void)error_prepend(&err, -1, "step");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "step: xxx", 9);
    (void)error_prepend(&err, -1, "%s", much);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void the_words_of_a_failure_are_in_lower_case(void **state)
{
    static const int codes[] = {EACCES, EADDRINUSE, EBADF, EBUSY, ECONNRESET, EHOSTDOWN, EINTR, EIO, EISDIR, ELOOP,
                                EMSGSIZE, ENAMETOOLONG, ENETDOWN, ENOBUFS, ENOTDIR, EOPNOTSUPP, ERANGE, EROFS,
                                ETIMEDOUT, EAFNOSUPPORT, EISCONN};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        const char *words = error_words(-codes[i]);
        assert_true(words[0] >= 'a' && words[0] <= 'z');
    }
    assert_string_equal(error_words(-100000), "unknown error");
    assert_string_equal(error_words(5), "unknown error");
}

/* ---- log --------------------------------------------------------------------------------- */

static char line[2000];
static unsigned lines;

static void keep(void *arg, enum log_level level, struct text t)
{
    (void)arg;
    (void)level;
    assert_true(text_copy(t, line, sizeof line));
    lines++;
}

static void no_peer_writes_log_lines_of_its_own(void **state)
{
    struct log log = {.level = LOG_INFO, .sink = keep};

    (void)state;
    lines = 0;
    log_info(&log, "name %s", "a\n2026 error: b\x1b[2J\x7f\r\t\xc3\xa4");
    assert_int_equal(lines, 1);
    assert_string_equal(line, "name a\\x0a2026 error: b\\x1b[2J\\x7f\\x0d\\x09\xc3\xa4");
}

static void a_long_line_is_cut_and_one_of_control_bytes_too(void **state)
{
    struct log log = {.level = LOG_INFO, .sink = keep};
    char much[3000];

    (void)state;
    memset(much, 'a', sizeof much - 1);
    much[sizeof much - 1] = 0;
    log_info(&log, "%s", much);
    assert_in_range(strlen(line), 400, 1000);
    memset(much, 1, sizeof much - 1);
    log_info(&log, "%s", much);
    assert_in_range(strlen(line), 400, 1000);
    assert_int_equal(strlen(line) % 4, 0);
}

static void below_its_level_a_log_says_nothing(void **state)
{
    struct log log = {.level = LOG_WARN, .sink = keep};

    (void)state;
    lines = 0;
    log_info(&log, "a");
    log_debug(&log, "a");
    log_write(&log, LOG_INFO, "a");
    assert_int_equal(lines, 0);
    log_warn(&log, "a");
    log_error(&log, "a");
    assert_int_equal(lines, 2);
    log.level = LOG_SILENT;
    log_error(&log, "a");
    log_error((struct log *)NULL, "a");
    assert_int_equal(lines, 2);
    assert_string_equal(log_level_name(LOG_TRACE), "trace");
    assert_string_equal(log_level_name(LOG_SILENT), "silent");
}

/* ---- random numbers, times --------------------------------------------------------------- */

static void random_numbers_stay_below_their_limit_and_reach_all(void **state)
{
    static const uint64_t limits[] = {1, 2, 3, 7, 16, 1000, UINT64_MAX / 2 + 2, UINT64_MAX};
    unsigned seen[7] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        for (int k = 0; k < 500; k++)
            assert_true(rnd_below(limits[i]) < limits[i]);
    }
    for (int k = 0; k < 7000; k++)
        seen[rnd_below(7)]++;
    for (int k = 0; k < 7; k++)
        assert_in_range(seen[k], 700, 1300);
}

static void random_bytes_fill_exactly_what_was_asked(void **state)
{
    uint8_t b[1000];

    (void)state;
    for (size_t n = 0; n < sizeof b; n = n * 2 + 1) {
        unsigned zeros = 0;
        memset(b, 0, sizeof b);
        rnd_bytes(b, n);
        for (size_t i = 0; i < n; i++)
            zeros += b[i] == 0;
        assert_true(n < 60 || zeros < n / 8);
        for (size_t i = n; i < sizeof b; i++)
            assert_int_equal(b[i], 0);
    }
}

static void times_are_printed_in_their_unit(void **state)
{
    static const struct {
        int64_t ns;
        const char *want;
    } c[] = {
        {0, "0us"}, {999, "0us"}, {250000, "250us"}, {999999, "999us"}, {1000000, "1.0ms"}, {1549999, "1.5ms"},
        {999999999, "999.9ms"}, {1000000000, "1.0s"}, {59999999999, "59.9s"}, {60000000000, "1m0s"},
        {123000000000, "2m3s"}, {INT64_MAX, "153722867m16s"},
    };
    char out[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        clock_print_ns(c[i].ns, out);
        assert_string_equal(out, c[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_that_ran_out_gives_zeros_and_stays_failed),
        cmocka_unit_test(an_empty_reader_has_nothing_to_give),
        cmocka_unit_test(a_reader_within_a_reader_ends_where_it_was_told),
        cmocka_unit_test(a_writer_never_writes_past_its_end),
        cmocka_unit_test(a_writer_without_memory_fails_at_its_first_byte),
        cmocka_unit_test(callers_put_their_step_before_the_cause),
        cmocka_unit_test(a_text_that_is_too_long_is_cut_and_still_ends),
        cmocka_unit_test(the_words_of_a_failure_are_in_lower_case),
        cmocka_unit_test(no_peer_writes_log_lines_of_its_own),
        cmocka_unit_test(a_long_line_is_cut_and_one_of_control_bytes_too),
        cmocka_unit_test(below_its_level_a_log_says_nothing),
        cmocka_unit_test(random_numbers_stay_below_their_limit_and_reach_all),
        cmocka_unit_test(random_bytes_fill_exactly_what_was_asked),
        cmocka_unit_test(times_are_printed_in_their_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
