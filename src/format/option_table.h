/* What the parts of option.c share. */
#ifndef WEIR_FORMAT_OPTION_TABLE_H
#define WEIR_FORMAT_OPTION_TABLE_H

#include "format/option.h"

static inline const char *option_key(const struct option *o, enum dialect dialect)
{
    return dialect == DIALECT_SINGBOX ? o->singbox : o->mihomo;
}

/* Whether the object's keys stand in the map itself. */
static inline bool option_is_inline(const struct option *o, enum dialect dialect)
{
    const char *key = option_key(o, dialect);
    return o->type == OPTION_TYPE_OBJECT && key && !key[0];
}

static inline void *option_field(const struct option *o, void *object)
{
    return (char *)object + o->offset;
}

/* "a duration like 5s": what the option's value has to be. */
const char *option_type_words(const struct option *o);

/* Reads a value that is not null; see option_value.c. */
int option_read_value(const struct option *o, const struct node *n, void *field,
                      struct option_reader *r) CHECKED;

/* An integer field of any width, as the table says. */
int64_t option_load(const struct option *o, const void *field);
void option_store(const struct option *o, void *field, int64_t value);

#endif
