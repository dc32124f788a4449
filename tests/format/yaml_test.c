#include "tree.h"

#include <errno.h>

static void every_value_knows_its_place(void **state)
{
    struct tree t;

    (void)state;
    tree_read(&t, yaml_read, "port: 7890\r\n\"\xc3\xa9\xc3\xa9\": {a: 'x', b: [1, two]}\r\nlist:\r\n  - name: \"q\"\r\n    v: |\r\n      l1\r\n      l2\r\n  - ~\r\n");
    assert_same(strbuf_text(&t.said), "");
    assert_int_equal(t.result, 0);
    struct node_item *port = t.doc.root->first;
    assert_place(port->key_at, 1, 1);
    assert_place(port->value->at, 1, 7);
    assert_int_equal(port->value->integer, 7890);
    assert_place(port->next->key_at, 2, 1);
    assert_place(node_get(port->next->value, "a")->at, 2, 11);
    assert_true(node_get(port->next->value, "a")->quoted);
    assert_place(node_at(node_get(port->next->value, "b"), 1)->at, 2, 23);
    struct node *entry = node_at(node_get(t.doc.root, "list"), 0);
    assert_place(entry->at, 4, 5);
    assert_place(entry->first->next->key_at, 5, 5);
    assert_same(node_get(entry, "v")->text, "l1\nl2\n");
    assert_int_equal(node_at(node_get(t.doc.root, "list"), 1)->kind, NODE_NULL);
    tree_done(&t);
}

static void scalars_are_typed_as_go_does(void **state)
{
    struct tree t;

    (void)state;
    tree_read(&t, yaml_read, "[0x10, 0o17, 017, 08, 1_000, 1e3, .5, yes, On, True, ~, null, .inf, 12:30, '1', !!str 1, 1.2.3, -a, 0b11, +5]");
    static const enum node_kind kinds[] = {
        NODE_INT, NODE_INT, NODE_INT, NODE_FLOAT, NODE_INT, NODE_FLOAT, NODE_FLOAT, NODE_STRING, NODE_STRING,
        NODE_BOOL, NODE_NULL, NODE_NULL, NODE_FLOAT, NODE_STRING, NODE_STRING, NODE_STRING, NODE_STRING,
        NODE_STRING, NODE_INT, NODE_INT,
    };
    assert_same(strbuf_text(&t.said), "");
    assert_int_equal(t.doc.root->count, ARRAY_LEN(kinds));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_int_equal(node_at(t.doc.root, i)->kind, kinds[i]);
    assert_int_equal(node_at(t.doc.root, 0)->integer, 16);
    assert_int_equal(node_at(t.doc.root, 1)->integer, 15);
    assert_int_equal(node_at(t.doc.root, 2)->integer, 15);
    assert_int_equal(node_at(t.doc.root, 4)->integer, 1000);
    tree_done(&t);
}

static void merge_keys_give_way_to_what_is_written(void **state)
{
    struct tree t;

    (void)state;
    tree_read(&t, yaml_read, "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  <<: [*a, *b]\n  x: 9\nd:\n  <<: *a\ne: *b\n");
    assert_same(strbuf_text(&t.said), "");
    struct node *c = node_get(t.doc.root, "c");
    assert_int_equal(c->count, 3);
    assert_int_equal(node_get(c, "x")->integer, 9);
    assert_int_equal(node_get(c, "y")->integer, 2);
    assert_int_equal(node_get(c, "z")->integer, 4);
    struct node_item *y = node_find(node_get(t.doc.root, "d"), TEXT("y"));
    assert_place(y->value->at, 1, 17);
    assert_place(y->alias, 7, 7);
    struct node_item *e = node_find(t.doc.root, TEXT("e"));
    assert_place(e->alias, 8, 4);
    assert_ptr_equal(e->value, node_get(t.doc.root, "b"));
    tree_done(&t);
}

