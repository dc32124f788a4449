#include "tree.h"

#include <errno.h>

#include "format/option.h"

enum colour { RED, GREEN };

struct tls {
    bool enabled;
    struct text name;
};

struct user {
    struct text name;
    struct text password;
};

struct peer {
    struct text server;
    uint16_t port;
    uint32_t mark;
    int64_t timeout;
    uint64_t room;
    double share;
    enum colour colour;
    bool fast;
    int8_t mptcp;
    struct text_list hosts;
    struct number_list ports;
    struct text_map headers;
    struct tls tls;
    struct tls *extra;
    OBJECT_LIST(struct user) users;
    const struct node *rest;
    int64_t doubled;
};

static const struct option_choice colours[] = {{"red", RED}, {"green", GREEN}, {0}};

OPTION_TABLE(struct tls, tls_table) = {
    OPT_BOOL(struct tls, enabled, .singbox = "enabled", .mihomo = "tls", .help = "Whether to use TLS."),
    OPT_STRING(struct tls, name, .singbox = "server_name", .mihomo = "servername"),
    OPTION_END,
};

OPTION_TABLE(struct user, user_table) = {
    OPT_STRING(struct user, name, .singbox = "name", .mihomo = "username", .flags = OPTION_REQUIRED),
    OPT_STRING(struct user, password, .singbox = "password", .mihomo = "password", .flags = OPTION_SECRET),
    OPTION_END,
};

static int read_doubled(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    int64_t value;
    int result = option_integer(n, &value, r);

    (void)o;
    if (result == 0)
        *(int64_t *)field = 2 * value;
    return result;
}

static int write_doubled(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    (void)o;
    if (!*(const int64_t *)field)
        return 0;
    *out = node_new_int(a, *(const int64_t *)field / 2);
    return *out ? 0 : -ENOMEM;
}

OPTION_TABLE(struct peer, peer_table) = {
    OPT_STRING(struct peer, server, .singbox = "server", .mihomo = "server", .flags = OPTION_REQUIRED,
               .help = "Address of the server."),
    OPT_PORT(struct peer, port, .singbox = "server_port", .mihomo = "port", .flags = OPTION_REQUIRED),
    OPT_U32(struct peer, mark, .singbox = "routing_mark", .mihomo = "routing-mark"),
    OPT_DURATION(struct peer, timeout, .singbox = "timeout", .mihomo = "timeout", .unit = OPTION_MS,
                 .def = 5 * OPTION_SECOND, .max = 60 * OPTION_SECOND),
    OPT_SIZE(struct peer, room, .singbox = "room", .mihomo = "room"),
    OPT_FLOAT(struct peer, share, .singbox = "share", .mihomo = "share", .def_float = 0.5),
    OPT_ENUM(struct peer, colour, colours, .singbox = "colour", .mihomo = "colour", .def = GREEN),
    OPT_BOOL(struct peer, fast, .singbox = "tcp_fast_open", .mihomo = "tfo"),
    OPT_BOOL(struct peer, fast, .singbox = "fast_open", .flags = OPTION_ALIAS, .deprecated = "tcp_fast_open"),
    OPT_TRI(struct peer, mptcp, .singbox = "tcp_multi_path", .mihomo = "mptcp", .def = -1),
    OPT_STRING_LIST(struct peer, hosts, .singbox = "hosts", .mihomo = "hosts"),
    OPT_NUMBER_LIST(struct peer, ports, .singbox = "ports", .mihomo = "ports", .min = 1, .max = 65535),
    OPT_MAP(struct peer, headers, .singbox = "headers", .mihomo = "headers"),
    OPT_OBJECT(struct peer, tls, tls_table, .singbox = "tls", .mihomo = OPTION_INLINE),
    OPT_OBJECT_PTR(struct peer, extra, tls_table, .singbox = "extra", .mihomo = "extra"),
    OPT_OBJECT_LIST(struct peer, users, user_table, .singbox = "users", .mihomo = "users"),
    OPT_NODE(struct peer, rest, .singbox = "rest"),
    OPT_CUSTOM(struct peer, doubled, read_doubled, write_doubled, .singbox = "half", .mihomo = "half"),
    OPT_UNSUPPORTED(.singbox = "multiplex", .mihomo = "smux"),
    OPT_IGNORED(.singbox = "$schema"),
    OPTION_END,
};

