#include "test.h"

#include <errno.h>

#include "base/mem.h"
#include "base/rnd.h"
#include "layer/h2.h"
#include "net/buffers.h"
#include "worker.h"

enum { PIPE = 300000, BLOCK = 100000 };

static const struct h2_field request[] = {
    {{":method", 7}, {"PUT", 3}},
    {{":scheme", 7}, {"http", 4}},
    {{":authority", 10}, {"a.test", 6}},
    {{":path", 5}, {"/x", 2}},
};
static const struct h2_field ok[] = {{{":status", 7}, {"200", 3}}};
static const struct h2_field missing[] = {{{":status", 7}, {"404", 3}}};

/* Both ends of a connection, and what its server does with a request. */
struct both {
    struct group group;
    struct stream *end[2];
    struct h2 *client;
    struct h2 *server;
    void (*serve)(struct both *b, struct stream *s);
    unsigned requests;
    struct h2_stream *last;
};

struct visit {
    struct both *both;
    struct stream *s;
};

static void serve(void *arg)
{
    struct visit v = *(struct visit *)arg;

    mem_free(arg);
    v.both->serve(v.both, v.s);
}

static void on_request(void *arg, struct h2_stream *st, const struct h2_head *head)
{
    struct both *b = arg;
    struct visit *v = mem_new(struct visit);

    check(v != NULL);
    b->requests++;
    b->last = st;
    check(text_is(head->method, "PUT"));
    check(text_is(head->path, "/x"));
    check(text_is(head->authority, "a.test"));
    *v = (struct visit){b, h2_stream_of(st)};
    check_int(h2_answer(st, ok, 1, false), 0);
    check_int(co_spawn(&b->group, "serve", serve, v), 0);
}

static void start(struct both *b, void (*how)(struct both *b, struct stream *s), uint32_t max_streams)
{
    struct h2_options client = {0}, server = {.is_server = true, .request = on_request, .arg = b,
                                              .max_streams = max_streams};

    *b = (struct both){.serve = how};
    group_init(&b->group, co_group());
    check_int(stream_pair(PIPE, b->end), 0);
    check_int(h2_new(b->end[0], &b->group, &client, &b->client), 0);
    check_int(h2_new(b->end[1], &b->group, &server, &b->server), 0);
}

static void stop(struct both *b)
{
    h2_leave(b->client);
    h2_leave(b->server);
    group_wait(&b->group);
    group_done(&b->group);
    check_int(buffers_in_use(), 0);
}

static void echo(struct both *b, struct stream *s)
{
    static uint8_t buf[20000];
    ssize_t n;

    (void)b;
    while ((n = stream_read(s, buf, sizeof buf)) > 0)
        check_int(stream_write(s, buf, (size_t)n), 0);
    check_int(n, 0);
    check_int(stream_shutdown(s), 0);
    stream_close(s);
}

struct writing {
    struct stream *s;
    const uint8_t *p;
    size_t n;
    int result;
    bool is_done;
};

static void write_all(void *arg)
{
    struct writing *w = arg;

    w->result = stream_write(w->s, w->p, w->n);
    if (w->result == 0)
        w->result = stream_shutdown(w->s);
    w->is_done = true;
}

static void expect(struct stream *s, const uint8_t *want, size_t n)
{
    static uint8_t got[30000];

    while (n) {
        ssize_t r = stream_read(s, got, min_of(n, sizeof got));
        check(r > 0);
        check(memcmp(got, want, (size_t)r) == 0);
        want += r;
        n -= (size_t)r;
    }
}

static struct stream *open_one(struct both *b)
{
    struct h2_stream *st = NULL;

    check_int(h2_open(b->client, request, ARRAY_LEN(request), &st), 0);
    check(h2_stream_of(st)->flags & STREAM_HOLDS_HEADER);
    return h2_stream_of(st);
}

static void carry(void)
{
    static uint8_t data[3000000];
    struct both b;

    rnd_bytes(data, sizeof data);
    start(&b, echo, 0);
    for (int i = 0; i < 3; i++) {
        struct stream *s = open_one(&b);
        struct writing w = {.s = s, .p = data, .n = sizeof data};
        check_int(co_spawn(&b.group, "write", write_all, &w), 0);
        expect(s, data, sizeof data);
        check_int(stream_read(s, data, 1), 0);
        check(w.is_done);
        stream_close(s);
    }
    check_int(b.requests, 3);
    check_int(h2_streams(b.client), 0);
    stop(&b);
}

static void streams_carry_both_ways(void **state)
{
    (void)state;
    on_worker(carry);
}

