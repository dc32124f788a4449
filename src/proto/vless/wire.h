/* The octets of VLESS. No I/O. */
#ifndef WEIR_PROTO_VLESS_WIRE_H
#define WEIR_PROTO_VLESS_WIRE_H

#include "format/socksaddr.h"
#include "format/uuid.h"
#include "layer/frames.h"

enum {
    VLESS_VERSION = 0,
    VLESS_ID_END = 1 + UUID_SIZE, /* with so many octets the user is known */
    VLESS_REQUEST_MAX = VLESS_ID_END + 1 + 255 + 1 + SOCKSADDR_MAX,
};

enum vless_command {
    VLESS_TCP = 1,
    VLESS_UDP = 2,
    VLESS_MUX = 3, /* Mux.Cool, XUDP: no address follows */
};

struct vless_request {
    uint8_t id[UUID_SIZE];
    enum vless_command command;
    struct dest dest; /* not of VLESS_MUX */
    struct text flow; /* in the reader's memory */
};

/* The request's length, 0 when the reader ends before it does, -EPROTO. */
ssize_t vless_request_read(struct reader *r, struct vless_request *out) CHECKED;
void vless_request_write(struct writer *w, const struct vless_request *request);

/* What a server sends before anything else; the length of what it sent, as preface.answer. */
extern const uint8_t vless_response[2];
ssize_t vless_response_size(const uint8_t *p, size_t n);

/* Datagrams of one peer: | length 2 | payload | */
extern const struct frame_rules vless_frames;

#endif
