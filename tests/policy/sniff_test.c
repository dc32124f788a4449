#include "worker.h"

#include <errno.h>

#include "hello.h"
#include "net/buffers.h"
#include "policy/sniff.h"
#include "rules.h"

static uint8_t hello[HELLO_SIZE];

/* ---- streams ----------------------------------------------------------------------------- */

/* Writes two parts with a pause between them, then closes its end of the pipe. */
struct speaker {
    struct stream *end;
    const uint8_t *bytes;
    size_t n;
    size_t cut;
};

static void speak(void *arg)
{
    struct speaker *p = arg;

    check_int(stream_write(p->end, p->bytes, p->cut), 0);
    for (int i = 0; i < 3; i++)
        check_int(co_yield(), 0);
    if (p->n > p->cut)
        check_int(stream_write(p->end, p->bytes + p->cut, p->n - p->cut), 0);
    check_int(stream_shutdown(p->end), 0);
}

static struct session flow(uint16_t port)
{
    struct session s = {.dest = {.ip = addr_v4(0xc0000201, 0), .port = port}};

    return s;
}

/* Sniffs what a speaker says and checks that all of it can be read afterwards. */
static struct session sniffed(const uint8_t *bytes, size_t n, size_t cut)
{
    struct stream *ends[2];
    struct session s = flow(443);
    static uint8_t back[64 * 1024];
    size_t got = 0;
    ssize_t r;

    check_int(stream_pair(64 * 1024, ends), 0);
    struct speaker p = {.end = ends[1], .bytes = bytes, .n = n, .cut = cut};
    struct group g;
    group_init(&g, co_group());
    check_int(co_spawn(&g, "speaker", speak, &p), 0);
    check_int(sniff_stream(&s, &ends[0], SNIFF_ALL, 5000), 0);
    check_int(buffers_in_use(), 0);
    while ((r = stream_read(ends[0], back + got, sizeof back - got)) > 0)
        got += (size_t)r;
    check_int(r, 0);
    check_int(got, n);
    check(memcmp(back, bytes, n) == 0);
    group_wait(&g);
    group_done(&g);
    stream_close(ends[0]);
    stream_close(ends[1]);
    return s;
}

static void split_hellos(void)
{
    make_hello(hello);
    for (size_t cut = 1; cut <= sizeof hello; cut++) {
        struct session s = sniffed(hello, sizeof hello, cut);
        check(strcmp(s.protocol, "tls") == 0);
        check(text_is(dest_name(&s.sniffed), "a.org"));
        check_int(s.sniffed.port, 443);
    }
}

static void a_hello_split_anywhere_is_read_and_given_again(void **state)
{
    (void)state;
    on_worker(split_hellos);
}

static void other_protocols(void)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: a.org:81\r\n\r\n", ip[] = "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n";
    static const char noise[] = "\xfe\xff nothing that is known";

    struct session s = sniffed((const uint8_t *)http, sizeof http - 1, 5);
    check(strcmp(s.protocol, "http") == 0 && text_is(dest_name(&s.sniffed), "a.org"));
    s = sniffed((const uint8_t *)ip, sizeof ip - 1, 20);
    check(strcmp(s.protocol, "http") == 0 && !dest_is_name(&s.sniffed));
    s = sniffed((const uint8_t *)noise, sizeof noise - 1, 3);
    check(s.protocol[0] == 0 && !dest_is_name(&s.sniffed));
}

static void what_is_not_known_is_given_again_too(void **state)
{
    (void)state;
    on_worker(other_protocols);
}

static void endless_request(void)
{
    static uint8_t bytes[40 * 1024];

    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "GET /", 5);
    struct session s = sniffed(bytes, sizeof bytes, 100);
    check(s.protocol[0] == 0);
}

static void the_bound_ends_the_reading(void **state)
{
    (void)state;
    on_worker(endless_request);
}

static void silent_client(void)
{
    struct stream *ends[2], *was;
    struct session s = flow(443), greeting = flow(25);

    check_int(stream_pair(64, ends), 0);
    was = ends[0];
    check_int(sniff_stream(&s, &ends[0], SNIFF_ALL, 1), 0);
    check(ends[0] == was);
    check_int(sniff_stream(&greeting, &ends[0], SNIFF_ALL, INT64_C(1) << 40), 0);
    check_int(stream_write(ends[1], "\x16\x03", 2), 0);
    check_int(sniff_stream(&s, &ends[0], SNIFF_ALL, 1), 0);
    char back[4];
    check_int(stream_read(ends[0], back, sizeof back), 2);
    stream_close(ends[0]);
    stream_close(ends[1]);
}

static void a_client_that_stops_is_not_waited_for(void **state)
{
    (void)state;
    on_worker(silent_client);
}

static void chosen_sniffers(void)
{
    struct text_list http = TEXTS("http"), none = {0};
    struct error err;
    uint32_t set;

    check_int(sniff_set(&none, &set, &err), 0);
    check(set == SNIFF_ALL);
    check_int(sniff_set(&http, &set, &err), 0);
    struct stream *ends[2];
    struct session s = flow(443);
    make_hello(hello);
    check_int(stream_pair(1024, ends), 0);
    check_int(stream_write(ends[1], hello, sizeof hello), 0);
    check_int(sniff_stream(&s, &ends[0], set, 1000), 0);
    check(s.protocol[0] == 0);
    stream_close(ends[0]);
    stream_close(ends[1]);
}

static void only_the_chosen_sniffers_are_asked(void **state)
{
    (void)state;
    on_worker(chosen_sniffers);
}

/* ---- datagrams --------------------------------------------------------------------------- */

static void datagrams(void)
{
    static uint8_t query[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 3, 'o', 'r', 'g', 0, 0, 1, 0, 1};
    static uint8_t noise[] = {0xff, 1, 2, 3};
    struct quic_initial *quic = NULL;
    struct session s = flow(53);
    struct batch b = {.count = 2, .at = {{.ptr = noise, .len = sizeof noise}, {.ptr = query, .len = sizeof query}}};

    check_int(sniff_batch(&s, SNIFF_ALL, &quic, &b), DETECT_YES);
    check(strcmp(s.protocol, "dns") == 0);
    mem_free(quic);
}

static void any_datagram_of_a_batch_may_tell(void **state)
{
    (void)state;
    on_worker(datagrams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_split_anywhere_is_read_and_given_again),
        cmocka_unit_test(what_is_not_known_is_given_again_too),
        cmocka_unit_test(the_bound_ends_the_reading),
        cmocka_unit_test(a_client_that_stops_is_not_waited_for),
        cmocka_unit_test(only_the_chosen_sniffers_are_asked),
        cmocka_unit_test(any_datagram_of_a_batch_may_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
