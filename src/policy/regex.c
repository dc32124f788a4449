#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "policy/regex.h"

#include <errno.h>

#include "base/mem.h"

struct regex {
    pcre2_code *code;
    pcre2_match_context *limits;
};

void regex_free(struct regex *x)
{
    if (!x)
        return;
    pcre2_code_free(x->code);
    pcre2_match_context_free(x->limits);
    mem_free(x);
}
DEFINE_CLEANUP(regex, struct regex *, regex_free)

int regex_new(struct text pattern, struct regex **out, struct error *err)
{
    CLEANUP(regex_cleanup) struct regex *x = mem_new(struct regex);
    PCRE2_SIZE at;
    int code;

    if (!x)
        return error_errno(err, -ENOMEM, "regular expression");
    if (pattern.len > REGEX_PATTERN_MAX)
        return error_set(err, -EINVAL, "regular expression is longer than %d characters", REGEX_PATTERN_MAX);
    x->code = pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len, PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C, &code, &at,
                            NULL);
    if (!x->code) {
        PCRE2_UCHAR words[128];
        (void)pcre2_get_error_message(code, words, sizeof words);
        return error_set(err, -EINVAL, "regular expression '%.*s', character %zu: %s", TEXT_ARG(pattern),
                         (size_t)at + 1, (const char *)words);
    }
    x->limits = pcre2_match_context_create(NULL);
    if (!x->limits)
        return error_errno(err, -ENOMEM, "regular expression");
    (void)pcre2_set_match_limit(x->limits, REGEX_STEPS_MAX);
    (void)pcre2_set_depth_limit(x->limits, REGEX_STEPS_MAX);
    (void)pcre2_set_heap_limit(x->limits, REGEX_HEAP_KIB);
    *out = take(x);
    return 0;
}

bool regex_has(const struct regex *x, struct text t, void **room)
{
    if (!*room)
        *room = pcre2_match_data_create(1, NULL);
    if (!*room)
        return false;
    return pcre2_match(x->code, (PCRE2_SPTR)t.ptr, t.len, 0, 0, *room, x->limits) >= 0;
}

void regex_room_free(void *room)
{
    pcre2_match_data_free(room);
}
