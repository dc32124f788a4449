#include "proto/fake.h"

#include "proto/http/http.h"
#include "proto/socks/socks.h"
#include "service/proxy/mixed.h"

static const struct protocol *const registry[] = {&http_protocol, &socks_protocol, NULL};
static struct fake_router router;

static struct inbound *make(void)
{
    static struct user_option alice = {.username = {"alice", 5}, .password = {"secret", 6}};
    struct users_options o = {.users = {.at = &alice, .len = 1}};
    struct inbound_setup setup = {.tag = "in", .options = &o, .router = &router.router, .registry = registry};
    struct inbound *in = NULL;
    struct error err;

    fake_router_init(&router);
    check_int(mixed_protocol.inbound_new(&setup, &in, &err), 0);
    return in;
}

static void unmake(struct inbound *in)
{
    fake_router_done(&router);
    in->ops->free(in);
}

static void both(void)
{
    static const char request[] = "CONNECT a.b:443 HTTP/1.1\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n";
    struct inbound *in = make();
    struct served v;

    served_open(&v, in);
    say_slowly(v.client, "\5\1\2\1\5alice\6secret\5\1\0\3\1x\0\120", 3 + 14 + 8);
    expect_bytes(v.client, "\5\2\1\0\5\0", 6);
    check(strcmp(router.dest[0], "x:80") == 0);
    served_close(&v);
    served_open(&v, in);
    say(v.client, request);
    say(v.client, "early");
    expect(v.client, "HTTP/1.1 200 Connection established\r\n\r\n");
    expect(router.far[1], "early");
    say(router.far[1], "late");
    expect(v.client, "late");
    served_close(&v);
    unmake(in);
}

static void neither(void)
{
    static const char *const first[] = {"\1", "\26\3\1", " GET", "\200", ""};
    struct inbound *in = make();

    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        struct served v;
        served_open(&v, in);
        if (first[i][0])
            say(v.client, first[i]);
        check_int(stream_shutdown(v.client), 0);
        expect_end(v.client);
        served_close(&v);
    }
    check_int(router.opens, 0);
    unmake(in);
}

static void missing(void)
{
    static const struct protocol *const socks_only[] = {&socks_protocol, NULL};
    struct users_options o = {0};
    struct inbound_setup setup = {.tag = "in", .options = &o, .registry = socks_only};
    struct inbound *in = NULL;
    struct error err;

    check_int(mixed_protocol.inbound_new(&setup, &in, &err), -ENOENT);
}

#define TEST(name, body)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        on_worker(body);                                                                           \
    }

TEST(the_first_octet_tells_socks_from_http, both)
TEST(what_is_neither_is_closed_without_an_answer, neither)
TEST(a_missing_protocol_is_named, missing)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_octet_tells_socks_from_http),
        cmocka_unit_test(what_is_neither_is_closed_without_an_answer),
        cmocka_unit_test(a_missing_protocol_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
