/* The octets of UDP over TCP. No I/O. */
#ifndef WEIR_LAYER_UOT_FRAME_H
#define WEIR_LAYER_UOT_FRAME_H

#include "format/socksaddr.h"

enum {
    /* The longest request with the longest frame head behind it. */
    UOT_HEAD_MAX = 1 + SOCKSADDR_MAX + SOCKSADDR_MAX + 2,
};

struct uot_frame {
    struct dest peer;
    struct bytes payload; /* in the reader's memory */
    size_t size;          /* of the whole frame */
};

/*
 * Reads a frame: 1, 0 when the reader ends before it does, -EPROTO. `fixed` is the peer in
 * connect mode, where frames have no address; else NULL.
 */
int uot_frame_read(struct reader *r, const struct dest *fixed, struct uot_frame *out) CHECKED;
/* How many bytes the frame at `r` needs as far as it can be known: never less than its head. */
size_t uot_frame_need(struct reader *r, bool is_connect);

/* The request of version 2: its length, 0 when the reader ends before it does, -EPROTO. */
ssize_t uot_request_read(struct reader *r, bool *is_connect, struct dest *out) CHECKED;
void uot_request_write(struct writer *w, bool is_connect, const struct dest *d);

#endif
