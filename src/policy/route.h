/*
 * The route table: all rule lists of an instance compiled, with their actions, and the walk of
 * one flow through them. Nothing here reads, resolves or dials: whoever walks (the router,
 * `weir explain`) carries out the actions that a step names and goes on.
 *
 *     walk_start ; while (walk_next() == STEP_RULE or STEP_RESOLVE) do it ; STEP_END: the default
 *
 * Per rule 16 bytes and its text, besides the matcher's indices; equal routes share one action.
 */
#ifndef WEIR_POLICY_ROUTE_H
#define WEIR_POLICY_ROUTE_H

#include "policy/matcher.h"
#include "policy/reject.h"
#include "policy/sniff.h"

enum {
    SUB_RULES_DEEP = 16, /* lists inside lists on one walk */
};

struct route_action {
    enum rule_action kind;
    struct outbound *outbound;      /* ROUTE */
    enum reject_method method;      /* REJECT */
    bool no_drop;
    bool sniff_override;
    int64_t sniff_timeout_ms;       /* SNIFF; 0: the default */
    uint32_t sniffers;              /* SNIFF: a sniff_set() */
    enum ip_strategy strategy;      /* RESOLVE */
    const struct dest *override;    /* ROUTE, OPTIONS: name, address or port to go to instead; NULL: none */
    int64_t udp_idle_ms;            /* ROUTE, OPTIONS; 0: unchanged */
    uint32_t list;                  /* SUB_RULE */
    struct reject_meter *meter;     /* REJECT */
};

/* Where a rule stands: an index of a list and one in it. */
struct rule_id {
    uint32_t list;
    uint32_t rule;
};

struct route_table;

struct route_source {
    const struct rule_list *lists; /* [0] is the main one */
    size_t count;
    bool addresses_resolve;        /* see matcher_new(); true for mihomo */
    /* The outbound of that tag or NULL. */
    struct outbound *(*outbound)(void *arg, struct text tag);
    void *arg;
};

/*
 * Borrows nothing of the lists. Errors name file, line and rule: unknown outbounds, unknown or
 * circular sub-rules, bad items.
 */
int route_table_new(const struct route_source *source, struct route_table **out, struct error *err) CHECKED;
void route_table_free(struct route_table *t);
DEFINE_CLEANUP(route_table, struct route_table *, route_table_free)
size_t route_table_size(const struct route_table *t);

/* The list of that name: its index, or -ENOENT. */
int route_table_list(const struct route_table *t, struct text name);
const char *route_list_name(const struct route_table *t, uint32_t list);
/* The rule as the configuration has it; lives as long as the table. */
const char *route_rule_text(const struct route_table *t, struct rule_id id);
/* "file:line", or "" for a rule that stands nowhere. Lives as long as `out` (size bytes). */
const char *route_rule_place(const struct route_table *t, struct rule_id id, char *out, size_t size);

enum walk_step {
    STEP_RULE,    /* walk.rule matched: carry out walk.action; go on if it is not final */
    STEP_RESOLVE, /* walk.rule needs the addresses of the destination: resolve, then go on */
    STEP_END,     /* no rule is left */
};

/* For explain: rules first .. end-1 of a list did not match. */
typedef void walk_passed_fn(void *arg, uint32_t list, uint32_t first, uint32_t end);
/* For explain: a SUB-RULE's condition matched and its list is entered. */
typedef void walk_entered_fn(void *arg, struct rule_id id, uint32_t list);

struct walk {
    const struct route_table *table;
    struct subject *subject;
    struct rule_id at[SUB_RULES_DEEP]; /* the next rule to try in each open list */
    unsigned depth;
    struct rule_id rule;
    const struct route_action *action;
    walk_passed_fn *passed;   /* NULL: nobody watches */
    walk_entered_fn *entered;
    void *arg;
};

/* Begins at the first rule of a list. The subject is borrowed; refresh it when the session changed. */
void walk_start(struct walk *w, const struct route_table *t, struct subject *u, uint32_t list);
/* Never parks. */
enum walk_step walk_next(struct walk *w);

#endif
