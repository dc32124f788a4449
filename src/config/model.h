/*
 * The one typed model that every dialect's reader fills and from which an instance is built. Its
 * words are sing-box's. All memory lies in its arena and its documents.
 */
#ifndef WEIR_CONFIG_MODEL_H
#define WEIR_CONFIG_MODEL_H

#include "base/log.h"
#include "base/vec.h"
#include "format/diag.h"
#include "net/socket.h"
#include "policy/group.h"
#include "policy/rule.h"
#include "proto/protocol.h"

struct model_log {
    bool disabled;
    int level;          /* enum log_level */
    struct text output; /* file; empty: standard error */
    bool timestamp;
};

struct model_inbound {
    struct text tag;
    struct place at;
    const struct protocol *protocol;
    void *options;
    struct listen_options listen;
    struct text detour;     /* inbound tag to hand connections to; empty: none */
    struct text outbound;   /* mihomo `proxy`: forced target; empty: the rules decide */
    struct text sub_rule;   /* mihomo `rule` */
    bool tcp;
    bool udp;
    int64_t udp_idle_ms;
    bool allow_lan;         /* mihomo: `false` refuses sources that are not this machine's */
};

struct model_outbound {
    struct text tag;
    struct place at;
    const struct protocol *protocol; /* NULL: a group */
    void *options;
    struct group_spec *group;
    struct dial_options dial;
    struct text detour;
};

struct model_host {
    struct text name;  /* "*.a", "+.a", ".a" as mihomo has them */
    struct addr_list addrs;
    struct text alias; /* instead of addresses */
};

struct model {
    struct arena arena;
    VEC(struct document *) documents;
    enum dialect dialect;

    struct model_log log;
    VEC(struct model_inbound) inbounds;
    VEC(struct model_outbound) outbounds; /* in file order; built-in ones (DIRECT, REJECT) last */
    VEC(struct rule_list) rules;          /* [0] is the main list */
    struct text final;                    /* outbound tag; empty: the first outbound, or direct */
    struct text mode;                     /* mihomo: "rule", "global", "direct" */
    struct place final_at;

    VEC(struct model_host) hosts;
    bool use_system_hosts;
    bool no_ipv6;                         /* mihomo `ipv6: false` */
    enum ip_strategy strategy;            /* of names when nothing else says */
    struct text cache_file;               /* empty: none */
    bool store_selected;
    struct text interface_name;           /* route.default_interface / interface-name */
    uint32_t mark;                        /* route.default_mark / routing-mark */
    bool allow_lan;
};

void model_init(struct model *m);
void model_done(struct model *m);

#endif
