#include "proto/socks/socks.h"

static const struct option_choice versions[] = {
    {"5", SOCKS_V5},
    {"4a", SOCKS_V4A},
    {"4", SOCKS_V4},
    {0},
};

OPTION_TABLE(struct socks_outbound_options, outbound_table) = {
    OPT_STRING(struct socks_outbound_options, server, .singbox = "server", .mihomo = "server",
               .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY, .help = "Address or name of the server."),
    OPT_PORT(struct socks_outbound_options, server_port, .singbox = "server_port", .mihomo = "port",
             .flags = OPTION_REQUIRED, .help = "Its port."),
    OPT_ENUM(struct socks_outbound_options, version, versions, .singbox = "version", .def = SOCKS_V5,
             .help = "Version of the protocol. Names go to the server with 4a and 5."),
    OPT_STRING(struct socks_outbound_options, username, .singbox = "username", .mihomo = "username",
               .help = "User name; with version 4 and 4a the user id."),
    OPT_STRING(struct socks_outbound_options, password, .singbox = "password", .mihomo = "password",
               .flags = OPTION_SECRET, .help = "Password, version 5 only."),
    NETWORK_OPTIONS(struct socks_outbound_options, network),
    OPT_CUSTOM(struct socks_outbound_options, udp_over_tcp, uot_option_read, uot_option_write,
               .singbox = "udp_over_tcp", .help = "Carries UDP in a stream, to servers that know how: sing-box's own way."),
    OPT_UNSUPPORTED(.mihomo = "smux", .help = "Multiplexing of connections."),
    OPT_TLS_CLIENT(struct socks_outbound_options, tls),
    OPTION_END,
};

OPTION_TABLE(struct users_options, inbound_table) = {
    OPT_OBJECT_LIST(struct users_options, users, user_option_table, .singbox = "users", .mihomo = "users",
                    .help = "Who may use it; everyone when empty."),
    OPT_BOOL(struct users_options, udp, .mihomo = "udp", .def = true, .help = "Whether UDP associate is offered."),
    OPT_UNSUPPORTED(.singbox = "domain_resolver", .help = "DNS server for names in UDP requests."),
    OPT_TLS_SERVER(struct users_options, tls),
    OPTION_END,
};

static int check_outbound(const void *options, const struct node *at, struct option_reader *r)
{
    const struct socks_outbound_options *o = options;

    return tls_client_check(&o->tls, at, r);
}

const struct protocol socks_protocol = {
    .name = "socks",
    .mihomo_proxy = "socks5",
    .mihomo_listener = "socks",
    .summary = "SOCKS 4, 4a and 5 with users and UDP",
    .outbound_options = outbound_table,
    .outbound_size = sizeof(struct socks_outbound_options),
    .outbound_new = socks_outbound_new,
    .outbound_check = check_outbound,
    .inbound_options = inbound_table,
    .inbound_size = sizeof(struct users_options),
    .inbound_new = socks_inbound_new,
    .inbound_check = users_options_check,
};
