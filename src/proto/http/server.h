/* What the parts of the HTTP proxy server share. */
#ifndef WEIR_PROTO_HTTP_SERVER_H
#define WEIR_PROTO_HTTP_SERVER_H

#include "format/http1_chunked.h"
#include "proto/http/http.h"
#include "proto/http/rewrite.h"

struct http_server {
    struct inbound inbound;
    struct users users;
    struct tls_server *tls; /* NULL: none */
};

/* A head and what follows it, as read from one side. The buffer is borrowed while there is something in it. */
struct http_message {
    struct stream *from;
    uint8_t *bytes;
    size_t len;
    struct http1_head head;
    struct http1_framing framing;
    struct http1_chunked chunked;
    uint64_t left; /* of a body with a length */
};

/* A connection to an origin, kept for the next request to the same authority. One session. */
struct http_upstream {
    struct stream *stream;
    struct session *session;
    bool was_used; /* by an earlier request */
};

/* One client connection; lives in the frame that serves. Everything else it has is on the heap while it is needed. */
struct http_visit {
    struct http_server *server;
    struct stream *client;
    struct session *session;      /* of the connection: for CONNECT; requests have their own */
    struct http_message *request; /* NULL while nothing of the next request has come */
    struct http_upstream *upstream; /* NULL: none */
};

enum http_next {
    HTTP_NEXT,     /* another request may follow */
    HTTP_CLOSE,    /* the client is to be closed, in order */
    HTTP_ABORT,    /* ... so that it sees that something is missing */
    HTTP_TUNNEL,   /* CONNECT: session->dest is set */
    HTTP_SWITCHED, /* 101: relay client and upstream */
};

/* Octets into the message's buffer. > 0, 0 at the end, -EAGAIN, -EMSGSIZE (full), or a failure. May park for a buffer. */
ssize_t http_message_fill(struct http_message *m);
/* Forgets the first n octets. */
void http_message_consume(struct http_message *m, size_t n);
/* Gives the buffer back. */
void http_message_done(struct http_message *m);
/* Accepts NULL. */
void http_message_free(struct http_message *m);
/* How many of the octets in the buffer belong to the body; counts them as gone. -EBADMSG: chunking is broken. */
ssize_t http_message_take_body(struct http_message *m);
bool http_message_has_ended(const struct http_message *m);
/* Once `framing` is known. */
void http_message_begin_body(struct http_message *m);

/* Answers with a page. HTTP_NEXT when the connection stays, else HTTP_CLOSE. May park. */
enum http_next http_answer(struct http_visit *v, unsigned status, const char *words, bool keep_alive);

/* Carries v->request, whose head is complete and allowed, to its origin and the answer back. May park. */
enum http_next http_forward(struct http_visit *v);
/* Accepts NULL. */
void http_upstream_close(struct http_visit *v, struct http_upstream *u, int result);

#endif
