#include "test.h"

#include <errno.h>

#include "format/http1_chunked.h"

/* Feeds pieces of `piece` octets; collects the data; returns the octets taken or the error. */
static ssize_t feed(const char *text, size_t n, size_t piece, char *data, size_t *len)
{
    struct http1_chunked c = {0};
    struct bytes part;
    size_t used = 0;

    *len = 0;
    while (used < n && !http1_chunked_has_ended(&c)) {
        ssize_t r = http1_chunked_step(&c, text + used, min_of(piece, n - used), &part);
        if (r < 0)
            return r;
        if (part.len)
            memcpy(data + *len, part.ptr, part.len);
        *len += part.len;
        used += (size_t)r;
    }
    return http1_chunked_has_ended(&c) ? (ssize_t)used : 0;
}

static void the_end_is_found_however_it_arrives(void **state)
{
    static const char text[] = "4\r\nWiki\r\n6;a=\"b\"\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nX: y\r\n\r\nNEXT";
    char data[64];
    size_t len;

    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        assert_int_equal(feed(text, sizeof(text) - 1, piece, data, &len), sizeof(text) - 1 - 4);
        assert_int_equal(len, 24);
        assert_memory_equal(data, "Wikipedia in \r\n\r\nchunks.", len);
    }
}

static void a_cut_body_has_not_ended(void **state)
{
    static const char text[] = "2\r\nab\r\n0\r\n\r\n";
    struct http1_chunked c;

    (void)state;
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        c = (struct http1_chunked){0};
        assert_int_equal(http1_chunked_scan(&c, text, n), n);
        assert_false(http1_chunked_has_ended(&c));
    }
    c = (struct http1_chunked){0};
    assert_int_equal(http1_chunked_scan(&c, text, sizeof(text) - 1), sizeof(text) - 1);
    assert_true(http1_chunked_has_ended(&c));
}

static void malformed_chunks_are_refused(void **state)
{
    static const char *const bad[] = {
        "\r\n", "g\r\n", "-1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1\n", "1\r\r", "1\r\nab", "1\r\na\n",
        "1\r\na\r\r", "1;a\nb", "0\r\n x: y\r\n", "0\r\n: y\r\n", "0\r\nx\r\n\r\n", "0\r\nx: y\n", "0\r\n\rx", ";a\r\n",
    };
    struct http1_chunked c;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        c = (struct http1_chunked){0};
        if (http1_chunked_scan(&c, bad[i], strlen(bad[i])) != -EBADMSG)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void sizes_extensions_and_trailers_have_limits(void **state)
{
    static char big[HTTP1_TRAILERS_MAX + 64];
    struct http1_chunked c = {0};

    (void)state;
    assert_int_equal(http1_chunked_scan(&c, "1000000000000000", 16), -EMSGSIZE);
    c = (struct http1_chunked){0};
    assert_int_equal(http1_chunked_scan(&c, "0000000000000000", 16), -EMSGSIZE);
    memset(big, 'a', sizeof(big));
    memcpy(big, "1;", 2);
    c = (struct http1_chunked){0};
    assert_int_equal(http1_chunked_scan(&c, big, sizeof(big)), -EMSGSIZE);
    memcpy(big, "0\r\n", 3);
    c = (struct http1_chunked){0};
    assert_int_equal(http1_chunked_scan(&c, big, sizeof(big)), -EMSGSIZE);
}

static void tiny_chunks_with_long_extensions_run_out(void **state)
{
    struct http1_chunked c = {0};
    ssize_t r = 0;

    (void)state;
    for (int i = 0; i < 1000 && r >= 0; i++)
        r = http1_chunked_scan(&c, "1;aaaaaaaaaaaa\r\nx\r\n", 19);
    assert_int_equal(r, -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_found_however_it_arrives),
        cmocka_unit_test(a_cut_body_has_not_ended),
        cmocka_unit_test(malformed_chunks_are_refused),
        cmocka_unit_test(sizes_extensions_and_trailers_have_limits),
        cmocka_unit_test(tiny_chunks_with_long_extensions_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
