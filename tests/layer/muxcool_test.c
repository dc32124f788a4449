#include "test.h"

#include <errno.h>

#include "layer/muxcool/frame.h"
#include "layer/muxcool/muxcool.h"
#include "worker.h"

/* ---- frames ---- */

static const uint8_t opening[] = "\0\x0c\0\1\1\1\1\0\x50\1\1\2\3\4\0\2hi"; /* NEW 1, TCP 1.2.3.4:80 */
enum { OPENING = sizeof opening - 1 };

static void frames_are_read_whole_or_not_at_all(void **state)
{
    struct muxcool_frame f = {0};

    (void)state;
    for (size_t n = 0; n < OPENING; n++) {
        struct reader part = reader_of(opening, n);
        assert_int_equal(muxcool_frame_read(&part, &f), 0);
        assert_true(f.size > n);
    }
    struct reader r = reader_of(opening, OPENING);
    assert_int_equal(muxcool_frame_read(&r, &f), 1);
    assert_int_equal(f.id, 1);
    assert_int_equal(f.network, MUXCOOL_TCP);
    assert_int_equal(f.target.port, 80);
    assert_int_equal(f.data.len, 2);
    assert_int_equal(f.size, OPENING);
}

static void wrong_frames_are_refused(void **state)
{
    static const struct {
        const char *p;
        size_t n;
    } wrong[] = {
        {"\0\3\0\1\1", 5},                    /* metadata too short */
        {"\2\1\0\1\2\0", 6},                  /* too long */
        {"\0\4\0\1\0\0", 6}, {"\0\4\0\1\5\0", 6}, /* no such status */
        {"\0\4\0\1\1\0", 6},                  /* NEW without a target */
        {"\0\5\0\1\1\0\3", 7},                /* no such network */
        {"\0\x0c\0\1\1\0\1\0\x50\7\1\2\3\4", 14}, /* no such kind of address */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct muxcool_frame f = {0};
        struct reader r = reader_of(wrong[i].p, wrong[i].n);
        assert_int_equal(muxcool_frame_read(&r, &f), -EPROTO);
    }
}

/* ---- the server ---- */

enum { KEPT = 4 };

struct fixture {
    struct stream *far;
    struct stream *lower;
    struct muxcool_arrival at[KEPT];
    unsigned count;
    struct event arrived;
    struct event leave; /* the arrivals' coroutines end */
    struct group group;
    int result;
};

static void keep(void *arg, struct muxcool_arrival *a)
{
    struct fixture *f = arg;

    check(f->count < KEPT);
    f->at[f->count++] = *a;
    event_set(&f->arrived);
}

static void serve(void *arg)
{
    struct fixture *f = arg;

    f->result = muxcool_serve(f->lower, keep, f);
}

static void start(struct fixture *f)
{
    struct stream *pair[2];

    *f = (struct fixture){.result = 1};
    check_int(stream_pair(64 * 1024, pair), 0);
    f->far = pair[0];
    f->lower = pair[1];
    group_init(&f->group, co_group());
    check_int(co_spawn(&f->group, "serve", serve, f), 0);
}

static void stop(struct fixture *f, int result)
{
    stream_close(f->far);
    group_wait(&f->group);
    group_done(&f->group);
    check_int(f->result, result);
    for (unsigned i = 0; i < f->count; i++) {
        stream_close(f->at[i].stream);
        packet_close(f->at[i].packet);
    }
}

static void say(struct fixture *f, const void *p, size_t n)
{
    check_int(stream_write(f->far, p, n), 0);
}

static void expect(struct fixture *f, const void *p, size_t n)
{
    uint8_t got[256];

    check(n <= sizeof got);
    stream_set_deadline(f->far, loop_now() + 5000);
    check_int(stream_read_full(f->far, got, n), 0);
    check(memcmp(got, p, n) == 0);
}