struct setup {
    struct tree t;
    struct arena arena;
    struct option_reader r;
    struct peer peer;
    int result;
};

static void set_up(struct setup *s, enum dialect dialect, const char *text)
{
    *s = (struct setup){0};
    tree_read(&s->t, dialect == DIALECT_SINGBOX ? json_read : yaml_read, text);
    assert_int_equal(s->t.result, 0);
    arena_init(&s->arena, 0);
    s->r = (struct option_reader){.arena = &s->arena, .diag = &s->t.diag, .dialect = dialect};
    s->result = options_read(peer_table, s->t.doc.root, &s->peer, &s->r);
    strbuf_clear(&s->t.said);
    for (const struct diag_entry *e = s->t.diag.first; e; e = e->next)
        strbuf_addf(&s->t.said, "%u:%u %.*s: %.*s%s%.*s\n", e->line, e->column, TEXT_ARG(e->path),
                    TEXT_ARG(e->message), e->hint.len ? "; " : "", TEXT_ARG(e->hint));
}

static void tear_down(struct setup *s)
{
    arena_done(&s->arena);
    tree_done(&s->t);
}

/* What is said about a singbox map that has server and port besides `text`. */
static void assert_said(enum dialect dialect, const char *text, int result, const char *said)
{
    struct setup s;
    STRBUF whole;

    strbuf_init(&whole, 4000);
    strbuf_addf(&whole, dialect == DIALECT_SINGBOX ? "{\"server\":\"h\",\"server_port\":1,\n%s}" : "{server: h, port: 1,\n%s}", text);
    set_up(&s, dialect, whole.ptr);
    assert_same(strbuf_text(&s.t.said), said);
    assert_int_equal(s.result, result);
    tear_down(&s);
}

static void every_type_is_read(void **state)
{
    struct setup s;

    (void)state;
    set_up(&s, DIALECT_SINGBOX,
           "{\"server\": \"h\", \"server_port\": 443, \"routing_mark\": 4294967295, \"timeout\": \"1m\","
           "\"room\": \"64 KiB\", \"share\": 2, \"colour\": \"red\", \"tcp_fast_open\": true, \"tcp_multi_path\": false,"
           "\"hosts\": \"one\", \"ports\": [1, 2], \"headers\": {\"a\": \"b\", \"c\": [\"d\", \"e\"]},"
           "\"tls\": {\"enabled\": true, \"server_name\": \"n\"}, \"extra\": {}, \"users\": [{\"name\": \"u\"}],"
           "\"rest\": [1], \"half\": 4, \"multiplex\": {\"enabled\": false}, \"$schema\": \"x\"}");
    assert_same(strbuf_text(&s.t.said), "");
    assert_int_equal(s.result, 0);
    assert_same(s.peer.server, "h");
    assert_int_equal(s.peer.port, 443);
    assert_true(s.peer.mark == UINT32_MAX);
    assert_true(s.peer.timeout == OPTION_MINUTE);
    assert_int_equal(s.peer.room, 65536);
    assert_true(s.peer.share == 2.0);
    assert_int_equal(s.peer.colour, RED);
    assert_true(s.peer.fast);
    assert_int_equal(s.peer.mptcp, 0);
    assert_int_equal(s.peer.hosts.len, 1);
    assert_same(s.peer.hosts.at[0], "one");
    assert_int_equal(s.peer.ports.at[1], 2);
    assert_int_equal(s.peer.headers.len, 3);
    assert_same(s.peer.headers.at[2].key, "c");
    assert_same(s.peer.headers.at[2].value, "e");
    assert_true(s.peer.tls.enabled);
    assert_non_null(s.peer.extra);
    assert_same(s.peer.users.at[0].name, "u");
    assert_int_equal(s.peer.rest->kind, NODE_LIST);
    assert_int_equal(s.peer.doubled, 8);
    tear_down(&s);
}

static void what_is_not_given_has_its_default(void **state)
{
    struct setup s;

    (void)state;
    set_up(&s, DIALECT_SINGBOX, "{\"server\": \"h\", \"server_port\": 443, \"timeout\": null}");
    assert_int_equal(s.result, 0);
    assert_true(s.peer.timeout == 5 * OPTION_SECOND);
    assert_true(s.peer.share == 0.5);
    assert_int_equal(s.peer.colour, GREEN);
    assert_int_equal(s.peer.mptcp, -1);
    assert_null(s.peer.extra);
    tear_down(&s);
}

