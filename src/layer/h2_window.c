/*
 * Windows that grow with the path, as gRPC's BDP estimator does it: while data flows, a PING measures
 * a round trip; when nearly a whole window arrived within it, the window was what held the peer back.
 * Only a stream whose reader keeps up is given more, and all of them together no more than H2_BUDGET.
 *
 * The connection's own window is given back at once: streams are what bounds memory.
 */
#include "layer/h2_internal.h"

enum { PROBE_MS = 50 }; /* between probes that changed nothing */

const uint8_t h2_probe[8] = {'r', 'o', 'u', 'n', 'd', 't', 'r', 'i'};

void h2_window_heard(struct h2 *h, size_t n)
{
    if (h->is_probing) {
        h->probe_octets += n;
        return;
    }
    if (h->window >= H2_WINDOW_MAX || loop_now() < h->probe_next)
        return;
    if (nghttp2_submit_ping(h->session, NGHTTP2_FLAG_NONE, h2_probe) == 0) {
        h->is_probing = true;
        h->probe_octets = n;
    }
}

void h2_window_answered(struct h2 *h)
{
    if (!h->is_probing)
        return;
    h->is_probing = false;
    if (h->probe_octets >= (uint64_t)h->window / 3 * 2)
        h->window = (uint32_t)min_of(h->probe_octets * 2, (uint64_t)H2_WINDOW_MAX);
    else
        h->probe_next = loop_now() + PROBE_MS;
}

static void grow(struct h2_stream *st)
{
    struct h2 *h = st->h2;
    uint64_t more = h->window - st->window;

    if (h->extra + more > H2_BUDGET)
        return;
    if (nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, st->id, (int32_t)h->window) != 0)
        return;
    h->extra += more;
    st->window = h->window;
}

void h2_window_taken(struct h2_stream *st, size_t n)
{
    st->taken += n;
    if (st->is_gone)
        return;
    if (nghttp2_session_consume_stream(st->h2->session, st->id, n) != 0)
        return;
    if (st->window < st->h2->window && st->taken >= st->window / 2)
        grow(st);
    h2_kick(st->h2);
}
