/*
 * DNS messages (RFC 1035 section 4; EDNS0 is RFC 6891).
 *
 *   id 2 | QR 1 opcode 4 AA TC RD | RA Z AD CD rcode 4 | counts of questions, answers,
 *   authority, additional, 2 each
 *   question: name | type 2 | class 2
 *   record:   name | type 2 | class 2 | ttl 4 | length 2 | data
 *
 * Names are held in their uncompressed wire form, so that any octet may stand in a label.
 */
#ifndef WEIR_FORMAT_DNS_MESSAGE_H
#define WEIR_FORMAT_DNS_MESSAGE_H

#include "base/wire.h"
#include "net/addr.h"

enum {
    DNS_HEADER = 12,
    DNS_NAME_MAX = 255,       /* octets of a name with its root */
    DNS_NAME_TEXT = 4 * 255,  /* of its text with a zero byte, when all is escaped */
    DNS_MESSAGE_MAX = 65535,
    DNS_ADDRS_MAX = 32,       /* that an answer keeps; more are left out */
    DNS_CNAMES_MAX = 16,      /* links of a chain */
    DNS_EDNS_SIZE = 1232,     /* what fits everywhere without fragments (DNS flag day 2020) */
};

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_OPT = 41,
    DNS_SVCB = 64,
    DNS_HTTPS = 65,
    DNS_ANY = 255,
};

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
};

enum {
    DNS_CLASS_IN = 1,
    DNS_FLAG_QR = 0x8000,
    DNS_FLAG_AA = 0x0400,
    DNS_FLAG_TC = 0x0200,
    DNS_FLAG_RD = 0x0100,
    DNS_FLAG_RA = 0x0080,
    DNS_FLAG_AD = 0x0020,
    DNS_FLAG_CD = 0x0010,
};

struct dns_name {
    uint8_t len; /* at least 1, the root */
    uint8_t wire[DNS_NAME_MAX];
};

/*
 * From "www.example.org" or "www.example.org."; "." or nothing is the root. "\." and "\123" stand for
 * octets in a label. 0 or -EINVAL (empty or too long label, too long name, bad escape).
 */
int dns_name_parse(struct text t, struct dns_name *out) CHECKED;
/* Without the last dot, "." for the root; returns `out`, which takes DNS_NAME_TEXT bytes. */
const char *dns_name_print(const struct dns_name *n, char *out);
bool dns_name_eq(const struct dns_name *a, const struct dns_name *b);
/*
 * Reads a name of `msg` at *at, following pointers, which must go back; *at moves behind it.
 * 0 or -EBADMSG.
 */
int dns_name_read(struct bytes msg, size_t *at, struct dns_name *out) CHECKED;
void dns_name_write(struct writer *w, const struct dns_name *n);

struct dns_question {
    struct dns_name name;
    uint16_t type;
    uint16_t class;
};

bool dns_question_eq(const struct dns_question *a, const struct dns_question *b);

enum dns_section {
    DNS_ANSWER,
    DNS_AUTHORITY,
    DNS_ADDITIONAL,
};

struct dns_record {
    enum dns_section section;
    struct dns_name name;
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    size_t ttl_at;  /* where in the message the TTL stands, for a cache that ages it */
    size_t data_at; /* where the data stands: dns_name_read reads names in it */
    struct bytes data;
};

/* A message being walked: header, then the questions, then records of all sections. */
struct dns_message {
    struct bytes msg;
    uint16_t id;
    uint16_t flags;
    uint16_t questions;
    uint16_t counts[3]; /* by enum dns_section */
    size_t at;
    uint16_t questions_left;
    uint8_t section;
    uint16_t records_left;
};

static inline enum dns_rcode dns_rcode_of(uint16_t flags)
{
    return (enum dns_rcode)(flags & 15);
}

/* Reads the header; -EBADMSG when the message is shorter. */
int dns_open(struct bytes msg, struct dns_message *out) CHECKED;
/* The next question: 1, 0 (no more), -EBADMSG. */
int dns_next_question(struct dns_message *m, struct dns_question *out) CHECKED;
/* The next record, after the questions (skipped when not read): 1, 0 (no more), -EBADMSG. */
int dns_next_record(struct dns_message *m, struct dns_record *out) CHECKED;

/* The address in an A or AAAA record; false for other records and wrong lengths. */
bool dns_record_addr(const struct dns_record *r, struct addr *out);

struct dns_query {
    uint16_t id;
    struct dns_question question;
    bool no_recursion;
    bool checking_disabled;
    bool dnssec_ok;
    uint16_t edns_size; /* 0: no OPT record */
    struct bytes edns_options;
};

/* Writes a query; the writer fails when there is no room. */
void dns_write_query(struct writer *w, const struct dns_query *q);

/*
 * Answers a query without an upstream: header with `flags` (QR is added, RD and the opcode are
 * copied) and rcode, and its first question. Records may follow: dns_write_addr.
 */
int dns_write_reply(struct writer *w, struct bytes query, uint16_t flags, enum dns_rcode rcode) CHECKED;
/*
 * Appends an A or AAAA record for the question's name to a reply that starts at w->start, and
 * counts it.
 */
void dns_write_addr(struct writer *w, const struct addr *a, uint32_t ttl);

struct dns_answer {
    enum dns_rcode rcode;
    bool truncated;
    uint32_t ttl;  /* of the shortest-lived record used; of a negative answer by RFC 2308 */
    size_t count;
    struct addr addrs[DNS_ADDRS_MAX];
    struct dns_name name; /* the end of the CNAME chain */
};

/*
 * Reads the answer to `id` and `q` (A or AAAA): follows CNAMEs and collects the addresses.
 * 0, -EBADMSG (malformed), -ENOMSG (an answer to something else: ignore it), -ELOOP (a chain
 * beyond DNS_CNAMES_MAX).
 */
int dns_read_answer(struct bytes msg, uint16_t id, const struct dns_question *q,
                    struct dns_answer *out) CHECKED;

#endif
