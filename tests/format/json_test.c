#include "tree.h"

#include <errno.h>

static void every_value_knows_its_place(void **state)
{
    struct tree t;

    (void)state;
    tree_read(&t, json_read, "{\n  \"n\": [1, -2.5, true],\r\n\t\"\xc3\xa9\": \"x\\n\\u00e9\\ud83d\\ude00\", \"m\": {}\n}\n");
    assert_int_equal(t.result, 0);
    struct node_item *n = t.doc.root->first;
    assert_place(n->key_at, 2, 3);
    assert_place(n->value->at, 2, 8);
    assert_place(node_at(n->value, 1)->at, 2, 12);
    assert_int_equal(node_at(n->value, 0)->integer, 1);
    assert_true(node_at(n->value, 1)->number == -2.5);
    assert_true(node_at(n->value, 2)->boolean);
    assert_place(n->next->key_at, 3, 2);
    assert_place(n->next->value->at, 3, 7);
    assert_same(n->next->value->text, "x\n\xc3\xa9\xf0\x9f\x98\x80");
    assert_place(n->next->next->key_at, 3, 32);
    assert_int_equal(node_get(t.doc.root, "m")->kind, NODE_MAP);
    assert_null(node_get(t.doc.root, "none"));
    assert_int_equal(t.doc.root->count, 3);
    assert_int_equal(t.doc.root->weight, 7);
    tree_done(&t);
}

static void comments_and_trailing_commas_are_accepted(void **state)
{
    struct tree t;

    (void)state;
    tree_read(&t, json_read, "\xef\xbb\xbf// top\n{ # one\n \"a\": 1, /* b */ // c\n \"b\": [1,2,], \n // end\n} // after");
    assert_int_equal(t.result, 0);
    assert_same(t.doc.before->text, "// top");
    assert_same(t.doc.root->first->before->text, "# one");
    assert_same(t.doc.root->first->after->text, "/* b */");
    assert_same(t.doc.root->first->after->next->text, "// c");
    assert_same(t.doc.root->tail->text, "// end");
    assert_same(t.doc.after->text, "// after");
    assert_int_equal(node_get(t.doc.root, "b")->count, 2);
    tree_done(&t);
}

static void numbers_beyond_64_bits_keep_their_digits(void **state)
{
    struct tree t;

    (void)state;
    tree_read(&t, json_read, "[9223372036854775807, -9223372036854775808, 9223372036854775808]");
    assert_int_equal(t.result, 0);
    assert_true(node_at(t.doc.root, 0)->integer == INT64_MAX);
    assert_true(node_at(t.doc.root, 1)->integer == INT64_MIN);
    assert_int_equal(node_at(t.doc.root, 2)->kind, NODE_FLOAT);
    assert_same(node_at(t.doc.root, 2)->raw, "9223372036854775808");
    tree_done(&t);
}

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    assert_says(json_read, "{\"a\" 1}",
                "t:1:6: error: found '1', expected ':' after the key\n    {\"a\" 1}\n         ^\n");
    assert_says(json_read, "{\n  \"a\": 1\n  \"b\": 2}",
                "t:3:3: error: found '\"', expected ',' or '}'\n      \"b\": 2}\n      ^~~\n");
    assert_says(json_read, "[1", "t:1:3: error: the file ends here, expected ',' or ']'\n    [1\n      ^\n");
    assert_says(json_read, "", "t:1:1: error: the file ends here, expected a value\n");
    assert_says(json_read, "[1] x", "t:1:5: error: found 'x', expected the end of the file\n    [1] x\n        ^\n");
    assert_says(json_read, "[\"a\nb\"]",
                "t:1:2: error: the string is not closed on its line, expected '\"'\n    [\"a\n     ^~\n");
    assert_says(json_read, "[01]", "t:1:2: error: is no JSON number, expected one like 12, -3 or 1.5\n    [01]\n     ^~\n");
    assert_says(json_read, "[1e400]", "t:1:2: error: the number is too large\n    [1e400]\n     ^~~~~\n");
    assert_says(json_read, "[/* x", "t:1:2: error: the comment is not closed, expected '*/'\n    [/* x\n     ^~\n");
    assert_says(json_read, "[\"\\q\"]",
                "t:1:3: error: unknown escape, expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u\n    [\"\\q\"]\n      ^~\n");
    assert_says(json_read, "['a']", "t:1:2: error: found ''', expected a value (strings take double quotes)\n    ['a']\n     ^~~\n");
    assert_says(json_read, "[\"\\u0000\"]", "t:1:3: error: expected four hexadecimal digits, not all zero, after \\u\n"
                "    [\"\\u0000\"]\n      ^~~~~~\n");
}

