/* The octets of Trojan. No I/O. */
#ifndef WEIR_PROTO_TROJAN_WIRE_H
#define WEIR_PROTO_TROJAN_WIRE_H

#include "format/socksaddr.h"
#include "layer/frames.h"

enum {
    TROJAN_KEY = 56, /* SHA-224 in hexadecimal */
    TROJAN_REQUEST_MAX = TROJAN_KEY + 2 + 1 + SOCKSADDR_MAX + 2,
};

enum trojan_command {
    TROJAN_TCP = 1,
    TROJAN_UDP = 3,
    TROJAN_MUX = 0x7f, /* of trojan-go: not carried */
};

struct trojan_request {
    enum trojan_command command;
    struct dest dest;
};

/* Of a password; `out` takes TROJAN_KEY octets. */
void trojan_key(struct text password, uint8_t *out);

/* What stands behind the key. Its length, 0 when the reader ends before it does, -EPROTO. */
ssize_t trojan_request_read(struct reader *r, struct trojan_request *out) CHECKED;
/* The key and what stands behind it. */
void trojan_request_write(struct writer *w, const uint8_t *key, const struct trojan_request *request);

/* Datagrams: | kind 1, 3, 4 | address | port 2 | length 2 | CR LF | payload | */
extern const struct frame_rules trojan_frames;

#endif
