#include "format/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A domain that policy will match against rules must be clean. */
static void check(enum detect_answer answer, const struct detected *d)
{
    struct text domain = detected_domain(d);

    if (answer != DETECT_YES)
        return;
    if (!d->protocol)
        abort();
    for (size_t i = 0; i < domain.len; i++) {
        if ((uint8_t)domain.ptr[i] <= ' ' || (domain.ptr[i] >= 'A' && domain.ptr[i] <= 'Z'))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t scratch[TLS_HELLO_MAX];
    static struct quic_initial q;
    static enum detect_answer (*const all[])(struct bytes, struct detected *) = {
        detect_http, detect_ssh, detect_bittorrent, detect_rdp, detect_dns_stream, detect_dns,
        detect_stun, detect_dtls, detect_ntp, detect_bittorrent_udp,
    };
    struct bytes in = {.ptr = data, .len = size};
    struct detected d = {0};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        check(all[i](in, &d), &d);
    check(detect_tls(in, scratch, &d), &d);
    memset(&q, 0, sizeof(q));
    check(detect_quic(&q, in, &d), &d);
    return 0;
}
