/* Where flows come in: the ports at the top level, listeners, tunnels. */
#include <errno.h>

#include "config/mihomo/mihomo.h"

static const struct protocol *find_listener(const struct reading *g, struct text type)
{
    const struct protocol *const *all = g->options->registry;

    for (size_t i = 0; all[i]; i++) {
        if (all[i]->inbound_new && all[i]->mihomo_listener && text_is(type, all[i]->mihomo_listener))
            return all[i];
    }
    return NULL;
}

static bool takes_users(struct text type)
{
    return text_is(type, "http") || text_is(type, "socks") || text_is(type, "mixed");
}

/* `authentication` ("user:password" entries) as a list of users; NULL: no memory. */
static struct node *make_users(struct mihomo *m)
{
    struct arena *a = &m->g->model->arena;
    struct node *users = node_new(a, NODE_LIST);

    if (!users)
        return NULL;
    users->at = m->authentication->at;
    node_each(item, m->authentication) {
        struct text t = node_text(item->value);
        struct node *user = node_new(a, NODE_MAP);
        ssize_t colon = text_find(t, ':');
        if (!user || colon < 0)
            return colon < 0 && user ? users : NULL;
        user->at = item->value->at;
        struct node *name = node_new_text(a, text_sub(t, 0, (size_t)colon));
        struct node *password = node_new_text(a, text_sub(t, (size_t)colon + 1, SIZE_MAX));
        if (node_set(a, user, TEXT("username"), name) < 0 || node_set(a, user, TEXT("password"), password) < 0 ||
            node_add(a, users, user) < 0)
            return NULL;
    }
    return users;
}

static bool has_authentication(const struct mihomo *m)
{
    return node_is(m->authentication, NODE_LIST) && m->authentication->count > 0;
}

/* Users from `authentication` where the listener has no list of its own. 0 or -ENOMEM. */
static int inherit_users(struct mihomo *m, struct text type, struct node *map)
{
    if (!takes_users(type) || mihomo_get(map, "users") || !has_authentication(m))
        return 0;
    return node_set(&m->g->model->arena, map, TEXT("users"), make_users(m));
}

static bool has_users(const struct node *map)
{
    const struct node *users = mihomo_get(map, "users");

    return users && !option_is_off(users);
}

struct common_fields {
    struct text name;
    struct text type;
};

OPTION_TABLE(struct common_fields, common_table) = {
    OPT_STRING(struct common_fields, name, .mihomo = "name"),
    OPT_STRING(struct common_fields, type, .mihomo = "type"),
    OPTION_END,
};

/* Reads the protocol's options from `map`; with `listen`, also those of the listener. */
static int read_options(struct mihomo *m, struct inbound_draft *d, const struct node *map, bool with_listen)
{
    struct reading *g = m->g;
    const struct protocol *p = d->protocol;
    struct common_fields common;
    struct option_target targets[3];
    size_t count = 0;
    size_t errors = g->diag->errors;

    d->options = arena_alloc(&g->model->arena, p->inbound_size ? p->inbound_size : 1);
    if (!d->options)
        return -ENOMEM;
    if (p->inbound_options)
        targets[count++] = (struct option_target){p->inbound_options, d->options};
    if (with_listen) {
        targets[count++] = (struct option_target){common_table, &common};
        targets[count++] = (struct option_target){listen_table, &d->listen};
    }
    g->r.met_unsupported = false;
    int r = options_read_all(targets, count, map, &g->r);
    if (r == 0 && p->inbound_check && errors == g->diag->errors)
        r = p->inbound_check(d->options, map, &g->r);
    return reported(r);
}

/* ---- ports at the top level ---- */

static const struct port_key {
    const char *key;
    const char *type;
} port_keys[] = {
    {"port", "http"},        {"socks-port", "socks"},   {"mixed-port", "mixed"},
    {"redir-port", "redir"}, {"tproxy-port", "tproxy"},
};

/* Without allow-lan only this machine gets in. */
static struct addr port_address(struct mihomo *m)
{
    struct addr a = addr_v4(INADDR_LOOPBACK, 0);
    struct text bind = m->bind_address;

    if (!m->allow_lan)
        return a;
    if (!bind.len || text_is(bind, "*"))
        bind = m->g->model->no_ipv6 ? TEXT("0.0.0.0") : TEXT("::");
    if (bind.len > 2 && bind.ptr[0] == '[')
        bind = text_sub(bind, 1, bind.len - 2);
    if (addr_parse(bind, 0, &a) < 0)
        diag_error(m->g->diag, place_of(m->g->root, "bind-address"), NULL,
                   "bind-address: is '%.*s', expected an IP address or \"*\"", TEXT_ARG(bind));
    return a;
}

