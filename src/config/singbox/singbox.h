/* The parts of the sing-box reader. Each reads one section; see reading.h for what is shared. */
#ifndef WEIR_CONFIG_SINGBOX_SINGBOX_H
#define WEIR_CONFIG_SINGBOX_SINGBOX_H

#include "config/reading.h"
#include "config/types.h"

int singbox_read_inbounds(struct reading *g, const struct node *list) CHECKED;
int singbox_read_outbounds(struct reading *g, const struct node *list) CHECKED;
int singbox_read_endpoints(struct reading *g, const struct node *list) CHECKED;
int singbox_read_services(struct reading *g, const struct node *list) CHECKED;
int singbox_read_dns(struct reading *g, const struct node *map) CHECKED;
int singbox_read_route(struct reading *g, const struct node *map) CHECKED;
int singbox_read_rules(struct reading *g, const struct node *list) CHECKED;
/* Before the rules: fills g->rule_sets. */
int singbox_read_rule_sets(struct reading *g, const struct node *list) CHECKED;

/* The items of a rule; `headless` ones are those of rule sets. */
extern const struct option singbox_item_table[];
/* One rule without an action, default or logical, into *out. `out->at` is set. */
int singbox_read_items(struct reading *g, const struct node *n, struct rule_spec *out) CHECKED;
/* Puts what the rule sets named by `n` (one name or a list) hold into `rule`. */
int singbox_expand_rule_sets(struct reading *g, const struct node *n, bool match_source, struct rule_spec *rule) CHECKED;

/*
 * The `type` of a list's member, which may stand in `known` or be another one: reported (with the
 * nearest) and *out empty when it cannot be used. `default_type` may be NULL.
 */
struct text singbox_type(struct reading *g, const struct node *n, const struct known_type *known);

#endif
