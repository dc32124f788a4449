#include "net/proxy.h"

#include <errno.h>

static int name_it(const struct outbound *o, int r, struct error *err)
{
    return r < 0 && r != -ECANCELED ? error_prepend(err, r, "outbound '%s' (%s)", o->tag, o->ops->type) : r;
}

int outbound_open(struct outbound *o, struct session *s, struct stream **out, struct error *err)
{
    session_add_chain(s, o->tag);
    return name_it(o, o->ops->open(o, s, out, err), err);
}

bool outbound_has_packet(const struct outbound *o)
{
    return o->ops->open_packet != NULL;
}

int outbound_open_packet(struct outbound *o, struct session *s, struct packet **out, struct error *err)
{
    session_add_chain(s, o->tag);
    if (!o->ops->open_packet)
        return name_it(o, error_set(err, -EOPNOTSUPP, "carries no UDP"), err);
    return name_it(o, o->ops->open_packet(o, s, out, err), err);
}

void router_carry(struct router *r, struct session *s, struct stream *client)
{
    struct stream *server = NULL;
    struct error err = {0};
    int result = router_open(r, s, &client, &server, &err);

    if (client && session_reply(s, result) < 0 && result == 0)
        result = error_set(&err, -EPIPE, "client left before the answer");
    if (result < 0) {
        router_end(r, s, result, &err);
        stream_close(server);
        stream_close(client);
        return;
    }
    /* Handshake deadlines end here; the relay has its own idle time. */
    stream_set_deadline(client, NEVER);
    r->ops->relay(r, s, client, server);
}
