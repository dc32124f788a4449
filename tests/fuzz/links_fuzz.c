#include "config/links/links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read and can be written can be read again, and is then written the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = {.ptr = (const char *)data, .len = size};
    struct node *first;
    struct node *second;
    struct error err;
    struct strbuf link;
    struct strbuf again;
    struct arena a;

    arena_init(&a, 0);
    strbuf_init(&link, 4 * LINK_SIZE_MAX);
    strbuf_init(&again, 4 * LINK_SIZE_MAX);
    if (link_read(&a, t, &first, &err) == 0 && link_write(first, &link, &err) == 0 && !link.failed) {
        if (link.len <= LINK_SIZE_MAX &&
            (link_read(&a, strbuf_text(&link), &second, &err) < 0 || link_write(second, &again, &err) < 0 ||
             !text_eq(strbuf_text(&link), strbuf_text(&again))))
            abort();
    }
    strbuf_done(&link);
    strbuf_done(&again);
    arena_done(&a);
    return 0;
}