static void mihomo_is_weak(void **state)
{
    struct setup s;

    (void)state;
    set_up(&s, DIALECT_MIHOMO,
           "{Server: 1234, PORT: '7890', routing_mark: 0x10, timeout: 300, share: '0.25', colour: RED, tfo: 1, mptcp: 'yes',"
           "tls: on, servername: n, hosts: [a, 1], users: {username: u, password: 5}}");
    assert_same(strbuf_text(&s.t.said), "");
    assert_int_equal(s.result, 0);
    assert_same(s.peer.server, "1234");
    assert_int_equal(s.peer.port, 7890);
    assert_int_equal(s.peer.mark, 16);
    assert_true(s.peer.timeout == 300 * OPTION_MS);
    assert_true(s.peer.share == 0.25);
    assert_int_equal(s.peer.colour, RED);
    assert_true(s.peer.fast);
    assert_int_equal(s.peer.mptcp, 1);
    assert_true(s.peer.tls.enabled);
    assert_same(s.peer.tls.name, "n");
    assert_same(s.peer.hosts.at[1], "1");
    assert_same(s.peer.users.at[0].password, "5");
    tear_down(&s);
}

static void singbox_is_strict(void **state)
{
    (void)state;
    assert_said(DIALECT_SINGBOX, "\"colour\": \"gren\"", -EINVAL,
                "2:11 colour: is \"gren\", expected red or green; did you mean 'green'?\n");
    assert_said(DIALECT_SINGBOX, "\"routing_mark\": \"1\"", -EINVAL,
                "2:17 routing_mark: is a string, expected a whole number\n");
    assert_said(DIALECT_SINGBOX, "\"timeout\": 5", -EINVAL,
                "2:12 timeout: is 5, expected a duration like \"5s\" or \"300ms\"\n");
    assert_said(DIALECT_SINGBOX, "\"timeout\": \"2m\"", -EINVAL, "2:12 timeout: is \"2m\", expected 0s to 1m\n");
    assert_said(DIALECT_SINGBOX, "\"tcp_fast_open\": 1", -EINVAL, "2:18 tcp_fast_open: is 1, expected true or false\n");
    assert_said(DIALECT_SINGBOX, "\"ports\": [1, 70000, \"x\"]", -EINVAL,
                "2:14 ports[1]: is 70000, expected 1 to 65535\n2:21 ports[2]: is a string, expected a whole number\n");
    assert_said(DIALECT_SINGBOX, "\"users\": [{\"name\": \"a\"}, {\"password\": 12345}]", -EINVAL,
                "2:39 users[1].password: is a whole number, expected a string\n"
                "2:26 users[1].name: is missing, expected a string\n");
    assert_said(DIALECT_SINGBOX, "\"tls\": true", -EINVAL, "2:8 tls: is true, expected a map\n");
    assert_said(DIALECT_SINGBOX, "\"half\": 1.5", -EINVAL, "2:9 half: is 1.5, expected a whole number\n");
    assert_said(DIALECT_SINGBOX, "\"server\": \"\"", -EINVAL, "2:1 : key 'server' stands twice, first on line 1; this one counts\n"
                "2:11 server: is empty, expected at least one character\n");
}

static void an_unknown_key_is_named_with_the_nearest(void **state)
{
    (void)state;
    assert_said(DIALECT_SINGBOX, "\"sever_port\": 1", -EINVAL,
                "2:1 sever_port: unknown key, expected one that this object has; did you mean 'server_port'?\n");
    assert_said(DIALECT_SINGBOX, "\"routing-mark\": 1", -EINVAL,
                "2:1 routing-mark: unknown key, expected one that this object has; that is its name in mihomo; here it is 'routing_mark'\n");
    assert_said(DIALECT_SINGBOX, "\"tls\": {\"qwertyuiop\": 1}", -EINVAL,
                "2:9 tls.qwertyuiop: unknown key, expected one that this object has\n");
    assert_said(DIALECT_MIHOMO, "servrname: 1", 0, "2:1 servrname: unknown key, it is ignored; did you mean 'servername'?\n");
    assert_said(DIALECT_MIHOMO, "$schema: 1", 0, "2:1 $schema: unknown key, it is ignored\n");
}

