/* weir format: files in their usual form. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/write.h"
#include "main/commands.h"
#include "main/output.h"

enum { OUTPUT_MAX = 256 << 20 };

static struct format_flags {
    struct flag_list config;
    struct flag_list config_dir;
    bool write;
} flags;

static const struct flag flag_table[] = {
    {"config", 'c', FLAG_LIST, &flags.config, "FILE", NULL, "configuration file, directory or '-'; may be repeated"},
    {"config-directory", 'C', FLAG_LIST, &flags.config_dir, "DIR", NULL, "all *.json of a directory"},
    {"write", 'w', FLAG_SWITCH, &flags.write, NULL, NULL, "write back to the files instead of standard output"},
    {0},
};

static int format_one(const struct config_source *s)
{
    struct diag diag;
    STRBUF out, findings;
    bool is_stdin = text_is(s->name, "-") || text_is(s->name, "stdin");

    diag_init(&diag);
    strbuf_init(&out, OUTPUT_MAX);
    strbuf_init(&findings, OUTPUT_MAX);
    int r = config_format(s, &out, &diag);
    diag_print(&diag, isatty(STDERR_FILENO), &findings);
    (void)fputs(findings.ptr ? findings.ptr : "", stderr);
    diag_done(&diag);
    if (r == -ENOTSUP)
        (void)fprintf(stderr, "%.*s: YAML is not formatted: its comments would be lost\n", TEXT_ARG(s->name));
    if (r < 0)
        return EXIT_FAILED;
    if (flags.write && is_stdin) {
        (void)fputs("weir format: standard input cannot be written back\n", stderr);
        return EXIT_USAGE;
    }
    if (flags.write && text_eq(strbuf_text(&out), s->text))
        return EXIT_OK;
    return output_write(flags.write ? s->name.ptr : NULL, strbuf_text(&out));
}

static int run(const struct command *c, int argc, char **argv)
{
    struct config_files files = {0};
    struct error err = {0};
    int n = cli_parse(c, argc, argv, NULL, 0), r = EXIT_OK;

    if (n < 0)
        return cli_exit(n);
    config_flags_default(&flags.config, &flags.config_dir);
    if (config_load(flags.config.at, flags.config.len, &files, &err) < 0) {
        (void)fprintf(stderr, "error: %s\n", err.text);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < files.sources.len && r == EXIT_OK; i++)
        r = format_one(&files.sources.at[i]);
    config_files_done(&files);
    return r;
}

const struct command command_format = {
    .name = "format",
    .summary = "Print a configuration in its usual form, or rewrite the file with -w.",
    .run = run,
    .flags = flag_table,
};
