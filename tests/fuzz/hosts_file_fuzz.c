#include "format/hosts_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct text part, struct text whole)
{
    if (part.len == 0 || part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text whole = {.ptr = (const char *)data, .len = size}, name;
    struct hosts_walk walk = {.rest = whole};
    struct resolv_conf conf;
    struct addr ip;

    for (size_t pairs = 0; hosts_next(&walk, &ip, &name); pairs++) {
        if (pairs > size || !addr_is_set(&ip))
            abort();
        within(name, whole);
    }
    resolv_conf_read(whole, &conf);
    if (conf.server_count > RESOLV_SERVERS_MAX || conf.search_count > RESOLV_SEARCH_MAX ||
        conf.ndots > RESOLV_NDOTS_MAX || conf.timeout > RESOLV_TIMEOUT_MAX || conf.attempts > RESOLV_ATTEMPTS_MAX)
        abort();
    for (size_t i = 0; i < conf.server_count; i++) {
        if (!addr_is_set(&conf.servers[i]))
            abort();
    }
    for (size_t i = 0; i < conf.search_count; i++)
        within(conf.search[i], whole);
    return 0;
}
