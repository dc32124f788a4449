#include "format/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = {.ptr = (const char *)data, .len = size};
    struct url_param param;
    struct url u;
    char out[256];

    (void)!url_decode(t, true, out, sizeof(out));
    (void)!url_encode(t, out, sizeof(out));
    if (url_split_ports(t, &u) == 0) {
        while (url_param_next(&u.query, &param))
            (void)!url_decode(param.value, true, out, sizeof(out));
    }
    if (url_split(t, &u) == 0 && u.path.len + u.host.len > size)
        abort();
    return 0;
}
