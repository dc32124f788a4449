#include "proto/http/http.h"

OPTION_TABLE(struct http_outbound_options, outbound_table) = {
    OPT_STRING(struct http_outbound_options, server, .singbox = "server", .mihomo = "server",
               .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY, .help = "Address or name of the proxy."),
    OPT_PORT(struct http_outbound_options, server_port, .singbox = "server_port", .mihomo = "port",
             .flags = OPTION_REQUIRED, .help = "Its port."),
    OPT_STRING(struct http_outbound_options, username, .singbox = "username", .mihomo = "username",
               .help = "User name for Basic authentication."),
    OPT_STRING(struct http_outbound_options, password, .singbox = "password", .mihomo = "password",
               .flags = OPTION_SECRET, .help = "Password for Basic authentication."),
    OPT_STRING(struct http_outbound_options, path, .singbox = "path",
               .help = "Request target to use with CONNECT; the destination is then in Host only."),
    OPT_MAP(struct http_outbound_options, headers, .singbox = "headers", .mihomo = "headers",
            .help = "Fields to add to the CONNECT request."),
    OPT_IGNORED(.mihomo = "udp", .help = "HTTP proxies carry no UDP."),
    OPT_UNSUPPORTED(.mihomo = "smux", .help = "Multiplexing of connections."),
    OPT_TLS_CLIENT(struct http_outbound_options, tls),
    OPTION_END,
};

OPTION_TABLE(struct users_options, inbound_table) = {
    OPT_OBJECT_LIST(struct users_options, users, user_option_table, .singbox = "users", .mihomo = "users",
                    .help = "Who may use it; everyone when empty."),
    OPT_UNSUPPORTED(.singbox = "set_system_proxy", .help = "Makes it the desktop's proxy."),
    OPT_UNSUPPORTED(.singbox = "domain_resolver", .help = "DNS server for names in requests."),
    OPT_TLS_SERVER(struct users_options, tls),
    OPTION_END,
};

static int check_outbound(const void *options, const struct node *at, struct option_reader *r)
{
    const struct http_outbound_options *o = options;

    return tls_client_check(&o->tls, at, r);
}

const struct protocol http_protocol = {
    .name = "http",
    .mihomo_proxy = "http",
    .mihomo_listener = "http",
    .summary = "HTTP proxy: CONNECT and plain requests",
    .outbound_options = outbound_table,
    .outbound_size = sizeof(struct http_outbound_options),
    .outbound_new = http_outbound_new,
    .outbound_check = check_outbound,
    .inbound_options = inbound_table,
    .inbound_size = sizeof(struct users_options),
    .inbound_new = http_inbound_new,
    .inbound_check = users_options_check,
};
