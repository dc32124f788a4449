#include "proto/flows.h"

#include "layer/muxcool/muxcool.h"

void flow_packets(struct inbound *in, struct session *s, struct stream *lower, struct packet *client)
{
    stream_set_deadline(lower, NEVER);
    s->network = NETWORK_UDP;
    s->idle_ms = in->udp_idle_ms;
    router_carry_packets(in->router, s, client);
}

void flow_stream(struct inbound *in, struct session *s, struct stream *client)
{
    if (muxcool_is_magic(&s->dest))
        flow_muxcool(in, s, client);
    else
        router_carry(in->router, s, client);
}

/* ---- Mux.Cool ------------------------------------------------------------------------------- */

struct many {
    struct inbound *inbound;
    const struct session *session; /* of the connection that carries them */
};

static void serve_one(void *arg, struct muxcool_arrival *a)
{
    const struct many *m = arg;
    struct session *s = session_new(m->inbound, a->packet ? NETWORK_UDP : NETWORK_TCP, &m->session->source);

    if (!s) {
        stream_close(a->stream);
        packet_close(a->packet);
        return;
    }
    s->local = m->session->local;
    s->user = m->session->user;
    s->dest = a->dest;
    if (a->packet) {
        s->idle_ms = m->inbound->udp_idle_ms;
        router_carry_packets(m->inbound->router, s, a->packet);
    } else {
        router_carry(m->inbound->router, s, a->stream);
    }
    session_free(s);
}

void flow_muxcool(struct inbound *in, struct session *s, struct stream *client)
{
    struct many m = {.inbound = in, .session = s};
    char text[ADDR_TEXT];

    stream_set_deadline(client, NEVER);
    int r = muxcool_serve(client, serve_one, &m);
    if (r < 0)
        log_debug(in->log, "inbound '%s': %s: Mux.Cool: %s", in->tag, addr_print(&s->source, text), error_words(r));
}
