#include "policy/sniff.h"

#include <errno.h>

#include "base/mem.h"
#include "net/buffers.h"

STATIC_ASSERT(SNIFF_STREAM_MAX + TLS_HELLO_MAX <= BUFFER_SIZE, "one borrowed buffer holds what is read and the scratch");

/* ---- the detectors ----------------------------------------------------------------------- */

static enum detect_answer tls(struct bytes in, uint8_t *scratch, struct detected *out)
{
    return detect_tls(in, scratch, out);
}

#define WITHOUT_SCRATCH(name, fn)                                                                  \
    static enum detect_answer name(struct bytes in, uint8_t *scratch, struct detected *out)        \
    {                                                                                              \
        (void)scratch;                                                                             \
        return fn(in, out);                                                                        \
    }
WITHOUT_SCRATCH(http, detect_http)
WITHOUT_SCRATCH(ssh, detect_ssh)
WITHOUT_SCRATCH(bittorrent, detect_bittorrent)
WITHOUT_SCRATCH(rdp, detect_rdp)
WITHOUT_SCRATCH(dns, detect_dns_stream)

/* quic is not in `datagram`: it alone has memory between datagrams. */
static const struct sniffer {
    const char *name;
    enum detect_answer (*stream)(struct bytes in, uint8_t *scratch, struct detected *out);
    enum detect_answer (*datagram)(struct bytes in, struct detected *out);
} sniffers[] = {
    {"bittorrent", bittorrent, detect_bittorrent_udp},
    {"dns", dns, detect_dns},
    {"dtls", NULL, detect_dtls},
    {"http", http, NULL},
    {"ntp", NULL, detect_ntp},
    {"quic", NULL, NULL},
    {"rdp", rdp, NULL},
    {"ssh", ssh, NULL},
    {"stun", NULL, detect_stun},
    {"tls", tls, NULL},
};
enum { QUIC_BIT = 1 << 5 };

int sniff_set(const struct text_list *names, uint32_t *out, struct error *err)
{
    uint32_t set = names->len ? 0 : SNIFF_ALL;

    for (size_t i = 0; i < names->len; i++) {
        size_t k = 0;
        while (k < ARRAY_LEN(sniffers) && !text_is(names->at[i], sniffers[k].name))
            k++;
        if (k == ARRAY_LEN(sniffers))
            return error_set(err, -EINVAL, "there is no sniffer '%.*s'", TEXT_ARG(names->at[i]));
        set |= UINT32_C(1) << k;
    }
    *out = set;
    return 0;
}

static void keep(struct session *s, const struct detected *d)
{
    struct dest name = {0};

    (void)text_copy(text_of(d->protocol), s->protocol, sizeof s->protocol);
    /* An address in a Host header tells nothing new. */
    if (d->domain_len && dest_set_host(&name, detected_domain(d), s->dest.port) == 0 && dest_is_name(&name))
        s->sniffed = name;
}

/* ---- streams ----------------------------------------------------------------------------- */

static enum detect_answer ask_stream(struct session *s, uint32_t set, struct bytes in, uint8_t *scratch)
{
    enum detect_answer all = DETECT_NO;
    struct detected found = {0};

    for (size_t i = 0; i < ARRAY_LEN(sniffers); i++) {
        if (!(set >> i & 1) || !sniffers[i].stream)
            continue;
        enum detect_answer one = sniffers[i].stream(in, scratch, &found);
        if (one == DETECT_YES) {
            keep(s, &found);
            return DETECT_YES;
        }
        if (one == DETECT_MORE)
            all = DETECT_MORE;
    }
    return all;
}

/* SMTP, POP3, IMAP and their kin: the client waits for a greeting that a sniffer would hold up. */
static bool is_server_first(uint16_t port)
{
    static const uint16_t ports[] = {21, 25, 110, 143, 465, 587, 993, 995};

    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        if (ports[i] == port)
            return true;
    }
    return false;
}

/* Reads into buf from *len on until an answer is there: 0, or negative when the client is lost. */
static int read_and_ask(struct session *s, struct stream *client, uint32_t set, uint8_t *buf, size_t *len,
                        int64_t deadline)
{
    while (*len < SNIFF_STREAM_MAX) {
        ssize_t n = stream_try_read(client, buf + *len, SNIFF_STREAM_MAX - *len);
        if (n == -EAGAIN) {
            /* Without a byte so far the caller waits, without a buffer. */
            int r = *len ? stream_wait(client, deadline) : -EAGAIN;
            if (r == 0)
                continue;
            return r == -ETIMEDOUT ? 0 : r;
        }
        if (n < 0)
            return (int)n;
        *len += (size_t)n;
        if (n == 0 || ask_stream(s, set, (struct bytes){buf, *len}, buf + SNIFF_STREAM_MAX) != DETECT_MORE)
            return 0;
    }
    return 0;
}

/* One try with a borrowed buffer; -EAGAIN when the client has said nothing yet. */
static int sniff_once(struct session *s, struct stream **client, uint32_t set, int64_t deadline)
{
    size_t len = 0;
    uint8_t *buf = buffer_get(deadline);

    if (!buf)
        return co_group() && co_group()->is_cancelled ? -ECANCELED : 0;
    int r = read_and_ask(s, *client, set, buf, &len, deadline);
    if (len && r == 0) {
        *client = stream_replay(*client, buf, len);
        if (!*client)
            r = -ENOMEM;
    }
    buffer_put(buf);
    return r;
}

int sniff_stream(struct session *s, struct stream **client, uint32_t set, int64_t timeout_ms)
{
    int64_t deadline = clock_ms() + (timeout_ms > 0 ? timeout_ms : SNIFF_TIMEOUT_MS);

    if (is_server_first(s->dest.port))
        return 0;
    int r = session_reply(s, 0);
    if (r < 0)
        return r;
    for (;;) {
        r = sniff_once(s, client, set, deadline);
        if (r != -EAGAIN)
            return r;
        r = stream_wait(*client, deadline);
        if (r < 0)
            return r == -ETIMEDOUT ? 0 : r;
    }
}

/* ---- datagrams --------------------------------------------------------------------------- */

static enum detect_answer ask_quic(struct quic_initial **quic, struct bytes in, struct detected *found)
{
    if (!*quic)
        *quic = mem_new(struct quic_initial);
    return *quic ? detect_quic(*quic, in, found) : DETECT_NO;
}

static enum detect_answer ask_datagram(struct session *s, uint32_t set, struct quic_initial **quic, struct bytes in)
{
    struct detected found = {0};
    enum detect_answer answer = set & QUIC_BIT ? ask_quic(quic, in, &found) : DETECT_NO;

    for (size_t i = 0; answer == DETECT_NO && i < ARRAY_LEN(sniffers); i++) {
        if (set >> i & 1 && sniffers[i].datagram)
            answer = sniffers[i].datagram(in, &found);
    }
    if (answer == DETECT_YES)
        keep(s, &found);
    return answer;
}

enum detect_answer sniff_batch(struct session *s, uint32_t set, struct quic_initial **quic, const struct batch *b)
{
    enum detect_answer last = DETECT_NO;

    for (unsigned i = 0; i < b->count; i++) {
        last = ask_datagram(s, set, quic, (struct bytes){b->at[i].ptr, b->at[i].len});
        if (last == DETECT_YES)
            return last;
    }
    return last;
}
