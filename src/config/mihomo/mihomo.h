/* The parts of the mihomo reader. Each reads some sections; see reading.h for what is shared. */
#ifndef WEIR_CONFIG_MIHOMO_MIHOMO_H
#define WEIR_CONFIG_MIHOMO_MIHOMO_H

#include "config/reading.h"
#include "config/types.h"

/* A proxy-provider or rule-provider. `members` are the tags of an inline proxy-provider. */
struct provider {
    const struct node *node;
    struct text_list members;
    bool is_carried;
    struct rule_spec *rule; /* of an inline rule-provider, once it was needed */
    bool is_being_read;
};

struct text_vec {
    VEC(struct text) list;
};

struct mihomo {
    struct reading *g;
    struct map proxy_providers; /* name -> struct provider */
    struct map rule_providers;
    struct map types;           /* name of a proxy -> its type, zero-terminated, also when it was left out */
    struct text_vec proxies;    /* names, in order */
    struct text_vec groups;
    const struct node *authentication;
    bool allow_lan;
    struct text bind_address;
};

/* As node_get(), with `_` for `-` and without regard to case. */
struct node *mihomo_get(const struct node *map, const char *key);

int mihomo_read_ports(struct mihomo *m, const struct node *root) CHECKED;
int mihomo_read_listeners(struct mihomo *m, const struct node *list) CHECKED;
int mihomo_read_tunnels(struct mihomo *m, const struct node *list) CHECKED;
int mihomo_read_proxies(struct mihomo *m, const struct node *list) CHECKED;
int mihomo_read_proxy_providers(struct mihomo *m, const struct node *map) CHECKED;
int mihomo_read_rule_providers(struct mihomo *m, const struct node *map) CHECKED;
int mihomo_read_groups(struct mihomo *m, const struct node *list) CHECKED;
int mihomo_read_rules(struct mihomo *m, const struct node *list) CHECKED;
int mihomo_read_sub_rules(struct mihomo *m, const struct node *map) CHECKED;
int mihomo_read_dns(struct mihomo *m, const struct node *map) CHECKED;
int mihomo_read_hosts(struct mihomo *m, const struct node *map) CHECKED;
int mihomo_read_sniffer(struct mihomo *m, const struct node *map) CHECKED;

/*
 * One rule line, "TYPE,payload[,target][,params]". With `target` it has one, and *target is set. What the
 * line matches goes to *out; mistakes are reported at `at`. 0, -EINVAL (reported) or -ENOMEM.
 */
struct rule_line {
    struct mihomo *m;
    struct place at;
    unsigned depth;
};
int mihomo_parse_rule(struct rule_line *l, struct text line, struct text *target, struct rule_spec *out) CHECKED;
/* What an inline rule-provider matches. *out is NULL when it is not carried (reported). */
int mihomo_provider_rule(struct rule_line *l, struct text name, const struct rule_spec **out) CHECKED;

#endif
