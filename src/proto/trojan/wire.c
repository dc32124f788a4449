#include "proto/trojan/wire.h"

#include <errno.h>

#include "crypto/hash.h"

/*
 * trojan-gfw.github.io/trojan/protocol:
 *     | hexadecimal SHA-224 of the password 56 | CR LF | command 1 | kind 1, 3, 4 | address | port 2 | CR LF | payload |
 */

void trojan_key(struct text password, uint8_t *out)
{
    uint8_t digest[HASH_MAX_SIZE];
    char hex[TROJAN_KEY + 1];

    hash_once(HASH_SHA224, password.ptr, password.len, digest);
    hex_encode(digest, TROJAN_KEY / 2, hex);
    memcpy(out, hex, TROJAN_KEY);
}

static void read_line_end(struct reader *r, bool *is_wrong)
{
    uint16_t end = read_u16(r);

    *is_wrong |= !r->failed && end != 0x0d0a;
}

ssize_t trojan_request_read(struct reader *r, struct trojan_request *out)
{
    struct reader ahead = *r;
    struct trojan_request q = {0};
    bool is_wrong = false;

    read_line_end(&ahead, &is_wrong);
    uint8_t command = read_u8(&ahead);
    is_wrong |= !ahead.failed && command != TROJAN_TCP && command != TROJAN_UDP && command != TROJAN_MUX;
    if (is_wrong)
        return -EPROTO;
    if (ahead.failed)
        return 0;
    q.command = (enum trojan_command)command;
    ssize_t n = socksaddr_read(&ahead, &socksaddr_socks5, &q.dest);
    if (n <= 0)
        return n < 0 ? -EPROTO : 0;
    read_line_end(&ahead, &is_wrong);
    if (is_wrong || ahead.failed)
        return is_wrong ? -EPROTO : 0;
    n = (ssize_t)(reader_left(r) - reader_left(&ahead));
    r->at = ahead.at;
    *out = q;
    return n;
}

void trojan_request_write(struct writer *w, const uint8_t *key, const struct trojan_request *q)
{
    write_bytes(w, key, TROJAN_KEY);
    write_u16(w, 0x0d0a);
    write_u8(w, (uint8_t)q->command);
    socksaddr_write(w, &socksaddr_socks5, &q->dest);
    write_u16(w, 0x0d0a);
}

/* ---- datagrams ------------------------------------------------------------------------------ */

static int read_frame(const struct frame_state *state, struct reader *r, struct frame *out)
{
    size_t all = reader_left(r);
    bool is_wrong = false;

    (void)state;
    ssize_t n = socksaddr_read(r, &socksaddr_socks5, &out->peer);
    if (n <= 0) {
        out->size = SOCKSADDR_MIN + 4;
        return n < 0 ? -EPROTO : 0;
    }
    uint16_t length = read_u16(r);
    read_line_end(r, &is_wrong);
    if (is_wrong)
        return -EPROTO;
    out->size = (size_t)n + 4 + length;
    out->payload = read_bytes(r, length);
    out->is_datagram = true;
    return all >= out->size && !r->failed;
}

static void write_head(const struct frame_state *state, struct writer *w, const struct datagram *d)
{
    (void)state;
    socksaddr_write(w, &socksaddr_socks5, &d->peer);
    write_u16(w, (uint16_t)d->len);
    write_u16(w, 0x0d0a);
}

const struct frame_rules trojan_frames = {.read = read_frame, .write_head = write_head};
