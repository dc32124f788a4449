#include "policy/session_line.h"

#include <errno.h>

#include "net/proxy.h"

static const char *reason(int result)
{
    if (result == 0)
        return "done";
    if (result == -ETIMEDOUT)
        return "idle for too long";
    if (result == -ECANCELED)
        return "stopped";
    return error_words(result);
}

/* The names in it come from peers: a quote or a control character in them is the log's to escape. */
void session_line_print(const struct session *s, int result, const struct error *err, struct strbuf *out)
{
    char to[DEST_TEXT], from[ADDR_TEXT], took[32];

    strbuf_addf(out, "#%llu %s", (unsigned long long)s->id, s->network == NETWORK_TCP ? "tcp" : "udp");
    if (s->inbound)
        strbuf_addf(out, " %s", s->inbound->tag);
    if (s->user)
        strbuf_addf(out, " user %s", s->user);
    strbuf_addf(out, " %s -> %s", addr_print(&s->source, from), dest_print(&s->dest, to));
    if (s->protocol[0])
        strbuf_addf(out, " (%s%s%.*s)", s->protocol, s->sniffed.name_len ? " " : "", (int)s->sniffed.name_len,
                    s->sniffed.name);
    if (s->tls && s->tls->ja4[0])
        strbuf_addf(out, ", tls %s%s%s", s->tls->ja4, s->tls->report[0] ? ", BadTLS: " : "", s->tls->report);
    if (s->rule)
        strbuf_addf(out, ", rule '%s'", s->rule);
    for (unsigned i = 0; i < s->chain_len; i++)
        strbuf_addf(out, i ? " > %s" : ", chain %s", s->chain[i]);
    clock_print_ns(clock_ns() - s->started, took);
    strbuf_addf(out, ", up %llu down %llu, %s: %s", (unsigned long long)s->up, (unsigned long long)s->down, took,
                result < 0 && err && err->text[0] ? err->text : reason(result));
}

void session_line_write(const struct log *log, const struct session *s, int result, const struct error *err)
{
    bool is_failure = result < 0 && result != -ECANCELED && result != -EACCES && err && err->text[0];
    enum log_level level = is_failure ? LOG_WARN : LOG_INFO;
    STRBUF line;

    strbuf_init(&line, 2048);
    if (!log_wants(log, level))
        return;
    session_line_print(s, result, err, &line);
    log_write(log, level, "%.*s", TEXT_ARG(strbuf_text(&line)));
}