static void a_key_that_stands_twice_is_reported_and_the_last_counts(void **state)
{
    struct tree t;
    STRBUF many;

    (void)state;
    tree_read(&t, json_read, "{\"a\": 1, \"b\": 2,\n \"a\": 3}");
    assert_int_equal(t.result, 0);
    assert_same(strbuf_text(&t.said), "t:2:2: warning: key 'a' stands twice, first on line 1; this one counts\n"
                "     \"a\": 3}\n     ^~~\n");
    assert_int_equal(node_get(t.doc.root, "a")->integer, 3);
    assert_int_equal(t.doc.root->count, 2);
    tree_done(&t);

    strbuf_init(&many, 4000);
    for (int i = 0; i < 40; i++)
        strbuf_addf(&many, "%c\"k%d\":%d", i ? ',' : '{', i % 20, i);
    strbuf_add_char(&many, '}');
    tree_read_text(&t, json_read, strbuf_text(&many));
    assert_int_equal(t.diag.warnings, 20);
    assert_int_equal(t.doc.root->count, 20);
    assert_int_equal(node_get(t.doc.root, "k3")->integer, 23);
    tree_done(&t);
}

static void wrong_files_are_refused_clearly(void **state)
{
    struct tree t;

    (void)state;
    tree_read_text(&t, json_read, TEXT("{\"a\": \"\0\"}"));
    assert_same(strbuf_text(&t.said), "t:1:8: error: is a binary file (a zero byte), expected text\n    {\"a\": \"?\"}\n           ^\n");
    tree_done(&t);
    tree_read_text(&t, json_read, TEXT("\xff\xfe{\0}\0"));
    assert_same(strbuf_text(&t.said), "t: error: the file is UTF-16 or UTF-32, expected UTF-8\n");
    tree_done(&t);
    assert_says(json_read, "[\"\xff\"]", "t:1:3: error: byte 0xff is no UTF-8, expected text in UTF-8\n    [\"?\"]\n      ^\n");
}

static void nesting_is_bounded(void **state)
{
    char deep[2 * NODE_DEPTH_MAX + 8];
    struct tree t;

    (void)state;
    memset(deep, '[', NODE_DEPTH_MAX);
    memset(deep + NODE_DEPTH_MAX, ']', NODE_DEPTH_MAX);
    tree_read_text(&t, json_read, (struct text){deep, 2 * NODE_DEPTH_MAX});
    assert_int_equal(t.result, 0);
    tree_done(&t);
    memset(deep, '[', sizeof deep);
    tree_read_text(&t, json_read, (struct text){deep, sizeof deep});
    assert_int_equal(t.result, -EINVAL);
    assert_place((struct place){.line = t.diag.first->line, .column = t.diag.first->column}, 1, 65);
    tree_done(&t);
}

static void a_written_file_keeps_comments_and_reads_as_the_same(void **state)
{
    static const char text[] = "// top\n"
                               "{\n"
                               "  # before a\n"
                               "  \"a\": [\n"
                               "    1, // one\n"
                               "    2.5,\n"
                               "    0.0\n"
                               "    // tail\n"
                               "  ], /* after a */\n"
                               "  \"b\": {},\n"
                               "  \"c\": [],\n"
                               "  \"d\": \"\\n\\\"\xc3\xa9\"\n"
                               "}\n"
                               "// end\n";
    struct tree t, again;
    STRBUF out;

    (void)state;
    tree_read(&t, json_read, text);
    assert_int_equal(t.result, 0);
    strbuf_init(&out, 1000);
    json_write(&t.doc, &out);
    assert_same(strbuf_text(&out), text);
    tree_read_text(&again, json_read, strbuf_text(&out));
    assert_true(node_eq(t.doc.root, again.doc.root));
    tree_done(&again);
    tree_done(&t);
}

static void every_failing_allocation_is_survived(void **state)
{
#ifdef WEIR_FAILING_ALLOC
    bool failed = true;

    for (long i = 1; failed; i++) {
        struct document doc;
        struct diag diag;
        diag_init(&diag);
        mem_fail_at(i);
        int r = json_read(&doc, TEXT("t"), TEXT("{\"a\": [\"\\n\", {\"b\": 1, \"b\": 2}] /* c */}"), &diag);
        failed = mem_has_failed();
        mem_fail_at(0);
        assert_true(r == -ENOMEM || (r == 0 && doc.root) || !failed);
        document_done(&doc);
        diag_done(&diag);
    }
#endif
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_knows_its_place),
        cmocka_unit_test(comments_and_trailing_commas_are_accepted),
        cmocka_unit_test(numbers_beyond_64_bits_keep_their_digits),
        cmocka_unit_test(mistakes_are_named_with_their_place),
        cmocka_unit_test(a_key_that_stands_twice_is_reported_and_the_last_counts),
        cmocka_unit_test(wrong_files_are_refused_clearly),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(a_written_file_keeps_comments_and_reads_as_the_same),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