static void cycles_and_bombs_are_refused(void **state)
{
    STRBUF bomb;
    struct tree t;

    (void)state;
    assert_says(yaml_read, "a: &a\n  b: *a\n",
                "t:2:6: error: alias '*a' stands inside its own anchor: that never ends\n      b: *a\n         ^~\n");
    assert_says(yaml_read, "a: &a\n  <<: *a\n",
                "t:2:7: error: alias '*a' stands inside its own anchor: that never ends\n      <<: *a\n          ^~\n");
    assert_says(yaml_read, "a: *b\n",
                "t:1:4: error: unknown alias '*b', expected the name of an anchor above\n    a: *b\n       ^~\n");
    assert_says(yaml_read, "a: 1\nb:\n  <<: 5\n",
                "t:3:3: error: '<<' needs an alias of a map, or a list of them\n      <<: 5\n      ^~\n");
    strbuf_init(&bomb, 4000);
    strbuf_addf(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++) {
        strbuf_addf(&bomb, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            strbuf_addf(&bomb, "*a%d,", i - 1);
        strbuf_addf(&bomb, "]\n");
    }
    tree_read_text(&t, yaml_read, strbuf_text(&bomb));
    assert_int_equal(t.result, -EINVAL);
    assert_non_null(strstr(t.said.ptr, "the aliases expand to more than 2000000 values"));
    tree_done(&t);
}

static void mistakes_are_named_with_their_place(void **state)
{
    struct tree t;

    (void)state;
    assert_says(yaml_read, "a: 1\nb: 2\na: 3\n", "t:3:1: error: key 'a' stands twice, first on line 1\n    a: 3\n    ^\n");
    assert_says(yaml_read, "a: 1\n---\nb: 2\n",
                "t:2:1: error: a second document starts here ('---'), expected one document in the file\n    ---\n    ^~~\n");
    assert_says(yaml_read, "[a]: 1\n", "t:1:1: error: a key is a list or map, expected a single value\n    [a]: 1\n    ^\n");
    tree_read(&t, yaml_read, "a: 1\nb: [1, 2\nc: 3\n");
    assert_int_equal(t.result, -EINVAL);
    assert_true(t.diag.errors >= 1 && t.diag.first->line >= 2);
    tree_done(&t);
    tree_read(&t, yaml_read, "a:\n\t- b\n");
    assert_int_equal(t.result, -EINVAL);
    assert_int_equal(t.diag.first->line, 2);
    tree_done(&t);
    tree_read(&t, yaml_read, "a: \"x\n");
    assert_int_equal(t.result, -EINVAL);
    tree_done(&t);
}

static void nesting_is_bounded(void **state)
{
    enum { SIZE = 200000 };
    char *deep = mem_alloc(SIZE);
    struct tree t;

    (void)state;
    memset(deep, '[', SIZE);
    tree_read_text(&t, yaml_read, (struct text){deep, SIZE});
    assert_int_equal(t.result, -EINVAL);
    tree_done(&t);
    for (int i = 0; i < SIZE; i += 2)
        memcpy(deep + i, "- ", 2);
    tree_read_text(&t, yaml_read, (struct text){deep, SIZE});
    assert_int_equal(t.result, -EINVAL);
    tree_done(&t);
    for (int i = 0; i < SIZE; i += 3)
        memcpy(deep + i, "{a:", (size_t)min_of(3, SIZE - i));
    tree_read_text(&t, yaml_read, (struct text){deep, SIZE});
    assert_int_equal(t.result, -EINVAL);
    tree_done(&t);
    mem_free(deep);
}

static void nothing_is_null(void **state)
{
    static const char *const texts[] = {"", "# only a comment\n", "---\n", "\xef\xbb\xbf"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct tree t;
        tree_read(&t, yaml_read, texts[i]);
        assert_same(strbuf_text(&t.said), "");
        assert_int_equal(t.result, 0);
        assert_int_equal(t.doc.root->kind, NODE_NULL);
        tree_done(&t);
    }
}

static void what_is_written_reads_as_the_same(void **state)
{
    static const char text[] = "{\"a\": 1, \"yes\": [\"yes\", \"1\", \"\", \"~\", \"a: b\", \"a #b\", \"#x\", \"*x\", \"\xe9\xa6\x99\xe6\xb8\xaf 01\","
                               "\"x\\ny\", \"0x1\", \"- a\", \" lead\", \"trail \", \"1.2.3.4\", \"::1\", \"12:30\", \"DOMAIN,a.b,DIRECT\","
                               "\"\\u001b\", \"%a\", \"a:\", \"null\", \"true\", \"=\", \"\\\\\", \"it's\", \"---\", \"\xc2\x85\"],"
                               "\"m\": {\"n\": {\"o\": null, \"p\": []}, \"q\": {}}, \"l\": [{\"a\": 1, \"b\": {\"c\": [[1, 2], [{\"d\": 2.5}]]}}, true]}";
    struct tree t, again;
    STRBUF out;

    (void)state;
    tree_read(&t, json_read, text);
    assert_int_equal(t.result, 0);
    strbuf_init(&out, 4000);
    yaml_write(t.doc.root, &out);
    tree_read_text(&again, yaml_read, strbuf_text(&out));
    assert_same(strbuf_text(&again.said), "");
    assert_true(node_eq(t.doc.root, again.doc.root));
    tree_done(&again);
    tree_done(&t);
}

static void doubled_quotes_and_folds_of_single_quoted_texts(void **state)
{
    struct tree t;

    (void)state;
    tree_read(&t, yaml_read, "a: '''''''''token'''\nb: 'x''y \n\n  z'\nc: ''''\nd: 'it''s'\ne: 'p''\n  q'\n");
    assert_same(node_get(t.doc.root, "a")->text, "''''token'");
    assert_same(node_get(t.doc.root, "b")->text, "x'y\nz");
    assert_same(node_get(t.doc.root, "c")->text, "'");
    assert_same(node_get(t.doc.root, "d")->text, "it's");
    assert_same(node_get(t.doc.root, "e")->text, "p' q");
    tree_done(&t);
}

static void block_style_is_what_people_write(void **state)
{
    static const char text[] = "port: 7890\nproxies:\n  - name: \"\xf0\x9f\x87\xad\xf0\x9f\x87\xb0 a\"\n    type: ss\n    alpn:\n      - h2\n  - DIRECT\nrules: []\n";
    struct tree t;
    STRBUF out;

    (void)state;
    tree_read(&t, yaml_read, text);
    strbuf_init(&out, 4000);
    yaml_write(t.doc.root, &out);
    assert_same(strbuf_text(&out), "port: 7890\nproxies:\n  - name: \xf0\x9f\x87\xad\xf0\x9f\x87\xb0 a\n    type: ss\n    alpn:\n      - h2\n  - DIRECT\nrules: []\n");
    tree_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_knows_its_place),
        cmocka_unit_test(scalars_are_typed_as_go_does),
        cmocka_unit_test(merge_keys_give_way_to_what_is_written),
        cmocka_unit_test(cycles_and_bombs_are_refused),
        cmocka_unit_test(mistakes_are_named_with_their_place),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(nothing_is_null),
        cmocka_unit_test(what_is_written_reads_as_the_same),
        cmocka_unit_test(doubled_quotes_and_folds_of_single_quoted_texts),
        cmocka_unit_test(block_style_is_what_people_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
