/*
 * Route rules as data: what both dialects' readers build and the router compiles. Semantics are
 * sing-box's (docs/configuration/route/rule): one default rule matches when
 *     (any domain item OR any destination address item) AND (port OR port_range)
 *     AND (source address items) AND (source_port OR source_port_range) AND every other field,
 * each field matching when any of its values does; `invert` flips the whole.
 * mihomo's lines become default rules of one field, AND/OR/NOT logical ones, SUB-RULE a jump.
 */
#ifndef WEIR_POLICY_RULE_H
#define WEIR_POLICY_RULE_H

#include "format/node.h"
#include "format/option.h"
#include "net/proxy.h"

enum rule_kind { RULE_DEFAULT, RULE_AND, RULE_OR };

enum rule_action {
    RULE_ROUTE,
    RULE_REJECT,
    RULE_SNIFF,       /* not final */
    RULE_RESOLVE,     /* not final */
    RULE_OPTIONS,     /* route-options: not final */
    RULE_HIJACK_DNS,
    RULE_SUB_RULE,    /* mihomo SUB-RULE: goes through another list, comes back when nothing matched */
};

enum reject_method { REJECT_DEFAULT, REJECT_DROP };

struct port_range {
    uint16_t first;
    uint16_t last;
};

/* All lists live in the configuration's arena. */
struct rule_spec {
    enum rule_kind kind;
    bool invert;
    struct place at;      /* for messages and explain */
    struct text line;     /* how explain and logs show it: mihomo's line, or made from the items */

    OBJECT_LIST(struct rule_spec) rules; /* of a logical rule */

    struct text_list domain;
    struct text_list domain_suffix;  /* "a.org": itself and below; ".a.org": below only */
    struct text_list domain_keyword;
    struct text_list domain_regex;
    struct text_list domain_wildcard; /* mihomo DOMAIN-WILDCARD: * and ? */
    OBJECT_LIST(struct cidr) ip_cidr;
    OBJECT_LIST(struct cidr) source_ip_cidr;
    bool ip_is_private;
    bool source_ip_is_private;
    uint8_t ip_version;              /* 4, 6, 0 = any */
    bool no_resolve;                 /* mihomo: an address item does not resolve a name; in sing-box none does (route_source) */
    OBJECT_LIST(struct port_range) port;
    OBJECT_LIST(struct port_range) source_port;
    OBJECT_LIST(struct port_range) inbound_port; /* mihomo IN-PORT */
    struct text_list network;        /* "tcp", "udp" */
    struct text_list inbound;        /* tags; mihomo IN-NAME */
    struct text_list inbound_type;   /* mihomo IN-TYPE, in sing-box names */
    struct text_list auth_user;
    struct text_list protocol;       /* sniffed */
    struct text_list client;
    bool match_all;                  /* mihomo MATCH */

    enum rule_action action;
    struct text outbound;            /* ROUTE: tag */
    enum reject_method reject;
    bool no_drop;
    struct text_list sniffers;       /* SNIFF: empty = all */
    int64_t sniff_timeout_ms;        /* 0: 300 */
    bool sniff_override;             /* replace the destination by the sniffed name */
    enum ip_strategy strategy;       /* RESOLVE */
    struct dest override;            /* OPTIONS: address (name_len or ip set) and port, if any */
    int64_t udp_idle_ms;             /* OPTIONS: 0 = unchanged */
    struct text sub_rule;            /* SUB_RULE: name of a list */
};

/* A named list: the main one has the empty name. */
struct rule_list {
    struct text name;
    OBJECT_LIST(struct rule_spec) rules;
};

#endif
