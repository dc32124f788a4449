#include "test.h"

#include <errno.h>

#include "base/mem.h"
#include "base/rnd.h"
#include "net/buffers.h"
#include "proto/shadowsocks/accept.h"
#include "proto/shadowsocks/plain.h"
#include "proto/shadowsocks/stream.h"
#include "shadowsocks_vectors.h"
#include "worker.h"

enum { PIPE = 200000 };

static const struct ss_method *method_named(const char *name)
{
    for (size_t i = 0; ss_method_names[i].name; i++) {
        if (strcmp(ss_method_names[i].name, name) == 0)
            return ss_method((enum ss_method_id)ss_method_names[i].value);
    }
    check(false);
    return NULL;
}

/* ---- a server that listens to what a test says --------------------------------------------- */

struct server {
    struct ss_ring ring;
    struct ss_memory memory;
};

static void server_init(struct server *s, const struct ss_method *m, size_t users)
{
    check_int(ss_ring_init(&s->ring, m, users), 0);
    check_int(ss_memory_init(&s->memory, m->edition), 0);
    for (size_t i = 0; i < s->ring.count; i++)
        memset(s->ring.users[i].key.at, (int)i + 1, sizeof s->ring.users[i].key.at);
    memset(s->ring.key.at, users ? 0x77 : 1, sizeof s->ring.key.at);
    check_int(ss_ring_index(&s->ring), 0);
}

static void server_done(struct server *s)
{
    ss_ring_done(&s->ring);
    ss_memory_done(&s->memory);
}

/* What the server makes of a recorded stream that then ends. *out as of ss_accept(). */
static int hear(struct server *s, const uint8_t *p, size_t n, struct ss_request *request, struct stream **out)
{
    struct stream *end[2];
    struct addr source = addr_v4(0x7f000001, 5000);

    check_int(stream_pair(PIPE, end), 0);
    check_int(stream_write(end[0], p, n), 0);
    check_int(stream_shutdown(end[0]), 0);
    stream_close(end[0]);
    int r = ss_accept(&s->ring, &s->memory, &source, end[1], request, out);
    if (r < 0)
        stream_close(end[1]);
    return r;
}

/* ---- round trips --------------------------------------------------------------------------- */

struct flow {
    struct server server;
    struct ss_keys keys;
    struct stream *client;
    struct stream *served;
    struct stream *end[2];
    struct ss_request request;
};

static void accept_body(void *arg)
{
    struct flow *f = arg;
    struct addr source = addr_v4(0x7f000001, 5000);

    check_int(ss_accept(&f->server.ring, &f->server.memory, &source, f->end[1], &f->request, &f->served), 0);
}

static void flow_open(struct flow *f, const struct ss_method *m, size_t users, size_t who)
{
    struct dest dest;

    *f = (struct flow){0};
    server_init(&f->server, m, users);
    if (users && m->edition == SS_2022)
        f->keys.key[f->keys.count++] = f->server.ring.key;
    f->keys.key[f->keys.count++] = f->server.ring.users[who].key;
    check_int(dest_parse(TEXT("example.com:443"), &dest), 0);
    check_int(stream_pair(PIPE, f->end), 0);
    f->client = m->edition == SS_PLAIN ? ss_plain_stream(f->end[0], &dest)
                                       : ss_client_stream(f->end[0], m, &f->keys, &dest);
    check(f->client != NULL);
}

static void flow_accept(struct flow *f)
{
    struct group g;

    group_init(&g, co_group());
    check_int(co_spawn(&g, "accept", accept_body, f), 0);
    group_wait(&g);
    group_done(&g);
    check(f->served != NULL);
    check(text_is(dest_name(&f->request.dest), "example.com"));
    check_int(f->request.dest.port, 443);
}

static void flow_close(struct flow *f)
{
    stream_close(f->client);
    stream_close(f->served);
    server_done(&f->server);
    check_int(buffers_in_use(), 0);
}

static void expect(struct stream *s, const uint8_t *want, size_t n, size_t piece)
{
    uint8_t got[4096];

    while (n) {
        ssize_t r = stream_read(s, got, min_of(min_of(n, piece), sizeof got));
        check(r > 0);
        check(memcmp(got, want, (size_t)r) == 0);
        want += r;
        n -= (size_t)r;
    }
}

