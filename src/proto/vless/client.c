#include "proto/vless/client.h"

#include <errno.h>

#include "base/mem.h"
#include "layer/muxcool/xudp.h"
#include "layer/packetaddr/packetaddr.h"
#include "proto/preface.h"
#include "proto/vless/options.h"
#include "proto/vless/wire.h"

struct vless_outbound {
    struct outbound outbound;
    struct carrier carrier;
    struct network_option network;
    enum packet_encoding packets;
    uint8_t id[UUID_SIZE];
};

static struct vless_outbound *vless_of(struct outbound *o)
{
    return container_of(o, struct vless_outbound, outbound);
}

static int out_of_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "out of memory");
}

static struct stream *request(const struct vless_outbound *o, struct stream *lower, enum vless_command command,
                              const struct dest *dest)
{
    struct vless_request q = {.command = command};
    uint8_t raw[VLESS_REQUEST_MAX];
    struct writer w = writer_of(raw, sizeof raw);

    memcpy(q.id, o->id, sizeof q.id);
    q.dest = *dest;
    vless_request_write(&w, &q);
    return preface_stream(lower, &(struct preface){.name = "vless", .header = {raw, writer_len(&w)},
                                                   .answer = vless_response_size});
}

/* The request is held back until the first write. */
static int open_command(struct vless_outbound *o, struct session *s, enum vless_command command,
                        const struct dest *dest, struct stream **out, struct error *err)
{
    struct stream *lower;
    int r = carrier_open(&o->carrier, s, &lower, err);

    if (r < 0)
        return r;
    *out = request(o, lower, command, dest);
    return *out ? 0 : out_of_memory(err);
}

static int vless_open(struct outbound *outbound, struct session *s, struct stream **out, struct error *err)
{
    struct vless_outbound *o = vless_of(outbound);

    if (!network_has_tcp(&o->network))
        return error_set(err, -EOPNOTSUPP, "carries no TCP: network is udp");
    return open_command(o, s, VLESS_TCP, &s->dest, out, err);
}

/* Frames of a stream to one far end, which for packet addresses is a magic name. */
static int open_frames(struct vless_outbound *o, struct session *s, const struct dest *to, struct packet **out,
                       struct error *err)
{
    struct frame_state state = {.peer = *to};
    struct stream *stream;
    int r = open_command(o, s, VLESS_UDP, to, &stream, err);

    if (r < 0)
        return r;
    *out = frames_packet(stream, &vless_frames, &state);
    return *out ? 0 : out_of_memory(err);
}

static int open_packetaddr(struct vless_outbound *o, struct session *s, struct packet **out, struct error *err)
{
    struct dest magic = packetaddr_magic();
    struct packet *frames;

    if (dest_is_name(&s->dest))
        return error_set(err, -EAFNOSUPPORT, "packet addresses cannot carry a name");
    int r = open_frames(o, s, &magic, &frames, err);
    if (r < 0)
        return r;
    *out = packetaddr_packet(frames);
    return *out ? 0 : out_of_memory(err);
}

static int open_xudp(struct vless_outbound *o, struct session *s, struct packet **out, struct error *err)
{
    struct stream *stream;
    int r = open_command(o, s, VLESS_MUX, &s->dest, &stream, err);

    if (r < 0)
        return r;
    *out = xudp_client(stream, &s->dest);
    return *out ? 0 : out_of_memory(err);
}

static int vless_open_packet(struct outbound *outbound, struct session *s, struct packet **out, struct error *err)
{
    struct vless_outbound *o = vless_of(outbound);

    switch (o->packets) {
    case PACKET_ADDR:
        return open_packetaddr(o, s, out, err);
    case PACKET_XUDP:
        return open_xudp(o, s, out, err);
    case PACKET_PLAIN:
    case PACKET_UNSAID:
        break;
    }
    return open_frames(o, s, &s->dest, out, err);
}

static void vless_leave(struct outbound *outbound)
{
    carrier_leave(&vless_of(outbound)->carrier);
}

static void vless_free(struct outbound *outbound)
{
    struct vless_outbound *o = vless_of(outbound);

    carrier_done(&o->carrier);
    mem_wipe(o->id, sizeof o->id);
    mem_free(o);
}

static const struct outbound_ops ops = {
    .type = "vless",
    .open = vless_open,
    .open_packet = vless_open_packet,
    .leave = vless_leave,
    .free = vless_free,
};

static const struct outbound_ops ops_without_udp = {
    .type = "vless",
    .open = vless_open,
    .leave = vless_leave,
    .free = vless_free,
};

int vless_outbound_new(const struct outbound_setup *setup, struct outbound **out, struct error *err)
{
    const struct vless_outbound_options *options = setup->options;
    struct vless_outbound *o = mem_new(struct vless_outbound);
    if (!o)
        return out_of_memory(err);
    o->outbound.tag = setup->tag;
    o->outbound.dialer = setup->dialer;
    o->outbound.ops = network_has_udp(&options->network) ? &ops : &ops_without_udp;
    o->network = options->network;
    o->packets = packet_encoding_of(&options->packets, PACKET_XUDP);
    uuid_of_text(options->uuid, o->id);
    const struct carrier_setup carrier = {&options->carrier, options->server, options->server_port};
    int r = carrier_init(&o->carrier, &carrier, setup, err);
    if (r < 0) {
        vless_free(&o->outbound);
        return r;
    }
    *out = &o->outbound;
    return 0;
}
