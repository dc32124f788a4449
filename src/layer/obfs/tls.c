#include "layer/obfs/tls.h"

#include <errno.h>

#include "base/rnd.h"

/*
 * ClientHello as simple-obfs writes it; others check no more than the fixed places:
 *
 *   | record 16 03 01, length 2 | 01, length 3, 03 03 | time 4, random 28 | 20, session id 32
 *   | 00 38, cipher suites 56 | 01 00 | extensions length 2
 *   | 00 23 length 2, ticket = first payload | 00 00 server name | the 66 octets below |
 */
static const uint8_t suites[56] = {
    0xc0, 0x2c, 0xc0, 0x30, 0x00, 0x9f, 0xcc, 0xa9, 0xcc, 0xa8, 0xcc, 0xaa, 0xc0, 0x2b, 0xc0, 0x2f, 0x00, 0x9e, 0xc0,
    0x24, 0xc0, 0x28, 0x00, 0x6b, 0xc0, 0x23, 0xc0, 0x27, 0x00, 0x67, 0xc0, 0x0a, 0xc0, 0x14, 0x00, 0x39, 0xc0, 0x09,
    0xc0, 0x13, 0x00, 0x33, 0x00, 0x9d, 0x00, 0x9c, 0x00, 0x3d, 0x00, 0x3c, 0x00, 0x35, 0x00, 0x2f, 0x00, 0xff,
};

static const uint8_t other_extensions[66] = {
    0x00, 0x0b, 0x00, 0x04, 0x03, 0x01, 0x00, 0x02, /* point formats */
    0x00, 0x0a, 0x00, 0x0a, 0x00, 0x08, 0x00, 0x1d, 0x00, 0x17, 0x00, 0x19, 0x00, 0x18, /* groups */
    0x00, 0x0d, 0x00, 0x20, 0x00, 0x1e, 0x06, 0x01, 0x06, 0x02, 0x06, 0x03, 0x05, 0x01, 0x05, 0x02, 0x05, 0x03, /* signatures */
    0x04, 0x01, 0x04, 0x02, 0x04, 0x03, 0x03, 0x01, 0x03, 0x02, 0x03, 0x03, 0x02, 0x01, 0x02, 0x02, 0x02, 0x03,
    0x00, 0x16, 0x00, 0x00, /* encrypt then MAC */
    0x00, 0x17, 0x00, 0x00, /* extended master secret */
};

static void put_random(struct writer *w, size_t n)
{
    uint8_t *room = write_room(w, n);

    if (room)
        rnd_bytes(room, n);
}

/* | length 3 | 03 03 | time 4, random 28 | of both hellos. */
static void put_hello_start(struct writer *w, uint8_t type, size_t len, int64_t now)
{
    write_u8(w, type);
    write_be(w, len, 3);
    write_u16(w, 0x0303);
    write_u32(w, (uint32_t)now);
    put_random(w, 28);
}

static void put_server_name(struct writer *w, struct text host)
{
    write_u16(w, 0);
    write_u16(w, (uint16_t)(host.len + 5));
    write_u16(w, (uint16_t)(host.len + 3));
    write_u8(w, 0);
    write_u16(w, (uint16_t)host.len);
    write_bytes(w, host.ptr, host.len);
}

void obfs_tls_hello(struct writer *w, struct text host, struct bytes ticket, int64_t now)
{
    size_t extensions = 4 + ticket.len + OBFS_TLS_TAIL + host.len;
    size_t record = OBFS_TLS_HELLO - OBFS_TLS_RECORD - 4 + extensions;

    write_u8(w, OBFS_TLS_HANDSHAKE);
    write_u16(w, 0x0301);
    write_u16(w, (uint16_t)record);
    put_hello_start(w, 1, record - 4, now);
    write_u8(w, OBFS_TLS_SESSION);
    put_random(w, OBFS_TLS_SESSION);
    write_u16(w, sizeof suites);
    write_bytes(w, suites, sizeof suites);
    write_u16(w, 0x0100); /* one compression method: none */
    write_u16(w, (uint16_t)extensions);
    write_u16(w, 0x0023);
    write_u16(w, (uint16_t)ticket.len);
    write_bytes(w, ticket.ptr, ticket.len);
    put_server_name(w, host);
    write_bytes(w, other_extensions, sizeof other_extensions);
}

/*
 *   | record 16 03 01, 00 5b | 02, 00 00 57, 03 03 | time 4, random 28 | 20, session id 32 | cc a8 | 00
 *   | 00 00, as simple-obfs has it, though extensions follow | ff 01 00 01 00 | 00 17 00 00 | 00 0b 00 02 01 00 |
 *   | record 14 03 03, 00 01 | 01 |
 */
void obfs_tls_answer(struct writer *w, const uint8_t *session, int64_t now)
{
    static const uint8_t tail[] = {0xcc, 0xa8, 0x00, 0x00, 0x00, 0xff, 0x01, 0x00, 0x01, 0x00, 0x00, 0x17,
                                   0x00, 0x00, 0x00, 0x0b, 0x00, 0x02, 0x01, 0x00};

    write_u8(w, OBFS_TLS_HANDSHAKE);
    write_u16(w, 0x0301);
    write_u16(w, 91);
    put_hello_start(w, 2, 87, now);
    write_u8(w, OBFS_TLS_SESSION);
    write_bytes(w, session, OBFS_TLS_SESSION);
    write_bytes(w, tail, sizeof tail);
    obfs_tls_record(w, OBFS_TLS_CHANGE, 1);
    write_u8(w, 1);
}

void obfs_tls_record(struct writer *w, uint8_t type, size_t len)
{
    write_u8(w, type);
    write_u16(w, 0x0303);
    write_u16(w, (uint16_t)len);
}

int obfs_tls_read_hello(const uint8_t *p, struct obfs_tls_start *out)
{
    struct reader r = reader_of(p, OBFS_TLS_HELLO);

    bool is_hello = read_u8(&r) == OBFS_TLS_HANDSHAKE;
    is_hello &= read_u16(&r) == 0x0301;
    size_t record = read_u16(&r);
    is_hello &= read_u8(&r) == 1;
    (void)read_bytes(&r, 3);
    is_hello &= read_u16(&r) == 0x0303;
    (void)read_bytes(&r, 32);
    is_hello &= read_u8(&r) == OBFS_TLS_SESSION;
    read_copy(&r, out->session, sizeof out->session);
    is_hello &= read_u16(&r) == sizeof suites;
    (void)read_bytes(&r, sizeof suites + 4);
    is_hello &= read_u16(&r) == 0x0023;
    out->ticket = read_u16(&r);
    size_t fixed = OBFS_TLS_HELLO - OBFS_TLS_RECORD;
    if (!is_hello || record < fixed + out->ticket)
        return -EPROTO;
    out->rest = record - fixed - out->ticket;
    return 0;
}

ssize_t obfs_tls_read_record(const uint8_t *p, uint8_t type)
{
    struct reader r = reader_of(p, OBFS_TLS_RECORD);

    bool is_record = read_u8(&r) == type;
    is_record &= read_u8(&r) == 3;
    (void)read_u8(&r);
    uint16_t len = read_u16(&r);
    return is_record && len <= OBFS_TLS_BODY ? len : -EPROTO;
}
