#include "test.h"

#include <errno.h>
#include <limits.h>

#include "base/mem.h"
#include "base/text.h"

static struct text t(const char *s)
{
    return text_of(s);
}

static void a_missing_string_is_the_empty_text(void **state)
{
    (void)state;
    assert_int_equal(t(NULL).len, 0);
    assert_non_null(t(NULL).ptr);
    assert_true(text_eq(t(NULL), (struct text){0}));
    assert_true(text_is((struct text){0}, NULL));
}

static void a_part_never_reaches_past_the_end(void **state)
{
    (void)state;
    assert_true(text_is(text_sub(t("abcd"), 1, 2), "bc"));
    assert_true(text_is(text_sub(t("abcd"), 1, SIZE_MAX), "bcd"));
    assert_true(text_is(text_sub(t("abcd"), 4, 1), ""));
    assert_true(text_is(text_sub(t("abcd"), SIZE_MAX, SIZE_MAX), ""));
    assert_null(text_sub((struct text){0}, 3, 3).ptr);
}

static void comparing_knows_case_and_its_absence(void **state)
{
    (void)state;
    assert_true(text_eq(t("ab"), t("ab")));
    assert_false(text_eq(t("ab"), t("aB")));
    assert_false(text_eq(t("ab"), t("abc")));
    assert_true(text_eq_nocase(t("aZ-"), t("Az-")));
    assert_false(text_eq_nocase(t("a["), t("a{")));
    assert_false(text_eq_nocase(t("\xc3\x84"), t("\xc3\xa4")));
    assert_true(text_is_nocase(t("HOST"), "host"));
    assert_false(text_is_nocase(t("HOST"), "hos"));
    assert_true(text_eq((struct text){.ptr = "a\0b", .len = 3}, (struct text){.ptr = "a\0b", .len = 3}));
    assert_false(text_eq((struct text){.ptr = "a\0b", .len = 3}, (struct text){.ptr = "a\0c", .len = 3}));
}

static void starts_and_ends_are_found(void **state)
{
    (void)state;
    assert_true(text_starts(t("abc"), t("ab")));
    assert_true(text_starts(t("abc"), t("")));
    assert_true(text_starts((struct text){0}, (struct text){0}));
    assert_false(text_starts(t("a"), t("ab")));
    assert_true(text_ends(t("abc"), t("bc")));
    assert_false(text_ends(t("abc"), t("bC")));
    assert_false(text_ends(t("c"), t("bc")));
    assert_true(text_ends_nocase(t("a.ORG"), t(".org")));
    assert_false(text_ends_nocase(t("org"), t(".org")));
}

static void searching_gives_positions_or_minus_one(void **state)
{
    (void)state;
    assert_int_equal(text_find(t("a:b:c"), ':'), 1);
    assert_int_equal(text_find_last(t("a:b:c"), ':'), 3);
    assert_int_equal(text_find(t("abc"), ':'), -1);
    assert_int_equal(text_find((struct text){0}, 'a'), -1);
    assert_int_equal(text_find_last((struct text){0}, 'a'), -1);
    assert_int_equal(text_search(t("aab"), t("ab")), 1);
    assert_int_equal(text_search(t("aab"), t("")), 0);
    assert_int_equal(text_search(t(""), t("a")), -1);
    assert_int_equal(text_search(t("ab"), t("abc")), -1);
}

static void trimming_takes_white_space_at_both_ends(void **state)
{
    (void)state;
    assert_true(text_is(text_trim(t(" \t\r\n\v\fa b \n")), "a b"));
    assert_true(text_is(text_trim(t(" \n ")), ""));
    assert_true(text_is(text_trim((struct text){0}), ""));
}

static void fields_are_cut_one_by_one_empty_ones_too(void **state)
{
    const char *const want[] = {"a", "", "b", ""};
    struct text rest = t("a,,b,"), field;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        assert_true(text_next(&rest, ',', &field));
        assert_true(text_is(field, want[i]));
    }
    assert_false(text_next(&rest, ',', &field));
    rest = t("");
    assert_true(text_next(&rest, ',', &field));
    assert_int_equal(field.len, 0);
    assert_false(text_next(&rest, ',', &field));
}