static void stall(struct both *b, struct stream *s)
{
    if (b->requests > 1) {
        echo(b, s);
        return;
    }
    /* Reads nothing until the others are done. */
    check_int(co_sleep(200), 0);
    uint8_t first[1];
    check_int(stream_read(s, first, 1), 1);
    stream_close(s);
}

static void siblings(void)
{
    static uint8_t data[H2_WINDOW * 4];
    struct both b;

    rnd_bytes(data, sizeof data);
    start(&b, stall, 0);
    struct stream *stalled = open_one(&b);
    struct writing w = {.s = stalled, .p = data, .n = sizeof data};
    check_int(co_spawn(&b.group, "write", write_all, &w), 0);
    check_int(co_sleep(10), 0);
    check(!w.is_done);
    for (int i = 0; i < 4; i++) {
        struct stream *s = open_one(&b);
        struct writing other = {.s = s, .p = data, .n = BLOCK};
        check_int(co_spawn(&b.group, "write", write_all, &other), 0);
        expect(s, data, BLOCK);
        check_int(stream_read(s, data, 1), 0);
        stream_close(s);
    }
    check(!w.is_done);
    check_int(co_sleep(300), 0);
    check(w.is_done);
    check(w.result < 0);
    stream_close(stalled);
    stop(&b);
}

static void a_stalled_stream_does_not_stall_siblings(void **state)
{
    (void)state;
    on_worker(siblings);
}

static void hold(struct both *b, struct stream *s)
{
    uint8_t buf[10];

    (void)b;
    check(stream_read(s, buf, sizeof buf) >= 0);
    while (stream_read(s, buf, sizeof buf) > 0)
        continue;
    stream_close(s);
}

static void limits(void)
{
    struct stream *s[6];
    uint8_t buf[1];
    struct both b;

    start(&b, hold, 2);
    for (int i = 0; i < 6; i++)
        s[i] = open_one(&b);
    for (int i = 0; i < 6; i++)
        check_int(stream_write(s[i], "x", i < 2 ? 1 : 0), 0);
    check_int(co_sleep(20), 0);
    check_int(b.requests, 2);
    check_int(stream_read(s[5], buf, 1), -ECONNREFUSED);
    check(!h2_has_room(b.client));
    check_int(stream_shutdown(s[0]), 0);
    check_int(stream_read(s[0], buf, 1), 0);
    for (int i = 2; i < 6; i++)
        stream_close(s[i]);
    stream_close(s[0]);
    check_int(co_sleep(20), 0);
    check(h2_has_room(b.client));
    s[0] = open_one(&b);
    check_int(stream_write(s[0], "x", 1), 0);
    check_int(co_sleep(20), 0);
    check_int(b.requests, 3);
    stream_close(s[0]);
    stream_close(s[1]);
    check_int(co_sleep(20), 0);
    check_int(h2_streams(b.server), 0);
    stop(&b);
}

static void no_more_streams_than_the_server_takes(void **state)
{
    (void)state;
    on_worker(limits);
}

static void drop(struct both *b, struct stream *s)
{
    (void)b;
    stream_abort(s);
}

static void resets(void)
{
    uint8_t buf[1];
    struct both b;

    start(&b, drop, 0);
    struct stream *s = open_one(&b);
    check_int(stream_write(s, "x", 1), 0);
    check_int(stream_read(s, buf, 1), -ECONNRESET);
    check(stream_write(s, "x", 1) < 0);
    stream_close(s);
    stop(&b);
}

static void an_aborted_stream_is_no_end(void **state)
{
    (void)state;
    on_worker(resets);
}

static void refuse(void *arg, struct h2_stream *st, const struct h2_head *head)
{
    (void)arg;
    (void)head;
    check_int(h2_answer(st, missing, 1, true), 0);
    stream_close(h2_stream_of(st));
}

static void refusals(void)
{
    struct h2_options client = {0}, server = {.is_server = true, .request = refuse};
    struct stream *end[2];
    struct h2 *c, *s;
    struct group g;
    struct h2_stream *st;
    uint8_t buf[1];

    group_init(&g, co_group());
    check_int(stream_pair(PIPE, end), 0);
    check_int(h2_new(end[0], &g, &client, &c), 0);
    check_int(h2_new(end[1], &g, &server, &s), 0);
    check_int(h2_open(c, request, 4, &st), 0);
    check_int(stream_flush(h2_stream_of(st)), 0);
    check_int(h2_wait_status(st, NEVER), 404);
    check_int(stream_read(h2_stream_of(st), buf, 1), -EPROTO);
    stream_close(h2_stream_of(st));
    h2_leave(c);
    h2_leave(s);
    group_wait(&g);
    group_done(&g);
}

