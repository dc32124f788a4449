/*
 * The server's and the client's reading of streams. A fuzzer does not find a key, so a part of the input is sealed
 * for it: what stands in the records is then the fuzzer's, as from a client that has the key.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "proto/shadowsocks/accept.h"
#include "proto/shadowsocks/stream.h"
#include "proto/shadowsocks/wire.h"
#include "runtime/workers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIPE = 400000 };

struct input {
    const uint8_t *at;
    size_t len;
};

static struct bytes next(struct input *in, size_t n)
{
    struct bytes b = {in->at, min_of(n, in->len)};

    in->at += b.len;
    in->len -= b.len;
    return b;
}

static void put_sealed(struct stream *to, struct ss_cipher *c, struct bytes plain)
{
    uint8_t *out = mem_alloc(plain.len + SS_TAG);

    if (out && ss_cipher_seal(c, plain.ptr, plain.len, out) == 0)
        (void)!stream_write(to, out, plain.len + SS_TAG);
    mem_free(out);
}

/* Records whose plaintext is the input's: | length 1 | plaintext | ..., then the rest raw. */
static void put_records(struct stream *to, const struct ss_method *m, const struct ss_key *k, struct input *in)
{
    struct ss_cipher c = {0};
    uint8_t salt[SS_SALT_MAX] = {1}, head[SS_REQUEST_FIXED];

    if (ss_cipher_init(&c, m, k, salt) < 0)
        return;
    (void)!stream_write(to, salt, m->key_size);
    if (m->edition == SS_2022) {
        struct bytes second = next(in, in->len ? in->at[0] : 0);
        struct writer w = writer_of(head, sizeof head);
        ss_request_fixed_write(&w, clock_unix(), second.len);
        put_sealed(to, &c, (struct bytes){head, sizeof head});
        put_sealed(to, &c, second);
    }
    for (int i = 0; i < 8 && in->len > 3; i++) {
        struct bytes length = next(in, 1);
        put_sealed(to, &c, next(in, length.ptr[0] ? length.ptr[0] : 2));
    }
    ss_cipher_done(&c);
}

static void read_all(struct stream *s, size_t piece)
{
    uint8_t buf[300];

    while (stream_read(s, buf, 1 + piece % sizeof buf) > 0)
        continue;
}

static void serve(struct ss_ring *ring, struct stream *end)
{
    struct ss_memory memory;
    struct ss_request request;
    struct stream *out = NULL;
    struct addr source = addr_v4(0x7f000001, 1);

    if (ss_memory_init(&memory, ring->method->edition) < 0) {
        stream_close(end);
        return;
    }
    int r = ss_accept(ring, &memory, &source, end, &request, &out);
    if (r == 0 && out)
        read_all(out, 17);
    stream_close(r == 0 ? out : end);
    ss_memory_done(&memory);
}

static void be_client(const struct ss_method *m, const struct ss_ring *ring, struct stream *end)
{
    struct ss_keys keys = {.count = 1};
    struct dest d = {0};

    keys.key[0] = ring->key;
    if (dest_set_host(&d, TEXT("a.test"), 1) < 0)
        return;
    struct stream *s = ss_client_stream(end, m, &keys, &d);
    if (s)
        read_all(s, 299);
    stream_close(s);
}

static int run(void *arg)
{
    struct input *in = arg;
    struct bytes how = next(in, 1);
    enum ss_method_id id = (enum ss_method_id)(how.ptr[0] % SS_METHODS);
    const struct ss_method *m = ss_method(id);
    struct ss_ring ring;
    struct stream *end[2];

    if (ss_ring_init(&ring, m, how.ptr[0] & 0x80 && m->has_identity ? 2 : 0) < 0)
        return 0;
    memset(ring.key.at, 3, sizeof ring.key.at);
    ring.users[0].key = ring.key;
    if (ss_ring_index(&ring) == 0 && stream_pair(PIPE, end) == 0) {
        if (how.ptr[0] & 0x40 && m->edition != SS_PLAIN)
            put_records(end[0], m, &ring.key, in);
        (void)!stream_write(end[0], in->at, in->len);
        (void)!stream_shutdown(end[0]);
        if (how.ptr[0] & 0x20 && m->edition != SS_PLAIN)
            be_client(m, &ring, end[1]);
        else
            serve(&ring, end[1]);
        stream_close(end[0]);
    }
    ss_ring_done(&ring);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct workers *workers;
    struct input in = {data, size};

    if (!workers)
        workers = workers_new(1, NULL, NULL);
    if (workers && size > 1 && size < 100000)
        (void)workers_call(workers, 0, run, &in);
    return 0;
}
