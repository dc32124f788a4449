#include "tree.h"

/* What is printed for one error at `offset` of `text`. */
static void assert_prints(const char *text, size_t offset, const struct key_path *path, const char *wanted)
{
    struct source s = {.name = TEXT("f.json"), .text = text_of(text)};
    struct place at = {.source = &s, .line = 1, .column = 1, .offset = (uint32_t)offset};
    struct diag d;
    STRBUF out;

    diag_init(&d);
    strbuf_init(&out, 10000);
    for (size_t i = 0; i < offset; i++)
        at.line += text[i] == '\n';
    diag_error(&d, at, path, "bad");
    diag_print(&d, false, &out);
    assert_same(strbuf_text(&out), wanted);
    diag_done(&d);
}

static void the_path_is_printed_with_indices(void **state)
{
    struct key_path a = {.key = TEXT("outbounds")}, b = {.up = &a, .index = 2},
                    c = {.up = &b, .key = TEXT("server_port")};

    (void)state;
    assert_prints("{\"server_port\": 70000}", 16, &c,
                  "f.json:1:1: error: outbounds[2].server_port: bad\n"
                  "    {\"server_port\": 70000}\n                    ^~~~~\n");
}

static void tabs_are_kept_and_wide_characters_counted_twice(void **state)
{
    (void)state;
    assert_prints("\t\xe9\xa6\x99: x", 6, NULL, "f.json:1:1: error: bad\n    \t\xe9\xa6\x99: x\n    \t    ^\n");
}

static void a_value_whose_key_is_secret_is_masked(void **state)
{
    struct key_path users = {.key = TEXT("authentication")}, first = {.up = &users, .index = 0};

    (void)state;
    assert_prints("{\"password\": \"hunter2\", \"port\": 70000}", 32, NULL,
                  "f.json:1:1: error: bad\n    {\"password\": \"***\", \"port\": 70000}\n"
                  "                                ^~~~~\n");
    assert_prints("- {name: it's, uuid: 1-2-3, port: x}", 34, NULL,
                  "f.json:1:1: error: bad\n    - {name: it's, uuid: ***, port: x}\n"
                  "                                    ^\n");
    assert_prints("password: a b, c", 10, NULL, "f.json:1:1: error: bad\n    password: ***\n              ^~~\n");
    assert_prints("  psk : 'x'' y'", 8, NULL, "f.json:1:1: error: bad\n      psk : '***'\n            ^~~~~\n");
    assert_prints("  - \"me:hunter2\"", 4, &first, "f.json:1:1: error: authentication[0]: bad\n      - \"***\"\n        ^~~~~\n");
    assert_prints("  - me:hunter2", 4, &first, "f.json:1:1: error: authentication[0]: bad\n      - ***\n        ^~~\n");
    assert_prints("\"token\": [\"a\", \"b\"]", 10, NULL, "f.json:1:1: error: bad\n    \"token\": [***]\n              ^~~\n");
    assert_prints("url: https://u:p@h/x?token=1", 5, NULL,
                  "f.json:1:1: error: bad\n    url: https://***@h/x?***\n         ^~~~~\n");
    assert_prints("- ss://YWVzOnB3@h:1", 2, NULL, "f.json:1:1: error: bad\n    - ss://***\n      ^~\n");
}

static void a_long_line_is_cut_round_the_caret(void **state)
{
    char line[1000];
    struct source s = {.name = TEXT("f"), .text = {line, sizeof line}};
    struct place at = {.source = &s, .line = 1, .column = 501, .offset = 500};
    struct diag d;

    (void)state;
    memset(line, 'x', sizeof line);
    line[500] = ',';
    diag_init(&d);
    diag_error(&d, at, NULL, "bad");
    assert_int_equal(d.first->excerpt.len, DIAG_LINE_MAX + 6);
    assert_int_equal(d.first->excerpt.ptr[d.first->caret], ',');
    diag_done(&d);
}

