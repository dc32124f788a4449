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

/* What has come so far: 1 when it is a ClientHello, 0 when more is needed. */
static NOINLINE int look(struct tls_stream *t, struct session *s, uint8_t *scratch, char name[TLS_NAME], struct error *err)
{
    struct tls_hello h;
    const uint8_t *record = intake_at(&t->intake);
    ssize_t used = tls_hello_read_records((struct bytes){record, intake_len(&t->intake)}, scratch, &h);

    if (used <= 0)
        return used < 0 ? refuse(t, s, (int)used, err) : 0;
    (void)text_copy(h.sni, name, TLS_NAME);
    if (s)
        tell(s, &h, (uint16_t)(record[1] << 8 | record[2]), (char *)scratch + TLS_HELLO_MAX);
    return 1;
}

static int fill(struct tls_stream *t, struct error *err)
{
    size_t have = intake_len(&t->intake);
    ssize_t n = intake_fill_wait(&t->intake, have + 1);

    if (n < 0)
        return error_errno(err, (int)n, "ClientHello");
    if (n == 0)
        return error_set(err, -ECONNRESET, have ? "closed within the ClientHello" : "closed without a ClientHello");
    return 0;
}

/* The scratch is borrowed for each look alone: a client that feeds slowly holds no more than what it has sent. */
int tls_front_read(struct tls_stream *t, struct session *s, char name[TLS_NAME], struct error *err)
{
    int r = 0;

    while (r == 0) {
        r = fill(t, err);
        if (r < 0)
            return r;
        uint8_t *scratch = buffer_get(t->stream.deadline);
        if (!scratch)
            return error_set(err, co_group()->is_cancelled ? -ECANCELED : -ENOMEM, "out of memory");
        r = look(t, s, scratch, name, err);
        buffer_put(scratch);
    }
    return r < 0 ? r : 0;
}
