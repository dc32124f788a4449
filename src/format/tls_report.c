#include "format/tls_report.h"

#include <errno.h>

#include <stdarg.h>

#include "base/wire.h"

enum {
    SERVER_HELLO = 2,
    FALLBACK_SCSV = 0x5600, /* RFC 7507 */
};

const char *tls_version_name(uint16_t version)
{
    static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};

    return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : "an unknown version";
}

/* First and last of ranges in IANA's list, sorted. */
static bool is_weak(uint16_t suite)
{
    static const uint16_t ranges[][2] = {
        {0x0000, 0x0009}, /* NULL, export, RC4, IDEA, DES with RSA */
        {0x000b, 0x000c}, {0x000e, 0x000f}, {0x0011, 0x0012}, {0x0014, 0x0015}, /* DES and export with DH */
        {0x0017, 0x001b}, /* anonymous DH */
        {0x001e, 0x001e}, {0x0020, 0x0020}, {0x0022, 0x0022}, {0x0024, 0x0024}, {0x0026, 0x002b}, /* Kerberos */
        {0x002c, 0x002e}, /* NULL with PSK */
        {0x0034, 0x0034}, {0x003a, 0x003b}, {0x0046, 0x0046}, {0x006c, 0x006d}, {0x0089, 0x008a}, {0x008e, 0x008e},
        {0x0092, 0x0092}, {0x009b, 0x009b}, {0x00a6, 0x00a7}, {0x00b0, 0x00b1}, {0x00b4, 0x00b5}, {0x00b8, 0x00b9},
        {0xc001, 0xc002}, {0xc006, 0xc007}, {0xc00b, 0xc00c}, {0xc010, 0xc011}, {0xc015, 0xc019},
        {0xc033, 0xc033}, {0xc039, 0xc03b},
    };

    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (suite >= ranges[i][0] && suite <= ranges[i][1])
            return true;
    }
    return false;
}

static void look_at_suites(const struct tls_hello *h, struct tls_report *out)
{
    for (size_t i = 0; i < h->cipher_suites.len / 2; i++) {
        uint16_t suite = tls_u16_at(h->cipher_suites, i);
        if (!is_weak(suite))
            continue;
        out->weak = out->weak_count++ ? out->weak : suite;
        out->issues |= TLS_ISSUE_WEAK;
    }
}

void tls_report_hello(const struct tls_hello *h, uint16_t record_version, struct tls_report *out)
{
    *out = (struct tls_report){.offered = tls_hello_version(h)};
    if (out->offered < 0x0303 || record_version < 0x0301)
        out->issues |= TLS_ISSUE_DEPRECATED;
    /* TLS 1.3 stays at 0x0303 in the message, and nothing announces more in the record than in the message. */
    if ((out->offered >= 0x0304 && h->legacy_version != 0x0303) || record_version > h->legacy_version)
        out->issues |= TLS_ISSUE_MISMATCH;
    /* The client says that it tried a newer version first: in one that is not the newest, that is a sign. */
    if (tls_u16_has(h->cipher_suites, FALLBACK_SCSV) && out->offered < 0x0304)
        out->issues |= TLS_ISSUE_DOWNGRADE;
    if (h->extension_count == 0)
        out->issues |= TLS_ISSUE_BARE;
    look_at_suites(h, out);
}

void tls_report_malformed(struct tls_report *out)
{
    *out = (struct tls_report){.issues = TLS_ISSUE_MALFORMED};
}

static int malformed_answer(struct tls_report *out)
{
    out->issues |= TLS_ISSUE_MALFORMED;
    return -EBADMSG;
}

/* supported_versions of a ServerHello: the one that was chosen. 0: not there. */
static uint16_t selected_version(struct reader *block)
{
    uint16_t version = 0;

    while (reader_left(block) && !block->failed) {
        uint16_t type = read_u16(block);
        struct bytes body = read_bytes(block, read_u16(block));
        if (type == TLS_EXT_VERSIONS && body.len == 2)
            version = (uint16_t)(body.ptr[0] << 8 | body.ptr[1]);
    }
    return version;
}

