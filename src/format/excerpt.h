/* The source line of a diagnostic: cut to size, secrets masked, safe for a terminal. */
#ifndef WEIR_FORMAT_EXCERPT_H
#define WEIR_FORMAT_EXCERPT_H

#include "format/diag.h"

/* Sets excerpt, caret and width of `e`; false when memory ran out. `secret`: so is the value at `at`. */
bool excerpt_make(struct diag_entry *e, struct place at, bool secret, struct arena *arena) CHECKED;
/* Whether a terminal gives the character two columns. */
bool excerpt_is_wide(uint32_t c);

#endif
