#include "proto/vless/options.h"

#include <errno.h>

#include "proto/refuse.h"

enum flow { FLOW_NONE, FLOW_VISION };

static const struct option_choice flows[] = {
    {"", FLOW_NONE},
    {"xtls-rprx-vision", FLOW_VISION},
    {"xtls-rprx-vision-udp443", FLOW_VISION},
    {NULL, 0},
};

static int check_flow(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    (void)o;
    return *(int *)field == FLOW_NONE ? 0 : refuse_value(n, r, "flow", "Vision is not built yet");
}

static int check_encryption(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct text *t = field;

    (void)o;
    return t->len == 0 || text_is(*t, "none") ? 0 : refuse_value(n, r, "encryption", "VLESS has none of its own here");
}

#define OUT struct vless_outbound_options
#define USER struct vless_user_option
#define IN struct vless_inbound_options

const struct option vless_outbound_table[] = {
    OPT_STRING(OUT, server, .singbox = "server", .mihomo = "server", .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY,
               .help = "Address of the VLESS server."),
    OPT_PORT(OUT, server_port, .singbox = "server_port", .mihomo = "port", .flags = OPTION_REQUIRED,
             .help = "Its port."),
    OPT_STRING(OUT, uuid, .singbox = "uuid", .mihomo = "uuid",
               .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY | OPTION_SECRET,
               .help = "Id of the user; what is no UUID is made one by version 5."),
    OPT_ENUM(OUT, flow, flows, .singbox = "flow", .mihomo = "flow", .read = check_flow,
             .help = "Sub-protocol of XTLS: none."),
    OPT_STRING(OUT, encryption, .mihomo = "encryption", .read = check_encryption,
               .help = "Encryption of VLESS itself: none."),
    NETWORK_OPTIONS(OUT, network),
    PACKET_ENCODING_OPTIONS(OUT, packets),
    CARRIER_CLIENT_OPTIONS(OUT, carrier),
    OPTION_END,
};

OPTION_TABLE(USER, user_table) = {
    OPT_STRING(USER, name, .singbox = "name", .mihomo = "username", .help = "Name of the user, for rules and logs."),
    OPT_STRING(USER, uuid, .singbox = "uuid", .mihomo = "uuid",
               .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY | OPTION_SECRET,
               .help = "Id; what is no UUID is made one by version 5."),
    OPT_ENUM(USER, flow, flows, .singbox = "flow", .mihomo = "flow", .read = check_flow,
             .help = "Sub-protocol of XTLS: none."),
    OPTION_END,
};

const struct option vless_inbound_table[] = {
    OPT_OBJECT_LIST(IN, users, user_table, .singbox = "users", .mihomo = "users",
                    .flags = OPTION_REQUIRED | OPTION_NOT_EMPTY, .help = "Who is let in."),
    OPT_STRING(IN, decryption, .mihomo = "decryption", .read = check_encryption,
               .help = "Encryption of VLESS itself: none."),
    OPT_OBJECT_LIST(IN, fallbacks, fallback_option_table, .singbox = "fallbacks",
                    .help = "Web servers for those who are no clients; without one they meet silence. An addition of "
                            "weir's, with Xray's words."),
    CARRIER_SERVER_OPTIONS(IN, carrier),
    OPTION_END,
};

int vless_outbound_check(const void *options, const struct node *at, struct option_reader *r)
{
    const OUT *o = options;
    struct dest d;

    if (dest_set_host(&d, o->server, o->server_port) < 0)
        return refuse_at(at, "server", r, "is no address of a server");
    return carrier_client_check(&o->carrier, at, r);
}

int vless_inbound_check(const void *options, const struct node *at, struct option_reader *r)
{
    const IN *o = options;

    return carrier_server_check(&o->carrier, at, r);
}
