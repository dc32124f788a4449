#include "proto/socks/server.h"

#include <errno.h>

#include "proto/accept_tls.h"

static int reply(struct session *s, int result, const struct addr *bound)
{
    return socks_answer(s->reply_arg, result, bound);
}

static void log_refusal(const struct inbound *in, const struct session *s, int why)
{
    char source[ADDR_TEXT];

    if (log_wants(in->log, LOG_DEBUG))
        log_debug(in->log, "inbound '%s' (socks): %s: handshake: %s", in->tag, addr_print(&s->source, source),
                  error_words(why));
}

static void serve(struct inbound *in, struct stream *client, struct session *s)
{
    struct socks_server *server = container_of(in, struct socks_server, inbound);

    if (accept_tls(in, server->tls, s, &client) < 0)
        return;
    struct socks_answer answer = {.client = client};
    int r = socks_handshake(server, &answer, s);

    if (r < 0) {
        log_refusal(in, s, r);
        stream_close(answer.client);
        return;
    }
    stream_set_deadline(answer.client, NEVER);
    if (r == SOCKS_UDP_ASSOCIATE) {
        socks_associate(server, &answer, s);
        return;
    }
    s->reply = reply;
    s->reply_arg = &answer;
    router_carry(in->router, s, answer.client);
}

static bool claims(uint8_t first)
{
    return first == 4 || first == 5;
}

static void free_server(struct inbound *in)
{
    struct socks_server *server = container_of(in, struct socks_server, inbound);

    users_done(&server->users);
    tls_server_free(server->tls);
    mem_free(server);
}

static const struct inbound_ops ops = {
    .type = "socks",
    .serve = serve,
    .claims = claims,
    .free = free_server,
};

int socks_inbound_new(const struct inbound_setup *setup, struct inbound **out, struct error *err)
{
    const struct users_options *o = setup->options;
    OWNED struct socks_server *server = mem_new(struct socks_server);

    if (!server || users_init(&server->users, o->users.at, o->users.len) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    if (tls_server_is_on(&o->tls)) {
        server->tls = tls_server_new(&o->tls, setup->log, setup->tag, err);
        if (!server->tls) {
            users_done(&server->users);
            return -EINVAL;
        }
    }
    server->inbound = (struct inbound){
        .ops = &ops,
        .tag = setup->tag,
        .router = setup->router,
        .log = setup->log,
        .udp_idle_ms = setup->udp_idle_ms,
    };
    server->udp = o->udp;
    *out = &take(server)->inbound;
    return 0;
}
