#include "net/session.h"

#include "base/mem.h"
#include "net/proxy.h"

struct session *session_new(const struct inbound *in, enum network network, const struct addr *source)
{
    struct session *s = mem_new(struct session);

    if (!s)
        return NULL;
    s->inbound = in;
    s->network = network;
    s->source = *source;
    s->started = clock_ns();
    return s;
}

void session_free(struct session *s)
{
    if (s)
        mem_free(s->tls);
    mem_free(s);
}

int session_reply(struct session *s, int result)
{
    if (!s->reply || s->has_replied)
        return 0;
    s->has_replied = true;
    return s->reply(s, result, &s->bound);
}

void session_add_chain(struct session *s, const char *tag)
{
    if (s->chain_len < SESSION_CHAIN)
        s->chain[s->chain_len++] = tag;
}
