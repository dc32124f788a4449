#include "main/registry.h"

#include "proto/block/block.h"
#include "proto/direct/direct.h"
#include "proto/http/http.h"
#include "proto/shadowsocks/shadowsocks.h"
#include "proto/socks/socks.h"
#include "proto/trojan/trojan.h"
#include "proto/vless/vless.h"
#include "service/proxy/mixed.h"

const struct protocol *const registry[] = {
    &block_protocol,
    &direct_protocol,
    &http_protocol,
    &mixed_protocol,
    &shadowsocks_protocol,
    &socks_protocol,
    &trojan_protocol,
    &vless_protocol,
    NULL,
};
