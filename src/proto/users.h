/*
 * Options that several protocols share: users with passwords, and which networks are carried.
 * Look-up is by hash and compares in constant time.
 */
#ifndef WEIR_PROTO_USERS_H
#define WEIR_PROTO_USERS_H

#include "base/map.h"
#include "format/option.h"

/* users[]: {username, password} in both dialects; mihomo also writes "user:password" at top level. */
struct user_option {
    struct text username;
    struct text password;
};
OPTION_TABLE_SHARED(struct user_option, user_option_table);

/* The options of socks, http and mixed inbounds: `mixed` hands the same object to both. */
struct users_options {
    OBJECT_LIST(struct user_option) users;
    bool udp; /* mihomo `udp`: UDP associate is offered; default true */
};

/* Whom a server lets in. Empty: everyone. */
struct user_entry {
    const char *name;
    const char *password;
};
struct users {
    struct user_entry *at;
    size_t count;
    struct map by_name;
};
int users_init(struct users *u, const struct user_option *options, size_t count) CHECKED;
void users_done(struct users *u);
/* The user's name (owned by `u`) when the password is right, else NULL. */
const char *users_check(const struct users *u, struct text name, struct text password);

/*
 * Which networks an outbound carries: sing-box `network` ("tcp", "udp" or both; default both),
 * mihomo `udp` (default false). Rows NETWORK_OPTIONS(struct x, field) fill a struct of this type.
 */
struct network_option {
    bool tcp;
    bool udp;
};
int network_option_read(const struct option *o, const struct node *n, void *field, struct option_reader *r);
int network_option_write(const struct option *o, const void *field, struct arena *a, struct node **out);

#endif
