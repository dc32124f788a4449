/* The frames of Mux.Cool. No I/O. */
#ifndef WEIR_LAYER_MUXCOOL_FRAME_H
#define WEIR_LAYER_MUXCOOL_FRAME_H

#include "format/socksaddr.h"

enum {
    MUXCOOL_META_MAX = 512, /* of what is accepted, as v2ray does */
    MUXCOOL_HEAD_MAX = 2 + 5 + SOCKSADDR_MAX + 2, /* of what is written */
    MUXCOOL_DATA_MAX = 65535,
};

enum muxcool_status {
    MUXCOOL_NEW = 1,
    MUXCOOL_KEEP = 2,
    MUXCOOL_END = 3,
    MUXCOOL_KEEP_ALIVE = 4,
};

enum muxcool_option {
    MUXCOOL_HAS_DATA = 1,
    MUXCOOL_HAS_ERROR = 2,
};

enum muxcool_network {
    MUXCOOL_TCP = 1,
    MUXCOOL_UDP = 2,
};

struct muxcool_frame {
    uint16_t id;
    enum muxcool_status status;
    uint8_t options;
    bool has_target;            /* network and target are there: of NEW always */
    enum muxcool_network network;
    struct dest target;
    struct bytes data;          /* in the reader's memory; reading only */
    size_t size;                /* of the whole frame; of one that is not complete: what is known to be needed */
};

/* 1, 0 when the reader ends before the frame does, -EPROTO. */
int muxcool_frame_read(struct reader *r, struct muxcool_frame *out) CHECKED;
/* The metadata, and the length of `data` octets if options say that there are some. */
void muxcool_head_write(struct writer *w, const struct muxcool_frame *f, size_t data);

#endif
