/*
 * Views: struct text is characters that need not end in a zero byte, struct bytes is octets.
 * A view owns nothing; whoever holds one knows what keeps its memory alive.
 */
#ifndef WEIR_BASE_TEXT_H
#define WEIR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct text {
    const char *ptr;
    size_t len;
};

struct bytes {
    const uint8_t *ptr;
    size_t len;
};

#define TEXT(literal) ((struct text){.ptr = (literal), .len = sizeof(literal) - 1})
/* For printf: "%.*s", TEXT_ARG(t). */
#define TEXT_ARG(t) (int)(t).len, (t).ptr

/* The view of a C string; NULL gives the empty text. */
struct text text_of(const char *s);
struct text text_sub(struct text t, size_t from, size_t len);
struct bytes text_bytes(struct text t);

bool text_eq(struct text a, struct text b);
bool text_is(struct text a, const char *b);
/* ASCII case is ignored. */
bool text_eq_nocase(struct text a, struct text b);
bool text_is_nocase(struct text a, const char *b);
bool text_starts(struct text t, struct text prefix);
bool text_ends(struct text t, struct text suffix);
bool text_ends_nocase(struct text t, struct text suffix);
/* Position of the first `c` or -1. */
ssize_t text_find(struct text t, char c);
ssize_t text_find_last(struct text t, char c);
ssize_t text_search(struct text t, struct text needle);
/* Without white space at both ends. */
struct text text_trim(struct text t);

/*
 * Cuts the next field off *rest at `sep`; false when *rest was used up.
 * "a,,b" gives "a", "", "b"; an empty text gives one empty field.
 */
bool text_next(struct text *rest, char sep, struct text *out);

/* Whole text as a number: 0, -EINVAL (not a number) or -ERANGE. */
int text_to_u64(struct text t, uint64_t *out) CHECKED;
int text_to_i64(struct text t, int64_t *out) CHECKED;

/* A C string of its own, or NULL when memory ran out. mem_free() it. */
char *text_dup(struct text t) CHECKED;
/* Copies as much as fits and ends it with a zero byte; returns whether all fitted. */
bool text_copy(struct text t, char *out, size_t size);

/* Levenshtein distance without regard to case, at most `limit` + 1. For "did you mean". */
unsigned text_distance(struct text a, struct text b, unsigned limit);

bool bytes_eq(struct bytes a, struct bytes b);
/* Takes the same time for equal and unequal contents. */
bool bytes_eq_secret(const void *a, const void *b, size_t n);

/* Hex and base64. The decoders return the length, or -EINVAL, or -ENOSPC. */
void hex_encode(const void *in, size_t n, char *out /* 2n + 1 */);
ssize_t hex_decode(struct text in, void *out, size_t size);
/* Standard alphabet with padding; `out` takes 4 * ((n + 2) / 3) + 1. */
void base64_encode(const void *in, size_t n, char *out);
/* URL-safe alphabet without padding. */
void base64url_encode(const void *in, size_t n, char *out);
/* Accepts both alphabets, with or without padding. */
ssize_t base64_decode(struct text in, void *out, size_t size);

#endif
