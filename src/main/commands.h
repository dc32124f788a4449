/* The commands, one file each, listed in commands.c; and what several of them share. */
#ifndef WEIR_MAIN_COMMANDS_H
#define WEIR_MAIN_COMMANDS_H

#include "config/read.h"
#include "main/cli.h"

extern const struct command command_check;
extern const struct command command_completion;
extern const struct command command_convert;
extern const struct command command_explain;
extern const struct command command_format;
extern const struct command command_generate;
extern const struct command command_reference;
extern const struct command command_run;
extern const struct command command_version;

/* Without -c: config.json, then config.yaml in the working directory, then in /etc/weir. -C is added to -c. */
void config_flags_default(struct flag_list *files, const struct flag_list *directories);
/*
 * Loads and reads; prints what could not be loaded to standard error. 0 or EXIT_FAILED. `diag` and `model` are
 * set up in both cases; the caller ends them.
 */
int config_flags_read(const struct flag_list *files, bool allow_unsupported, struct config_files *loaded,
                      struct model *model, struct diag *diag);

#endif
