/*
 * Sniffing: what does the client say first, and to whom? Fills session->protocol and
 * session->sniffed and gives back the bytes that were read; holds no buffer afterwards, and none
 * while it waits for a client that says nothing.
 */
#ifndef WEIR_POLICY_SNIFF_H
#define WEIR_POLICY_SNIFF_H

#include "base/error.h"
#include "format/detect.h"
#include "format/option.h"
#include "net/session.h"

enum {
    SNIFF_TIMEOUT_MS = 300,
    SNIFF_STREAM_MAX = 16 * 1024, /* octets read at most; a ClientHello has TLS_HELLO_MAX */
    SNIFF_BATCHES = 3,            /* receives looked at while QUIC says that more is needed */
};

#define SNIFF_ALL UINT32_MAX

/* Names to a set; the empty list is SNIFF_ALL. -EINVAL names the unknown one. */
int sniff_set(const struct text_list *names, uint32_t *out, struct error *err) CHECKED;

/*
 * Reads until a detector of the set says yes, all say no, the client stops, `timeout_ms` passes
 * (0: the default) or the bound is reached; then *client gives the bytes again. Sends the inbound's answer
 * first, as the client would not speak before. Ports where the server speaks first are left alone. May park.
 * 0 also when nothing was found; negative when the client is lost (*client is still to be closed, or NULL).
 */
int sniff_stream(struct session *s, struct stream **client, uint32_t set, int64_t timeout_ms) CHECKED;

/*
 * Looks at a batch of the client's datagrams, without changing it. *quic starts as NULL and is
 * for the next call; free it with mem_free(). DETECT_MORE: a further batch would help.
 */
enum detect_answer sniff_batch(struct session *s, uint32_t set, struct quic_initial **quic, const struct batch *b);

#endif
