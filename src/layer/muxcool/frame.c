#include "layer/muxcool/frame.h"

#include <errno.h>

/*
 * v2fly "Mux.Cool", Xray-core common/mux/frame.go:
 *
 *     | length of metadata 2 | metadata | length of data 2 | data |      the last two if option 1 is set
 *     metadata: | id 2 | status 1 | options 1 | network 1 | port 2 | kind 1: 1, 2, 3 | address | ...
 *
 * Network and address come with NEW; with KEEP too in UDP, where they are this datagram's (XUDP). What follows
 * them (XUDP's global id of 8 octets) is skipped.
 */

static int read_target(struct reader *meta, struct muxcool_frame *f)
{
    uint8_t network = read_u8(meta);

    if (network != MUXCOOL_TCP && network != MUXCOOL_UDP)
        return -EPROTO;
    f->network = (enum muxcool_network)network;
    f->has_target = true;
    return socksaddr_read(meta, &socksaddr_vmess, &f->target) > 0 ? 0 : -EPROTO;
}

static int read_meta(struct reader *meta, struct muxcool_frame *f)
{
    f->id = read_u16(meta);
    uint8_t status = read_u8(meta);
    f->options = read_u8(meta);
    if (meta->failed || status < MUXCOOL_NEW || status > MUXCOOL_KEEP_ALIVE)
        return -EPROTO;
    f->status = (enum muxcool_status)status;
    if (f->status == MUXCOOL_NEW || (f->status == MUXCOOL_KEEP && reader_left(meta)))
        return read_target(meta, f);
    return 0;
}

int muxcool_frame_read(struct reader *r, struct muxcool_frame *out)
{
    struct reader ahead = *r;
    struct muxcool_frame f = {0};
    uint16_t length = read_u16(&ahead);

    out->size = 2 + 4;
    if (ahead.failed)
        return 0;
    if (length < 4 || length > MUXCOOL_META_MAX)
        return -EPROTO;
    out->size = 2u + length;
    struct reader meta = read_sub(&ahead, length);
    if (ahead.failed)
        return 0;
    if (read_meta(&meta, &f) < 0)
        return -EPROTO;
    f.size = 2u + length;
    if (f.options & MUXCOOL_HAS_DATA) {
        uint16_t n = read_u16(&ahead);
        out->size = f.size = f.size + 2 + n;
        f.data = read_bytes(&ahead, n);
        if (ahead.failed)
            return 0;
    }
    r->at = ahead.at;
    *out = f;
    return 1;
}

void muxcool_head_write(struct writer *w, const struct muxcool_frame *f, size_t data)
{
    size_t target = f->has_target ? 1 + socksaddr_size(&f->target) : 0;

    write_u16(w, (uint16_t)(4 + target));
    write_u16(w, f->id);
    write_u8(w, (uint8_t)f->status);
    write_u8(w, f->options);
    if (f->has_target) {
        write_u8(w, (uint8_t)f->network);
        socksaddr_write(w, &socksaddr_vmess, &f->target);
    }
    if (f->options & MUXCOOL_HAS_DATA)
        write_u16(w, (uint16_t)data);
}
