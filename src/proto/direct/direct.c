#include "proto/direct/direct.h"

#include <errno.h>

int direct_override_init(struct direct_override *o, struct text address, uint16_t port, struct error *err)
{
    *o = (struct direct_override){.port = port};
    if (address.len && dest_set_host(&o->host, address, port) < 0)
        return error_set(err, -EINVAL, "override_address: '%.*s' is no host", TEXT_ARG(address));
    return 0;
}

void direct_override_apply(const struct direct_override *o, struct dest *d)
{
    uint16_t port = o->port ? o->port : d->port;

    if (dest_is_name(&o->host) || addr_is_set(&o->host.ip))
        *d = o->host;
    d->port = port;
}

static int check_host(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    const struct text *t = field;
    struct dest d;

    (void)o;
    return t->len == 0 || dest_set_host(&d, *t, 0) == 0 ? 0 : option_expected(n, "a host name or an address", r);
}

static int check_target(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    const struct text *t = field;
    struct dest d;

    (void)o;
    return dest_parse(*t, &d) == 0 ? 0 : option_expected(n, "host:port", r);
}

#define REPLACED "the keys of the same name in a route action (\"action\": \"route-options\")"

OPTION_TABLE(struct direct_outbound_options, outbound_table) = {
    OPT_STRING(struct direct_outbound_options, override_address, .singbox = "override_address", .read = check_host,
               .deprecated = REPLACED, .help = "Goes to this host instead."),
    OPT_PORT(struct direct_outbound_options, override_port, .singbox = "override_port", .flags = OPTION_ZERO_PORT,
             .deprecated = REPLACED, .help = "Goes to this port instead."),
    OPT_UNSUPPORTED(.singbox = "proxy_protocol", .unsupported = "sing-box removed it, too",
                    .help = "Version of the PROXY header to send first."),
    OPT_IGNORED(.mihomo = "udp", .help = "UDP is always carried."),
    OPTION_END,
};

OPTION_TABLE(struct direct_inbound_options, inbound_table) = {
    OPT_CUSTOM(struct direct_inbound_options, network, network_option_read, network_option_write,
               .singbox = "network", .mihomo = "network", .help = "Networks to listen on; both when not given."),
    OPT_STRING(struct direct_inbound_options, override_address, .singbox = "override_address", .read = check_host,
               .help = "Where all goes; the address that was reached when not given."),
    OPT_PORT(struct direct_inbound_options, override_port, .singbox = "override_port", .flags = OPTION_ZERO_PORT,
             .help = "To which port; the one that was reached when not given."),
    OPT_STRING(struct direct_inbound_options, target, .mihomo = "target", .flags = OPTION_REQUIRED, .read = check_target,
               .help = "Where all goes, as host:port."),
    OPTION_END,
};

const struct protocol direct_protocol = {
    .name = "direct",
    .mihomo_proxy = "direct",
    .mihomo_listener = "tunnel",
    .summary = "to the destination itself; as an inbound, to a fixed target",
    .outbound_options = outbound_table,
    .outbound_size = sizeof(struct direct_outbound_options),
    .outbound_new = direct_outbound_new,
    .inbound_options = inbound_table,
    .inbound_size = sizeof(struct direct_inbound_options),
    .inbound_new = direct_inbound_new,
};
