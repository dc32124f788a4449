#include "format/source.h"

#include <errno.h>

#include "format/utf8.h"

struct place source_place(const struct source *s, size_t offset)
{
    struct place p = {.source = s, .line = 1, .column = 1, .offset = (uint32_t)offset};

    for (size_t i = 0; i < offset && i < s->text.len; i++) {
        if (s->text.ptr[i] == '\n') {
            p.line++;
            p.column = 1;
        } else if (((uint8_t)s->text.ptr[i] & 0xc0) != 0x80)
            p.column++;
    }
    return p;
}

/* The name of an encoding that is not ours, or NULL. */
static const char *foreign_encoding(struct text t)
{
    if (text_starts(t, TEXT("\xff\xfe")) || text_starts(t, TEXT("\xfe\xff")))
        return "UTF-16 or UTF-32";
    if (t.len >= 4 && t.ptr[0] && !t.ptr[1] && t.ptr[2] && !t.ptr[3])
        return "UTF-16 (little endian)";
    if (t.len >= 4 && !t.ptr[0] && t.ptr[1] && !t.ptr[2] && t.ptr[3])
        return "UTF-16 (big endian)";
    return NULL;
}

static int check_characters(const struct document *doc, struct diag *diag)
{
    const struct source *s = &doc->source;
    struct text rest = s->text;

    while (rest.len) {
        uint32_t c;
        size_t n = utf8_decode(rest, &c);
        if (n == 0 || c == 0) {
            struct place at = source_place(s, s->text.len - rest.len);
            if (n)
                diag_error(diag, at, NULL, "is a binary file (a zero byte), expected text");
            else
                diag_error(diag, at, NULL, "byte 0x%02x is no UTF-8, expected text in UTF-8",
                           (uint8_t)rest.ptr[0]);
            return -EINVAL;
        }
        rest = text_sub(rest, n, SIZE_MAX);
    }
    return 0;
}

int source_open(struct document *doc, struct text name, struct text text, struct diag *diag)
{
    bool too_large = text.len > SOURCE_SIZE_MAX;
    int r = document_init(doc, name, too_large ? (struct text){0} : text);

    if (r < 0)
        return r;
    struct place at = {.source = &doc->source};
    if (too_large) {
        diag_error(diag, at, NULL, "the file has %zu bytes, expected at most %d", text.len,
                   (int)SOURCE_SIZE_MAX);
        return -EINVAL;
    }
    const char *encoding = foreign_encoding(doc->source.text);
    if (encoding) {
        diag_error(diag, at, NULL, "the file is %s, expected UTF-8", encoding);
        return -EINVAL;
    }
    return check_characters(doc, diag);
}
