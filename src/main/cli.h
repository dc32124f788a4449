/*
 * Commands and their flags as tables: parsing, --help and shell completion come from them.
 * Flags stand before or after operands; "--" ends them; "--flag=value" and "--flag value" are the same.
 */
#ifndef WEIR_MAIN_CLI_H
#define WEIR_MAIN_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* the work failed, the configuration is wrong */
    EXIT_USAGE = 2,  /* the command line is wrong */
    CLI_VALUES = 64, /* how often a list flag may be given */
};

enum flag_kind {
    FLAG_SWITCH,   /* bool * */
    FLAG_TEXT,     /* const char ** */
    FLAG_LIST,     /* struct flag_list * */
    FLAG_NUMBER,   /* int64_t *: unsigned */
    FLAG_DURATION, /* int64_t *: ms, written 500ms, 10s, 1m */
    FLAG_CHOICE,   /* const char **: one of `choices`, separated by | */
};

struct flag_list {
    const char *at[CLI_VALUES + 1]; /* ends in NULL */
    size_t len;
};

struct flag {
    const char *name;  /* without dashes; NULL ends the table */
    char letter;       /* 0: none */
    enum flag_kind kind;
    void *value;
    const char *metavar;
    const char *choices;
    const char *help;
};

struct command {
    const char *name;
    const char *operands; /* for the usage line: "HOST:PORT" */
    const char *summary;
    int (*run)(const struct command *c, int argc, char **argv);
    /* The flags, for completion. Values point into static storage that only the command itself reads. */
    const struct flag *flags;
    bool is_hidden;
};

extern const struct command *const commands[]; /* ends in NULL */

/*
 * Fills flags; moves operands to *operands (at most `max`). Returns their count, or -1 after a message to standard
 * error, or -2 after --help was answered.
 */
int cli_parse(const struct command *c, int argc, char **argv, const char **operands, int max);
void cli_help(const struct command *c, struct strbuf *out);
/* Exit code for a negative result of cli_parse(). */
int cli_exit(int result);

#endif
