/*
 * Bounds what a peer may ask of us for nothing: rapid reset, floods of PING, SETTINGS, PRIORITY, empty
 * DATA and tiny WINDOW_UPDATEs (CVE-2019-9511 to 9518, CVE-2023-44487). The limits are ours, because
 * those of libnghttp2 differ from release to release.
 */
#include "layer/h2_internal.h"

enum {
    PER_SECOND = 200,
    SETTINGS_COST = 10,
};

static int32_t cost(const uint8_t *head)
{
    bool is_empty = head[0] == 0 && head[1] == 0 && head[2] == 0;

    switch (head[3]) {
    case NGHTTP2_DATA:
        return is_empty && !(head[4] & NGHTTP2_FLAG_END_STREAM);
    case NGHTTP2_SETTINGS:
        return head[4] & NGHTTP2_FLAG_ACK ? 0 : SETTINGS_COST;
    case NGHTTP2_PING:
        return !(head[4] & NGHTTP2_FLAG_ACK);
    case NGHTTP2_HEADERS:
        return 0; /* open streams are counted */
    default: /* RST_STREAM, PRIORITY, WINDOW_UPDATE, CONTINUATION and what nobody knows */
        return 1;
    }
}

void h2_credit(struct h2 *h, int32_t n)
{
    h->patience = min_of(h->patience, (int32_t)H2_PATIENCE - n) + n;
}

static void charge(struct h2 *h, int32_t n)
{
    int64_t refill = min_of(loop_now() - h->patience_at, INT64_C(60000)) * PER_SECOND / 1000;

    if (refill > 0) {
        h2_credit(h, (int32_t)min_of(refill, (int64_t)H2_PATIENCE));
        h->patience_at = loop_now();
    }
    h->patience -= n;
    if (h->patience < 0 && !h->going)
        h2_terminate(h, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* libnghttp2 does not tell of frames that it ignores, so the heads are read here as well (RFC 9113, section 4.1). */
void h2_watch(struct h2 *h, const uint8_t *p, size_t n)
{
    while (n) {
        size_t part = min_of(n, (size_t)h->skip);
        h->skip -= (uint32_t)part;
        if (part == 0) {
            part = min_of(n, sizeof h->head - h->head_len);
            memcpy(h->head + h->head_len, p, part);
            h->head_len = (uint8_t)(h->head_len + part);
        }
        p += part;
        n -= part;
        if (h->head_len < sizeof h->head)
            continue;
        h->head_len = 0;
        h->skip = (uint32_t)h->head[0] << 16 | (uint32_t)h->head[1] << 8 | h->head[2];
        int32_t price = cost(h->head);
        if (price)
            charge(h, price);
    }
}
