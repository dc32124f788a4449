#include <errno.h>

#include "format/dns_message.h"

enum { LABEL_MAX = 63 };

/* One octet of a label, escapes resolved; how many characters it took, or -EINVAL. */
static int read_octet(struct text t, uint8_t *out)
{
    uint64_t value;

    *out = (uint8_t)t.ptr[0];
    if (t.ptr[0] != '\\')
        return 1;
    if (t.len < 2)
        return -EINVAL;
    *out = (uint8_t)t.ptr[1];
    if (t.ptr[1] < '0' || t.ptr[1] > '9')
        return 2;
    if (t.len < 4 || text_to_u64(text_sub(t, 1, 3), &value) < 0 || value > 255)
        return -EINVAL;
    *out = (uint8_t)value;
    return 4;
}

int dns_name_parse(struct text t, struct dns_name *out)
{
    struct dns_name n = {0};
    size_t at = 1, label = 0; /* label: where the current one's length stands */

    if (text_is(t, "."))
        t.len = 0;
    for (size_t i = 0; i < t.len;) {
        uint8_t octet;
        if (t.ptr[i] == '.') {
            if (at == label + 1)
                return -EINVAL;
            n.wire[label] = (uint8_t)(at - label - 1);
            label = at++;
            i++;
        } else {
            int used = read_octet(text_sub(t, i, SIZE_MAX), &octet);
            if (used < 0)
                return used;
            /* One octet stays for the root. */
            if (at - label > LABEL_MAX || at >= DNS_NAME_MAX - 1)
                return -EINVAL;
            n.wire[at++] = octet;
            i += (size_t)used;
        }
        if (at > DNS_NAME_MAX)
            return -EINVAL;
    }
    if (at > label + 1) { /* no dot at the end */
        n.wire[label] = (uint8_t)(at - label - 1);
        label = at++;
    }
    n.wire[label] = 0;
    n.len = (uint8_t)(label + 1);
    *out = n;
    return 0;
}

static char *print_octet(char *p, uint8_t c)
{
    if (c == '.' || c == '\\') {
        *p++ = '\\';
        *p++ = (char)c;
    } else if (c <= ' ' || c >= 0x7f) {
        *p++ = '\\';
        *p++ = (char)('0' + c / 100);
        *p++ = (char)('0' + c / 10 % 10);
        *p++ = (char)('0' + c % 10);
    } else {
        *p++ = (char)c;
    }
    return p;
}

const char *dns_name_print(const struct dns_name *n, char *out)
{
    char *p = out;

    for (size_t at = 0; at < n->len && n->wire[at];) {
        size_t len = n->wire[at++];
        if (at > 1)
            *p++ = '.';
        for (; len && at < n->len; len--)
            p = print_octet(p, n->wire[at++]);
    }
    if (p == out)
        *p++ = '.';
    *p = 0;
    return out;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
    if (a->len != b->len)
        return false;
    /* Lengths are below 'A', so that lowering them changes nothing. */
    for (size_t i = 0; i < a->len; i++) {
        if (lower(a->wire[i]) != lower(b->wire[i]))
            return false;
    }
    return true;
}

int dns_name_read(struct bytes msg, size_t *at, struct dns_name *out)
{
    size_t pos = *at, limit = *at, end = 0;
    struct dns_name n = {0};

    for (;;) {
        if (pos >= msg.len)
            return -EBADMSG;
        uint8_t len = msg.ptr[pos++];
        if (len >= 0xc0) {
            if (pos >= msg.len)
                return -EBADMSG;
            size_t target = (size_t)(len & 0x3f) << 8 | msg.ptr[pos++];
            end = end ? end : pos;
            /* Each jump goes before all that was read: so there is an end. */
            if (target >= limit)
                return -EBADMSG;
            pos = limit = target;
            continue;
        }
        if (len > LABEL_MAX || (size_t)n.len + 1 + len > DNS_NAME_MAX || len > msg.len - pos)
            return -EBADMSG;
        n.wire[n.len] = len;
        memcpy(n.wire + n.len + 1, msg.ptr + pos, len);
        n.len = (uint8_t)(n.len + 1 + len);
        pos += len;
        if (len == 0)
            break;
    }
    *at = end ? end : pos;
    *out = n;
    return 0;
}

void dns_name_write(struct writer *w, const struct dns_name *n)
{
    write_bytes(w, n->wire, n->len);
}
