/*
 * Clients that turn out not to be one of the protocol's: a browser, a scanner, a probe. They are handed
 * to a web server, with every octet that they sent, or they meet silence.
 */
#ifndef WEIR_PROTO_STRANGER_H
#define WEIR_PROTO_STRANGER_H

#include "format/option.h"
#include "net/intake.h"
#include "net/proxy.h"

/* A web server for strangers. Empty texts and a zeroed one fit all. Xray's words. */
struct fallback_option {
    struct text name;  /* SNI */
    struct text alpn;
    struct text path;  /* of the HTTP request; begins with '/' */
    struct dest dest;  /* port 0: not given */
    uint32_t xver;     /* version of the PROXY protocol header; 0: none */
};
OPTION_TABLE_SHARED(struct fallback_option, fallback_option_table);
/* sing-box's {server, server_port}, filling `dest`. */
OPTION_TABLE_SHARED(struct fallback_option, fallback_server_table);
struct fallbacks {
    struct fallback_option *at; /* copies; texts on the heap */
    size_t len;
};
int fallbacks_add(struct fallbacks *f, const struct fallback_option *o) CHECKED;
void fallbacks_done(struct fallbacks *f);

/* What is known of a stranger. */
struct stranger {
    struct text sni;
    struct text alpn;
    struct bytes sent; /* read from the stream so far */
};

/*
 * The fallback for a stranger: SNI and ALPN are looked for first, then the path; of several that fit, the
 * one that names more. NULL: none.
 */
const struct fallback_option *fallbacks_find(const struct fallbacks *f, const struct stranger *who);

/*
 * Carries a stranger to the fallback, through the router as any flow, or keeps silent when there is none.
 * Consumes the stream below `read`, with what was read from it. May park.
 */
void stranger_serve(const struct fallbacks *f, struct inbound *in, struct session *s, struct intake *read);
/*
 * Reads and throws away until the client ends or the handshake's deadline passes, then closes: the same whatever was
 * sent, as a host that waits for more does. Consumes the stream. May park.
 */
void stranger_silence(struct stream *client);

#endif
