#include "layer/uot/frame.h"
#include "layer/uot/uot.h"
#include "runtime/workers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t len;
};

static int run(void *arg)
{
    const struct input *in = arg;
    enum uot_version version = in->at[0] & 1 ? UOT_V1 : UOT_V2;
    struct stream *end[2];
    struct packet *p = NULL;
    struct dest first;

    if (stream_pair(200000, end) < 0)
        return 0;
    (void)!stream_write(end[0], in->at + 1, in->len - 1);
    (void)!stream_shutdown(end[0]);
    if (uot_server(end[1], version, &first, &p) == 0) {
        struct batch *b = batch_get();
        while (b && packet_receive(p, b, NEVER) > 0)
            continue;
        batch_put(b);
        packet_close(p);
    }
    stream_close(end[0]);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct workers *workers;
    struct input in = {data, size};

    if (size < 1 || size > 150000)
        return 0;
    if (!workers)
        workers = workers_new(1, NULL, NULL);
    if (workers)
        (void)workers_call(workers, 0, run, &in);
    return 0;
}
