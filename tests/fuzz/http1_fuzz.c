/* The first octet says where the input is cut, so that incremental reading is tried as well. */
#include "format/http1.h"
#include "format/http1_chunked.h"
#include "format/http1_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct http1_head *h, size_t size)
{
    struct http1_framing f;
    struct http1_hops hops;
    struct http1_basic basic;

    if (h->size > size)
        abort();
    (void)!http1_request_framing(h, &f);
    (void)!http1_response_framing(h, TEXT("GET"), &f);
    (void)!http1_basic_read(&basic, http1_get(h, "proxy-authorization"));
    if (http1_hops_of(h, &hops) < 0)
        return;
    for (size_t i = 0; i < h->count; i++) {
        if (!http1_is_token(http1_name(h, i)) || !http1_is_value(http1_value(h, i)))
            abort();
        (void)http1_is_hop(&hops, http1_name(h, i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t first = min_of((size_t)data[0], size - 1);
    data++;
    size--;

    struct http1_head whole = {0}, parts = {0};
    ssize_t r = http1_read_request(&whole, data, size);
    ssize_t s = http1_read_request(&parts, data, first);
    if (s == 0)
        s = http1_read_request(&parts, data, size);
    if (r > 0)
        use(&whole, size);
    if (s >= 0 && s != r && !(r < 0 && s > 0))
        abort();

    whole = (struct http1_head){0};
    if (http1_read_response(&whole, data, size) > 0)
        use(&whole, size);

    struct http1_chunked c = {0}, d = {0};
    r = http1_chunked_scan(&c, data, size);
    s = http1_chunked_scan(&d, data, first);
    if (s >= 0 && !http1_chunked_has_ended(&d)) {
        ssize_t more = http1_chunked_scan(&d, data + s, size - (size_t)s);
        s = more < 0 ? more : s + more;
    }
    if (r != s)
        abort();
    return 0;
}
