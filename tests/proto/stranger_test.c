#include "test.h"

#include "proto/stranger.h"

static void add(struct fallbacks *f, const char *name, const char *alpn, const char *path, uint16_t port)
{
    struct fallback_option o = {.name = text_of(name), .alpn = text_of(alpn), .path = text_of(path)};

    assert_int_equal(dest_set_host(&o.dest, TEXT("127.0.0.1"), port), 0);
    assert_int_equal(fallbacks_add(f, &o), 0);
}

static uint16_t found(const struct fallbacks *f, const char *sni, const char *alpn, const char *sent)
{
    struct stranger who = {.sni = text_of(sni), .alpn = text_of(alpn), .sent = text_bytes(text_of(sent))};
    const struct fallback_option *o = fallbacks_find(f, &who);

    return o ? o->dest.port : 0;
}

static void the_fallback_that_names_most_is_taken(void **state)
{
    struct fallbacks f = {0};

    (void)state;
    assert_int_equal(found(&f, "a.test", "h2", "GET / HTTP/1.1\r\n"), 0);
    add(&f, "", "", "", 1);
    add(&f, "", "", "/ws", 2);
    add(&f, "", "h2", "", 3);
    add(&f, "a.test", "", "", 4);
    add(&f, "a.test", "h2", "/ws", 5);
    assert_int_equal(found(&f, "b.test", "", "x"), 1);
    assert_int_equal(found(&f, "b.test", "", "GET /ws HTTP/1.1\r\n"), 2);
    assert_int_equal(found(&f, "b.test", "", "GET /ws?ed=2048 HTTP/1.1\r\n"), 2);
    assert_int_equal(found(&f, "b.test", "", "GET /ws2 HTTP/1.1\r\n"), 1);
    assert_int_equal(found(&f, "b.test", "h2", "GET /ws HTTP/1.1\r\n"), 3);
    assert_int_equal(found(&f, "A.test", "", ""), 4);
    assert_int_equal(found(&f, "a.test", "h2", "GET /ws HTTP/1.1\r\n"), 5);
    fallbacks_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fallback_that_names_most_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
