/*
 * What is bad about a TLS handshake, seen from outside ("BadTLS"): old versions, weak cipher suites, signs of a
 * downgrade, broken messages. Pure functions over what was read.
 */
#ifndef WEIR_FORMAT_TLS_REPORT_H
#define WEIR_FORMAT_TLS_REPORT_H

#include "format/tls_hello.h"

enum tls_issue {
    TLS_ISSUE_DEPRECATED = 1 << 0, /* below TLS 1.2 */
    TLS_ISSUE_MISMATCH = 1 << 1,   /* record, message and extension name versions that do not go together */
    TLS_ISSUE_DOWNGRADE = 1 << 2,  /* somebody on the way may have made it older than both sides can */
    TLS_ISSUE_MALFORMED = 1 << 3,
    TLS_ISSUE_BARE = 1 << 4,       /* no extensions */
    TLS_ISSUE_WEAK = 1 << 5,       /* a suite without encryption or authentication, of export grade, DES, RC4, IDEA */
};

enum { TLS_REPORT_TEXT = 256 };

struct tls_report {
    unsigned issues;    /* enum tls_issue */
    uint16_t offered;   /* the highest version of the ClientHello; 0: unknown */
    uint16_t chosen;    /* of the ServerHello; 0: unknown */
    uint16_t weak;      /* the first such suite */
    unsigned weak_count;
};

/* `record_version` as in the record's header; 0x0301 is what RFC 8446 asks for and no issue. */
void tls_report_hello(const struct tls_hello *h, uint16_t record_version, struct tls_report *out);
/* A ClientHello that cannot be read. */
void tls_report_malformed(struct tls_report *out);
/*
 * Adds what a ServerHello (handshake octets with their header, without records) tells in answer to the hello that `out` is
 * about. Returns the version chosen, or -EBADMSG.
 */
int tls_report_answer(struct bytes message, struct tls_report *out);

bool tls_report_is_critical(const struct tls_report *r);
/* "offers only TLS 1.0; weak cipher suite 0x0005 and 2 more": empty when there is nothing. Returns the length. */
size_t tls_report_print(const struct tls_report *r, char out[TLS_REPORT_TEXT]);
/* "TLS 1.3", "SSL 3.0", or "an unknown version". */
const char *tls_version_name(uint16_t version);

#endif
