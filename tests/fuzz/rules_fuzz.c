/*
 * Lines of the input are rules ("d a.org", "s org", "k goo", "w *.a", "r ^a", "c 10.0.0.0/8", a
 * capital letter inverts), the last one is the destination. The list must answer as its rules
 * do one by one.
 */
#include <string.h>

#include "policy/matcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULES = 64 };

struct line {
    struct rule_spec spec;
    struct text text;
    struct cidr cidr;
};

static bool read_line(struct text t, struct line *l)
{
    if (t.len < 3)
        return false;
    char kind = (char)(t.ptr[0] | 0x20);
    l->text = text_sub(t, 2, SIZE_MAX);
    l->spec.invert = kind != t.ptr[0];
    struct text_list list = {.at = &l->text, .len = 1};
    switch (kind) {
    case 'd':
        l->spec.domain = list;
        return true;
    case 's':
        l->spec.domain_suffix = list;
        return true;
    case 'k':
        l->spec.domain_keyword = list;
        return true;
    case 'w':
        l->spec.domain_wildcard = list;
        return true;
    case 'r':
        l->spec.domain_regex = list;
        return true;
    case 'c':
        l->spec.ip_cidr.at = &l->cidr;
        l->spec.ip_cidr.len = 1;
        return cidr_parse(l->text, &l->cidr) == 0;
    default:
        return false;
    }
}

static enum match one_by_one(const struct rule_spec *rules, size_t n, struct subject *u, uint32_t *rule)
{
    for (uint32_t i = 0; i < n; i++) {
        struct matcher *m;
        uint32_t zero;
        if (matcher_new(&rules[i], 1, true, &m, NULL, NULL) < 0)
            abort();
        enum match one = matcher_find(m, u, 0, &zero);
        matcher_free(m);
        if (one != MATCH_NO) {
            *rule = i;
            return one;
        }
    }
    return MATCH_NO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct line lines[RULES];
    static struct rule_spec rules[RULES];
    struct text rest = {.ptr = (const char *)data, .len = size}, t = {0};
    struct session s = {.source = addr_v4(0x7f000001, 1)};
    uint32_t a = 0, b = 0;
    struct matcher *m;
    struct subject u;
    size_t n = 0;

    while (text_next(&rest, '\n', &t) && n < RULES) {
        lines[n] = (struct line){0};
        if (read_line(t, &lines[n])) {
            rules[n] = lines[n].spec;
            n++;
        }
    }
    if (dest_set_host(&s.dest, t, 443) < 0 || matcher_new(rules, n, true, &m, NULL, NULL) < 0)
        return 0;
    subject_init(&u, &s);
    enum match whole = matcher_find(m, &u, 0, &a);
    if (one_by_one(rules, n, &u, &b) != whole || a != b)
        abort();
    subject_done(&u);
    matcher_free(m);
    return 0;
}
