#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "format/diag.h"
#include "main/cli.h"
#include "main/version.h"

static void usage(FILE *to)
{
    (void)fputs("weir accepts a flow, decides where it goes, and carries it there.\n\n"
                "Usage: weir COMMAND [FLAGS]\n\nCommands:\n", to);
    for (size_t i = 0; commands[i]; i++) {
        if (!commands[i]->is_hidden)
            (void)fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    }
    (void)fputs("\n'weir COMMAND --help' tells more; the manual is weir(1).\n", to);
}

static int unknown(const char *name)
{
    struct nearest near = nearest_to(text_of(name));

    for (size_t i = 0; commands[i]; i++)
        nearest_offer(&near, text_of(commands[i]->name));
    (void)fprintf(stderr, "weir: unknown command '%s'", name);
    if (near.best.ptr)
        (void)fprintf(stderr, "; did you mean '%.*s'?", TEXT_ARG(near.best));
    (void)fputs("\nTry 'weir help'.\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        usage(stdout);
        return EXIT_OK;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-v") == 0)
        name = "version";
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i]->run(commands[i], argc - 2, argv + 2);
    }
    return unknown(name);
}
