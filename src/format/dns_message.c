#include "format/dns_message.h"

#include <errno.h>

bool dns_question_eq(const struct dns_question *a, const struct dns_question *b)
{
    return a->type == b->type && a->class == b->class && dns_name_eq(&a->name, &b->name);
}

int dns_open(struct bytes msg, struct dns_message *out)
{
    struct reader r = reader_of(msg.ptr, msg.len);
    struct dns_message m = {.msg = msg, .at = DNS_HEADER};

    m.id = read_u16(&r);
    m.flags = read_u16(&r);
    m.questions = m.questions_left = read_u16(&r);
    for (size_t i = 0; i < ARRAY_LEN(m.counts); i++)
        m.counts[i] = read_u16(&r);
    if (r.failed || msg.len > DNS_MESSAGE_MAX)
        return -EBADMSG;
    m.records_left = m.counts[DNS_ANSWER];
    *out = m;
    return 0;
}

int dns_next_question(struct dns_message *m, struct dns_question *out)
{
    if (m->questions_left == 0)
        return 0;
    size_t at = m->at;
    struct dns_question q;
    int error = dns_name_read(m->msg, &at, &q.name);
    if (error < 0)
        return error;
    struct reader r = reader_of(m->msg.ptr + at, m->msg.len - at);
    q.type = read_u16(&r);
    q.class = read_u16(&r);
    if (r.failed)
        return -EBADMSG;
    m->at = at + 4;
    m->questions_left--;
    *out = q;
    return 1;
}

int dns_next_record(struct dns_message *m, struct dns_record *out)
{
    struct dns_question skipped;
    struct dns_record rec;
    int got;

    while ((got = dns_next_question(m, &skipped)) != 0) {
        if (got < 0)
            return got;
    }
    while (m->records_left == 0) {
        if (m->section == DNS_ADDITIONAL)
            return 0;
        m->records_left = m->counts[++m->section];
    }
    size_t at = m->at;
    int error = dns_name_read(m->msg, &at, &rec.name);
    if (error < 0)
        return error;
    struct reader r = reader_of(m->msg.ptr + at, m->msg.len - at);
    rec.section = (enum dns_section)m->section;
    rec.type = read_u16(&r);
    rec.class = read_u16(&r);
    rec.ttl = read_u32(&r);
    rec.data = read_bytes(&r, read_u16(&r));
    if (r.failed)
        return -EBADMSG;
    /* RFC 2181 section 8: a TTL with the high bit is no TTL. (OPT keeps flags in it.) */
    if (rec.type != DNS_OPT && rec.ttl > INT32_MAX)
        rec.ttl = 0;
    rec.ttl_at = at + 4;
    rec.data_at = at + 10;
    m->at = rec.data_at + rec.data.len;
    m->records_left--;
    *out = rec;
    return 1;
}

bool dns_record_addr(const struct dns_record *r, struct addr *out)
{
    size_t wanted = r->type == DNS_A ? 4 : r->type == DNS_AAAA ? 16 : 0;

    if (wanted == 0 || r->class != DNS_CLASS_IN || r->data.len != wanted)
        return false;
    *out = addr_from_bytes(r->data.ptr, wanted, 0);
    return true;
}

static void write_header(struct writer *w, uint16_t id, uint16_t flags, uint16_t additional)
{
    write_u16(w, id);
    write_u16(w, flags);
    write_u16(w, 1);
    write_u32(w, 0);
    write_u16(w, additional);
}

static void write_question(struct writer *w, const struct dns_question *q)
{
    dns_name_write(w, &q->name);
    write_u16(w, q->type);
    write_u16(w, q->class);
}

/* RFC 6891 section 6.1: root | OPT | payload size | extended rcode, version, DO ... | options */
static void write_opt(struct writer *w, const struct dns_query *q)
{
    write_u8(w, 0);
    write_u16(w, DNS_OPT);
    write_u16(w, q->edns_size);
    write_u32(w, q->dnssec_ok ? 0x8000 : 0);
    write_u16(w, (uint16_t)q->edns_options.len);
    write_bytes(w, q->edns_options.ptr, q->edns_options.len);
    if (q->edns_options.len > UINT16_MAX)
        w->failed = true;
}

void dns_write_query(struct writer *w, const struct dns_query *q)
{
    unsigned flags = (q->no_recursion ? 0u : DNS_FLAG_RD) | (q->checking_disabled ? DNS_FLAG_CD : 0u);

    write_header(w, q->id, (uint16_t)flags, q->edns_size != 0);
    write_question(w, &q->question);
    if (q->edns_size)
        write_opt(w, q);
}

