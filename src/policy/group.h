/* Groups of outbounds: an outbound that picks another one for each flow. */
#ifndef WEIR_POLICY_GROUP_H
#define WEIR_POLICY_GROUP_H

#include "format/node.h"
#include "format/option.h"
#include "net/proxy.h"

enum group_kind { GROUP_SELECTOR, GROUP_URLTEST, GROUP_FALLBACK, GROUP_LOAD_BALANCE };
enum group_strategy { BALANCE_CONSISTENT_HASHING, BALANCE_ROUND_ROBIN, BALANCE_STICKY_SESSIONS };

/* What the readers fill; texts live in the configuration's arena. */
struct group_spec {
    enum group_kind kind;
    struct text_list outbounds;
    struct text chosen;          /* selector `default` */
    struct text url;             /* empty: https://www.gstatic.com/generate_204 (needs TLS: see docs/groups.md) */
    int64_t interval_ms;         /* 0: 3 minutes */
    int64_t timeout_ms;          /* 0: 5 s */
    int64_t idle_ms;             /* tests pause when unused for so long; 0: 30 minutes */
    int64_t tolerance_ms;        /* urltest: 0: 50 in sing-box's model */
    bool lazy;                   /* test only while in use */
    uint32_t max_failed;         /* failed dials that trigger a test; 0: 5 */
    struct text expected_status; /* "200/204", "200-299", "*"; empty: any answer */
    enum group_strategy strategy;
    bool interrupt_exist_connections;
    bool disable_udp;
};

#endif
