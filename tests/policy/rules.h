/* Short ways to write rules, flows and outbounds in tests. */
#ifndef WEIR_TESTS_POLICY_RULES_H
#define WEIR_TESTS_POLICY_RULES_H

#include "policy/rule.h"

/* Lists in place: .domain = TEXTS("a.org", "b.org"). */
#define TEXTS(...)                                                                                 \
    {.at = (struct text[]){TEXTS_EACH(__VA_ARGS__, 0, 0, 0, 0)}, .len = ARRAY_LEN(((const char *[]){__VA_ARGS__}))}
#define TEXTS_EACH(a, b, c, d, ...) {(a), text_len(a)}, {(b), text_len(b)}, {(c), text_len(c)}, {(d), text_len(d)}
#define PORTS(...)                                                                                 \
    {.at = (struct port_range[]){__VA_ARGS__},                                                     \
     .len = sizeof((struct port_range[]){__VA_ARGS__}) / sizeof(struct port_range)}
#define CIDRS(...)                                                                                 \
    {.at = (struct cidr[]){__VA_ARGS__}, .len = sizeof((struct cidr[]){__VA_ARGS__}) / sizeof(struct cidr)}
/* In static storage cidr() and dest() cannot stand: use these in bodies only. */
#define RULES(...)                                                                                 \
    {.at = (struct rule_spec[]){__VA_ARGS__},                                                      \
     .len = sizeof((struct rule_spec[]){__VA_ARGS__}) / sizeof(struct rule_spec)}

static inline size_t text_len(const char *s)
{
    return s ? strlen(s) : 0;
}

static inline struct cidr cidr(const char *t)
{
    struct cidr c = {0};

    assert_int_equal(cidr_parse(text_of(t), &c), 0);
    return c;
}

static inline struct dest dest(const char *t)
{
    struct dest d = {0};

    assert_int_equal(dest_parse(text_of(t), &d), 0);
    return d;
}

static inline struct addr address(const char *ip, uint16_t port)
{
    struct addr a = {0};

    assert_int_equal(addr_parse(text_of(ip), port, &a), 0);
    return a;
}

#endif
