/*
 * The plaintext heads of Shadowsocks 2022 (SIP022), before sealing and after opening. No I/O, no clock,
 * no allocation: the time is a parameter.
 */
#ifndef WEIR_PROTO_SHADOWSOCKS_WIRE_H
#define WEIR_PROTO_SHADOWSOCKS_WIRE_H

#include "format/socksaddr.h"
#include "proto/shadowsocks/method.h"

enum {
    SS_TYPE_CLIENT = 0,
    SS_TYPE_SERVER = 1,
    SS_TIME_WINDOW = 30,   /* seconds that a clock may be off */
    SS_PADDING_MAX = 900,
    SS_SESSION_ID = 8,
    SS_REQUEST_FIXED = 1 + 8 + 2,
    SS_RESPONSE_FIXED_MAX = 1 + 8 + SS_SALT_MAX + 2,
    SS_SEPARATE = 16,      /* session id and packet id of a datagram */
};

/* Request, first part: 0, or -EPROTO (type), -ETIME (clock). `length` is that of the second part. */
int ss_request_fixed_read(struct reader *r, int64_t now, uint16_t *length) CHECKED;
void ss_request_fixed_write(struct writer *w, int64_t now, size_t length);

/* Request, second part: the destination; `r` is left at the first payload. 0 or -EPROTO. */
int ss_request_read(struct reader *r, struct dest *out) CHECKED;
/* Up to the payload. The padding is zeros. */
void ss_request_write(struct writer *w, const struct dest *d, size_t padding);

/* Response: 0, -EPROTO (type, or not the answer to `salt`), -ETIME. */
int ss_response_read(struct reader *r, int64_t now, struct bytes salt, uint16_t *length) CHECKED;
void ss_response_write(struct writer *w, int64_t now, struct bytes salt, size_t length);
static inline size_t ss_response_size(const struct ss_method *m)
{
    return 1 + 8 + m->key_size + 2;
}

/* Datagram, behind session and packet id: `client` is the client's session id in answers, NULL in requests. */
int ss_datagram_read(struct reader *r, int64_t now, const uint8_t *client, struct dest *out) CHECKED;
void ss_datagram_write(struct writer *w, int64_t now, const uint8_t *client, const struct dest *d);
size_t ss_datagram_head_size(const uint8_t *client, const struct dest *d);

#endif
