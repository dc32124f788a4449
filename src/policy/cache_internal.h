/* What cache_data.c and cache_file.c share. */
#ifndef WEIR_POLICY_CACHE_INTERNAL_H
#define WEIR_POLICY_CACHE_INTERNAL_H

#include "policy/cache_file.h"

struct cache_entry {
    char *group;
    char *member;
};

/* 0 or -ENOMEM. */
int cache_data_select(struct cache_data *d, struct text group, struct text member) CHECKED;
int cache_data_set_mode(struct cache_data *d, struct text mode) CHECKED;

#endif
