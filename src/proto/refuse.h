/* Values that a dialect knows and weir does not carry: refused by name. */
#ifndef WEIR_PROTO_REFUSE_H
#define WEIR_PROTO_REFUSE_H

#include "format/option.h"

/* "`what` 'value' is not supported by weir: why". -EINVAL, or 0 after a warning where that was allowed. */
int refuse_value(const struct node *n, struct option_reader *r, const char *what, const char *why);
/* An error at the value of `key` in `map`, or at the map when it is not there. -EINVAL. */
int refuse_at(const struct node *map, const char *key, struct option_reader *r, const char *text);

#endif
