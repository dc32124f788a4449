#include "proto/carrier.h"

#include <errno.h>

#include "proto/accept_tls.h"

enum {
    HANDSHAKE_MS = 15000, /* of TLS and the transport together */
};

int carrier_client_check(const struct carrier_client_options *o, const struct node *at, struct option_reader *r)
{
    return tls_client_check(&o->tls, at, r);
}

int carrier_server_check(const struct carrier_server_options *o, const struct node *at, struct option_reader *r)
{
    return tls_server_check(&o->tls, at, r);
}

/* ---- client ------------------------------------------------------------------------------- */

int carrier_init(struct carrier *c, const struct carrier_setup *setup, const struct outbound_setup *outbound,
                 struct error *err)
{
    *c = (struct carrier){.dialer = outbound->dialer};
    if (dest_set_host(&c->server, setup->server, setup->port) < 0)
        return error_set(err, -EINVAL, "'%.*s' is no address of a server", TEXT_ARG(setup->server));
    if (tls_client_is_on(&setup->options->tls)) {
        c->tls = tls_client_new(&setup->options->tls, outbound->log, outbound->tag, err);
        if (!c->tls)
            return -EINVAL;
    }
    return 0;
}

void carrier_done(struct carrier *c)
{
    tls_client_free(c->tls);
    c->tls = NULL;
}

void carrier_leave(struct carrier *c)
{
    (void)c;
}

static int secure(struct carrier *c, struct stream **stream, struct error *err)
{
    char name[DEST_TEXT];

    if (!c->tls)
        return 0;
    stream_set_deadline(*stream, loop_now() + HANDSHAKE_MS);
    int r = tls_client_open(c->tls, take(*stream), text_of(dest_print_host(&c->server, name)), stream, err);
    if (r == 0)
        stream_set_deadline(*stream, NEVER);
    return r;
}

int carrier_open(struct carrier *c, struct session *s, struct stream **out, struct error *err)
{
    struct stream *stream;
    int r = dialer_connect(c->dialer, s, &c->server, &stream, err);

    if (r == 0)
        r = secure(c, &stream, err);
    if (r == 0)
        *out = stream;
    return r;
}

/* ---- server ------------------------------------------------------------------------------- */

int carrier_server_init(struct carrier_server *c, const struct carrier_server_options *o,
                        const struct inbound_setup *setup, struct error *err)
{
    *c = (struct carrier_server){0};
    if (tls_server_is_on(&o->tls)) {
        c->tls = tls_server_new(&o->tls, setup->log, setup->tag, err);
        if (!c->tls)
            return -EINVAL;
    }
    return 0;
}

void carrier_server_done(struct carrier_server *c)
{
    tls_server_free(c->tls);
    c->tls = NULL;
}

void carrier_serve(struct carrier_server *c, struct inbound *in, struct stream *client, struct session *s,
                   carrier_serve_fn *serve)
{
    if (accept_tls(in, c->tls, s, &client) == 0)
        serve(in, client, s);
}

struct text carrier_alpn(struct stream *client)
{
    return tls_alpn(client);
}

struct text carrier_sni(const struct session *s)
{
    return s->tls ? text_of(s->tls->sni) : (struct text){0};
}
