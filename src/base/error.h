/*
 * Errors: every function returns 0 or a count, or a negative errno code. Where a person will
 * read the cause, the last parameter is a struct error: who knows sets the text, callers
 * prepend their step, and it is logged once:
 *     outbound 'jp-1' (socks): connect 10.0.0.1:1080: connection refused
 * All functions accept err == NULL.
 */
#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H

#include "base/attr.h"

struct error {
    char text[384];
};

/* Sets the text and returns `code`, so that a failure is one statement. */
int error_set(struct error *err, int code, const char *fmt, ...) PRINTF(3, 4);
/* Puts "fmt: " before the text and returns `code`. */
int error_prepend(struct error *err, int code, const char *fmt, ...) PRINTF(3, 4);
/* As error_set, with the words for `code` as text, after "fmt: ". */
int error_errno(struct error *err, int code, const char *fmt, ...) PRINTF(3, 4);

/* The words for a negative code, in lower case: "connection refused". */
const char *error_words(int code);

#endif
