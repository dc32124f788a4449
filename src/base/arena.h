/* Memory that is freed all at once: configuration nodes, compiled rules. */
#ifndef WEIR_BASE_ARENA_H
#define WEIR_BASE_ARENA_H

#include "base/text.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t total;
    size_t max; /* 0 = no ceiling */
};

void arena_init(struct arena *a, size_t max);
void arena_done(struct arena *a);
/* Zeroed, aligned to 16; NULL when memory ran out or the ceiling is reached. */
void *arena_alloc(struct arena *a, size_t size) CHECKED;
/* A copy that ends in a zero byte; .ptr is NULL when memory ran out. */
struct text arena_text(struct arena *a, struct text t) CHECKED;

#define arena_new(a, type) ((type *)arena_alloc(a, sizeof(type)))

#endif
