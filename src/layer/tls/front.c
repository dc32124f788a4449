#include "layer/tls/front.h"

#include <errno.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "format/tls_report.h"
#include "net/buffers.h"

enum {
    ALERT_DECODE_ERROR = 50,
    ALERT_RECORD_OVERFLOW = 22,
};
STATIC_ASSERT(TLS_HELLO_MAX + TLS_JA3_MAX <= BUFFER_SIZE, "one borrowed buffer is the scratch");

/* ---- what it tells --------------------------------------------------------------------------- */

static void print_ja3(const struct tls_hello *h, char *scratch, char *out)
{
    uint8_t md5[16];
    ssize_t n = tls_hello_ja3(h, scratch, TLS_JA3_MAX);

    if (n < 0)
        return;
    hash_once(HASH_MD5, scratch, (size_t)n, md5);
    hex_encode(md5, sizeof md5, out);
}

/* Twelve digits of the hash, or zeros for nothing. */
static void print_half(const char *text, ssize_t n, char *out)
{
    uint8_t hash[32] = {0};

    if (n > 0)
        hash_once(HASH_SHA256, text, (size_t)n, hash);
    hex_encode(hash, 6, out);
}

static void print_ja4(const struct tls_hello *h, char *scratch, char *out)
{
    char a[TLS_JA4_A], b[13], c[13];

    tls_hello_ja4_a(h, 't', a);
    print_half(scratch, tls_hello_ja4_b(h, scratch, TLS_JA3_MAX), b);
    print_half(scratch, tls_hello_ja4_c(h, scratch, TLS_JA3_MAX), c);
    (void)snprintf(out, 37, "%s_%s_%s", a, b, c);
}

/* Room for both texts. NULL: out of memory, or the session has one already (TLS in TLS: the outer one is told). */
static struct session_tls *note(struct session *s, struct text sni, const struct tls_report *report)
{
    char text[TLS_REPORT_TEXT];
    size_t len = tls_report_print(report, text);
    struct session_tls *n = s->tls ? NULL : mem_alloc(sizeof *n + sni.len + len + 2);

    if (!n)
        return NULL;
    if (sni.len)
        memcpy(n->room, sni.ptr, sni.len);
    memcpy(n->room + sni.len + 1, text, len);
    n->sni = n->room;
    n->report = n->room + sni.len + 1;
    s->tls = n;
    return n;
}

static NOINLINE void tell(struct session *s, const struct tls_hello *h, uint16_t record_version, char *scratch)
{
    struct tls_report report;

    tls_report_hello(h, record_version, &report);
    struct session_tls *n = note(s, h->sni, &report);
    if (!n)
        return;
    print_ja3(h, scratch, n->ja3);
    print_ja4(h, scratch, n->ja4);
}

static NOINLINE void tell_malformed(struct session *s)
{
    struct tls_report report;

    tls_report_malformed(&report);
    (void)note(s, (struct text){0}, &report);
}

/* ---- reading it ------------------------------------------------------------------------------ */

static int refuse(struct tls_stream *t, struct session *s, int why, struct error *err)
{
    const uint8_t *start = intake_at(&t->intake);
    bool is_text = start[0] >= ' ' && start[0] < 0x7f;

    if (why == -EPROTO)
        return error_set(err, why, "not TLS%s", is_text ? ": the client speaks in the clear" : "");
    if (s)
        tell_malformed(s);
    tls_stream_alert(t, why == -EMSGSIZE ? ALERT_RECORD_OVERFLOW : ALERT_DECODE_ERROR);
    return error_set(err, why, why == -EMSGSIZE ? "ClientHello beyond all limits" : "malformed ClientHello");
}

static int receive(struct tls_stream *t, uint8_t *scratch, struct tls_hello *h)
{
    for (;;) {
        size_t n = intake_len(&t->intake);
        ssize_t used = n ? tls_hello_read_records((struct bytes){intake_at(&t->intake), n}, scratch, h) : 0;
        if (used != 0)
            return used < 0 ? (int)used : 0;
        ssize_t got = intake_fill_wait(&t->intake, n + 1);
        if (got <= 0)
            return got < 0 ? (int)got : -ECONNRESET;
    }
}

static NOINLINE int read_hello(struct tls_stream *t, struct session *s, uint8_t *scratch, char name[TLS_NAME],
                               struct error *err)
{
    struct tls_hello h;
    int r = receive(t, scratch, &h);

    if (r == -EPROTO || r == -EBADMSG || r == -EMSGSIZE)
        return refuse(t, s, r, err);
    if (r == -ECONNRESET && intake_len(&t->intake) == 0)
        return error_set(err, r, "closed without a ClientHello");
    if (r < 0)
        return error_errno(err, r, "ClientHello");
    (void)text_copy(h.sni, name, TLS_NAME);
    const uint8_t *record = intake_at(&t->intake);
    if (s)
        tell(s, &h, (uint16_t)(record[1] << 8 | record[2]), (char *)scratch + TLS_HELLO_MAX);
    return 0;
}

int tls_front_read(struct tls_stream *t, struct session *s, char name[TLS_NAME], struct error *err)
{
    /* An idle client holds no buffer: the scratch is borrowed once something came. */
    int r = stream_wait(t->stream.lower, t->stream.deadline);

    if (r < 0)
        return error_errno(err, r, "ClientHello");
    event_set(t->stream.lower->ops->readable(t->stream.lower)); /* seen, not taken */
    uint8_t *scratch = buffer_get(t->stream.deadline);
    if (!scratch)
        return error_set(err, co_group()->is_cancelled ? -ECANCELED : -ENOMEM, "out of memory");
    r = read_hello(t, s, scratch, name, err);
    buffer_put(scratch);
    return r;
}
