/*
 * Groups of outbounds: an outbound that picks another one for each flow.
 *
 *   selector       the one that was chosen
 *   urltest        the alive one with the shortest test; changes only for a gain above the tolerance
 *   fallback       the first alive one
 *   load-balance   spread over the alive ones: by site, in turn, or sticky for a pair of ends
 *
 * A dial that fails puts a member aside at once (health.h) and the flow goes once to the next. When nobody is alive, all
 * are taken as alive: a group never refuses for reasons of health alone. UDP goes to members that carry UDP.
 */
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
    int64_t tolerance_ms;        /* urltest: a gain below this changes nothing; 0: 50 */
    bool lazy;                   /* test only while in use */
    uint32_t max_failed;         /* failed dials that trigger a test; 0: 5 */
    struct text expected_status; /* "200/204", "200-299", "*"; empty: any answer */
    enum group_strategy strategy;
    bool interrupt_exist_connections;
    bool disable_udp;
};

struct health;
struct health_record;
struct cache_file;

/* All of it outlives the group. */
struct group_setup {
    const char *tag;
    const struct group_spec *spec;
    struct health *health;    /* tests for urltest, fallback, load-balance; NULL: none run */
    struct cache_file *cache; /* where selections are kept; NULL: they are not */
    const struct log *log;
};

/* An outbound without members yet: it refuses every flow until it has some. 0 or -ENOMEM. */
int group_new(const struct group_setup *setup, struct outbound **out, struct error *err) CHECKED;
/*
 * Gives a group its members, in order, once all outbounds exist and before any flow and
 * health_start(). The array is copied; the members outlive the group's last flow. A selector takes what
 * the cache file says, then `chosen`, then the first. 0, -ENOMEM, -EINVAL (none; or bad
 * expected_status, url or `chosen`) or -ELOOP (a group would be its own member).
 */
int group_set_members(struct outbound *o, struct outbound *const *members, unsigned n, struct error *err) CHECKED;

/* What follows may be called from any thread; nothing parks. */

bool outbound_is_group(const struct outbound *o);
/*
 * The member that a flow would take now, or NULL when `o` is no group or none serves. For explain: call
 * again with the result until it is no group. Nothing is counted or remembered.
 */
struct outbound *group_pick(struct outbound *o, const struct session *s);
/*
 * Chooses the member of a selector, which is saved, or pins a urltest or fallback group to one while that
 * is alive (an empty tag unpins). 0, -ENOENT (no such member) or -EINVAL (no group, or load-balance).
 */
int group_select(struct outbound *o, struct text member) CHECKED;
/* Tag of the member in use, or NULL: no group, no members, or load-balance, which has no one. */
const char *group_now(struct outbound *o);
/* Tag of the pinned member of a urltest or fallback group, or NULL. */
const char *group_pinned(struct outbound *o);

/* For the API. */
const struct group_spec *group_spec_of(const struct outbound *o);
unsigned group_count(const struct outbound *o);
struct outbound *group_outbound_at(const struct outbound *o, unsigned i);
/* NULL where nothing is tested (selectors). */
struct health_record *group_health(const struct outbound *o, unsigned i);

#endif
