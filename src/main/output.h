/* Results of commands: to standard output, or to a file that is replaced whole or not at all. */
#ifndef WEIR_MAIN_OUTPUT_H
#define WEIR_MAIN_OUTPUT_H

#include "base/text.h"

/* `path` NULL: standard output. An exit code, after a message when it is not EXIT_OK. */
int output_write(const char *path, struct text t);

#endif
