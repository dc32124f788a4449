/* Protocols that a datagram's header gives away. */
#include "base/wire.h"
#include "format/detect.h"

static enum detect_answer found(struct detected *out, const char *protocol)
{
    *out = (struct detected){.protocol = protocol};
    return DETECT_YES;
}

/* 0 0 type 14 | length 2, a multiple of 4 | magic cookie 4 | transaction 12 */
enum detect_answer detect_stun(struct bytes in, struct detected *out)
{
    struct reader r = reader_of(in.ptr, in.len);
    uint16_t type = read_u16(&r), length = read_u16(&r);
    uint32_t cookie = read_u32(&r);

    (void)read_bytes(&r, 12);
    if (r.failed || type & 0xc000 || cookie != 0x2112a442 || length % 4 || reader_left(&r) != length)
        return DETECT_NO;
    return found(out, "stun");
}

/* type | version 2 | epoch 2 | sequence 6 | length 2 */
enum detect_answer detect_dtls(struct bytes in, struct detected *out)
{
    struct reader r = reader_of(in.ptr, in.len);
    uint8_t type = read_u8(&r);
    uint16_t version = read_u16(&r);

    (void)read_bytes(&r, 8);
    (void)read_bytes(&r, read_u16(&r));
    if (r.failed || type < 20 || type > 26 || (version != 0xfeff && version != 0xfefd && version != 0xfefc))
        return DETECT_NO;
    return found(out, "dtls");
}

/*
 * leap 2 version 3 mode 3 | stratum | poll | precision | root delay 4 | dispersion 4 |
 * reference id 4 | four timestamps of 8; then extensions and MAC, in words of 4
 */
enum detect_answer detect_ntp(struct bytes in, struct detected *out)
{
    struct reader r = reader_of(in.ptr, in.len);
    uint8_t first = read_u8(&r), stratum = read_u8(&r), poll = read_u8(&r);

    if (in.len < 48 || in.len > 512 || in.len % 4)
        return DETECT_NO;
    unsigned version = first >> 3 & 7, mode = first & 7;
    if (version < 1 || version > 4 || (mode != 1 && mode != 3) || stratum > 16 || poll > 17)
        return DETECT_NO;
    (void)read_u8(&r);
    uint32_t delay = read_u32(&r), dispersion = read_u32(&r);
    /* Seconds in 16.16: a client that is an hour away from its clock is no client. */
    if (delay >> 16 > 3600 || dispersion >> 16 > 3600)
        return DETECT_NO;
    return found(out, "ntp");
}

/*
 * uTP: type 4 version 4 | extension | connection 2 | time 4 | difference 4 | window 4 |
 * sequence 2 | ack 2; only a SYN can start a flow.
 */
static bool is_utp_syn(struct bytes in)
{
    struct reader r = reader_of(in.ptr, in.len);
    uint8_t first = read_u8(&r), extension = read_u8(&r);

    (void)read_bytes(&r, 18);
    if (r.failed || first != 0x41 || extension > 2)
        return false;
    while (extension && !r.failed) {
        extension = read_u8(&r);
        (void)read_bytes(&r, read_u8(&r));
    }
    return !r.failed && reader_left(&r) == 0;
}

/* Tracker: 0x41727101980 | action 0 | transaction 4 */
static bool is_tracker_connect(struct bytes in)
{
    struct reader r = reader_of(in.ptr, in.len);

    return in.len >= 16 && read_u64(&r) == 0x41727101980 && read_u32(&r) == 0;
}

/* Mainline DHT: a bencoded dictionary, d1:ad2:id20:... in a query. */
static bool is_dht_query(struct bytes in)
{
    static const char start[] = "d1:ad2:id20:";

    return in.len > sizeof(start) - 1 && memcmp(in.ptr, start, sizeof(start) - 1) == 0 &&
           in.ptr[in.len - 1] == 'e';
}

enum detect_answer detect_bittorrent_udp(struct bytes in, struct detected *out)
{
    if (is_utp_syn(in) || is_tracker_connect(in) || is_dht_query(in))
        return found(out, "bittorrent");
    return DETECT_NO;
}
