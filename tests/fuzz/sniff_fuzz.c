/* What a client says, in parts of the first octet's size, must come out of the sniffer as it went in. */
#include "policy/sniff.h"

#include "base/mem.h"
#include "runtime/workers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64 * 1024 };

static struct bytes input;

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static void speak(void *arg)
{
    size_t step = (size_t)input.ptr[0] * 8 + 1;

    for (size_t at = 0; at < input.len; at += step) {
        must(stream_write(arg, input.ptr + at, min_of(step, input.len - at)) == 0);
        must(co_yield() == 0);
    }
    must(stream_shutdown(arg) == 0);
}

static int sniff_stream_input(void *arg)
{
    static uint8_t back[ROOM];
    struct session s = {.dest = {.ip = addr_v4(1, 0), .port = 443}};
    struct stream *ends[2];
    struct group g;
    size_t got = 0;
    ssize_t n;

    (void)arg;
    must(stream_pair(ROOM, ends) == 0);
    group_init(&g, co_group());
    must(co_spawn(&g, "speaker", speak, ends[1]) == 0);
    must(sniff_stream(&s, &ends[0], SNIFF_ALL, 10000) == 0);
    while ((n = stream_read(ends[0], back + got, sizeof back - got)) > 0)
        got += (size_t)n;
    must(got == input.len && memcmp(back, input.ptr, got) == 0);
    group_wait(&g);
    group_done(&g);
    stream_close(ends[0]);
    stream_close(ends[1]);
    return 0;
}

static void sniff_datagrams(uint8_t *copy)
{
    struct session s = {.dest = {.ip = addr_v4(1, 0), .port = 443}};
    struct quic_initial *quic = NULL;
    size_t half = input.len / 2;
    struct batch b = {.count = 2, .at = {{.ptr = copy, .len = half}, {.ptr = copy + half, .len = input.len - half}}};

    (void)sniff_batch(&s, SNIFF_ALL, &quic, &b);
    mem_free(quic);
    must(memcmp(copy, input.ptr, input.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct workers *workers;
    struct error err;

    if (size == 0 || size >= ROOM)
        return 0;
    if (!workers)
        workers = workers_new(1, NULL, &err);
    input = (struct bytes){data, size};
    uint8_t *copy = mem_dup(data, size);
    must(workers && copy && workers_call(workers, 0, sniff_stream_input, NULL) == 0);
    sniff_datagrams(copy);
    mem_free(copy);
    return 0;
}
