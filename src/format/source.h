/* What the JSON and the YAML reader check before they look at the syntax. */
#ifndef WEIR_FORMAT_SOURCE_H
#define WEIR_FORMAT_SOURCE_H

#include "format/diag.h"
#include "format/node.h"

/*
 * Initializes `doc` with a copy of the text without its byte order mark, and refuses what is
 * too large, binary, UTF-16 or no UTF-8: -EINVAL with the reason in `diag`; -ENOMEM; 0.
 */
int source_open(struct document *doc, struct text name, struct text text, struct diag *diag) CHECKED;
/* The place of a byte; counts lines from the start. */
struct place source_place(const struct source *s, size_t offset);

#endif
