#include "format/yaml.h"
#include "libfyaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written, and must then read as the same. */
static void check_round_trip(const struct document *doc)
{
    struct document again;
    struct diag diag;
    STRBUF out;

    diag_init(&diag);
    strbuf_init(&out, SOURCE_SIZE_MAX);
    yaml_write(doc->root, &out);
    if (!out.failed) {
        if (yaml_read(&again, TEXT("again"), strbuf_text(&out), &diag) < 0 || !node_eq(doc->root, again.root))
            abort();
        document_done(&again);
    }
    diag_done(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct document doc;
    struct diag diag;
    STRBUF out;

    diag_init(&diag);
    if (yaml_read(&doc, TEXT("fuzz"), (struct text){.ptr = (const char *)data, .len = size}, &diag) == 0) {
        if (doc.root->weight < 10000)
            check_round_trip(&doc);
    } else if (!diag.errors)
        abort();
    strbuf_init(&out, SOURCE_SIZE_MAX);
    diag_print(&diag, false, &out);
    document_done(&doc);
    diag_done(&diag);
    return 0;
}