static void another_status_is_no_stream(void **state)
{
    (void)state;
    on_worker(refusals);
}

static void ended(void)
{
    uint8_t buf[1];
    struct both b;

    start(&b, hold, 0);
    struct stream *s = open_one(&b);
    check_int(stream_write(s, "x", 1), 0);
    check_int(co_sleep(10), 0);
    group_cancel(&b.group);
    group_wait(&b.group);
    check(stream_read(s, buf, 1) < 0);
    check(stream_write(s, "x", 1) < 0);
    check(!h2_has_room(b.client));
    struct h2_stream *st;
    check(h2_open(b.client, request, 4, &st) < 0);
    stream_close(s);
    check(h2_wait(b.client) < 0);
    h2_leave(b.client);
    h2_leave(b.server);
    group_done(&b.group);
}

static void streams_outlive_their_connection(void **state)
{
    (void)state;
    on_worker(ended);
}

struct cancel_write {
    struct stream *s;
    const uint8_t *p;
    int result;
};

static void write_until_cancelled(void *arg)
{
    struct cancel_write *w = arg;

    w->result = stream_write(w->s, w->p, H2_WINDOW * 4);
}

static void cancelled(void)
{
    static uint8_t data[H2_WINDOW * 4];
    struct both b;
    struct group g;

    start(&b, stall, 0);
    struct stream *s = open_one(&b);
    struct cancel_write w = {.s = s, .p = data};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "write", write_until_cancelled, &w), 0);
    check_int(co_sleep(10), 0);
    group_done(&g);
    check_int(w.result, -ECANCELED);
    stream_close(s);
    /* Its siblings do not notice. */
    s = open_one(&b);
    check_int(stream_write(s, "hello", 5), 0);
    expect(s, (const uint8_t *)"hello", 5);
    stream_close(s);
    check_int(co_sleep(300), 0);
    stop(&b);
}

static void a_cancelled_writer_harms_only_its_stream(void **state)
{
    (void)state;
    on_worker(cancelled);
}

/* ---- floods: the client is raw ---- */

static void flood_with(const uint8_t *frame, size_t n, unsigned count)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    struct h2_options server = {.is_server = true, .request = refuse};
    struct stream *end[2];
    struct group g;
    struct h2 *s;
    uint8_t got[4096];
    ssize_t r = 0;

    group_init(&g, co_group());
    check_int(stream_pair(PIPE, end), 0);
    check_int(h2_new(end[1], &g, &server, &s), 0);
    check_int(stream_write(end[0], preface, sizeof preface), 0);
    for (unsigned i = 0; i < count && r >= 0; i++) {
        r = stream_write(end[0], frame, n);
        while (r == 0 && (r = stream_try_read(end[0], got, sizeof got)) > 0)
            r = 0;
        if (r == -EAGAIN)
            r = i % 64 == 0 ? co_yield() : 0;
        else if (r == 0)
            break;
    }
    stream_set_deadline(end[0], loop_now() + 2000);
    while ((r = stream_read(end[0], got, sizeof got)) > 0)
        continue;
    check(r != -ETIMEDOUT);
    check(h2_wait(s) <= 0);
    h2_leave(s);
    stream_close(end[0]);
    group_done(&g);
}

static void floods(void)
{
    static const uint8_t ping[17] = {0, 0, 8, 6}, settings[9] = {0, 0, 0, 4};
    static const uint8_t priority[14] = {0, 0, 5, 2, 0, 0, 0, 0, 1}, unknown[9] = {0, 0, 0, 0x55};
    static const uint8_t window[13] = {0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1};

    flood_with(ping, sizeof ping, 100000);
    flood_with(settings, sizeof settings, 100000);
    flood_with(priority, sizeof priority, 100000);
    flood_with(unknown, sizeof unknown, 100000);
    flood_with(window, sizeof window, 100000);
}

static void floods_end_the_connection(void **state)
{
    (void)state;
    on_worker(floods);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_carry_both_ways),
        cmocka_unit_test(a_stalled_stream_does_not_stall_siblings),
        cmocka_unit_test(no_more_streams_than_the_server_takes),
        cmocka_unit_test(an_aborted_stream_is_no_end),
        cmocka_unit_test(another_status_is_no_stream),
        cmocka_unit_test(streams_outlive_their_connection),
        cmocka_unit_test(a_cancelled_writer_harms_only_its_stream),
        cmocka_unit_test(floods_end_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
