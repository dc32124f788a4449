#include "policy/cache_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written and read again to the same text, but for the order of a map. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = {.ptr = (const char *)data, .len = size};
    struct cache_data first, second;
    STRBUF text;

    strbuf_init(&text, CACHE_FILE_MAX);
    cache_data_init(&first);
    cache_data_init(&second);
    int r = cache_data_parse(&first, t);
    cache_data_print(&first, &text);
    if (r == 0 && !text.failed && cache_data_parse(&second, strbuf_text(&text)) == 0 &&
        second.selected.len != first.selected.len)
        abort();
    cache_data_done(&second);
    cache_data_done(&first);
    return 0;
}
