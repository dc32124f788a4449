/*
 * A growing text with a ceiling. Adding never reports: a buffer that reached its ceiling or
 * found no memory is marked failed and ignores the rest, so that a writer checks once.
 */
#ifndef WEIR_BASE_STRBUF_H
#define WEIR_BASE_STRBUF_H

#include <stdbool.h>
#include <stdarg.h>

#include "base/text.h"

struct strbuf {
    char *ptr; /* always ends in a zero byte once something was added */
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
};

void strbuf_init(struct strbuf *b, size_t max);
void strbuf_done(struct strbuf *b);
void strbuf_clear(struct strbuf *b);
void strbuf_add(struct strbuf *b, const void *p, size_t n);
void strbuf_add_text(struct strbuf *b, struct text t);
void strbuf_add_char(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) PRINTF(2, 3);
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list args) PRINTF(2, 0);
/* Adds `t` as a JSON string with quotes. Bytes that are no UTF-8 become U+FFFD. */
void strbuf_add_json(struct strbuf *b, struct text t);
struct text strbuf_text(const struct strbuf *b);
/* Gives the C string away (an empty one for an empty buffer); NULL when it failed. */
char *strbuf_take(struct strbuf *b);

#define STRBUF CLEANUP(strbuf_done) struct strbuf

#endif
