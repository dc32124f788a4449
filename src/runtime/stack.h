/*
 * Stacks for coroutines: 64 KiB (256 KiB under sanitizers), cut from slabs, with a guard below
 * each. Where the kernel has MADV_GUARD_INSTALL (6.13) guards cost no mapping; elsewhere each
 * takes one, so that vm.max_map_count (65,530 by default) ends at some 32,000 stacks.
 */
#ifndef WEIR_RUNTIME_STACK_H
#define WEIR_RUNTIME_STACK_H

#include <stdbool.h>
#include <stddef.h>

struct stack_slab;

struct stack_cache {
    struct stack_slab *slabs;
    struct stack *hot;  /* free, with their pages, the newest first */
    struct stack *cold; /* free, without pages */
    unsigned hot_count;
    unsigned cold_count;
    unsigned count; /* all that exist */
    bool no_guard_install;
};

struct stack {
    struct stack *next; /* while free */
    char *low;          /* first usable byte, above the guard */
    char *top;          /* just behind the last */
};

enum {
    STACKS_HOT = 64, /* free stacks that keep their pages */
};

void stack_cache_done(struct stack_cache *c);
/* NULL when memory or mappings ran out. */
struct stack *stack_get(struct stack_cache *c);
void stack_put(struct stack_cache *c, struct stack *s);
/* Gives the pages below `sp` back to the kernel. */
void stack_trim(const struct stack *s, void *sp);

#endif