static void all_mistakes_are_reported(void **state)
{
    struct setup s;

    (void)state;
    set_up(&s, DIALECT_SINGBOX, "{\"server_port\": 70000, \"share\": \"x\",\n \"fast_open\": true, \"multiplex\": {\"enabled\": true}}");
    assert_same(strbuf_text(&s.t.said),
                "1:17 server_port: is 70000, expected 1 to 65535\n"
                "1:33 share: is a string, expected a number\n"
                "2:2 fast_open: is deprecated; write tcp_fast_open\n"
                "2:21 multiplex: is not supported by weir yet; --allow-unsupported leaves it out\n"
                "1:1 server: is missing, expected a string\n");
    assert_int_equal(s.result, -EINVAL);
    assert_int_equal(s.t.diag.errors, 4);
    assert_true(s.peer.fast);
    assert_true(s.r.met_unsupported);
    tear_down(&s);
}

static void a_number_taken_as_text_keeps_its_digits(void **state)
{
    (void)state;
    assert_said(DIALECT_MIHOMO, "servername: 0123", 0,
                "2:13 servername: a number is taken as text, as it is written; put it in quotes: mihomo would change its digits\n");
}

static void one_map_may_feed_several_tables(void **state)
{
    struct tls tls;
    struct user user;
    struct option_target targets[] = {{tls_table, &tls}, {user_table, &user}};
    struct arena arena;
    struct tree t;

    (void)state;
    tree_read(&t, json_read, "{\"name\": \"u\", \"enabled\": true, \"nam\": 1}");
    arena_init(&arena, 0);
    struct option_reader r = {.arena = &arena, .diag = &t.diag, .dialect = DIALECT_SINGBOX};
    assert_int_equal(options_read_all(targets, 2, t.doc.root, &r), -EINVAL);
    assert_int_equal(t.diag.errors, 1);
    assert_same(t.diag.first->hint, "did you mean 'name'?");
    assert_true(tls.enabled);
    assert_same(user.name, "u");
    assert_null(r.path);
    arena_done(&arena);
    tree_done(&t);
}

/* Writes the options in `dialect`, reads them back and writes them again. */
static void assert_written(const struct peer *peer, enum dialect dialect, const char *wanted)
{
    struct arena arena;
    struct setup again;
    STRBUF out;

    arena_init(&arena, 0);
    strbuf_init(&out, 10000);
    struct node *map = node_new(&arena, NODE_MAP);
    assert_int_equal(options_write(peer_table, dialect, peer, &arena, map), 0);
    if (dialect == DIALECT_SINGBOX)
        json_write_node(map, &out);
    else
        yaml_write(map, &out);
    assert_same(strbuf_text(&out), wanted);
    set_up(&again, dialect, out.ptr);
    assert_int_equal(again.result, 0);
    struct node *twice = node_new(&arena, NODE_MAP);
    assert_int_equal(options_write(peer_table, dialect, &again.peer, &arena, twice), 0);
    assert_true(node_eq(map, twice));
    tear_down(&again);
    arena_done(&arena);
}

static void what_differs_from_the_default_is_written(void **state)
{
    struct setup s;

    (void)state;
    set_up(&s, DIALECT_SINGBOX,
           "{\"server\": \"h\", \"server_port\": 443, \"timeout\": \"1500ms\", \"colour\": \"red\", \"hosts\": [\"a\"],"
           "\"headers\": {\"c\": [\"d\", \"e\"]}, \"tls\": {\"enabled\": true}, \"users\": {\"name\": \"u\"}, \"half\": 2}");
    assert_int_equal(s.result, 0);
    assert_written(&s.peer, DIALECT_SINGBOX,
                   "{\n  \"server\": \"h\",\n  \"server_port\": 443,\n  \"timeout\": \"1s500ms\",\n  \"colour\": \"red\",\n"
                   "  \"hosts\": [\n    \"a\"\n  ],\n  \"headers\": {\n    \"c\": [\n      \"d\",\n      \"e\"\n    ]\n  },\n"
                   "  \"tls\": {\n    \"enabled\": true\n  },\n  \"users\": [\n    {\n      \"name\": \"u\"\n    }\n  ],\n"
                   "  \"half\": 2\n}\n");
    assert_written(&s.peer, DIALECT_MIHOMO,
                   "server: h\nport: 443\ntimeout: 1500\ncolour: red\nhosts:\n  - a\nheaders:\n  c:\n    - d\n    - e\n"
                   "tls: true\nusers:\n  - username: u\nhalf: 2\n");
    tear_down(&s);
}