static void what_steers_a_terminal_is_not_printed(void **state)
{
    struct source s = {.name = TEXT("f\033[1m"), .text = TEXT("a\033]0;x\a b")};
    struct place at = {.source = &s, .line = 1, .column = 1};
    struct diag d;
    STRBUF out;

    (void)state;
    diag_init(&d);
    strbuf_init(&out, 1000);
    diag_error(&d, at, NULL, "x%s", "\033[2J");
    diag_print(&d, false, &out);
    assert_same(strbuf_text(&out), "f?[1m:1:1: error: x?[2J\n    a?]0;x? b\n    ^~\n");
    diag_done(&d);
}

static void too_many_are_counted(void **state)
{
    struct diag d;
    STRBUF out;

    (void)state;
    diag_init(&d);
    strbuf_init(&out, 100000);
    for (int i = 0; i < DIAG_ENTRIES_MAX + 5; i++)
        diag_error(&d, (struct place){0}, NULL, "e%d", i);
    diag_hint(&d, "belongs to none that was kept");
    diag_print(&d, false, &out);
    assert_int_equal(d.errors, DIAG_ENTRIES_MAX + 5);
    assert_true(text_starts(strbuf_text(&out), TEXT("error: e0\nerror: e1\n")));
    assert_true(text_ends(strbuf_text(&out), TEXT("error: e99\nand 5 more\n")));
    diag_done(&d);
}

static void json_has_the_same_entries(void **state)
{
    struct source s = {.name = TEXT("f"), .text = TEXT("a: \"b\"")};
    struct key_path path = {.key = TEXT("a")};
    struct diag d;
    STRBUF out;

    (void)state;
    diag_init(&d);
    strbuf_init(&out, 1000);
    diag_print_json(&d, &out);
    assert_same(strbuf_text(&out), "[]\n");
    strbuf_clear(&out);
    diag_warn(&d, (struct place){.source = &s, .line = 1, .column = 4, .offset = 3}, &path, "odd");
    diag_hint(&d, "try \"c\"");
    diag_print_json(&d, &out);
    assert_same(strbuf_text(&out),
                "[\n  {\"severity\": \"warning\", \"file\": \"f\", \"line\": 1, \"column\": 4, \"path\": \"a\", "
                "\"message\": \"odd\", \"hint\": \"try \\\"c\\\"\", \"excerpt\": \"a: \\\"b\\\"\"}\n]\n");
    diag_done(&d);
}

static void the_nearest_name_is_near(void **state)
{
    struct nearest n = nearest_to(TEXT("sever_port"));

    (void)state;
    nearest_offer(&n, TEXT("server"));
    assert_null(n.best.ptr);
    nearest_offer(&n, TEXT("server_port"));
    assert_same(n.best, "server_port");
    n = nearest_to(TEXT("x"));
    nearest_offer(&n, TEXT("y"));
    assert_null(n.best.ptr);
}

static void memory_that_runs_out_still_counts_errors(void **state)
{
#ifdef WEIR_FAILING_ALLOC
    struct source s = {.name = TEXT("f"), .text = TEXT("a: \"b\"")};

    for (long i = 1; i < 8; i++) {
        struct diag d;
        diag_init(&d);
        mem_fail_at(i);
        diag_error(&d, (struct place){.source = &s, .line = 1, .column = 4, .offset = 3}, NULL, "bad");
        diag_hint(&d, "hint");
        mem_fail_at(0);
        assert_int_equal(d.errors, 1);
        diag_done(&d);
    }
#endif
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_is_printed_with_indices),
        cmocka_unit_test(tabs_are_kept_and_wide_characters_counted_twice),
        cmocka_unit_test(a_value_whose_key_is_secret_is_masked),
        cmocka_unit_test(a_long_line_is_cut_round_the_caret),
        cmocka_unit_test(what_steers_a_terminal_is_not_printed),
        cmocka_unit_test(too_many_are_counted),
        cmocka_unit_test(json_has_the_same_entries),
        cmocka_unit_test(the_nearest_name_is_near),
        cmocka_unit_test(memory_that_runs_out_still_counts_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
