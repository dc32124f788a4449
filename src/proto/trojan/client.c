#include "proto/trojan/client.h"

#include <errno.h>

#include "base/mem.h"
#include "proto/preface.h"
#include "proto/trojan/options.h"
#include "proto/trojan/wire.h"

struct trojan_outbound {
    struct outbound outbound;
    struct carrier carrier;
    struct network_option network;
    uint8_t key[TROJAN_KEY];
};

static struct trojan_outbound *trojan_of(struct outbound *o)
{
    return container_of(o, struct trojan_outbound, outbound);
}

/* The request is held back until the first write. */
static int open_command(struct trojan_outbound *o, struct session *s, enum trojan_command command, struct stream **out,
                        struct error *err)
{
    struct trojan_request q = {.command = command, .dest = s->dest};
    uint8_t raw[TROJAN_REQUEST_MAX];
    struct writer w = writer_of(raw, sizeof raw);
    struct stream *lower;
    int r = carrier_open(&o->carrier, s, &lower, err);

    if (r < 0)
        return r;
    trojan_request_write(&w, o->key, &q);
    *out = preface_stream(lower, &(struct preface){.name = "trojan", .header = {raw, writer_len(&w)}});
    mem_wipe(raw, sizeof raw);
    return *out ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static int trojan_open(struct outbound *outbound, struct session *s, struct stream **out, struct error *err)
{
    struct trojan_outbound *o = trojan_of(outbound);

    if (!network_has_tcp(&o->network))
        return error_set(err, -EOPNOTSUPP, "carries no TCP: network is udp");
    return open_command(o, s, TROJAN_TCP, out, err);
}

static int trojan_open_packet(struct outbound *outbound, struct session *s, struct packet **out, struct error *err)
{
    struct frame_state state = {.peer = s->dest};
    struct stream *stream;
    int r = open_command(trojan_of(outbound), s, TROJAN_UDP, &stream, err);

    if (r < 0)
        return r;
    *out = frames_packet(stream, &trojan_frames, &state);
    return *out ? 0 : error_set(err, -ENOMEM, "out of memory");
}

static void trojan_leave(struct outbound *outbound)
{
    carrier_leave(&trojan_of(outbound)->carrier);
}

static void trojan_free(struct outbound *outbound)
{
    struct trojan_outbound *o = trojan_of(outbound);

    carrier_done(&o->carrier);
    mem_wipe(o->key, sizeof o->key);
    mem_free(o);
}

static const struct outbound_ops ops = {
    .type = "trojan",
    .open = trojan_open,
    .open_packet = trojan_open_packet,
    .leave = trojan_leave,
    .free = trojan_free,
};

static const struct outbound_ops ops_without_udp = {
    .type = "trojan",
    .open = trojan_open,
    .leave = trojan_leave,
    .free = trojan_free,
};

int trojan_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err)
{
    const struct trojan_outbound_options *options = setup->options;
    const struct carrier_setup carrier = {&options->carrier, options->server, options->server_port};
    struct trojan_outbound *o = mem_new(struct trojan_outbound);

    if (!o)
        return error_set(err, -ENOMEM, "out of memory");
    o->outbound.tag = setup->tag;
    o->outbound.dialer = setup->dialer;
    o->outbound.ops = network_has_udp(&options->network) ? &ops : &ops_without_udp;
    o->network = options->network;
    trojan_key(options->password, o->key);
    int r = carrier_init(&o->carrier, &carrier, setup, err);
    if (r < 0) {
        trojan_free(&o->outbound);
        return r;
    }
    *out = &o->outbound;
    return 0;
}