static int read_port(struct mihomo *m, const struct port_key *key, const struct node *n)
{
    struct reading *g = m->g;
    struct arena *a = &g->model->arena;
    struct node *map = node_new(a, NODE_MAP);
    struct inbound_draft d = {.tag = text_of(key->key), .node = n};
    int64_t port;

    if (!map)
        return -ENOMEM;
    map->at = n->at;
    int r = option_integer(n, &port, &g->r);
    if (r < 0 || port == 0)
        return reported(r);
    if (port < 0 || port > UINT16_MAX)
        return reported(option_expected(n, "0 to 65535", &g->r));
    d.protocol = find_listener(g, text_of(key->type));
    if (!d.protocol) {
        not_carried(g, n->at, "the port is left out", "'%s'", key->key);
        return reading_drop(&g->dropped_inbounds, d.tag);
    }
    r = inherit_users(m, text_of(key->type), map);
    if (r == 0)
        r = read_options(m, &d, map, false);
    d.listen.addr = port_address(m);
    d.listen.ports.at = arena_alloc(a, sizeof(uint16_t));
    if (r < 0 || !d.listen.ports.at)
        return r < 0 ? r : -ENOMEM;
    d.listen.ports.at[0] = (uint16_t)port;
    d.listen.ports.len = 1;
    d.listen.tcp_fast_open = node_is(mihomo_get(g->root, "inbound-tfo"), NODE_BOOL) &&
                             mihomo_get(g->root, "inbound-tfo")->boolean;
    d.listen.tcp_multi_path = node_is(mihomo_get(g->root, "inbound-mptcp"), NODE_BOOL) &&
                              mihomo_get(g->root, "inbound-mptcp")->boolean;
    d.has_users = has_users(map);
    r = reading_name_inbound(g, d.tag, n->at);
    return r < 0 ? r : reading_add_inbound(g, &d);
}

