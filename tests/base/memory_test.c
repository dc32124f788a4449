/* What grows or hands out memory: arena, strbuf, vec, map, list. */
#include "test.h"

#include <errno.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "base/vec.h"

/* ---- arena ------------------------------------------------------------------------------- */

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 0);
    for (size_t n = 1; n < 40000; n = n * 3 + 1) {
        uint8_t *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    struct text t = arena_text(&a, TEXT("abc"));
    assert_string_equal(t.ptr, "abc");
    t = arena_text(&a, (struct text){0});
    assert_string_equal(t.ptr, "");
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 15));
    arena_done(&a);
    assert_int_equal(a.total, 0);
}

static void an_arena_gives_all_below_its_ceiling_and_nothing_above(void **state)
{
    static const size_t ceilings[] = {64, 1024, 20000, 100000};
    struct arena a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ceilings); i++) {
        size_t got = 0;
        arena_init(&a, ceilings[i]);
        while (arena_alloc(&a, 16))
            got += 16;
        assert_true(got <= ceilings[i]);
        assert_true(got + 64 > ceilings[i]);
        assert_null(arena_text(&a, TEXT("a")).ptr);
        arena_done(&a);
    }
}

/* ---- strbuf ------------------------------------------------------------------------------ */

static void a_buffer_stops_at_its_ceiling_and_says_so(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 10);
    strbuf_add_text(&b, TEXT("0123456789"));
    assert_false(b.failed);
    strbuf_add_text(&b, (struct text){0});
    assert_false(b.failed);
    strbuf_add_char(&b, 'x');
    assert_true(b.failed);
    strbuf_clear(&b);
    assert_false(b.failed);
    strbuf_addf(&b, "%d-%s", 12, "1234567");
    assert_true(text_is(strbuf_text(&b), "12-1234567"));
    strbuf_addf(&b, "%d", 1);
    assert_true(b.failed);
    /* Once failed, what would fit is ignored, too. */
    strbuf_add(&b, "", 0);
    assert_true(text_is(strbuf_text(&b), "12-1234567"));
    assert_null(strbuf_take(&b));
    strbuf_done(&b);
}

static void a_buffer_refuses_a_length_that_overflows(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, SIZE_MAX - 1);
    strbuf_add_char(&b, 'a');
    strbuf_add(&b, "", SIZE_MAX);
    assert_true(b.failed);
    strbuf_done(&b);
}

static void taking_from_an_empty_buffer_gives_an_empty_string(void **state)
{
    struct strbuf b;

    (void)state;
    strbuf_init(&b, 0);
    assert_true(text_is(strbuf_text(&b), ""));
    char *s = strbuf_take(&b);
    assert_string_equal(s, "");
    mem_free(s);
    strbuf_add_char(&b, 'a');
    assert_true(b.failed);
    strbuf_done(&b);
}