static void numbers_are_whole_texts_within_their_range(void **state)
{
    static const char *const wrong[] = {"", "+", "-", " 1", "1 ", "0x1", "1.0", "--1", "+-1", "a"};
    uint64_t u = 7;
    int64_t i = 7;

    (void)state;
    assert_int_equal(text_to_u64(t("18446744073709551615"), &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(text_to_u64(t("000"), &u), 0);
    assert_true(u == 0);
    u = 7;
    assert_int_equal(text_to_u64(t("18446744073709551616"), &u), -ERANGE);
    assert_int_equal(text_to_u64(t("99999999999999999999"), &u), -ERANGE);
    assert_int_equal(text_to_u64(t("-1"), &u), -EINVAL);
    assert_int_equal(text_to_u64(t("+1"), &u), -EINVAL);
    for (size_t k = 0; k < ARRAY_LEN(wrong); k++) {
        assert_int_equal(text_to_u64(t(wrong[k]), &u), -EINVAL);
        assert_int_equal(text_to_i64(t(wrong[k]), &i), -EINVAL);
    }
    assert_true(u == 7 && i == 7);
}

static void the_least_and_the_greatest_number_are_numbers(void **state)
{
    int64_t i;

    (void)state;
    assert_int_equal(text_to_i64(t("-9223372036854775808"), &i), 0);
    assert_true(i == INT64_MIN);
    assert_int_equal(text_to_i64(t("9223372036854775807"), &i), 0);
    assert_true(i == INT64_MAX);
    assert_int_equal(text_to_i64(t("+5"), &i), 0);
    assert_true(i == 5);
    assert_int_equal(text_to_i64(t("-0"), &i), 0);
    assert_true(i == 0);
    assert_int_equal(text_to_i64(t("9223372036854775808"), &i), -ERANGE);
    assert_int_equal(text_to_i64(t("-9223372036854775809"), &i), -ERANGE);
}

static void copies_end_in_a_zero_byte(void **state)
{
    char buf[4] = "xxx";
    char *s = text_dup(t("abc"));

    (void)state;
    assert_string_equal(s, "abc");
    mem_free(s);
    s = text_dup((struct text){0});
    assert_string_equal(s, "");
    mem_free(s);
    assert_true(text_copy(t("abc"), buf, 4));
    assert_string_equal(buf, "abc");
    assert_false(text_copy(t("abcd"), buf, 4));
    assert_string_equal(buf, "abc");
    assert_false(text_copy(t("a"), buf, 1));
    assert_string_equal(buf, "");
    assert_true(text_copy((struct text){0}, buf, 1));
}

static void distance_counts_edits_up_to_a_limit(void **state)
{
    char many[65];

    (void)state;
    assert_int_equal(text_distance(t("kitten"), t("sitting"), 9), 3);
    assert_int_equal(text_distance(t("kitten"), t("sitting"), 1), 2);
    assert_int_equal(text_distance(t(""), t("abc"), 9), 3);
    assert_int_equal(text_distance(t("abc"), t(""), 9), 3);
    assert_int_equal(text_distance(t(""), t(""), 0), 0);
    assert_int_equal(text_distance(t("Server"), t("sERVER"), 2), 0);
    memset(many, 'a', 64);
    many[64] = 0;
    assert_int_equal(text_distance(t(many), t("a"), 3), 4);
    assert_int_equal(text_distance(t(many + 1), t(many + 1), 3), 0);
}

static void secrets_compare_by_content(void **state)
{
    (void)state;
    assert_true(bytes_eq_secret("abc", "abc", 3));
    assert_false(bytes_eq_secret("abc", "abd", 3));
    assert_false(bytes_eq_secret("\x80", "\x00", 1));
    assert_true(bytes_eq_secret("a", "b", 0));
    assert_true(bytes_eq((struct bytes){0}, text_bytes(t(""))));
    assert_false(bytes_eq(text_bytes(t("a")), text_bytes(t("b"))));
}

static void hex_goes_there_and_back(void **state)
{
    char text[9];
    uint8_t out[4];

    (void)state;
    hex_encode("\x00\x7f\x80\xff", 4, text);
    assert_string_equal(text, "007f80ff");
    assert_int_equal(hex_decode(t("007F80fF"), out, 4), 4);
    assert_memory_equal(out, "\x00\x7f\x80\xff", 4);
    assert_int_equal(hex_decode(t(""), out, 0), 0);
    assert_int_equal(hex_decode(t("000"), out, 4), -EINVAL);
    assert_int_equal(hex_decode(t("0g"), out, 4), -EINVAL);
    assert_int_equal(hex_decode(t("0011223344"), out, 4), -ENOSPC);
    hex_encode("", 0, text);
    assert_string_equal(text, "");
}

/* RFC 4648 section 10. */
static void base64_matches_the_published_vectors(void **state)
{
    static const char *const vector[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char text[16];
    uint8_t out[8];

    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(vector); n++) {
        base64_encode("foobar", n, text);
        assert_string_equal(text, vector[n]);
        assert_int_equal(base64_decode(t(vector[n]), out, n), n);
        assert_memory_equal(out, "foobar", n);
        base64url_encode("foobar", n, text);
        assert_int_equal(text_find(t(text), '='), -1);
        assert_int_equal(base64_decode(t(text), out, n), n);
        assert_memory_equal(out, "foobar", n);
        if (n)
            assert_int_equal(base64_decode(t(vector[n]), out, n - 1), -ENOSPC);
    }
}

static void base64_takes_both_alphabets_and_nothing_else(void **state)
{
    char text[16];
    uint8_t out[8];

    (void)state;
    base64_encode("\xfb\xff\xbf", 3, text);
    assert_string_equal(text, "+/+/");
    base64url_encode("\xfb\xff\xbf", 3, text);
    assert_string_equal(text, "-_-_");
    assert_int_equal(base64_decode(t("+/-_"), out, 8), 3);
    assert_memory_equal(out, "\xfb\xff\xbf", 3);
    assert_int_equal(base64_decode(t("A"), out, 8), -EINVAL);
    assert_int_equal(base64_decode(t("AAAAA"), out, 8), -EINVAL);
    assert_int_equal(base64_decode(t("AA=A"), out, 8), -EINVAL);
    assert_int_equal(base64_decode(t("AA A"), out, 8), -EINVAL);
    assert_int_equal(base64_decode(t("\xff\xff\xff\xff"), out, 8), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_string_is_the_empty_text),
        cmocka_unit_test(a_part_never_reaches_past_the_end),
        cmocka_unit_test(comparing_knows_case_and_its_absence),
        cmocka_unit_test(starts_and_ends_are_found),
        cmocka_unit_test(searching_gives_positions_or_minus_one),
        cmocka_unit_test(trimming_takes_white_space_at_both_ends),
        cmocka_unit_test(fields_are_cut_one_by_one_empty_ones_too),
        cmocka_unit_test(numbers_are_whole_texts_within_their_range),
        cmocka_unit_test(the_least_and_the_greatest_number_are_numbers),
        cmocka_unit_test(copies_end_in_a_zero_byte),
        cmocka_unit_test(distance_counts_edits_up_to_a_limit),
        cmocka_unit_test(secrets_compare_by_content),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(base64_matches_the_published_vectors),
        cmocka_unit_test(base64_takes_both_alphabets_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
