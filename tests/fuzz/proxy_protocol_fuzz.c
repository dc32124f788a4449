#include "net/proxy_protocol.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be written, and reads as the same. */
static void round_trip(int version, const struct addr *source, const struct addr *dest)
{
    uint8_t out[PROXY_HEADER_MAX];
    struct addr a = {0}, b = {0};

    int n = proxy_header_write(version, source, dest, out, sizeof out);
    if (n <= 0 || proxy_header_parse(out, (size_t)n, &a, &b) != n || !addr_eq(&a, source) || !addr_eq(&b, dest))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct addr source = {0}, dest = {0};
    int used = proxy_header_parse(data, size, &source, &dest);

    if (used < 0 && (used != -EPROTO || addr_is_set(&source) || addr_is_set(&dest)))
        abort();
    if (used > 0 && (size_t)used > size)
        abort();
    if (used <= 0)
        return 0;
    /* All of a header and nothing behind it is needed. */
    struct addr a = {0}, b = {0};
    if (proxy_header_parse(data, (size_t)used, &a, &b) != used || !addr_eq(&a, &source) || !addr_eq(&b, &dest))
        abort();
    if (proxy_header_parse(data, (size_t)used - 1, &a, &b) > 0)
        abort();
    if (addr_is_set(&source)) {
        round_trip(1, &source, &dest);
        round_trip(2, &source, &dest);
    }
    return 0;
}