static void json_strings_are_escaped_and_always_utf8(void **state)
{
    static const struct {
        struct text in;
        const char *out;
    } c[] = {
        {TEXT(""), "\"\""},
        {TEXT("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
        {TEXT("\n\r\t\b\0\x1f\x7f"), "\"\\n\\r\\t\\u0008\\u0000\\u001f\\u007f\""},
        {TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {TEXT("\x80" "a"), "\"\\ufffda\""},                       /* alone */
        {TEXT("\xc3"), "\"\\ufffd\""},                            /* cut off */
        {TEXT("\xe2\x82"), "\"\\ufffd\\ufffd\""},
        {TEXT("\xc3\""), "\"\\ufffd\\\"\""},                      /* the quote is not swallowed */
        {TEXT("\xc0\xaf"), "\"\\ufffd\\ufffd\""},                 /* overlong */
        {TEXT("\xe0\x80\xaf"), "\"\\ufffd\\ufffd\\ufffd\""},
        {TEXT("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\""},      /* surrogate */
        {TEXT("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\""}, /* above U+10FFFF */
        {TEXT("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\""},
        {TEXT("\xff\xfe"), "\"\\ufffd\\ufffd\""},
    };
    struct strbuf b;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        strbuf_init(&b, 100);
        strbuf_add_json(&b, c[i].in);
        assert_false(b.failed);
        assert_string_equal(b.ptr, c[i].out);
        strbuf_done(&b);
    }
}

/* ---- vec --------------------------------------------------------------------------------- */

static void a_vector_keeps_what_was_pushed(void **state)
{
    VEC(uint32_t) v = {0};

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(vec_push(&v, i * 3), 0);
    assert_int_equal(v.len, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(v.at[i], i * 3);
    vec_done(&v);
    assert_null(v.at);
    assert_int_equal(v.len + v.cap, 0);
}

static void a_vector_whose_size_overflows_is_refused_and_kept(void **state)
{
    void *at = NULL;
    size_t cap = SIZE_MAX / 8;

    (void)state;
    assert_int_equal(vec_grow(&at, cap, &cap, 64), -ENOMEM);
    assert_null(at);
    assert_int_equal(cap, SIZE_MAX / 8);
}

#ifdef WEIR_FAILING_ALLOC
static void without_memory_everything_stays_as_it_was(void **state)
{
    VEC(int) v = {0};
    struct strbuf b;
    struct map m;
    int value;

    (void)state;
    map_init(&m);
    strbuf_init(&b, 100);
    mem_fail_at(1);
    assert_int_equal(vec_push(&v, 1), -ENOMEM);
    assert_int_equal(v.len, 0);
    mem_fail_at(1);
    strbuf_add_char(&b, 'a');
    assert_true(b.failed);
    mem_fail_at(1);
    assert_int_equal(map_put_text(&m, TEXT("a"), &value), -ENOMEM);
    assert_null(map_get_text(&m, TEXT("a")));
    assert_int_equal(map_put_text(&m, TEXT("a"), &value), 0);
    mem_fail_at(0);
    vec_done(&v);
    strbuf_done(&b);
    map_done(&m);
}
#endif

/* ---- map --------------------------------------------------------------------------------- */

enum { KEYS = 2000 };

static struct bytes key_of(const uint32_t *k)
{
    return (struct bytes){.ptr = (const uint8_t *)k, .len = sizeof *k};
}

static void a_map_finds_what_is_in_it_and_nothing_else(void **state)
{
    uint32_t key[KEYS];
    struct map m;

    (void)state;
    map_init(&m);
    assert_null(map_get(&m, key_of(&(uint32_t){1})));
    assert_null(map_remove(&m, key_of(&(uint32_t){1})));
    for (uint32_t i = 0; i < KEYS; i++) {
        key[i] = i;
        assert_int_equal(map_put(&m, key_of(&key[i]), &key[i]), 0);
    }
    for (uint32_t i = 0; i < KEYS; i += 2)
        assert_ptr_equal(map_remove(&m, key_of(&key[i])), &key[i]);
    assert_int_equal(m.len, KEYS / 2);
    for (uint32_t i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&m, key_of(&i)), i % 2 ? &key[i] : NULL);
    assert_null(map_remove(&m, key_of(&key[0])));
    map_done(&m);
}

static void a_second_put_replaces_key_and_value(void **state)
{
    char one[] = "key", two[] = "key";
    int a, b;
    struct map m;

    (void)state;
    map_init(&m);
    assert_int_equal(map_put_text(&m, text_of(one), &a), 0);
    assert_int_equal(map_put_text(&m, text_of(two), &b), 0);
    assert_int_equal(m.len, 1);
    one[0] = 'x'; /* the first key's memory is not looked at any more */
    assert_ptr_equal(map_get_text(&m, TEXT("key")), &b);
    map_done(&m);
}

static void the_empty_key_is_a_key(void **state)
{
    int a;
    struct map m;

    (void)state;
    map_init(&m);
    assert_int_equal(map_put(&m, (struct bytes){0}, &a), 0);
    assert_ptr_equal(map_get_text(&m, TEXT("")), &a);
    assert_ptr_equal(map_get(&m, (struct bytes){0}), &a);
    assert_ptr_equal(map_remove(&m, (struct bytes){0}), &a);
    assert_null(map_get(&m, (struct bytes){0}));
    assert_int_equal(m.len, 0);
    map_done(&m);
}

static void coming_and_going_does_not_make_a_map_grow(void **state)
{
    uint32_t key[4] = {0};
    struct map m;

    (void)state;
    map_init(&m);
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t *k = &key[i % 4];
        if (i >= 4)
            assert_ptr_equal(map_remove(&m, key_of(k)), k);
        *k = i;
        assert_int_equal(map_put(&m, key_of(k), k), 0);
    }
    assert_int_equal(m.len, 4);
    assert_true(m.cap <= 16);
    map_done(&m);
}

static void the_current_entry_of_a_walk_may_be_removed_and_freed(void **state)
{
    struct map m;
    unsigned seen = 0;

    (void)state;
    map_init(&m);
    for (uint32_t i = 0; i < 500; i++) {
        uint32_t *k = mem_dup(&i, sizeof i);
        assert_non_null(k);
        assert_int_equal(map_put(&m, key_of(k), k), 0);
    }
    map_each(s, &m) {
        uint32_t *k = s->value;
        seen++;
        if (*k % 3)
            continue;
        assert_ptr_equal(map_remove(&m, key_of(k)), k);
        mem_free(k); /* the key lay in it */
    }
    assert_int_equal(seen, 500);
    assert_int_equal(m.len, 500 - 167);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(map_get(&m, key_of(&i)) != NULL, i % 3 != 0);
    map_each(s, &m)
        mem_free(s->value);
    map_done(&m);
}

static void two_maps_hash_differently(void **state)
{
    struct map a, b;

    (void)state;
    map_init(&a);
    map_init(&b);
    assert_true(siphash13(a.seed, "abc", 3) != siphash13(b.seed, "abc", 3));
    assert_true(siphash13(a.seed, "abc", 3) == siphash13(a.seed, "abc", 3));
    map_done(&a);
    map_done(&b);
}

/* As the hash of bytes in CPython 3.11 and later with PYTHONHASHSEED=0: a key of zeros. */
static void siphash_matches_published_values(void **state)
{
    static const struct {
        const char *in;
        uint64_t want;
    } vector[] = {
        {"a", 0x407448d2b89b1813u},
        {"abc", 0xc03bc3a0042630f2u},
        {"abcdefgh", 0x3f7b849c0b8e35eau},
        {"abcdefghi", 0xf89b34a3d11eb6e5u},
        {"The quick brown fox", 0x975e410714568333u},
    };
    const uint64_t seed[2] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vector); i++)
        assert_true(siphash13(seed, vector[i].in, strlen(vector[i].in)) == vector[i].want);
}

/* ---- list -------------------------------------------------------------------------------- */

struct member {
    struct list link;
    int n;
};

static int digits(struct list *l)
{
    int v = 0;

    list_each(i, l)
        v = v * 10 + container_of(i, struct member, link)->n;
    return v;
}

static void a_list_keeps_its_order(void **state)
{
    struct member m[4];
    struct list l, other;

    (void)state;
    list_init(&l);
    list_init(&other);
    assert_true(list_is_empty(&l));
    for (int i = 0; i < 4; i++) {
        m[i].n = i + 1;
        list_add(i == 3 ? &other : &l, &m[i].link);
    }
    assert_int_equal(digits(&l), 123);
    list_remove(&m[1].link);
    list_remove(&m[1].link);
    assert_int_equal(digits(&l), 13);
    list_add_first(&l, &m[1].link);
    assert_int_equal(digits(&l), 213);
    list_move_all(&l, &other);
    assert_int_equal(digits(&l), 2134);
    assert_true(list_is_empty(&other));
    list_move_all(&l, &other);
    assert_int_equal(digits(&l), 2134);
    list_move_all(&other, &l);
    assert_int_equal(digits(&other), 2134);
    assert_int_equal(digits(&l), 0);
}

static void the_current_member_of_a_walk_may_be_removed(void **state)
{
    struct member m[5];
    struct list l;

    (void)state;
    list_init(&l);
    for (int i = 0; i < 5; i++) {
        m[i].n = i + 1;
        list_add(&l, &m[i].link);
    }
    list_each(i, &l) {
        if (container_of(i, struct member, link)->n % 2)
            list_remove(i);
    }
    assert_int_equal(digits(&l), 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(an_arena_gives_all_below_its_ceiling_and_nothing_above),
        cmocka_unit_test(a_buffer_stops_at_its_ceiling_and_says_so),
        cmocka_unit_test(a_buffer_refuses_a_length_that_overflows),
        cmocka_unit_test(taking_from_an_empty_buffer_gives_an_empty_string),
        cmocka_unit_test(json_strings_are_escaped_and_always_utf8),
        cmocka_unit_test(a_vector_keeps_what_was_pushed),
        cmocka_unit_test(a_vector_whose_size_overflows_is_refused_and_kept),
#ifdef WEIR_FAILING_ALLOC
        cmocka_unit_test(without_memory_everything_stays_as_it_was),
#endif
        cmocka_unit_test(a_map_finds_what_is_in_it_and_nothing_else),
        cmocka_unit_test(a_second_put_replaces_key_and_value),
        cmocka_unit_test(the_empty_key_is_a_key),
        cmocka_unit_test(coming_and_going_does_not_make_a_map_grow),
        cmocka_unit_test(the_current_entry_of_a_walk_may_be_removed_and_freed),
        cmocka_unit_test(two_maps_hash_differently),
        cmocka_unit_test(siphash_matches_published_values),
        cmocka_unit_test(a_list_keeps_its_order),
        cmocka_unit_test(the_current_member_of_a_walk_may_be_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
