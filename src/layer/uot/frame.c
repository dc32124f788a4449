#include "layer/uot/frame.h"

#include <errno.h>

/*
 * Frame (SagerNet/sing, common/uot/conn.go), the address only where not in connect mode:
 *
 *   | kind 1: 0 IPv4, 1 IPv6, 2 name | address | port 2 | length 2 | payload |
 */
int uot_frame_read(struct reader *r, const struct dest *fixed, struct uot_frame *out)
{
    const uint8_t *start = r->at;

    if (fixed) {
        out->peer = *fixed;
    } else {
        ssize_t n = socksaddr_read(r, &socksaddr_uot, &out->peer);
        if (n <= 0)
            return n < 0 ? -EPROTO : 0;
    }
    uint16_t len = read_u16(r);
    out->payload = read_bytes(r, len);
    out->size = (size_t)(r->at - start);
    return r->failed ? 0 : 1;
}

size_t uot_frame_need(struct reader *r, bool is_connect)
{
    const uint8_t *start = r->at;
    struct dest d;

    if (!is_connect && socksaddr_read(r, &socksaddr_uot, &d) <= 0)
        return UOT_HEAD_MAX;
    if (reader_left(r) < 2)
        return UOT_HEAD_MAX;
    uint16_t len = read_u16(r);
    return (size_t)(r->at - start) + len;
}

/*
 * Request of version 2 (common/uot/protocol.go):
 *
 *   | is connect 1 | kind 1: 1 IPv4, 3 name, 4 IPv6 | address | port 2 |
 */
ssize_t uot_request_read(struct reader *r, bool *is_connect, struct dest *out)
{
    struct reader whole = *r;
    uint8_t flag = read_u8(&whole);

    if (whole.failed)
        return 0;
    ssize_t n = socksaddr_read(&whole, &socksaddr_socks5, out);
    if (n <= 0)
        return n < 0 ? -EPROTO : 0;
    *is_connect = flag != 0;
    *r = whole;
    return n + 1;
}

void uot_request_write(struct writer *w, bool is_connect, const struct dest *d)
{
    write_u8(w, is_connect);
    socksaddr_write(w, &socksaddr_socks5, d);
}
