/* Regular expressions over domain names: PCRE2 without JIT, with bounded work per match. */
#ifndef WEIR_POLICY_REGEX_H
#define WEIR_POLICY_REGEX_H

#include "base/error.h"
#include "base/text.h"

enum {
    REGEX_STEPS_MAX = 20000, /* of backtracking; a pattern that needs more does not match */
    REGEX_HEAP_KIB = 256,
    REGEX_PATTERN_MAX = 4096,
};

struct regex;

/* Case is ignored, as in names. -EINVAL with the place in the pattern in `err`, or -ENOMEM. */
int regex_new(struct text pattern, struct regex **out, struct error *err) CHECKED;
void regex_free(struct regex *x);
/*
 * Whether the pattern occurs in `t`. *room starts as NULL, is reused by later calls of the same
 * thread, and is freed by regex_room_free(). Out of memory and too much work count as "no".
 */
bool regex_has(const struct regex *x, struct text t, void **room);
void regex_room_free(void *room);

#endif