static void every_method_carries_both_ways(void)
{
    static uint8_t data[100000];

    rnd_bytes(data, sizeof data);
    for (int id = 0; id < SS_METHODS; id++) {
        struct flow f;
        flow_open(&f, ss_method((enum ss_method_id)id), 0, 0);
        check_int(stream_write(f.client, data, 7), 0);
        flow_accept(&f);
        check_int(stream_write(f.client, data + 7, sizeof data - 7), 0);
        expect(f.served, data, sizeof data, 3000);
        check_int(stream_write(f.served, data, sizeof data), 0);
        expect(f.client, data, sizeof data, 4096);
        check_int(stream_write(f.served, data, 100), 0);
        expect(f.client, data, 100, 1);
        check_int(stream_shutdown(f.client), 0);
        check_int(stream_read(f.served, data, 1), 0);
        check_int(buffers_in_use(), 0);
        flow_close(&f);
    }
}

static void both_ways(void **state)
{
    (void)state;
    on_worker(every_method_carries_both_ways);
}

static void header_alone_is_enough(void)
{
    for (int id = 0; id < SS_METHODS; id++) {
        struct flow f;
        flow_open(&f, ss_method((enum ss_method_id)id), 0, 0);
        check(f.client->flags & STREAM_HOLDS_HEADER);
        check_int(stream_flush(f.client), 0);
        check(!(f.client->flags & STREAM_HOLDS_HEADER));
        flow_accept(&f);
        check_int(stream_write(f.served, "220 hello", 9), 0);
        expect(f.client, (const uint8_t *)"220 hello", 9, 4096);
        flow_close(&f);
    }
}

static void flush_sends_the_header_alone(void **state)
{
    (void)state;
    on_worker(header_alone_is_enough);
}

static void find_every_user(void)
{
    static const enum ss_method_id ids[] = {SS_AES_128_GCM, SS_CHACHA20, SS_2022_AES_128, SS_2022_AES_256};

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        for (size_t who = 0; who < 5; who++) {
            struct flow f;
            flow_open(&f, ss_method(ids[i]), 5, who);
            check_int(stream_write(f.client, "x", 1), 0);
            flow_accept(&f);
            check(f.request.user == &f.server.ring.users[who]);
            check_int(stream_write(f.served, "y", 1), 0);
            expect(f.client, (const uint8_t *)"y", 1, 1);
            flow_close(&f);
        }
    }
}

static void each_of_five_users_is_found(void **state)
{
    (void)state;
    on_worker(find_every_user);
}

/* ---- recorded streams ---------------------------------------------------------------------- */

struct recording {
    uint8_t bytes[4096];
    size_t len;
};

/* What a client sends now: with the right time for 2022. */
static void record(const struct ss_method *m, struct recording *out)
{
    struct flow f;

    flow_open(&f, m, 0, 0);
    check_int(stream_write(f.client, "GET / HTTP/1.1", 14), 0);
    check_int(stream_write(f.client, "second", 6), 0);
    ssize_t n = stream_read(f.end[1], out->bytes, sizeof out->bytes);
    check(n > 0);
    out->len = (size_t)n;
    stream_close(f.client);
    stream_close(f.end[1]);
    server_done(&f.server);
}

static void hear_transcripts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(classic_vectors); i++) {
        const struct classic_vector *v = &classic_vectors[i];
        struct server s;
        struct ss_request request;
        struct stream *out = NULL;
        uint8_t raw[2048], want[305], got[400];
        server_init(&s, method_named(v->method), 0);
        check(hex_decode(text_of(v->key), s.ring.users[0].key.at, SS_KEY_MAX) > 0);
        ssize_t n = hex_decode(text_of(v->stream), raw, sizeof raw);
        check_int(hear(&s, raw, (size_t)n, &request, &out), 0);
        memcpy(want, "GET /", 5);
        for (size_t k = 0; k < 300; k++)
            want[5 + k] = (uint8_t)k;
        expect(out, want, sizeof want, 17);
        check_int(stream_read(out, got, sizeof got), 0);
        stream_close(out);
        check_int(hear(&s, raw, (size_t)n, &request, &out), -EEXIST);
        server_done(&s);
    }
}

static void transcripts_are_heard_once(void **state)
{
    (void)state;
    on_worker(hear_transcripts);
}

static void replay_all(void)
{
    for (int id = SS_AES_128_GCM; id < SS_METHODS; id++) {
        const struct ss_method *m = ss_method((enum ss_method_id)id);
        struct recording r;
        struct server s;
        struct ss_request request;
        struct stream *out = NULL;
        record(m, &r);
        server_init(&s, m, 0);
        check_int(hear(&s, r.bytes, r.len, &request, &out), 0);
        stream_close(out);
        check_int(hear(&s, r.bytes, r.len, &request, &out), -EEXIST);
        server_done(&s);
    }
}

