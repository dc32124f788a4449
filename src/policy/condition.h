/*
 * One rule, compiled, asked about one flow. The answer has three values: an item that needs the
 * address of a name nobody has resolved yet says "unknown", and and/or/not carry that upwards,
 * so that a name is resolved only where the answer hangs on it (mihomo: AND,((NETWORK,udp),
 * (IP-CIDR,...)) asks nothing for TCP).
 */
#ifndef WEIR_POLICY_CONDITION_H
#define WEIR_POLICY_CONDITION_H

#include "base/vec.h"
#include "policy/cidr_index.h"
#include "policy/domain_index.h"
#include "policy/regex.h"
#include "policy/rule.h"
#include "policy/subject.h"

enum match { MATCH_NO, MATCH_YES, MATCH_UNKNOWN };

enum { RULE_DEPTH_MAX = 16 /* logical rules inside each other */ };

struct port_ranges {
    struct port_range *at;
    size_t len;
};

struct condition {
    enum rule_kind kind;
    bool invert;
    bool resolves;          /* a destination address item asks for the name's address */
    bool has_addresses;     /* there is such an item */
    bool has_destination;   /* there is one of the OR group: names or destination addresses */
    bool is_private;
    bool source_is_private;
    bool has_network;
    uint8_t networks;       /* bits 1 << enum network */
    uint8_t ip_version;
    struct domain_index names; /* all of rule 0 */
    struct cidr_index addresses;
    struct cidr_index sources;
    struct text_list keywords;
    struct text_list wildcards;
    struct regex **regexes;
    size_t regex_count;
    struct port_ranges ports;
    struct port_ranges source_ports;
    struct port_ranges inbound_ports;
    struct text_list inbounds;
    struct text_list inbound_types;
    struct text_list users;
    struct text_list protocols;
    struct condition *rules; /* of a logical one */
    size_t rule_count;
};

/* What conditions are made with. Whoever owns it frees the arena and the expressions. */
struct condition_maker {
    struct arena arena;
    VEC(struct regex *) regexes;
    bool addresses_resolve; /* mihomo's way, unless the rule says no-resolve; sing-box never does */
};

/* A copy: nothing of `spec` is borrowed. Errors: -EINVAL with the cause, -ENOMEM, -E2BIG. */
int condition_init(struct condition *c, struct condition_maker *m, const struct rule_spec *spec,
                   struct error *err) CHECKED;
enum match condition_test(const struct condition *c, struct subject *u);

/* "*" any characters, "?" exactly one, as mihomo's DOMAIN-WILDCARD has them. */
bool wildcard_matches(struct text pattern, struct text name);

#endif
