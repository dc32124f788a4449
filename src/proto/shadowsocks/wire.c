#include "proto/shadowsocks/wire.h"

#include <errno.h>

static int read_time(struct reader *r, int64_t now)
{
    uint64_t t = read_u64(r);
    uint64_t unow = (uint64_t)now;

    if (r->failed)
        return -EPROTO;
    return (t > unow ? t - unow : unow - t) > SS_TIME_WINDOW ? -ETIME : 0;
}

static int read_head(struct reader *r, uint8_t type, int64_t now)
{
    if (read_u8(r) != type || r->failed)
        return -EPROTO;
    return read_time(r, now);
}

/* | type 1 | time 8 | length 2 | */
int ss_request_fixed_read(struct reader *r, int64_t now, uint16_t *length)
{
    int error = read_head(r, SS_TYPE_CLIENT, now);

    if (error < 0)
        return error;
    *length = read_u16(r);
    return r->failed ? -EPROTO : 0;
}

void ss_request_fixed_write(struct writer *w, int64_t now, size_t length)
{
    write_u8(w, SS_TYPE_CLIENT);
    write_u64(w, (uint64_t)now);
    write_u16(w, (uint16_t)length);
}

/* | kind 1 | address | port 2 | padding length 2 | padding | first payload | */
int ss_request_read(struct reader *r, struct dest *out)
{
    if (socksaddr_read(r, &socksaddr_socks5, out) <= 0)
        return -EPROTO;
    uint16_t padding = read_u16(r);
    (void)read_bytes(r, padding);
    if (r->failed)
        return -EPROTO;
    /* Without both, the length would tell the length of the address: the specification refuses it. */
    return padding == 0 && reader_left(r) == 0 ? -EPROTO : 0;
}

static void write_padding(struct writer *w, size_t n)
{
    write_u16(w, (uint16_t)n);
    uint8_t *room = write_room(w, n);
    if (room && n)
        memset(room, 0, n);
}

void ss_request_write(struct writer *w, const struct dest *d, size_t padding)
{
    socksaddr_write(w, &socksaddr_socks5, d);
    write_padding(w, padding);
}

/* | type 1 | time 8 | salt of the request 16, 32 | length 2 | */
int ss_response_read(struct reader *r, int64_t now, struct bytes salt, uint16_t *length)
{
    int error = read_head(r, SS_TYPE_SERVER, now);

    if (error < 0)
        return error;
    struct bytes answered = read_bytes(r, salt.len);
    *length = read_u16(r);
    if (r->failed || !bytes_eq_secret(answered.ptr, salt.ptr, salt.len))
        return -EPROTO;
    return 0;
}

void ss_response_write(struct writer *w, int64_t now, struct bytes salt, size_t length)
{
    write_u8(w, SS_TYPE_SERVER);
    write_u64(w, (uint64_t)now);
    write_bytes(w, salt.ptr, salt.len);
    write_u16(w, (uint16_t)length);
}

/* | type 1 | time 8 | client session id 8, answers only | padding length 2 | padding | kind 1 | address | port 2 | */
int ss_datagram_read(struct reader *r, int64_t now, const uint8_t *client, struct dest *out)
{
    int error = read_head(r, client ? SS_TYPE_SERVER : SS_TYPE_CLIENT, now);

    if (error < 0)
        return error;
    if (client) {
        struct bytes id = read_bytes(r, SS_SESSION_ID);
        if (!id.ptr || !bytes_eq_secret(id.ptr, client, SS_SESSION_ID))
            return -EPROTO;
    }
    (void)read_bytes(r, read_u16(r));
    return socksaddr_read(r, &socksaddr_socks5, out) > 0 && !r->failed ? 0 : -EPROTO;
}

void ss_datagram_write(struct writer *w, int64_t now, const uint8_t *client, const struct dest *d)
{
    write_u8(w, client ? SS_TYPE_SERVER : SS_TYPE_CLIENT);
    write_u64(w, (uint64_t)now);
    if (client)
        write_bytes(w, client, SS_SESSION_ID);
    write_padding(w, 0);
    socksaddr_write(w, &socksaddr_socks5, d);
}

size_t ss_datagram_head_size(const uint8_t *client, const struct dest *d)
{
    return 1 + 8 + (client ? SS_SESSION_ID : 0u) + 2 + socksaddr_size(d);
}