static void replayed_stream_is_refused(void **state)
{
    (void)state;
    on_worker(replay_all);
}

/* Reads to the end: 0 when it came in order, else the failure. */
static int read_out(struct stream *s, size_t *got)
{
    uint8_t buf[512];
    ssize_t n;

    *got = 0;
    while ((n = stream_read(s, buf, sizeof buf)) > 0)
        *got += (size_t)n;
    stream_close(s);
    return (int)n;
}

static void cut_everywhere(void)
{
    for (int id = SS_AES_128_GCM; id < SS_METHODS; id++) {
        const struct ss_method *m = ss_method((enum ss_method_id)id);
        struct recording r;
        record(m, &r);
        size_t second = r.len - (SS_LENGTH_RECORD + 6 + SS_TAG); /* where the second write starts */
        for (size_t cut = 1; cut < r.len; cut++) {
            struct server s;
            struct ss_request request;
            struct stream *out = NULL;
            size_t got = 0;
            server_init(&s, m, 0);
            int e = hear(&s, r.bytes, cut, &request, &out);
            if (e == 0)
                e = read_out(out, &got);
            check_int(e == 0, cut == second);
            check(got <= 14);
            server_done(&s);
        }
    }
}

static void stream_cut_at_every_octet_is_noticed(void **state)
{
    (void)state;
    on_worker(cut_everywhere);
}

static void flip_everywhere(void)
{
    for (int id = SS_AES_128_GCM; id < SS_METHODS; id++) {
        const struct ss_method *m = ss_method((enum ss_method_id)id);
        struct recording r;
        record(m, &r);
        for (size_t i = 0; i < r.len; i++) {
            struct server s;
            struct ss_request request;
            struct stream *out = NULL;
            size_t got = 0;
            server_init(&s, m, 0);
            r.bytes[i] ^= 0x40;
            int e = hear(&s, r.bytes, r.len, &request, &out);
            if (e == 0)
                e = read_out(out, &got);
            check(e < 0);
            check(got <= 14);
            r.bytes[i] ^= 0x40;
            server_done(&s);
        }
    }
}

static void changed_octet_is_noticed_everywhere(void **state)
{
    (void)state;
    on_worker(flip_everywhere);
}

static void old_2022(void)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors_2022); i++) {
        const struct vector_2022 *v = &vectors_2022[i];
        struct server s;
        struct ss_request request;
        struct stream *out = NULL;
        uint8_t raw[2048];
        server_init(&s, method_named(v->method), v->has_identity);
        check(hex_decode(text_of(v->identity_key), s.ring.key.at, SS_KEY_MAX) > 0);
        check(hex_decode(text_of(v->key), s.ring.users[0].key.at, SS_KEY_MAX) > 0);
        map_done(&s.ring.by_hash);
        map_init(&s.ring.by_hash);
        check_int(ss_ring_index(&s.ring), 0);
        ssize_t n = hex_decode(text_of(v->request), raw, sizeof raw);
        /* Everything is right but the year. */
        check_int(hear(&s, raw, (size_t)n, &request, &out), -ETIME);
        server_done(&s);
    }
}

static void request_of_another_time_is_refused(void **state)
{
    (void)state;
    on_worker(old_2022);
}

static void dribble(void *arg)
{
    struct recording *r = ((void **)arg)[0];
    struct stream *to = ((void **)arg)[1];

    for (size_t i = 0; i < r->len; i++) {
        check_int(stream_write(to, r->bytes + i, 1), 0);
        check_int(co_yield(), 0);
    }
}

static int hear_slowly(struct server *s, struct recording *r)
{
    struct addr source = addr_v4(0x7f000001, 5000);
    struct ss_request request;
    struct stream *end[2], *out = NULL;
    struct group g;

    check_int(stream_pair(PIPE, end), 0);
    void *arg[] = {r, end[0]};
    group_init(&g, co_group());
    check_int(co_spawn(&g, "dribble", dribble, arg), 0);
    int e = ss_accept(&s->ring, &s->memory, &source, end[1], &request, &out);
    group_wait(&g);
    group_done(&g);
    stream_close(end[0]);
    stream_close(e == 0 ? out : end[1]);
    return e;
}

static void single_read(void)
{
    for (int id = SS_AES_128_GCM; id < SS_METHODS; id++) {
        const struct ss_method *m = ss_method((enum ss_method_id)id);
        struct recording r;
        struct server s;
        record(m, &r);
        server_init(&s, m, 0);
        check_int(hear_slowly(&s, &r), m->edition == SS_2022 ? -EPROTO : 0);
        server_done(&s);
    }
}

