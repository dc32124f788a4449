/*
 * Fingerprints of a ClientHello. JA3: salesforce/ja3. JA4: FoxIO-LLC/ja4, technical_details/JA4.md.
 */
#include <errno.h>

#include "base/wire.h"
#include "format/tls_hello.h"

static void put(struct writer *w, char separator, const char *fmt, unsigned value)
{
    char digits[8];
    int n = snprintf(digits, sizeof(digits), fmt[0] == 'x' ? "%04x" : "%u", value);

    if (separator)
        write_u8(w, (uint8_t)separator);
    write_bytes(w, digits, (size_t)n);
}

static ssize_t finish(struct writer *w)
{
    size_t n = writer_len(w);

    write_u8(w, 0);
    return w->failed ? -ENOSPC : (ssize_t)n;
}

static void put_u16_list(struct writer *w, struct bytes list)
{
    bool first = true;

    for (size_t i = 0; i < list.len / 2; i++) {
        uint16_t value = tls_u16_at(list, i);
        if (tls_is_grease(value))
            continue;
        put(w, first ? 0 : '-', "u", value);
        first = false;
    }
}

ssize_t tls_hello_ja3(const struct tls_hello *h, char *out, size_t size)
{
    struct writer w = writer_of(out, size);
    bool first = true;

    put(&w, 0, "u", h->legacy_version);
    write_u8(&w, ',');
    put_u16_list(&w, h->cipher_suites);
    write_u8(&w, ',');
    for (size_t i = 0; i < h->extension_count; i++) {
        if (tls_is_grease(h->extensions[i].type))
            continue;
        put(&w, first ? 0 : '-', "u", h->extensions[i].type);
        first = false;
    }
    write_u8(&w, ',');
    put_u16_list(&w, h->groups);
    write_u8(&w, ',');
    for (size_t i = 0; i < h->point_formats.len; i++)
        put(&w, i ? '-' : 0, "u", h->point_formats.ptr[i]);
    return finish(&w);
}

static const char *version_name(uint16_t version)
{
    switch (version) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    case 0x0300:
        return "s3";
    case 0x0002:
        return "s2";
    case 0xfeff:
        return "d1";
    case 0xfefd:
        return "d2";
    case 0xfefc:
        return "d3";
    }
    return "00";
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* First and last character of the first protocol; of its hex when one is no letter or digit. */
static void put_alpn(const struct tls_hello *h, char out[2])
{
    static const char digits[] = "0123456789abcdef";
    struct bytes list = h->alpn;
    struct text name;

    out[0] = out[1] = '0';
    if (!tls_alpn_next(&list, &name) || name.len == 0)
        return;
    char first = name.ptr[0], last = name.ptr[name.len - 1];
    bool plain = is_alnum(first) && is_alnum(last);
    out[0] = plain ? first : digits[(uint8_t)first >> 4];
    out[1] = plain ? last : digits[(uint8_t)last & 15];
}

void tls_hello_ja4_a(const struct tls_hello *h, char transport, char out[TLS_JA4_A])
{
    unsigned suites = 0, extensions = 0;
    char alpn[2];

    for (size_t i = 0; i < h->cipher_suites.len / 2; i++)
        suites += !tls_is_grease(tls_u16_at(h->cipher_suites, i));
    for (size_t i = 0; i < h->extension_count; i++)
        extensions += !tls_is_grease(h->extensions[i].type);
    put_alpn(h, alpn);
    (void)snprintf(out, TLS_JA4_A, "%c%s%c%02u%02u%c%c", transport, version_name(tls_hello_version(h)),
                   h->sni.len ? 'd' : 'i', min_of(suites, 99u), min_of(extensions, 99u), alpn[0],
                   alpn[1]);
}

/* The smallest suite from `from` on, GREASE aside; 65536 when there is none. */
static unsigned next_suite(const struct tls_hello *h, unsigned from)
{
    unsigned best = 65536;

    for (size_t i = 0; i < h->cipher_suites.len / 2; i++) {
        unsigned value = tls_u16_at(h->cipher_suites, i);
        if (value >= from && value < best && !tls_is_grease((uint16_t)value))
            best = value;
    }
    return best;
}

static size_t count_of(struct bytes list, uint16_t value)
{
    size_t n = 0;

    for (size_t i = 0; i < list.len / 2; i++)
        n += tls_u16_at(list, i) == value;
    return n;
}

ssize_t tls_hello_ja4_b(const struct tls_hello *h, char *out, size_t size)
{
    struct writer w = writer_of(out, size);

    /* Sorting by selection needs no room; it ends as soon as `out` is full. */
    for (unsigned v = next_suite(h, 0); v < 65536 && !w.failed; v = next_suite(h, v + 1)) {
        for (size_t n = count_of(h->cipher_suites, (uint16_t)v); n; n--)
            put(&w, writer_len(&w) ? ',' : 0, "x", v);
    }
    return finish(&w);
}

static unsigned next_extension(const struct tls_hello *h, unsigned from)
{
    unsigned best = 65536;

    for (size_t i = 0; i < h->extension_count; i++) {
        unsigned type = h->extensions[i].type;
        if (type >= from && type < best && !tls_is_grease((uint16_t)type))
            best = type;
    }
    return best;
}

ssize_t tls_hello_ja4_c(const struct tls_hello *h, char *out, size_t size)
{
    struct writer w = writer_of(out, size);
    char separator = '_';

    for (unsigned t = next_extension(h, 0); t < 65536; t = next_extension(h, t + 1)) {
        if (t != TLS_EXT_SERVER_NAME && t != TLS_EXT_ALPN)
            put(&w, writer_len(&w) ? ',' : 0, "x", t);
    }
    for (size_t i = 0; i < h->signature_algorithms.len / 2; i++) {
        uint16_t value = tls_u16_at(h->signature_algorithms, i);
        if (tls_is_grease(value))
            continue;
        put(&w, separator, "x", value);
        separator = ',';
    }
    return finish(&w);
}