int mihomo_read_ports(struct mihomo *m, const struct node *root)
{
    for (size_t i = 0; i < ARRAY_LEN(port_keys); i++) {
        const struct node *n = mihomo_get(root, port_keys[i].key);
        STEP(s);
        if (!n || n->kind == NODE_NULL)
            continue;
        step_enter(&s, m->g, text_of(port_keys[i].key));
        int r = read_port(m, &port_keys[i], n);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- listeners ---- */

static bool check_type(struct reading *g, const struct node *n, struct text type)
{
    if (known_type_find(mihomo_listener_types, type))
        return true;
    diag_error(g->diag, place_of(n, "type"), g->r.path, "there is no listener type '%.*s'", TEXT_ARG(type));
    struct text near = known_type_nearest(mihomo_listener_types, type);
    if (near.ptr)
        diag_hint(g->diag, "did you mean '%.*s'?", TEXT_ARG(near));
    return false;
}

/*
 * Without `listen`, mihomo listens everywhere. So does weir where the protocol or a list of users keeps strangers out; a
 * proxy that anyone could use stays on this machine until the file says otherwise.
 */
static struct addr default_address(struct reading *g, const struct inbound_draft *d)
{
    static const char *const open[] = {"direct", "http", "mixed", "socks"};

    for (size_t i = 0; i < ARRAY_LEN(open) && !d->has_users; i++) {
        if (!text_is(text_of(d->protocol->name), open[i]))
            continue;
        diag_warn(g->diag, d->node->at, g->r.path, "has no listen and no users: it listens on 127.0.0.1 only");
        diag_hint(g->diag, "%s", "write listen: 0.0.0.0 to let others in");
        return addr_v4(INADDR_LOOPBACK, 0);
    }
    return addr_v4(INADDR_ANY, 0);
}

static int read_listener(struct mihomo *m, const struct node *n, size_t index)
{
    struct reading *g = m->g;
    struct text type = node_text(mihomo_get(n, "type"));
    struct text name = node_text(mihomo_get(n, "name"));
    struct inbound_draft d = {.node = n};

    if (n->kind != NODE_MAP)
        return reported(option_expected(n, "a map", &g->r));
    if (!type.len) {
        diag_error(g->diag, n->at, g->r.path, "has no type");
        return 0;
    }
    if (!check_type(g, n, type))
        return 0;
    d.tag = name.len ? kept(g, name) : made_tag(g, "listener", index);
    if (!d.tag.ptr)
        return -ENOMEM;
    int r = reading_name_inbound(g, d.tag, place_of(n, "name"));
    if (r < 0)
        return r;
    d.protocol = find_listener(g, type);
    if (!d.protocol) {
        not_carried(g, place_of(n, "type"), "the listener is left out", "type '%.*s'", TEXT_ARG(type));
        return reading_drop(&g->dropped_inbounds, d.tag);
    }
    struct node *map = node_copy(&g->model->arena, n);
    r = map ? inherit_users(m, type, map) : -ENOMEM;
    if (r == 0)
        r = read_options(m, &d, map, true);
    if (r < 0)
        return r;
    if (g->r.met_unsupported && g->options->allow_unsupported) {
        diag_warn(g->diag, n->at, g->r.path, "the listener '%.*s' is left out", TEXT_ARG(d.tag));
        return reading_drop(&g->dropped_inbounds, d.tag);
    }
    d.has_users = has_users(map);
    if (!addr_is_set(&d.listen.addr) && !d.listen.unix_path.len)
        d.listen.addr = default_address(g, &d);
    return reading_add_inbound(g, &d);
}

int mihomo_read_listeners(struct mihomo *m, const struct node *list)
{
    size_t index = 0;

    if (list->kind == NODE_NULL)
        return 0;
    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list of listeners", &m->g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, m->g, index);
        int r = read_listener(m, item->value, index++);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- tunnels ---- */

struct tunnel {
    struct text networks; /* "tcp/udp"; empty for a map, whose node is used */
    const struct node *network;
    struct text address;
    struct text target;
    struct text proxy;
};

static bool cut_tunnel(const struct node *n, struct tunnel *out)
{
    struct text rest = node_text(n);
    struct text *const parts[] = {&out->networks, &out->address, &out->target, &out->proxy};
    size_t count = 0;

    if (n->kind == NODE_MAP) {
        out->network = mihomo_get(n, "network");
        out->address = node_text(mihomo_get(n, "address"));
        out->target = node_text(mihomo_get(n, "target"));
        out->proxy = node_text(mihomo_get(n, "proxy"));
        return out->address.len && out->target.len;
    }
    while (count < ARRAY_LEN(parts) && text_next(&rest, ',', parts[count])) {
        *parts[count] = text_trim(*parts[count]);
        count++;
    }
    return count >= 3 && !rest.ptr && out->address.len && out->target.len;
}

static int add_networks(struct mihomo *m, const struct tunnel *t, struct node *map)
{
    struct arena *a = &m->g->model->arena;
    struct node *list = node_new(a, NODE_LIST);
    struct text rest = t->networks;
    struct text one;

    if (!list)
        return -ENOMEM;
    if (!rest.len && t->network) {
        union {
            const struct node *in;
            struct node *out;
        } u = {.in = t->network};
        return node_set(a, map, TEXT("network"), u.out);
    }
    list->at = map->at;
    while (rest.len && text_next(&rest, '/', &one)) {
        if (node_add(a, list, node_new_text(a, text_trim(one))) < 0)
            return -ENOMEM;
    }
    return list->count ? node_set(a, map, TEXT("network"), list) : 0;
}

/* "127.0.0.1:6553" or ":6553". */
static int set_address(struct inbound_draft *d, struct text t, struct arena *a)
{
    struct dest dest = {0};

    if (t.len && t.ptr[0] == ':') {
        uint64_t port;
        if (text_to_u64(text_sub(t, 1, SIZE_MAX), &port) < 0 || port > UINT16_MAX)
            return -EINVAL;
        dest.ip = addr_v4(INADDR_ANY, 0);
        dest.port = (uint16_t)port;
    } else if (dest_parse(t, &dest) < 0 || dest_is_name(&dest))
        return -EINVAL;
    d->listen.addr = dest.ip;
    d->listen.ports.at = arena_alloc(a, sizeof(uint16_t));
    if (!d->listen.ports.at)
        return -ENOMEM;
    d->listen.ports.at[0] = dest.port;
    d->listen.ports.len = 1;
    return 0;
}

static int read_tunnel(struct mihomo *m, const struct node *n, size_t index)
{
    struct reading *g = m->g;
    struct arena *a = &g->model->arena;
    struct tunnel t = {0};
    struct inbound_draft d = {.node = n, .protocol = find_listener(g, TEXT("tunnel"))};
    struct node *map = node_new(a, NODE_MAP);

    if (!map)
        return -ENOMEM;
    map->at = n->at;
    if (!cut_tunnel(n, &t)) {
        diag_error(g->diag, n->at, g->r.path, "is no tunnel such as \"tcp/udp,127.0.0.1:6553,192.0.2.1:53,proxy\"");
        return 0;
    }
    d.tag = made_tag(g, "tunnel", index);
    if (!d.tag.ptr)
        return -ENOMEM;
    if (!d.protocol) {
        not_carried(g, n->at, "the tunnel is left out", "a tunnel");
        return reading_drop(&g->dropped_inbounds, d.tag);
    }
    int r = set_address(&d, t.address, a);
    if (r == -EINVAL)
        diag_error(g->diag, n->at, g->r.path, "'%.*s' is no address and port", TEXT_ARG(t.address));
    if (r < 0)
        return reported(r);
    r = node_set(a, map, TEXT("target"), node_new_text(a, t.target));
    if (r == 0)
        r = add_networks(m, &t, map);
    if (r == 0)
        r = read_options(m, &d, map, false);
    d.listen.outbound = kept(g, t.proxy);
    d.node = map;
    if (r < 0 || !d.listen.outbound.ptr)
        return r < 0 ? r : -ENOMEM;
    r = reading_name_inbound(g, d.tag, n->at);
    return r < 0 ? r : reading_add_inbound(g, &d);
}

int mihomo_read_tunnels(struct mihomo *m, const struct node *list)
{
    size_t index = 0;

    if (list->kind == NODE_NULL)
        return 0;
    if (list->kind != NODE_LIST)
        return reported(option_expected(list, "a list of tunnels", &m->g->r));
    node_each(item, list) {
        STEP(s);
        step_enter_index(&s, m->g, index);
        int r = read_tunnel(m, item->value, index++);
        if (r < 0)
            return r;
    }
    return 0;
}