static void durations_and_sizes_have_units(void **state)
{
    static const struct { const char *text; int64_t ns; } good[] = {
        {"5m", 5 * OPTION_MINUTE}, {"1h30m", 90 * OPTION_MINUTE}, {"300ms", 300 * OPTION_MS}, {"0", 0},
        {"1.5s", 1500 * OPTION_MS}, {"-2s", -2 * OPTION_SECOND}, {"1d", 1440 * OPTION_MINUTE}, {"7ns", 7},
    };
    static const char *const bad[] = {"", "5", "s", "5x", "1m ", "-", ".s", "1..5s"};
    char words[32];
    int64_t ns;
    uint64_t size;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(duration_parse(text_of(good[i].text), &ns), 0);
        assert_true(ns == good[i].ns);
        duration_print(ns, words);
        assert_int_equal(duration_parse(text_of(words), &ns), 0);
        assert_true(ns == good[i].ns);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(duration_parse(text_of(bad[i]), &ns), -EINVAL);
    assert_int_equal(duration_parse(TEXT("9999999h"), &ns), -ERANGE);
    duration_print(INT64_MIN, words);
    duration_print(INT64_MAX, words);
    assert_int_equal(size_parse(TEXT("1.5 GiB"), &size), 0);
    assert_int_equal(size, 3u << 29);
    assert_int_equal(size_parse(TEXT("10m"), &size), 0);
    assert_int_equal(size, 10000000);
    assert_int_equal(size_parse(TEXT("10 q"), &size), -EINVAL);
}

static void reference_and_schema_come_from_the_table(void **state)
{
    struct tree t;
    STRBUF out;

    (void)state;
    strbuf_init(&out, 20000);
    options_print_reference(peer_table, DIALECT_MIHOMO, &out);
    assert_true(text_starts(strbuf_text(&out), TEXT("| `server` | a string | required | Address of the server. |\n"
                                                    "| `port` | 1 to 65535 | required |  |\n")));
    assert_non_null(strstr(out.ptr, "| `tls` | true or false | `false` | Whether to use TLS. |\n"));
    assert_non_null(strstr(out.ptr, "| `users.username` | a string | required |  |\n"));
    assert_non_null(strstr(out.ptr, "or a number of milliseconds | `5s` |"));
    strbuf_clear(&out);
    options_print_schema(peer_table, DIALECT_SINGBOX, &out);
    tree_read_text(&t, json_read, strbuf_text(&out));
    assert_same(strbuf_text(&t.said), "");
    struct node *properties = node_get(t.doc.root, "properties");
    assert_int_equal(node_get(node_get(properties, "server_port"), "maximum")->integer, 65535);
    assert_int_equal(node_get(t.doc.root, "required")->count, 2);
    assert_non_null(node_get(node_get(node_get(properties, "tls"), "properties"), "enabled"));
    tree_done(&t);
}

static void every_failing_allocation_is_survived(void **state)
{
#ifdef WEIR_FAILING_ALLOC
    struct tree t;
    bool failed = true;

    tree_read(&t, json_read, "{\"server\": \"h\", \"server_port\": 1, \"headers\": {\"a\": [\"b\"]}, \"users\": [{\"name\": \"x\"}], \"nope\": 1}");
    for (long i = 1; failed; i++) {
        struct arena arena;
        struct peer peer;
        struct diag diag;
        diag_init(&diag);
        arena_init(&arena, 0);
        struct option_reader r = {.arena = &arena, .diag = &diag, .dialect = DIALECT_SINGBOX};
        mem_fail_at(i);
        int result = options_read(peer_table, t.doc.root, &peer, &r);
        failed = mem_has_failed();
        mem_fail_at(0);
        assert_true(result == -ENOMEM || result == -EINVAL);
        arena_done(&arena);
        diag_done(&diag);
    }
    tree_done(&t);
#endif
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(mihomo_is_weak),
        cmocka_unit_test(singbox_is_strict),
        cmocka_unit_test(an_unknown_key_is_named_with_the_nearest),
        cmocka_unit_test(all_mistakes_are_reported),
        cmocka_unit_test(a_number_taken_as_text_keeps_its_digits),
        cmocka_unit_test(one_map_may_feed_several_tables),
        cmocka_unit_test(what_differs_from_the_default_is_written),
        cmocka_unit_test(durations_and_sizes_have_units),
        cmocka_unit_test(reference_and_schema_come_from_the_table),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
