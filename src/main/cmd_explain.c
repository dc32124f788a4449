/* weir explain: why a flow would go where it goes. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "main/commands.h"
#include "main/generation.h"
#include "main/registry.h"
#include "policy/explain.h"
#include "runtime/workers.h"

static struct explain_flags {
    struct flag_list config;
    struct flag_list config_dir;
    const char *dir;
    const char *inbound;
    const char *user;
    const char *source;
    const char *network;
    const char *protocol;
    const char *sniffed;
    bool allow_unsupported;
    bool json;
} flags;

static const struct flag flag_table[] = {
    {"config", 'c', FLAG_LIST, &flags.config, "FILE", NULL, "configuration file, directory or '-'; may be repeated"},
    {"config-directory", 'C', FLAG_LIST, &flags.config_dir, "DIR", NULL, "all *.json of a directory, merged"},
    {"directory", 'D', FLAG_TEXT, &flags.dir, "DIR", NULL, "work there"},
    {"inbound", 0, FLAG_TEXT, &flags.inbound, "TAG", NULL, "as if it came in there"},
    {"user", 0, FLAG_TEXT, &flags.user, "NAME", NULL, "as if this user had"},
    {"source", 0, FLAG_TEXT, &flags.source, "ADDR", NULL, "as if from this address (default 127.0.0.1)"},
    {"network", 0, FLAG_CHOICE, &flags.network, NULL, "tcp|udp", "default tcp"},
    {"protocol", 0, FLAG_TEXT, &flags.protocol, "NAME", NULL, "what sniffing is to find: tls, http, quic ..."},
    {"sniffed", 0, FLAG_TEXT, &flags.sniffed, "NAME", NULL, "the name that sniffing is to find"},
    {"allow-unsupported", 0, FLAG_SWITCH, &flags.allow_unsupported, NULL, NULL, "drop what weir does not carry"},
    {"json", 0, FLAG_SWITCH, &flags.json, NULL, NULL, "one JSON object"},
    {0},
};

struct question {
    struct generation *generation;
    struct explain_request request;
    struct strbuf out;
};

static int ask(void *arg)
{
    struct question *q = arg;

    return explain(q->generation->router, &q->request, flags.json, &q->out);
}

static int fill(struct explain_request *r, const char *target, const struct model *m)
{
    if (dest_parse(text_of(target), &r->dest) < 0) {
        (void)fprintf(stderr, "weir explain: '%s' is not HOST:PORT\n", target);
        return -1;
    }
    if (flags.source && addr_parse(text_of(flags.source), 1, &r->source) < 0) {
        (void)fprintf(stderr, "weir explain: --source takes an address, not '%s'\n", flags.source);
        return -1;
    }
    r->network = flags.network && strcmp(flags.network, "udp") == 0 ? NETWORK_UDP : NETWORK_TCP;
    r->inbound = flags.inbound;
    r->user = flags.user;
    r->protocol = text_of(flags.protocol);
    r->sniffed = text_of(flags.sniffed);
    for (size_t i = 0; flags.inbound && i < m->inbounds.len; i++) {
        if (text_is(m->inbounds.at[i].tag, flags.inbound))
            r->inbound_type = m->inbounds.at[i].protocol->name;
    }
    if (flags.inbound && !r->inbound_type) {
        (void)fprintf(stderr, "weir explain: no inbound is called '%s'\n", flags.inbound);
        return -1;
    }
    return 0;
}

/* Consumes the model. */
static int answer(struct model *model, const char *target)
{
    struct question q = {0};
    struct error err = {0};
    int r = EXIT_FAILED;

    if (fill(&q.request, target, model) < 0) {
        model_done(model);
        return EXIT_USAGE;
    }
    const struct generation_setup setup = {.registry = registry};
    q.generation = generation_new(model, &setup, &err);
    if (!q.generation) {
        (void)fprintf(stderr, "error: %s\n", err.text);
        return EXIT_FAILED;
    }
    strbuf_init(&q.out, 16 << 20);
    struct workers *w = workers_new(1, NULL, &err);
    if (w && workers_call(w, 0, ask, &q) == 0 && !q.out.failed) {
        (void)fputs(q.out.ptr ? q.out.ptr : "", stdout);
        if (flags.json)
            (void)fputc('\n', stdout);
        r = EXIT_OK;
    } else {
        (void)fprintf(stderr, "error: %s\n", w ? "explain failed" : err.text);
    }
    workers_free(w);
    strbuf_done(&q.out);
    generation_unref(q.generation);
    return r;
}

static int run(const struct command *c, int argc, char **argv)
{
    struct config_files files = {0};
    struct model model;
    struct diag diag;
    STRBUF findings;
    const char *target = NULL;
    int n = cli_parse(c, argc, argv, &target, 1);

    if (n < 0)
        return cli_exit(n);
    if (n == 0) {
        (void)fputs("weir explain: HOST:PORT is missing\n", stderr);
        return EXIT_USAGE;
    }
    if (flags.dir && chdir(flags.dir) < 0) {
        perror(flags.dir);
        return EXIT_FAILED;
    }
    config_flags_default(&flags.config, &flags.config_dir);
    int r = config_flags_read(&flags.config, flags.allow_unsupported, &files, &model, &diag);
    strbuf_init(&findings, 16 << 20);
    if (r != 0) {
        diag_print(&diag, isatty(STDERR_FILENO), &findings);
        (void)fputs(findings.ptr ? findings.ptr : "", stderr);
        model_done(&model);
    } else {
        r = answer(&model, target);
    }
    diag_done(&diag);
    config_files_done(&files);
    return r;
}

const struct command command_explain = {
    .name = "explain",
    .operands = "HOST:PORT",
    .summary = "Tell where a flow would go, and why: every decision on its way.",
    .run = run,
    .flags = flag_table,
};
