/*
 * Options that several protocols share: users with passwords, and which networks are carried.
 * Look-up is by hash and compares in constant time.
 */
#ifndef WEIR_PROTO_USERS_H
#define WEIR_PROTO_USERS_H

#include "base/map.h"
#include "format/option.h"
#include "layer/tls/tls.h"

/*
 * users[]: {username, password} in both dialects. What the reader makes of mihomo's top-level
 * "user:password" entries is the same struct.
 */
struct user_option {
    struct text username;
    struct text password;
};
OPTION_TABLE_SHARED(struct user_option, user_option_table);

/* The options of socks, http and mixed inbounds: `mixed` hands the same object to both. */
struct users_options {
    OBJECT_LIST(struct user_option) users;
    bool udp; /* mihomo `udp`: UDP associate is offered; default true */
    struct tls_server_options tls;
};

int users_options_check(const void *options, const struct node *at, struct option_reader *r);

/* Whom a server lets in. Empty: everyone. */
struct user_entry {
    const char *name;
    const char *password;
    size_t password_len;
    struct user_entry *next; /* another password of the same name */
};
struct users {
    struct user_entry *at;
    size_t count;
    struct map by_name;
};
int users_init(struct users *u, const struct user_option *options, size_t count) CHECKED;
/* Wipes the passwords. */
void users_done(struct users *u);
/* The user's name (owned by `u`) when the password is right, else NULL. */
const char *users_check(const struct users *u, struct text name, struct text password);

/*
 * Which networks are carried: sing-box `network` ("tcp", "udp" or both; default both), mihomo `udp`
 * (default false). The rows NETWORK_OPTIONS(struct x, field) fill a struct of this type; a zeroed one
 * carries both.
 */
struct network_option {
    bool tcp;
    bool udp;
};
static inline bool network_has_tcp(const struct network_option *n)
{
    return n->tcp || !n->udp;
}
static inline bool network_has_udp(const struct network_option *n)
{
    return n->udp || !n->tcp;
}
int network_option_read(const struct option *o, const struct node *n, void *field, struct option_reader *r);
int network_option_write(const struct option *o, const void *field, struct arena *a, struct node **out);
/* The same of mihomo's `udp`. */
int network_udp_read(const struct option *o, const struct node *n, void *field, struct option_reader *r);
int network_udp_write(const struct option *o, const void *field, struct arena *a, struct node **out);

#define NETWORK_OPTIONS(s, f)                                                                      \
    OPT_CUSTOM(s, f, network_option_read, network_option_write, .singbox = "network",              \
               .help = "Networks that are carried: \"tcp\", \"udp\" or both."),                    \
    OPT_CUSTOM(s, f, network_udp_read, network_udp_write, .mihomo = "udp",                         \
               .flags = OPTION_IF_ABSENT, .help = "Whether UDP is carried as well.")

#endif
