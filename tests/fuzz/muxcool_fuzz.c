/* A connection of Mux.Cool that a peer made up: whatever arrives is read to its end and echoed. */
#include "layer/muxcool/muxcool.h"
#include "runtime/workers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t len;
};

static void serve(void *arg, struct muxcool_arrival *a)
{
    uint8_t buf[512];
    ssize_t n;

    (void)arg;
    if (a->packet) {
        struct batch *b = batch_get();
        while (b && packet_receive(a->packet, b, NEVER) > 0)
            (void)!packet_send(a->packet, b);
        batch_put(b);
        packet_close(a->packet);
        return;
    }
    while ((n = stream_read(a->stream, buf, sizeof buf)) > 0)
        (void)!stream_write(a->stream, buf, (size_t)n);
    stream_close(a->stream);
}

static void drain(void *arg)
{
    uint8_t buf[4096];

    while (stream_read(arg, buf, sizeof buf) > 0)
        continue;
}

static int run(void *arg)
{
    const struct input *in = arg;
    struct stream *end[2];
    struct group g;

    if (stream_pair(200000, end) < 0)
        return 0;
    (void)!stream_write(end[0], in->at, in->len);
    (void)!stream_shutdown(end[0]);
    group_init(&g, co_group());
    if (co_spawn(&g, "drain", drain, end[0]) == 0)
        (void)muxcool_serve(end[1], serve, NULL);
    else
        stream_close(end[1]);
    group_done(&g);
    stream_close(end[0]);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct workers *workers;
    struct input in = {data, size};

    if (size > 150000)
        return 0;
    if (!workers)
        workers = workers_new(1, NULL, NULL);
    if (workers)
        (void)workers_call(workers, 0, run, &in);
    return 0;
}