static void octet_by_octet_is_no_2022_client(void **state)
{
    (void)state;
    on_worker(single_read);
}

/* ---- what a client refuses ----------------------------------------------------------------- */

static void swap_answers(void)
{
    for (int id = SS_2022_AES_128; id < SS_METHODS; id++) {
        struct flow a, b;
        uint8_t raw[4096];
        flow_open(&a, ss_method((enum ss_method_id)id), 0, 0);
        flow_open(&b, ss_method((enum ss_method_id)id), 0, 0);
        check_int(stream_write(a.client, "a", 1), 0);
        check_int(stream_write(b.client, "b", 1), 0);
        flow_accept(&a);
        flow_accept(&b);
        /* The answer to one is given to the other: the salt of the request tells. */
        check_int(stream_write(a.served, "for a", 5), 0);
        ssize_t n = stream_read(a.end[0], raw, sizeof raw);
        check(n > 0);
        check_int(stream_write(b.end[1], raw, (size_t)n), 0);
        check(stream_read(b.client, raw, sizeof raw) < 0);
        check(stream_read(b.client, raw, sizeof raw) < 0);
        expect(a.served, (const uint8_t *)"a", 1, 1);
        expect(b.served, (const uint8_t *)"b", 1, 1);
        flow_close(&a);
        flow_close(&b);
    }
}

static void answer_to_another_request_is_refused(void **state)
{
    (void)state;
    on_worker(swap_answers);
}

/* A peer's record of the longest kind, which no buffer of the pool takes. */
static void long_record(void)
{
    static uint8_t payload[SS_CHUNK_2022], record_bytes[SS_CHUNK_2022 + SS_TAG];
    struct flow f;
    uint8_t length[SS_LENGTH_RECORD] = {0xff, 0xff};

    flow_open(&f, ss_method(SS_2022_AES_128), 0, 0);
    check_int(stream_write(f.client, "a", 1), 0);
    flow_accept(&f);
    expect(f.served, (const uint8_t *)"a", 1, 1);
    rnd_bytes(payload, sizeof payload);
    struct ss_stream *s = container_of(f.client, struct ss_stream, stream);
    check_int(ss_cipher_seal(&s->out, length, 2, length), 0);
    check_int(ss_cipher_seal(&s->out, payload, sizeof payload, record_bytes), 0);
    check_int(stream_write(f.end[0], length, sizeof length), 0);
    check_int(stream_write(f.end[0], record_bytes, sizeof record_bytes), 0);
    expect(f.served, payload, sizeof payload, 4096);
    check_int(stream_write(f.client, "b", 1), 0);
    expect(f.served, (const uint8_t *)"b", 1, 1);
    flow_close(&f);
}

static void record_of_65535_octets_is_read(void **state)
{
    (void)state;
    on_worker(long_record);
}

static void oversize_classic(void)
{
    struct flow f;
    uint8_t length[SS_LENGTH_RECORD] = {0x40, 0x00}, got[16];

    flow_open(&f, ss_method(SS_AES_128_GCM), 0, 0);
    check_int(stream_write(f.client, "a", 1), 0);
    flow_accept(&f);
    expect(f.served, (const uint8_t *)"a", 1, 1);
    struct ss_stream *s = container_of(f.client, struct ss_stream, stream);
    check_int(ss_cipher_seal(&s->out, length, 2, length), 0);
    check_int(stream_write(f.end[0], length, sizeof length), 0);
    check_int(stream_read(f.served, got, sizeof got), -EBADMSG);
    flow_close(&f);
}

static void classic_length_above_16383_is_refused(void **state)
{
    (void)state;
    on_worker(oversize_classic);
}

static void stream_object_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct ss_stream) <= 384);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(flush_sends_the_header_alone),
        cmocka_unit_test(each_of_five_users_is_found),
        cmocka_unit_test(transcripts_are_heard_once),
        cmocka_unit_test(replayed_stream_is_refused),
        cmocka_unit_test(stream_cut_at_every_octet_is_noticed),
        cmocka_unit_test(changed_octet_is_noticed_everywhere),
        cmocka_unit_test(request_of_another_time_is_refused),
        cmocka_unit_test(octet_by_octet_is_no_2022_client),
        cmocka_unit_test(answer_to_another_request_is_refused),
        cmocka_unit_test(record_of_65535_octets_is_read),
        cmocka_unit_test(classic_length_above_16383_is_refused),
        cmocka_unit_test(stream_object_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
