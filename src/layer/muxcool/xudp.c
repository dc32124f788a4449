#include "layer/muxcool/xudp.h"

#include <errno.h>

#include "layer/frames.h"
#include "layer/muxcool/frame.h"

static int read_frame(const struct frame_state *state, struct reader *r, struct frame *out)
{
    struct muxcool_frame f;
    int n = muxcool_frame_read(r, &f);

    out->size = f.size;
    if (n <= 0)
        return n;
    if (f.status == MUXCOOL_NEW)
        return -EPROTO;
    if (f.status == MUXCOOL_END || f.options & MUXCOOL_HAS_ERROR)
        return -EPIPE;
    out->payload = f.data;
    out->is_datagram = f.status == MUXCOOL_KEEP && f.options & MUXCOOL_HAS_DATA;
    /* v2ray's servers leave the address out: then it is the first one's. */
    out->peer = f.has_target ? f.target : state->peer;
    return 1;
}

static void write_head(const struct frame_state *state, struct writer *w, const struct datagram *d)
{
    struct muxcool_frame f = {
        .status = state->has_started ? MUXCOOL_KEEP : MUXCOOL_NEW,
        .options = MUXCOOL_HAS_DATA,
        .has_target = true,
        .network = MUXCOOL_UDP,
        .target = d->peer,
    };

    muxcool_head_write(w, &f, d->len);
}

struct packet *xudp_client(struct stream *lower, const struct dest *first)
{
    static const struct frame_rules rules = {.read = read_frame, .write_head = write_head};
    struct frame_state state = {.peer = *first};

    return frames_packet(lower, &rules, &state);
}
