#include "proto/trojan/options.h"

#include <errno.h>

#include "proto/refuse.h"

#define OUT struct trojan_outbound_options
#define USER struct trojan_user_option
#define IN struct trojan_inbound_options

/* mihomo's Trojan has TLS without being told. */
static int always(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    (void)n;
    (void)r;
    *(bool *)field = true;
    return 0;
}

/* {"h2": {"server": "127.0.0.1", "server_port": 81}, ...} */
static int read_by_alpn(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    OBJECT_LIST(struct fallback_option) *list = field;
    int result = 0;

    (void)o;
    if (n->kind != NODE_MAP)
        return option_expected(n, "a map from ALPN names to servers", r);
    size_t count = 1;
    node_each(item, n)
        count += item->value != NULL;
    list->at = arena_alloc(r->arena, count * sizeof *list->at);
    if (!list->at)
        return -ENOMEM;
    node_each(item, n) {
        struct fallback_option *one = &list->at[list->len++];
        int error = options_read(fallback_server_table, item->value, one, r);
        one->alpn = arena_text(r->arena, item->key);
        if (error < 0 || !one->alpn.ptr)
            result = error < 0 ? error : -ENOMEM;
    }
    return result;
}

static int write_by_alpn(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const OBJECT_LIST(struct fallback_option) *list = field;

    (void)o;
    if (!list->len)
        return 0;
    struct node *map = node_new(a, NODE_MAP);
    for (size_t i = 0; map && i < list->len; i++) {
        struct node *one = node_new(a, NODE_MAP);
        if (!one || options_write(fallback_server_table, DIALECT_SINGBOX, &list->at[i], a, one) < 0 ||
            node_set(a, map, list->at[i].alpn, one) < 0)
            return -ENOMEM;
    }
    *out = map;
    return map ? 0 : -ENOMEM;
}

const struct option trojan_outbound_table[] = {
    OPT_STRING(OUT, server, .singbox = "server", .mihomo = "server", .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY,
               .help = "Address of the Trojan server."),
    OPT_PORT(OUT, server_port, .singbox = "server_port", .mihomo = "port", .flags = OPTION_REQUIRED,
             .help = "Its port."),
    OPT_STRING(OUT, password, .singbox = "password", .mihomo = "password", .flags = OPTION_REQUIRED | OPTION_SECRET,
               .help = "Password."),
    NETWORK_OPTIONS(OUT, network),
    OPT_UNSUPPORTED(.mihomo = "ss-opts", .help = "The Shadowsocks layer of trojan-go."),
    OPT_CUSTOM(OUT, carrier.tls.enabled, always, NULL, .mihomo = "tls", .flags = OPTION_IF_ABSENT,
               .help = "TLS is always used."),
    CARRIER_CLIENT_OPTIONS(OUT, carrier),
    OPTION_END,
};

OPTION_TABLE(USER, user_table) = {
    OPT_STRING(USER, name, .singbox = "name", .mihomo = "username", .help = "Name of the user, for rules and logs."),
    OPT_STRING(USER, password, .singbox = "password", .mihomo = "password", .flags = OPTION_REQUIRED | OPTION_SECRET,
               .help = "Password."),
    OPTION_END,
};

const struct option trojan_inbound_table[] = {
    OPT_OBJECT_LIST(IN, users, user_table, .singbox = "users", .mihomo = "users",
                    .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY, .help = "Who is let in."),
    OPT_OBJECT_PTR(IN, fallback, fallback_server_table, .singbox = "fallback",
                   .help = "Web server for those who are no clients; without one they meet silence."),
    OPT_CUSTOM(IN, by_alpn, read_by_alpn, write_by_alpn, .singbox = "fallback_for_alpn",
               .help = "Such servers by the protocol agreed on in TLS: {\"h2\": {server, server_port}}."),
    OPT_UNSUPPORTED(.mihomo = "ss-option", .help = "The Shadowsocks layer of trojan-go."),
    CARRIER_SERVER_OPTIONS(IN, carrier),
    OPTION_END,
};

int trojan_outbound_check(const void *options, const struct node *at, struct option_reader *r)
{
    const OUT *o = options;
    struct dest d;

    if (dest_set_host(&d, o->server, o->server_port) < 0)
        return refuse_at(at, "server", r, "is no address of a server");
    return carrier_client_check(&o->carrier, at, r);
}

int trojan_inbound_check(const void *options, const struct node *at, struct option_reader *r)
{
    const IN *o = options;

    return carrier_server_check(&o->carrier, at, r);
}
