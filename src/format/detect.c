#include "format/detect.h"

#include <errno.h>

#include "format/dns_message.h"
#include "format/http1.h"
#include "format/url.h"

static enum detect_answer found(struct detected *out, const char *protocol)
{
    *out = (struct detected){.protocol = protocol};
    return DETECT_YES;
}

/* Names only: an IP literal tells a router nothing new. */
static void set_domain(struct detected *out, struct text host)
{
    struct addr ip;

    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    if (host.len == 0 || host.len > DETECT_DOMAIN_MAX || addr_parse(host, 0, &ip) == 0)
        return;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        out->domain[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    out->domain_len = (uint8_t)host.len;
}

/* NO when `in` differs from `start`, MORE when it ends inside it, YES when it starts so. */
static enum detect_answer starts_with(struct bytes in, const void *start, size_t n)
{
    size_t have = min_of(in.len, n);

    if (have && memcmp(in.ptr, start, have) != 0)
        return DETECT_NO;
    return have < n ? DETECT_MORE : DETECT_YES;
}

/* Methods of RFC 9110 and the common others; a closed list, for a cheap and certain no. */
static enum detect_answer http_method(struct bytes in)
{
    static const char *const methods[] = {"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "CONNECT ",
                                          "PATCH ", "TRACE ", "PROPFIND ", "PRI "};
    enum detect_answer best = DETECT_NO;

    for (size_t i = 0; i < ARRAY_LEN(methods) && best != DETECT_YES; i++)
        best = max_of(best, starts_with(in, methods[i], strlen(methods[i])));
    return best;
}

/* The next whole line, without CR LF; false when its end has not come. */
static bool next_line(struct text *rest, struct text *out)
{
    ssize_t end = text_find(*rest, '\n');

    if (end < 0)
        return false;
    *out = text_sub(*rest, 0, (size_t)end);
    *rest = text_sub(*rest, (size_t)end + 1, SIZE_MAX);
    if (out->len && out->ptr[out->len - 1] == '\r')
        out->len--;
    return true;
}

static void set_host(struct detected *out, struct text value)
{
    struct url u;

    if (url_split_host(value, &u) == 0 && !u.is_ipv6)
        set_domain(out, u.host);
}

static enum detect_answer http_host(struct text rest, struct detected *out)
{
    struct text line;

    while (next_line(&rest, &line)) {
        if (line.len == 0)
            return found(out, "http");
        ssize_t colon = text_find(line, ':');
        if (colon <= 0 || !http1_is_token(text_sub(line, 0, (size_t)colon)))
            return DETECT_NO;
        if (!text_is_nocase(text_sub(line, 0, (size_t)colon), "host"))
            continue;
        (void)found(out, "http");
        set_host(out, text_trim(text_sub(line, (size_t)colon + 1, SIZE_MAX)));
        return DETECT_YES;
    }
    return DETECT_MORE;
}

enum detect_answer detect_http(struct bytes in, struct detected *out)
{
    struct text rest = {.ptr = (const char *)in.ptr, .len = in.len}, line;
    enum detect_answer answer = http_method(in);

    if (answer != DETECT_YES)
        return answer;
    bool is_enough = in.len >= DETECT_HTTP_MAX;
    if (!next_line(&rest, &line))
        return is_enough ? DETECT_NO : DETECT_MORE;
    ssize_t last = text_find_last(line, ' ');
    if (!text_starts(text_sub(line, (size_t)last + 1, SIZE_MAX), TEXT("HTTP/")))
        return DETECT_NO;
    answer = http_host(rest, out);
    return answer == DETECT_MORE && is_enough ? found(out, "http") : answer;
}

static enum detect_answer hello_found(const struct tls_hello *hello, const char *protocol,
                                      struct detected *out)
{
    (void)found(out, protocol);
    set_domain(out, hello->sni);
    return DETECT_YES;
}

enum detect_answer detect_tls(struct bytes in, uint8_t *scratch, struct detected *out)
{
    struct tls_hello hello;
    ssize_t n = tls_hello_read_records(in, scratch, &hello);

    if (n < 0)
        return DETECT_NO;
    return n == 0 ? DETECT_MORE : hello_found(&hello, "tls", out);
}

enum detect_answer detect_ssh(struct bytes in, struct detected *out)
{
    struct text rest = {.ptr = (const char *)in.ptr, .len = min_of(in.len, (size_t)256)}, line;
    enum detect_answer answer = starts_with(in, "SSH-2.0-", 8);

    if (answer != DETECT_YES)
        return answer;
    if (!next_line(&rest, &line)) /* at most 255 octets with CR LF */
        return in.len > 255 ? DETECT_NO : DETECT_MORE;
    (void)found(out, "ssh");
    struct text software = text_sub(line, 8, SIZE_MAX);
    (void)text_next(&software, ' ', &line);
    if (!http1_is_value(line))
        return DETECT_YES;
    out->client_len = (uint8_t)min_of(line.len, (size_t)DETECT_CLIENT_MAX);
    memcpy(out->client, line.ptr, out->client_len);
    return DETECT_YES;
}

enum detect_answer detect_bittorrent(struct bytes in, struct detected *out)
{
    enum detect_answer answer = starts_with(in, "\x13" "BitTorrent protocol", 20);

    return answer == DETECT_YES ? found(out, "bittorrent") : answer;
}

/*
 * TPKT: version 3 | 0 | length 2; X.224: length 1 | 0xe0 | destination 2 | source 2 | class 1;
 * then "Cookie: mstshash=..." or an RDP_NEG_REQ: 1 | flags | 8 0 | protocols 4 ([MS-RDPBCGR] 2.2.1.1)
 */
enum detect_answer detect_rdp(struct bytes in, struct detected *out)
{
    struct reader r = reader_of(in.ptr, in.len);
    enum detect_answer answer = starts_with(in, "\x03\x00", 2);

    if (answer != DETECT_YES)
        return answer;
    (void)read_u16(&r);
    uint16_t length = read_u16(&r);
    uint8_t x224 = read_u8(&r), code = read_u8(&r);
    if (r.failed)
        return DETECT_MORE;
    if (length < 19 || length > 512 || x224 != length - 5 || code != 0xe0)
        return DETECT_NO;
    if (in.len < length)
        return DETECT_MORE;
    struct bytes body = {.ptr = in.ptr + 11, .len = length - 11u};
    if (starts_with(body, "Cookie: ", 8) == DETECT_YES || starts_with(body, "tsv://", 6) == DETECT_YES)
        return found(out, "rdp");
    bool asks = body.len == 8 && body.ptr[0] == 1 && body.ptr[2] == 8 && body.ptr[3] == 0;
    return asks ? found(out, "rdp") : DETECT_NO;
}

enum detect_answer detect_quic(struct quic_initial *q, struct bytes in, struct detected *out)
{
    struct tls_hello hello;
    ssize_t n = quic_initial_feed(q, in.ptr, in.len);

    if (n < 0)
        return DETECT_NO;
    n = tls_hello_read(quic_initial_crypto(q), &hello);
    if (n < 0)
        return DETECT_NO;
    return n == 0 ? DETECT_MORE : hello_found(&hello, "quic", out);
}

enum detect_answer detect_dns(struct bytes in, struct detected *out)
{
    struct dns_message m;
    struct dns_question q;
    struct dns_record rec;
    char text[DNS_NAME_TEXT];
    int r;

    if (dns_open(in, &m) < 0 || m.flags & (DNS_FLAG_QR | 0x7800 | DNS_FLAG_TC | 0x000f) || m.questions != 1 ||
        m.counts[DNS_ANSWER])
        return DETECT_NO;
    if (dns_next_question(&m, &q) <= 0 || q.type == 0 || (q.class != DNS_CLASS_IN && q.class != 255))
        return DETECT_NO;
    while ((r = dns_next_record(&m, &rec)) > 0)
        ;
    if (r < 0 || m.at != in.len)
        return DETECT_NO;
    (void)found(out, "dns");
    set_domain(out, text_of(dns_name_print(&q.name, text)));
    return DETECT_YES;
}

enum detect_answer detect_dns_stream(struct bytes in, struct detected *out)
{
    struct reader r = reader_of(in.ptr, in.len);
    uint16_t length = read_u16(&r);

    if (r.failed)
        return DETECT_MORE;
    /* No query is long: a big number here is another protocol's text. */
    if (length < DNS_HEADER + 5 || length > 1024)
        return DETECT_NO;
    struct bytes message = read_bytes(&r, length);
    return r.failed ? DETECT_MORE : detect_dns(message, out);
}
