#include "proto/shadowsocks/shadowsocks.h"

#include "proto/shadowsocks/client.h"
#include "proto/shadowsocks/options.h"
#include "proto/shadowsocks/server.h"

const struct protocol shadowsocks_protocol = {
    .name = "shadowsocks",
    .mihomo_proxy = "ss",
    .mihomo_listener = "shadowsocks",
    .summary = "Shadowsocks with AEAD and 2022 methods",
    .outbound_options = ss_outbound_table,
    .outbound_size = sizeof(struct ss_outbound_options),
    .outbound_new = ss_outbound_new,
    .inbound_options = ss_inbound_table,
    .inbound_size = sizeof(struct ss_inbound_options),
    .inbound_new = ss_inbound_new,
    .outbound_check = ss_outbound_check,
    .inbound_check = ss_inbound_check,
};