static void two_streams(void)
{
    struct fixture f;
    char got[8];

    start(&f);
    say(&f, opening, OPENING);
    say(&f, "\0\x0c\0\2\1\0\1\0\x51\1\1\2\3\4", 14);
    while (f.count < 2)
        check_int(event_wait(&f.arrived, NEVER, "test"), 0);
    check_int(f.at[0].dest.port, 80);
    check_int(f.at[1].dest.port, 81);
    check_int(stream_read(f.at[0].stream, got, sizeof got), 2);
    say(&f, "\0\4\0\2\2\1\0\3xyz", 11);
    check_int(stream_read(f.at[1].stream, got, sizeof got), 3);
    check_int(stream_write(f.at[1].stream, "ab", 2), 0);
    expect(&f, "\0\4\0\2\2\1\0\2ab", 10);
    say(&f, "\0\4\0\1\3\0", 6);
    check_int(stream_read(f.at[0].stream, got, sizeof got), 0);
    check_int(stream_write(f.at[0].stream, "x", 1), -EPIPE);
    stream_close(f.at[1].stream);
    expect(&f, "\0\4\0\2\3\0", 6);
    f.at[1].stream = NULL;
    stop(&f, 0);
}

static void streams_are_told_apart_and_ended(void **state)
{
    (void)state;
    on_worker(two_streams);
}

static void strange_frames(void)
{
    struct fixture f;

    start(&f);
    say(&f, "\0\4\0\7\2\1\0\3xyz", 11); /* KEEP of a stream that is not there */
    expect(&f, "\0\4\0\7\3\2", 6);
    say(&f, "\0\4\0\7\3\0", 6);           /* END of one: nothing to say */
    say(&f, "\0\4\0\0\4\1\0\3xyz", 11);   /* KEEP ALIVE with data */
    say(&f, opening, OPENING);
    while (f.count < 1)
        check_int(event_wait(&f.arrived, NEVER, "test"), 0);
    say(&f, opening, OPENING); /* the same id again */
    while (f.result == 1)
        check_int(co_sleep(1), 0);
    char got[8];
    check_int(stream_read(f.at[0].stream, got, sizeof got), 2);
    check_int(stream_read(f.at[0].stream, got, sizeof got), -ECONNRESET);
    stop(&f, -EPROTO);
}

static void unknown_streams_are_refused_and_doubled_ones_end_all(void **state)
{
    (void)state;
    on_worker(strange_frames);
}

static void send_much(void *arg)
{
    struct fixture *f = arg;
    static uint8_t frame[8 + 1024] = "\0\4\0\1\2\1\4";

    for (unsigned i = 0; i < 1024; i++) {
        if (stream_write(f->far, frame, sizeof frame) < 0)
            return;
    }
    f->leave.is_set = true;
}

static void full(void)
{
    struct fixture f;
    struct group g;
    static char got[4096];
    size_t sum = 0;

    start(&f);
    say(&f, opening, OPENING);
    while (f.count < 1)
        check_int(event_wait(&f.arrived, NEVER, "test"), 0);
    group_init(&g, co_group());
    check_int(co_spawn(&g, "much", send_much, &f), 0);
    check_int(co_sleep(20), 0);
    check(!f.leave.is_set); /* it waits for the reader */
    while (sum < 2 + 1024 * 1024) {
        ssize_t n = stream_read(f.at[0].stream, got, sizeof got);
        check(n > 0);
        sum += (size_t)n;
    }
    check_int(sum, 2 + 1024 * 1024);
    group_wait(&g);
    group_done(&g);
    check(f.leave.is_set);
    stop(&f, 0);
}

static void an_owner_that_does_not_read_holds_the_connection_back(void **state)
{
    (void)state;
    on_worker(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_read_whole_or_not_at_all),
        cmocka_unit_test(wrong_frames_are_refused),
        cmocka_unit_test(streams_are_told_apart_and_ended),
        cmocka_unit_test(unknown_streams_are_refused_and_doubled_ones_end_all),
        cmocka_unit_test(an_owner_that_does_not_read_holds_the_connection_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
