#include "proto/shadowsocks/client.h"

#include <errno.h>

#include "base/mem.h"
#include "layer/uot/uot.h"
#include "proto/shadowsocks/options.h"
#include "proto/shadowsocks/plain.h"
#include "proto/shadowsocks/stream.h"

struct ss_outbound {
    struct outbound outbound;
    const struct ss_method *method;
    struct ss_keys keys;
    struct dest server;
    struct network_option network;
    enum obfs_mode obfs;
    char obfs_host[OBFS_HOST + 1];
    enum uot_version uot; /* UOT_NONE: UDP goes as datagrams */
};

static struct ss_outbound *ss_of(struct outbound *o)
{
    return container_of(o, struct ss_outbound, outbound);
}

/* A stream through the server to `dest`. */
static int open_to(struct ss_outbound *o, struct session *s, const struct dest *dest, struct stream **out,
                   struct error *err)
{
    struct stream *lower;
    int r = dialer_connect(o->outbound.dialer, s, &o->server, &lower, err);

    if (r < 0)
        return r;
    lower = obfs_client(lower, o->obfs, text_of(o->obfs_host), o->server.port);
    if (lower && o->method->edition == SS_PLAIN)
        *out = ss_plain_stream(lower, dest);
    else if (lower)
        *out = ss_client_stream(lower, o->method, &o->keys, dest);
    return lower && *out ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int ss_open(struct outbound *outbound, struct session *s, struct stream **out, struct error *err)
{
    struct ss_outbound *o = ss_of(outbound);

    if (!network_has_tcp(&o->network))
        return error_set(err, -EOPNOTSUPP, "carries no TCP: network is udp");
    return open_to(o, s, &s->dest, out, err);
}

static int open_uot(struct ss_outbound *o, struct session *s, struct packet **out, struct error *err)
{
    struct dest magic = uot_magic(o->uot);
    struct stream *stream = NULL;

    int r = open_to(o, s, &magic, &stream, err);
    if (r < 0)
        return r;
    r = uot_client(stream, o->uot, &s->dest, out);
    return r < 0 ? error_errno(err, r, "UDP over TCP") : 0;
}

static int ss_open_packet(struct outbound *outbound, struct session *s, struct packet **out, struct error *err)
{
    struct ss_outbound *o = ss_of(outbound);
    struct packet *lower;

    if (o->uot != UOT_NONE)
        return open_uot(o, s, out, err);
    int r = dialer_packet(outbound->dialer, s, &o->server, &lower, err);
    if (r < 0)
        return r;
    *out = ss_client_packet(lower, o->method, &o->keys);
    return *out ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static void ss_free(struct outbound *outbound)
{
    struct ss_outbound *o = ss_of(outbound);

    ss_keys_wipe(&o->keys);
    mem_free(o);
}

static const struct outbound_ops ops = {
    .type = "shadowsocks",
    .open = ss_open,
    .open_packet = ss_open_packet,
    .free = ss_free,
};

static const struct outbound_ops ops_without_udp = {
    .type = "shadowsocks",
    .open = ss_open,
    .free = ss_free,
};

static int fill(struct ss_outbound *o, const struct ss_outbound_options *options, struct error *err)
{
    struct text host = options->obfs.host.len ? options->obfs.host : TEXT("bing.com");

    if (options->method >= SS_METHODS || options->plugin == SS_PLUGIN_OTHER)
        return error_set(err, -EINVAL, "a method or plugin that weir does not have");
    o->method = ss_method((enum ss_method_id)options->method);
    o->network = options->network;
    if (options->udp_over_tcp.enabled)
        o->uot = options->udp_over_tcp.version == 2 ? UOT_V2 : UOT_V1;
    if (options->plugin == SS_PLUGIN_OBFS)
        o->obfs = options->obfs.mode == OBFS_NONE ? OBFS_HTTP : options->obfs.mode;
    if (!text_copy(host, o->obfs_host, sizeof o->obfs_host))
        return error_set(err, -EINVAL, "the host name of the plugin is too long");
    if (dest_set_host(&o->server, options->server, options->server_port) < 0)
        return error_set(err, -EINVAL, "'%.*s' is no address of a server", TEXT_ARG(options->server));
    return ss_keys_read(o->method, options->password, &o->keys, err);
}

int ss_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err)
{
    const struct ss_outbound_options *options = setup->options;
    struct ss_outbound *o = mem_new(struct ss_outbound);

    if (!o)
        return error_set(err, -ENOMEM, "out of memory");
    o->outbound.tag = setup->tag;
    o->outbound.dialer = setup->dialer;
    o->outbound.ops = network_has_udp(&options->network) ? &ops : &ops_without_udp;
    int r = fill(o, options, err);
    if (r < 0) {
        ss_free(&o->outbound);
        return r;
    }
    *out = &o->outbound;
    return 0;
}
