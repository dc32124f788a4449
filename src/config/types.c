#include "config/types.h"

const struct known_type singbox_inbound_types[] = {
    {"anytls", NULL},  {"cloudflared", NULL}, {"direct", NULL},      {"http", NULL},      {"hysteria", NULL},
    {"hysteria2", NULL}, {"mixed", NULL},     {"naive", NULL},       {"redirect", NULL},  {"shadowsocks", NULL},
    {"shadowtls", NULL}, {"snell", NULL},     {"socks", NULL},       {"tproxy", NULL},    {"trojan", NULL},
    {"tuic", NULL},    {"tun", NULL},         {"vless", NULL},       {"vmess", NULL},
    {"shadowsocksr", "another protocol: ShadowsocksR was removed from sing-box"},
    {NULL, NULL},
};

const struct known_type singbox_outbound_types[] = {
    {"anytls", NULL},    {"block", NULL},     {"bridge", NULL}, {"direct", NULL},      {"http", NULL},
    {"hysteria", NULL},  {"hysteria2", NULL}, {"naive", NULL},  {"shadowsocks", NULL}, {"shadowtls", NULL},
    {"snell", NULL},     {"socks", NULL},     {"ssh", NULL},    {"tor", NULL},         {"trojan", NULL},
    {"tuic", NULL},      {"vless", NULL},     {"vmess", NULL},
    {"shadowsocksr", "another protocol: ShadowsocksR was removed from sing-box"},
    {"wireguard", "an endpoint of type wireguard"},
    {NULL, NULL},
};

const struct known_type singbox_endpoint_types[] = {
    {"openconnect", NULL},   {"openvpn-client", NULL}, {"openvpn-server", NULL}, {"tailscale", NULL},
    {"wireguard", NULL},     {"masque-client", NULL},  {"masque-server", NULL},  {NULL, NULL},
};

const struct known_type singbox_service_types[] = {
    {"api", NULL},        {"ccm", NULL},      {"derp", NULL},    {"hysteria-realm", NULL}, {"ocm", NULL},
    {"oom-killer", NULL}, {"resolved", NULL}, {"ssm-api", NULL}, {"usbip-client", NULL},   {"usbip-server", NULL},
    {NULL, NULL},
};

const struct known_type singbox_dns_types[] = {
    {"dhcp", NULL},     {"fakeip", NULL}, {"h3", NULL},   {"hosts", NULL},       {"https", NULL},
    {"local", NULL},    {"mdns", NULL},   {"quic", NULL}, {"openconnect", NULL}, {"openvpn", NULL},
    {"resolved", NULL}, {"tailscale", NULL}, {"tcp", NULL}, {"tls", NULL},       {"udp", NULL},
    {NULL, NULL},
};

const struct known_type mihomo_proxy_types[] = {
    {"anytls", NULL},   {"direct", NULL},   {"dns", NULL},        {"gost-relay", NULL}, {"http", NULL},
    {"hysteria", NULL}, {"hysteria2", NULL}, {"masque", NULL},    {"mieru", NULL},      {"openvpn", NULL},
    {"reject", NULL},   {"rematch", NULL},  {"shadowquic", NULL}, {"snell", NULL},      {"socks5", NULL},
    {"ss", NULL},       {"ssh", NULL},      {"ssr", NULL},        {"sudoku", NULL},     {"tailscale", NULL},
    {"trojan", NULL},   {"trusttunnel", NULL}, {"tuic", NULL},    {"vless", NULL},      {"vmess", NULL},
    {"wireguard", NULL}, {"zerotier", NULL}, {NULL, NULL},
};

const struct known_type mihomo_listener_types[] = {
    {"anytls", NULL},     {"http", NULL},    {"hysteria2", NULL},  {"hysteria2-realm", NULL}, {"mieru", NULL},
    {"mixed", NULL},      {"redir", NULL},   {"shadowquic", NULL}, {"shadowsocks", NULL},     {"snell", NULL},
    {"socks", NULL},      {"sudoku", NULL},  {"tproxy", NULL},     {"trojan", NULL},          {"trusttunnel", NULL},
    {"tuic", NULL},       {"tun", NULL},     {"tunnel", NULL},     {"vless", NULL},           {"vmess", NULL},
    {NULL, NULL},
};

const struct known_type mihomo_group_types[] = {
    {"fallback", NULL},
    {"load-balance", NULL},
    {"select", NULL},
    {"url-test", NULL},
    {"relay", "'dialer-proxy' at each proxy: relay groups were removed from mihomo"},
    {"smart", "url-test or fallback: smart is of a fork of mihomo"},
    {NULL, NULL},
};

const struct known_type *known_type_find(const struct known_type *list, struct text name)
{
    for (const struct known_type *t = list; t->name; t++) {
        if (text_is(name, t->name))
            return t;
    }
    return NULL;
}

struct text known_type_nearest(const struct known_type *list, struct text name)
{
    struct nearest near = nearest_to(name);

    for (const struct known_type *t = list; t->name; t++)
        nearest_offer(&near, text_of(t->name));
    return near.best;
}
