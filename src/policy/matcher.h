/*
 * One list of rules, compiled: which is the first that matches? A file of 20,000 lines decides
 * in about a microsecond, because most lines are never looked at:
 *
 *   names    name or suffix   -> rules   (domain_index.h) \
 *   targets  destination CIDR -> rules   (cidr_index.h)    > rules that have nothing else in them
 *   sources  source CIDR      -> rules                    /
 *   others   the remaining rules in order, each a condition.h with its own small indices
 *   asking   one bit per rule of `targets` that wants the name resolved first
 *
 * A question is "the lowest rule >= from". The three indices give a candidate each; `others` are
 * tried in order up to the lowest candidate. Where a rule before the candidate needs an address
 * that nobody knows, the answer is that rule and MATCH_UNKNOWN: the caller resolves and asks
 * again from there. Rules of one list are numbered from 0. Immutable: any thread may ask.
 */
#ifndef WEIR_POLICY_MATCHER_H
#define WEIR_POLICY_MATCHER_H

#include "policy/condition.h"

struct matcher;

/*
 * `addresses_resolve`: rules with a destination address ask for the address of a name unless
 * no_resolve (mihomo); else they do not match names (sing-box). Nothing of the specs is borrowed.
 * On failure `err` names the rule by its text, and *bad (may be NULL) by its number.
 */
int matcher_new(const struct rule_spec *rules, size_t count, bool addresses_resolve, struct matcher **out, size_t *bad,
                struct error *err) CHECKED;
void matcher_free(struct matcher *m);
DEFINE_CLEANUP(matcher, struct matcher *, matcher_free)

/* The first rule >= from that matches or, before any does, that needs the address: *rule. Never parks. */
enum match matcher_find(const struct matcher *m, struct subject *u, uint32_t from, uint32_t *rule);

uint32_t matcher_count(const struct matcher *m);
/* Bytes held. */
size_t matcher_size(const struct matcher *m);

#endif