int dns_write_reply(struct writer *w, struct bytes query, uint16_t flags, enum dns_rcode rcode)
{
    struct dns_message m;
    struct dns_question q;
    int r = dns_open(query, &m);

    if (r == 0)
        r = dns_next_question(&m, &q);
    if (r <= 0 || m.flags & DNS_FLAG_QR)
        return -EBADMSG;
    unsigned kept = m.flags & (DNS_FLAG_RD | 0x7800u);
    write_header(w, m.id, (uint16_t)(flags | DNS_FLAG_QR | kept | rcode), 0);
    write_question(w, &q);
    return w->failed ? -ENOSPC : 0;
}

void dns_write_addr(struct writer *w, const struct addr *a, uint32_t ttl)
{
    struct bytes ip = addr_ip(a);

    if (ip.len == 0 || writer_len(w) < DNS_HEADER)
        w->failed = true;
    write_u16(w, 0xc000 | DNS_HEADER); /* the question's name */
    write_u16(w, ip.len == 4 ? DNS_A : DNS_AAAA);
    write_u16(w, DNS_CLASS_IN);
    write_u32(w, ttl);
    write_u16(w, (uint16_t)ip.len);
    write_bytes(w, ip.ptr, ip.len);
    if (w->failed)
        return;
    uint8_t *count = w->start + 6;
    unsigned n = (unsigned)(count[0] << 8 | count[1]) + 1;
    count[0] = (uint8_t)(n >> 8);
    count[1] = (uint8_t)n;
}

static int check_question(struct bytes msg, uint16_t id, const struct dns_question *q, struct dns_message *m)
{
    struct dns_question asked;
    int r = dns_open(msg, m);

    if (r < 0)
        return r;
    if (m->id != id || !(m->flags & DNS_FLAG_QR) || m->flags & 0x7800 || m->questions != 1)
        return -ENOMSG;
    r = dns_next_question(m, &asked);
    if (r < 0)
        return r;
    return dns_question_eq(&asked, q) ? 0 : -ENOMSG;
}

/* One link of the chain: 1 when `out->name` moved on. `m` is a copy at the first record. */
static int follow_cname(struct dns_message m, struct dns_answer *out)
{
    struct dns_record rec;
    int r;

    while ((r = dns_next_record(&m, &rec)) > 0) {
        if (rec.section != DNS_ANSWER || rec.type != DNS_CNAME || rec.class != DNS_CLASS_IN ||
            !dns_name_eq(&rec.name, &out->name))
            continue;
        size_t at = rec.data_at;
        r = dns_name_read(m.msg, &at, &out->name);
        if (r < 0 || at != rec.data_at + rec.data.len)
            return -EBADMSG;
        out->ttl = min_of(out->ttl, rec.ttl);
        return 1;
    }
    return r;
}

/* RFC 2308 section 5: a negative answer lives for the smaller of the SOA's TTL and minimum. */
static void take_soa(const struct dns_record *rec, struct dns_answer *out)
{
    if (rec->section != DNS_AUTHORITY || rec->type != DNS_SOA || rec->data.len < 4)
        return;
    const uint8_t *p = rec->data.ptr + rec->data.len - 4;
    uint32_t minimum = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    out->ttl = min_of(out->ttl, min_of(rec->ttl, minimum));
}

static int collect(struct dns_message m, uint16_t type, struct dns_answer *out)
{
    uint32_t chain_ttl = out->ttl;
    struct dns_record rec;
    int r;

    while ((r = dns_next_record(&m, &rec)) > 0) {
        if (out->count == 0)
            take_soa(&rec, out);
        if (rec.section != DNS_ANSWER || rec.type != type || !dns_name_eq(&rec.name, &out->name))
            continue;
        if (out->count == DNS_ADDRS_MAX || !dns_record_addr(&rec, &out->addrs[out->count]))
            continue;
        chain_ttl = min_of(chain_ttl, rec.ttl);
        out->count++;
    }
    if (out->count)
        out->ttl = chain_ttl;
    return r;
}

int dns_read_answer(struct bytes msg, uint16_t id, const struct dns_question *q, struct dns_answer *out)
{
    struct dns_message m;
    int r = check_question(msg, id, q, &m), links = 0;

    if (r < 0)
        return r;
    *out = (struct dns_answer){.rcode = dns_rcode_of(m.flags), .ttl = UINT32_MAX, .name = q->name};
    out->truncated = m.flags & DNS_FLAG_TC;
    while ((r = follow_cname(m, out)) > 0) {
        if (++links > DNS_CNAMES_MAX)
            return -ELOOP;
    }
    if (r == 0)
        r = collect(m, q->type, out);
    /* A truncated message may end anywhere: TCP will tell the rest. */
    if (r < 0 && !out->truncated)
        return r;
    if (out->ttl == UINT32_MAX)
        out->ttl = 0;
    return 0;
}
