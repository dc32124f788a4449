#include "proto/carrier.h"

int carrier_init(struct carrier *c, const struct carrier_client_options *o, struct dialer *dialer,
                 const struct dest *server, struct error *err)
{
    (void)o;
    (void)err;
    *c = (struct carrier){.dialer = dialer, .server = *server};
    return 0;
}

void carrier_done(struct carrier *c)
{
    (void)c;
}

int carrier_open(struct carrier *c, struct session *s, struct stream **out, struct error *err)
{
    return dialer_connect(c->dialer, s, &c->server, out, err);
}

int carrier_server_init(struct carrier_server *c, const struct carrier_server_options *o, const struct log *log,
                        struct error *err)
{
    (void)o;
    (void)err;
    *c = (struct carrier_server){.log = log};
    return 0;
}

void carrier_server_done(struct carrier_server *c)
{
    (void)c;
}

void carrier_serve(struct carrier_server *c, struct inbound *in, struct stream *client, struct session *s,
                   carrier_serve_fn *serve)
{
    (void)c;
    serve(in, client, s);
}

struct text carrier_alpn(struct stream *client)
{
    (void)client;
    return (struct text){0};
}

struct text carrier_sni(const struct session *s)
{
    (void)s;
    return (struct text){0};
}
