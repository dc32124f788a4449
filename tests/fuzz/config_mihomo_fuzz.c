#include "../config/fake.h"
#include "libfyaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses allow_unsupported; the rest is the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_options o = {.format = CONFIG_MIHOMO, .registry = fake_registry};
    struct config_source s = {.name = TEXT("fuzz")};
    struct model m;
    struct diag d;

    if (!size)
        return 0;
    o.allow_unsupported = data[0] & 1;
    s.text = (struct text){.ptr = (const char *)data + 1, .len = size - 1};
    diag_init(&d);
    int r = config_read(&s, 1, &o, &m, &d);
    if ((r == -EINVAL) != (d.errors > 0) && r != -ENOMEM)
        abort();
    model_done(&m);
    diag_done(&d);
    return 0;
}
