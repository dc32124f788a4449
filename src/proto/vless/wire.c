#include "proto/vless/wire.h"

#include <errno.h>

/*
 * Request (XTLS/Xray-core proxy/vless/encoding):
 *     | version 0 | id 16 | length of addons 1 | addons | command 1 | port 2 | kind 1: 1, 2, 3 | address |
 * Addons are a protobuf message: field 1 the flow (text), field 2 a seed (octets).
 * Response:
 *     | version 0 | length of addons 1 | addons |
 */
const uint8_t vless_response[2] = {VLESS_VERSION, 0};

enum { ADDON_FLOW = 1 << 3 | 2, ADDON_SEED = 2 << 3 | 2 };

/* A protobuf varint that is at most 255: no more could follow it here. */
static size_t read_length(struct reader *r)
{
    uint8_t low = read_u8(r);

    if (!(low & 0x80))
        return low;
    uint8_t high = read_u8(r);
    if (high > 1)
        r->failed = true;
    return (size_t)(low & 0x7f) | (size_t)high << 7;
}

static int read_addons(struct bytes addons, struct text *flow)
{
    struct reader r = reader_of(addons.ptr, addons.len);

    while (reader_left(&r) && !r.failed) {
        uint8_t kind = read_u8(&r);
        if (kind != ADDON_FLOW && kind != ADDON_SEED)
            return -EPROTO;
        struct bytes value = read_bytes(&r, read_length(&r));
        if (kind == ADDON_FLOW)
            *flow = (struct text){(const char *)value.ptr, value.len};
    }
    return r.failed ? -EPROTO : 0;
}

static ssize_t read_target(struct reader *r, struct vless_request *out)
{
    uint8_t command = read_u8(r);

    if (r->failed)
        return 0;
    if (command < VLESS_TCP || command > VLESS_MUX)
        return -EPROTO;
    out->command = (enum vless_command)command;
    if (command == VLESS_MUX)
        return 1;
    ssize_t n = socksaddr_read(r, &socksaddr_vmess, &out->dest);
    return n < 0 ? -EPROTO : n;
}

ssize_t vless_request_read(struct reader *r, struct vless_request *out)
{
    struct reader ahead = *r;
    struct vless_request q = {0};

    uint8_t version = read_u8(&ahead);
    if (!ahead.failed && version != VLESS_VERSION)
        return -EPROTO;
    read_copy(&ahead, q.id, sizeof q.id);
    struct bytes addons = read_bytes(&ahead, read_u8(&ahead));
    if (ahead.failed)
        return 0;
    if (read_addons(addons, &q.flow) < 0)
        return -EPROTO;
    ssize_t n = read_target(&ahead, &q);
    if (n <= 0)
        return n;
    n = (ssize_t)(reader_left(r) - reader_left(&ahead));
    r->at = ahead.at;
    *out = q;
    return n;
}

void vless_request_write(struct writer *w, const struct vless_request *q)
{
    write_u8(w, VLESS_VERSION);
    write_bytes(w, q->id, sizeof q->id);
    write_u8(w, 0);
    write_u8(w, (uint8_t)q->command);
    if (q->command != VLESS_MUX)
        socksaddr_write(w, &socksaddr_vmess, &q->dest);
}

ssize_t vless_response_size(const uint8_t *p, size_t n)
{
    if (n && p[0] != VLESS_VERSION)
        return -EPROTO;
    return n < 2 ? 2 : 2 + p[1];
}

/* ---- datagrams ------------------------------------------------------------------------------ */

static int read_frame(const struct frame_state *state, struct reader *r, struct frame *out)
{
    uint16_t length = read_u16(r);

    out->size = 2u + length;
    out->payload = read_bytes(r, length);
    out->peer = state->peer;
    out->is_datagram = length != 0;
    return !r->failed;
}

static void write_head(const struct frame_state *state, struct writer *w, const struct datagram *d)
{
    /* The request named the only peer there is. */
    w->failed = d->len == 0 || !dest_eq(&d->peer, &state->peer);
    write_u16(w, (uint16_t)d->len);
}

const struct frame_rules vless_frames = {.read = read_frame, .write_head = write_head};
