#include "proto/accept_tls.h"

static void log_refusal(const struct inbound *in, const struct session *s, const struct error *err)
{
    char source[ADDR_TEXT];
    const char *report = s->tls ? s->tls->report : "";

    log_debug(in->log, "inbound '%s' (%s): %s: %s%s%s", in->tag, in->ops->type, addr_print(&s->source, source), err->text,
              report[0] ? "; BadTLS: " : "", report);
}

NOINLINE int accept_tls(const struct inbound *in, struct tls_server *tls, struct session *s, struct stream **client)
{
    struct error err = {0};

    if (!tls)
        return 0;
    int r = tls_server_accept(tls, take(*client), s, client, &err);
    if (r < 0)
        log_refusal(in, s, &err);
    return r;
}