/* RFC 8446 section 4.1.3: a server that could do better says so at the end of its random. */
static bool has_sentinel(struct bytes random)
{
    static const uint8_t sentinel[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D'};

    return random.len == 32 && memcmp(random.ptr + 24, sentinel, sizeof sentinel) == 0 && random.ptr[31] <= 1;
}

int tls_report_answer(struct bytes message, struct tls_report *out)
{
    struct reader r = reader_of(message.ptr, message.len);
    bool is_hello = read_u8(&r) == SERVER_HELLO && read_be(&r, 3) == reader_left(&r);
    uint16_t version = read_u16(&r);
    struct bytes random = read_bytes(&r, 32);

    (void)read_bytes(&r, read_u8(&r));
    uint16_t suite = read_u16(&r);
    (void)read_u8(&r);
    if (!is_hello || r.failed)
        return malformed_answer(out);
    if (reader_left(&r)) {
        struct reader block = read_sub(&r, read_u16(&r));
        uint16_t selected = selected_version(&block);
        if (r.failed || block.failed || reader_left(&r))
            return malformed_answer(out);
        version = selected ? selected : version;
    }
    out->chosen = version;
    if (version < 0x0303)
        out->issues |= TLS_ISSUE_DEPRECATED;
    if (version < 0x0304 && out->offered >= 0x0304 && has_sentinel(random))
        out->issues |= TLS_ISSUE_DOWNGRADE;
    if (is_weak(suite)) {
        out->weak = out->weak_count++ ? out->weak : suite;
        out->issues |= TLS_ISSUE_WEAK;
    }
    return version;
}

bool tls_report_is_critical(const struct tls_report *r)
{
    return r->issues & (TLS_ISSUE_MALFORMED | TLS_ISSUE_WEAK | TLS_ISSUE_DOWNGRADE);
}

/* ---- for people ------------------------------------------------------------------------------ */

struct print {
    char *out;
    size_t len;
};

static PRINTF(2, 3) void add(struct print *p, const char *fmt, ...)
{
    va_list args;

    if (p->len && p->len + 2 < TLS_REPORT_TEXT) {
        memcpy(p->out + p->len, "; ", 2);
        p->len += 2;
    }
    va_start(args, fmt);
    int n = vsnprintf(p->out + p->len, TLS_REPORT_TEXT - p->len, fmt, args);
    va_end(args);
    p->len = n < 0 ? p->len : min_of(p->len + (size_t)n, (size_t)TLS_REPORT_TEXT - 1);
}

size_t tls_report_print(const struct tls_report *r, char out[TLS_REPORT_TEXT])
{
    struct print p = {.out = out};

    out[0] = 0;
    if (r->issues & TLS_ISSUE_MALFORMED)
        add(&p, "malformed handshake");
    if (r->issues & TLS_ISSUE_DEPRECATED && r->chosen && r->chosen < 0x0303)
        add(&p, "deprecated version: %s was chosen", tls_version_name(r->chosen));
    else if (r->issues & TLS_ISSUE_DEPRECATED && r->offered < 0x0303)
        add(&p, "deprecated version: at most %s is offered", tls_version_name(r->offered));
    else if (r->issues & TLS_ISSUE_DEPRECATED)
        add(&p, "deprecated version: a record of SSL 3.0");
    if (r->issues & TLS_ISSUE_MISMATCH)
        add(&p, "versions do not go together");
    if (r->issues & TLS_ISSUE_DOWNGRADE)
        add(&p, "possible downgrade to %s", tls_version_name(r->chosen ? r->chosen : r->offered));
    if (r->issues & TLS_ISSUE_WEAK && r->weak_count > 1)
        add(&p, "weak cipher suite 0x%04x and %u more", r->weak, r->weak_count - 1);
    else if (r->issues & TLS_ISSUE_WEAK)
        add(&p, "weak cipher suite 0x%04x", r->weak);
    if (r->issues & TLS_ISSUE_BARE)
        add(&p, "no extensions");
    return p.len;
}
