#include "proto/users.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

const struct option user_option_table[] = {
    OPT_STRING(struct user_option, username, .singbox = "username", .mihomo = "username", .help = "Name of the user."),
    OPT_STRING(struct user_option, password, .singbox = "password", .mihomo = "password", .flags = OPTION_SECRET,
               .help = "Password of the user."),
    OPTION_END,
};

/* protocol.inbound_check. */
int users_options_check(const void *options, const struct node *at, struct option_reader *r)
{
    const struct users_options *o = options;

    return tls_server_check(&o->tls, at, r);
}

static int add_user(struct users *u, struct user_entry *e, const struct user_option *option)
{
    char *name = text_dup(option->username);
    char *password = text_dup(option->password);

    e->name = name;
    e->password = password;
    if (!name || !password)
        return -ENOMEM;
    e->password_len = option->password.len;
    e->next = map_get_text(&u->by_name, option->username);
    return map_put_text(&u->by_name, (struct text){name, option->username.len}, e);
}

int users_init(struct users *u, const struct user_option *options, size_t count)
{
    *u = (struct users){0};
    map_init(&u->by_name);
    if (count == 0)
        return 0;
    u->at = mem_alloc_array(count, sizeof *u->at);
    if (!u->at)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        u->count = i + 1;
        int r = add_user(u, &u->at[i], &options[i]);
        if (r < 0) {
            users_done(u);
            return r;
        }
    }
    return 0;
}

static void free_secret(const char *p, size_t n)
{
    char *gone = (char *)(uintptr_t)p;

    if (gone)
        mem_wipe(gone, n);
    mem_free(gone);
}

void users_done(struct users *u)
{
    for (size_t i = 0; i < u->count; i++) {
        free_secret(u->at[i].name, 0);
        free_secret(u->at[i].password, u->at[i].password_len);
    }
    mem_free(u->at);
    map_done(&u->by_name);
    *u = (struct users){0};
}

/* Takes as long as `given` is long, whatever `right` is. */
static bool is_password(struct text given, const char *right, size_t right_len)
{
    unsigned differs = given.len != right_len;

    for (size_t i = 0; i < given.len; i++) {
        unsigned char r = (unsigned char)(i < right_len ? right[i] : 0);
        differs |= (unsigned)((unsigned char)given.ptr[i] ^ r);
    }
    return differs == 0;
}

const char *users_check(const struct users *u, struct text name, struct text password)
{
    const struct user_entry *first = map_get_text(&u->by_name, name);
    const char *found = NULL;

    if (!first)
        (void)is_password(password, "", 0); /* an unknown name costs what a wrong password costs */
    for (const struct user_entry *e = first; e; e = e->next) {
        if (is_password(password, e->password, e->password_len))
            found = e->name;
    }
    return found;
}

static int set_network(const struct node *n, struct network_option *out, struct option_reader *r)
{
    struct text name;

    if (option_string(n, &name, r) < 0)
        return -EINVAL;
    if (text_is_nocase(name, "tcp"))
        out->tcp = true;
    else if (text_is_nocase(name, "udp"))
        out->udp = true;
    else if (name.len != 0)
        return option_expected(n, "\"tcp\" or \"udp\"", r);
    return 0;
}

int network_option_read(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct network_option read = {0};

    (void)o;
    if (!n)
        return 0;
    if (n->kind != NODE_LIST) {
        if (set_network(n, &read, r) < 0)
            return -EINVAL;
    } else {
        node_each(item, n) {
            if (set_network(item->value, &read, r) < 0)
                return -EINVAL;
        }
    }
    memcpy(field, &read, sizeof read);
    return 0;
}

int network_option_write(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct network_option *n = field;

    (void)o;
    if (n->tcp == n->udp)
        return 0;
    *out = node_new_text(a, n->tcp ? TEXT("tcp") : TEXT("udp"));
    return *out ? 0 : -ENOMEM;
}

int network_udp_read(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct network_option read = {.tcp = true};

    (void)o;
    if (n && option_bool(n, &read.udp, r) < 0)
        return -EINVAL;
    memcpy(field, &read, sizeof read);
    return 0;
}

int network_udp_write(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct network_option *n = field;

    (void)o;
    if (!network_has_udp(n))
        return 0;
    *out = node_new_bool(a, true);
    return *out ? 0 : -ENOMEM;
}
