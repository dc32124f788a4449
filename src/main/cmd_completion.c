/* weir completion: scripts for shells, made from the command tables. */
#include <stdio.h>
#include <string.h>

#include "main/commands.h"

static void words(const struct command *c)
{
    for (const struct flag *f = c->flags; f && f->name; f++)
        (void)printf("--%s ", f->name);
    (void)fputs("--help", stdout);
}

static void print_bash(void)
{
    (void)fputs("_weir()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" = 1 ]; then\n        COMPREPLY=($(compgen -W \"", stdout);
    for (size_t i = 0; commands[i]; i++) {
        if (!commands[i]->is_hidden)
            (void)printf("%s ", commands[i]->name);
    }
    (void)fputs("help\" -- \"$cur\"))\n        return\n    fi\n    case $prev in\n", stdout);
    for (size_t i = 0; commands[i]; i++) {
        for (const struct flag *f = commands[i]->flags; f && f->name; f++) {
            if (!f->choices)
                continue;
            (void)printf("    --%s) COMPREPLY=($(compgen -W \"", f->name);
            for (const char *p = f->choices; *p; p++)
                (void)fputc(*p == '|' ? ' ' : *p, stdout);
            (void)fputs("\" -- \"$cur\")); return ;;\n", stdout);
        }
    }
    (void)fputs("    esac\n    case ${COMP_WORDS[1]} in\n", stdout);
    for (size_t i = 0; commands[i]; i++) {
        (void)printf("    %s) [ \"${cur#-}\" != \"$cur\" ] && COMPREPLY=($(compgen -W \"", commands[i]->name);
        words(commands[i]);
        (void)fputs("\" -- \"$cur\")) || COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n", stdout);
    }
    (void)fputs("    esac\n}\ncomplete -o filenames -F _weir weir\n", stdout);
}

static void print_zsh(void)
{
    (void)fputs("#compdef weir\n_weir() {\n    if (( CURRENT == 2 )); then\n        local -a list\n        list=(\n", stdout);
    for (size_t i = 0; commands[i]; i++) {
        if (!commands[i]->is_hidden)
            (void)printf("            '%s:%s'\n", commands[i]->name, commands[i]->summary);
    }
    (void)fputs("        )\n        _describe command list\n        return\n    fi\n    case $words[2] in\n", stdout);
    for (size_t i = 0; commands[i]; i++) {
        (void)printf("    %s) _arguments", commands[i]->name);
        for (const struct flag *f = commands[i]->flags; f && f->name; f++)
            (void)printf(" '--%s%s'", f->name, f->kind == FLAG_SWITCH ? "" : "=:value:_files");
        (void)fputs(" '*:file:_files' ;;\n", stdout);
    }
    (void)fputs("    esac\n}\n_weir \"$@\"\n", stdout);
}

static void print_fish(void)
{
    for (size_t i = 0; commands[i]; i++) {
        const struct command *c = commands[i];
        if (c->is_hidden)
            continue;
        (void)printf("complete -c weir -n __fish_use_subcommand -a %s -d '%s'\n", c->name, c->summary);
        for (const struct flag *f = c->flags; f && f->name; f++)
            (void)printf("complete -c weir -n '__fish_seen_subcommand_from %s' -l %s%s\n", c->name, f->name,
                         f->kind == FLAG_SWITCH ? "" : " -r");
    }
}

static int run(const struct command *c, int argc, char **argv)
{
    const char *shell = "";
    int n = cli_parse(c, argc, argv, &shell, 1);

    if (n < 0)
        return cli_exit(n);
    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else if (strcmp(shell, "fish") == 0)
        print_fish();
    else {
        (void)fputs("weir completion: name a shell: bash, zsh or fish\n", stderr);
        return EXIT_USAGE;
    }
    return EXIT_OK;
}

const struct command command_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .summary = "Print a completion script for a shell.",
    .run = run,
};
