#include "proto/trojan/trojan.h"

#include "proto/trojan/client.h"
#include "proto/trojan/options.h"
#include "proto/trojan/server.h"

const struct protocol trojan_protocol = {
    .name = "trojan",
    .mihomo_proxy = "trojan",
    .mihomo_listener = "trojan",
    .summary = "Trojan, with a web server for strangers",
    .outbound_options = trojan_outbound_table,
    .outbound_size = sizeof(struct trojan_outbound_options),
    .outbound_new = trojan_outbound_new,
    .inbound_options = trojan_inbound_table,
    .inbound_size = sizeof(struct trojan_inbound_options),
    .inbound_new = trojan_inbound_new,
    .outbound_check = trojan_outbound_check,
    .inbound_check = trojan_inbound_check,
};
