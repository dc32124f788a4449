/* weir convert: a configuration in the other dialect's words, with a report of what could not be carried over. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/write.h"
#include "main/commands.h"
#include "main/output.h"

enum { OUTPUT_MAX = 256 << 20 };

static struct convert_flags {
    struct flag_list config;
    struct flag_list config_dir;
    const char *to;
    const char *output;
    bool allow_unsupported;
} flags;

static const struct flag flag_table[] = {
    {"to", 't', FLAG_CHOICE, &flags.to, NULL, "singbox|mihomo", "the dialect to write"},
    {"config", 'c', FLAG_LIST, &flags.config, "FILE", NULL, "configuration file, directory or '-'; may be repeated"},
    {"config-directory", 'C', FLAG_LIST, &flags.config_dir, "DIR", NULL, "all *.json of a directory, merged"},
    {"output", 'o', FLAG_TEXT, &flags.output, "FILE", NULL, "write there instead of standard output"},
    {"allow-unsupported", 0, FLAG_SWITCH, &flags.allow_unsupported, NULL, NULL,
     "leave out what weir does not carry, with a warning"},
    {0},
};

static void report(const struct diag *d)
{
    STRBUF out;

    strbuf_init(&out, OUTPUT_MAX);
    diag_print(d, isatty(STDERR_FILENO), &out);
    (void)fputs(out.ptr ? out.ptr : "", stderr);
}

static int convert(const struct model *model, struct diag *diag)
{
    STRBUF out;

    strbuf_init(&out, OUTPUT_MAX);
    int r = config_write(model, strcmp(flags.to, "singbox") == 0 ? DIALECT_SINGBOX : DIALECT_MIHOMO, &out, diag);
    if (r < 0 || out.failed) {
        (void)fputs("error: out of memory\n", stderr);
        return EXIT_FAILED;
    }
    return output_write(flags.output, strbuf_text(&out));
}

static int run(const struct command *c, int argc, char **argv)
{
    struct config_files files = {0};
    struct model model;
    struct diag diag;
    int n = cli_parse(c, argc, argv, NULL, 0);

    if (n < 0)
        return cli_exit(n);
    if (!flags.to) {
        (void)fputs("weir convert: --to singbox or --to mihomo is missing\n", stderr);
        return EXIT_USAGE;
    }
    config_flags_default(&flags.config, &flags.config_dir);
    int r = config_flags_read(&flags.config, flags.allow_unsupported, &files, &model, &diag);
    if (r == 0)
        r = convert(&model, &diag);
    report(&diag);
    model_done(&model);
    diag_done(&diag);
    config_files_done(&files);
    return r;
}

const struct command command_convert = {
    .name = "convert",
    .summary = "Write a configuration in the other dialect; what it cannot say is listed.",
    .run = run,
    .flags = flag_table,
};
