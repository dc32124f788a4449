#include "proto/vless/vless.h"

#include "proto/vless/client.h"
#include "proto/vless/options.h"
#include "proto/vless/server.h"

const struct protocol vless_protocol = {
    .name = "vless",
    .mihomo_proxy = "vless",
    .mihomo_listener = "vless",
    .summary = "VLESS without a flow",
    .outbound_options = vless_outbound_table,
    .outbound_size = sizeof(struct vless_outbound_options),
    .outbound_new = vless_outbound_new,
    .inbound_options = vless_inbound_table,
    .inbound_size = sizeof(struct vless_inbound_options),
    .inbound_new = vless_inbound_new,
    .outbound_check = vless_outbound_check,
    .inbound_check = vless_inbound_check,
};
