/*
 * What the readers of all dialects share while a model is being filled.
 *
 * A reader's function returns 0 or -ENOMEM: mistakes are entries of `diag`, and reading goes on
 * so that all of them are found.
 */
#ifndef WEIR_CONFIG_READING_H
#define WEIR_CONFIG_READING_H

#include "base/map.h"
#include "config/fields.h"
#include "config/read.h"

enum ref_kind {
    REF_DETOUR,          /* outbound -> outbound */
    REF_MEMBER,          /* group -> outbound */
    REF_CHOSEN,          /* group -> its member */
    REF_RULE,            /* rule -> outbound */
    REF_FINAL,           /* route -> outbound */
    REF_INBOUND_DETOUR,  /* inbound -> inbound */
    REF_INBOUND_OUTBOUND,/* inbound -> outbound */
    REF_RULE_INBOUND,    /* rule -> inbound */
    REF_SUB_RULE,        /* rule or inbound -> list of rules */
    REF_DNS_SERVER,
};

/* A name that has to exist, and where it was used. */
struct ref {
    enum ref_kind kind;
    struct text to;
    struct place at;
    const struct key_path *path; /* in the model's arena */
};

struct rule_vec {
    VEC(struct rule_spec) list;
};

struct reading {
    struct model *model;
    struct diag *diag;
    const struct config_options *options;
    struct option_reader r;
    const struct node *root;
    VEC(struct ref) refs;
    struct map inbounds;         /* tag -> its struct place */
    struct map outbounds;
    struct map dropped_inbounds; /* left out because of --allow-unsupported */
    struct map dropped;          /* outbounds */
    struct map dns_outbounds;    /* sing-box outbounds of type dns: rules to them hijack DNS */
    struct map dns_servers;
    struct map rule_sets;        /* tag -> const struct node *; of inline ones, else the item */
    bool in_rule_set;            /* what is read now is a rule of a rule set */
    size_t expanded;             /* rules that came from rule sets so far */
    struct rule_vec before;      /* rules made from other keys, which come first */
    struct rule_vec rules;       /* the main list */
};

int reading_init(struct reading *g, struct model *m, struct diag *diag, const struct config_options *options) CHECKED;
void reading_done(struct reading *g);

/* -EINVAL was reported: 0. Anything else as it is. */
static inline int reported(int result)
{
    return result == -EINVAL ? 0 : result;
}

/* One step down the key path, up again at the end of the block: STEP(s); step_enter(&s, g, key); */
struct step {
    struct reading *g;
    struct key_path path;
};
void step_enter(struct step *s, struct reading *g, struct text key);
void step_enter_index(struct step *s, struct reading *g, size_t index);
void step_leave(struct step *s);
#define STEP(name) CLEANUP(step_leave) struct step name = {0}

/*
 * Adds "... is not carried by weir yet": an error, or with allow_unsupported a warning. `fmt` names the thing
 * ("type 'tun'"), `instead` says what happens when it is left out (for the warning).
 */
void not_carried(struct reading *g, struct place at, const char *instead, const char *fmt, ...) PRINTF(4, 5);

/* Notes that `to` has to exist; an empty one is none. 0 or -ENOMEM. */
int reading_ref(struct reading *g, enum ref_kind kind, struct text to, struct place at) CHECKED;
/* The same for the value of map[key]. */
int reading_ref_key(struct reading *g, enum ref_kind kind, struct text to, const struct node *map, const char *key) CHECKED;
/* The place of map[key], or of the map. */
struct place place_of(const struct node *map, const char *key);

/* Tags: reports a second use. 0 or -ENOMEM. */
int reading_name_outbound(struct reading *g, struct text tag, struct place at) CHECKED;
int reading_name_inbound(struct reading *g, struct text tag, struct place at) CHECKED;
int reading_drop(struct map *dropped, struct text tag) CHECKED;

/* "type[index]" in the arena, for what has no tag. */
struct text made_tag(struct reading *g, const char *type, size_t index);
/* A copy in the arena, ending in a zero byte; .ptr is NULL when memory ran out. */
struct text kept(struct reading *g, struct text t);

/* Adds an inbound for each port: the common end of both dialects. */
struct inbound_draft {
    struct text tag;
    const struct node *node;
    const struct protocol *protocol;
    void *options;
    struct listen_fields listen;
    bool has_users;
};
int reading_add_inbound(struct reading *g, struct inbound_draft *d) CHECKED;

struct outbound_draft {
    struct text tag;
    const struct node *node;
    const struct protocol *protocol;
    void *options;
    struct dial_fields dial;
};
int reading_add_outbound(struct reading *g, const struct outbound_draft *d) CHECKED;
int reading_add_group(struct reading *g, struct text tag, const struct node *n, struct group_spec *spec) CHECKED;
/* An outbound that the file does not have, such as DIRECT: of protocol `type`. */
int reading_add_built_in(struct reading *g, const char *tag, const char *type) CHECKED;

/* A zeroed rule at the end of `v`; valid until the next. NULL: no memory. */
struct rule_spec *rule_vec_add(struct rule_vec *v);
/* Moves the rules to the arena as a list of the model. */
int reading_add_rules(struct reading *g, struct text name, struct rule_vec *v) CHECKED;
/* A copy of the array in the arena. */
int text_list_keep(struct arena *a, const struct text *at, size_t len, struct text_list *out) CHECKED;

/* What can only be said when everything is read: references, cycles, ports. */
int reading_check(struct reading *g) CHECKED;
/* A part of it: every regular expression of a rule compiles. 0 or -ENOMEM. */
int check_regexes(struct reading *g) CHECKED;

/* The dialects. */
int singbox_read(struct reading *g) CHECKED;
int mihomo_read(struct reading *g) CHECKED;

#endif
