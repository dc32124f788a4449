#include "layer/obfs/http.h"
#include "layer/obfs/obfs.h"
#include "layer/obfs/tls.h"
#include "runtime/workers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t len;
};

static int run(void *arg)
{
    const struct input *in = arg;
    enum obfs_mode mode = in->at[0] & 1 ? OBFS_HTTP : OBFS_TLS;
    struct stream *end[2];
    uint8_t buf[200];

    if (stream_pair(200000, end) < 0)
        return 0;
    (void)!stream_write(end[0], in->at + 1, in->len - 1);
    (void)!stream_shutdown(end[0]);
    struct stream *s = in->at[0] & 2 ? obfs_server(end[1], mode) : obfs_client(end[1], mode, TEXT("a.test"), 1);
    while (s && stream_read(s, buf, 1 + in->at[0] % sizeof buf) > 0)
        continue;
    stream_close(s);
    stream_close(end[0]);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct workers *workers;
    struct input in = {data, size};
    struct obfs_tls_start start;

    if (size < 1 || size > 100000)
        return 0;
    (void)!obfs_http_head((struct bytes){data, size}, true);
    if (size >= OBFS_TLS_HELLO)
        (void)!obfs_tls_read_hello(data, &start);
    if (!workers)
        workers = workers_new(1, NULL, NULL);
    if (workers)
        (void)workers_call(workers, 0, run, &in);
    return 0;
}
