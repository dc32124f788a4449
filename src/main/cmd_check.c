/* weir check: everything that is wrong with a configuration. */
#include <stdio.h>
#include <unistd.h>

#include "main/commands.h"

static struct check_flags {
    struct flag_list config;
    struct flag_list config_dir;
    const char *dir;
    bool allow_unsupported;
    bool json;
    bool no_colour;
} flags;

static const struct flag flag_table[] = {
    {"config", 'c', FLAG_LIST, &flags.config, "FILE", NULL, "configuration file, directory or '-'; may be repeated"},
    {"config-directory", 'C', FLAG_LIST, &flags.config_dir, "DIR", NULL, "all *.json of a directory, merged"},
    {"directory", 'D', FLAG_TEXT, &flags.dir, "DIR", NULL, "work there"},
    {"allow-unsupported", 0, FLAG_SWITCH, &flags.allow_unsupported, NULL, NULL,
     "what weir does not carry is a warning"},
    {"json", 0, FLAG_SWITCH, &flags.json, NULL, NULL, "the findings as a JSON array on standard output"},
    {"disable-color", 0, FLAG_SWITCH, &flags.no_colour, NULL, NULL, "no colours on a terminal"},
    {0},
};

static void print(const struct diag *d)
{
    STRBUF out;

    strbuf_init(&out, 16 << 20);
    if (flags.json)
        diag_print_json(d, &out);
    else
        diag_print(d, !flags.no_colour && isatty(STDERR_FILENO), &out);
    if (out.len)
        (void)fputs(out.ptr, flags.json ? stdout : stderr);
    if (flags.json)
        (void)fputc('\n', stdout);
}

static int run(const struct command *c, int argc, char **argv)
{
    struct config_files files = {0};
    struct model model;
    struct diag diag;
    int n = cli_parse(c, argc, argv, NULL, 0);

    if (n < 0)
        return cli_exit(n);
    if (flags.dir && chdir(flags.dir) < 0) {
        perror(flags.dir);
        return EXIT_FAILED;
    }
    config_flags_default(&flags.config, &flags.config_dir);
    int r = config_flags_read(&flags.config, flags.allow_unsupported, &files, &model, &diag);
    print(&diag);
    if (r == 0 && !flags.json)
        (void)fprintf(stderr, "%s: valid: %zu inbounds, %zu outbounds, %zu rules\n", flags.config.at[0],
                      model.inbounds.len, model.outbounds.len, model.rules.len ? model.rules.at[0].rules.len : 0);
    model_done(&model);
    diag_done(&diag);
    config_files_done(&files);
    return r;
}

const struct command command_check = {
    .name = "check",
    .summary = "Check a configuration: all errors, with their place.",
    .run = run,
    .flags = flag_table,
};
