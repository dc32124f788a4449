/* What route.c (building) and walk.c (walking) share. */
#ifndef WEIR_POLICY_ROUTE_INTERNAL_H
#define WEIR_POLICY_ROUTE_INTERNAL_H

#include "policy/route.h"

struct route_rule {
    const char *text;
    uint32_t line; /* in its file; 0: unknown */
    uint16_t file; /* index of table.files */
    uint16_t spare;
    uint32_t action;
};

struct route_list {
    const char *name;
    struct matcher *matcher;
    struct route_rule *rules;
    uint32_t count;
};

struct route_table {
    struct arena arena;
    struct route_list *lists;
    size_t list_count;
    VEC(struct route_action) actions;
    VEC(const char *) files; /* [0] is "" */
};

#endif
