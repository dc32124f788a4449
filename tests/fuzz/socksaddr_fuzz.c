#include "format/socksaddr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_form(const struct socksaddr_form *form, const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    uint8_t out[SOCKSADDR_MAX];
    struct writer w = writer_of(out, sizeof(out));
    struct dest d, back;

    if (socksaddr_read(&r, form, &d) <= 0)
        return;
    socksaddr_write(&w, form, &d);
    if (w.failed || writer_len(&w) != socksaddr_size(&d))
        abort();
    r = reader_of(out, writer_len(&w));
    if (socksaddr_read(&r, form, &back) <= 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_form(&socksaddr_socks5, data, size);
    try_form(&socksaddr_vmess, data, size);
    try_form(&socksaddr_uot, data, size);
    return 0;
}
