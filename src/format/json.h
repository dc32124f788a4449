/*
 * JSON as people write it in configurations: with // and # and block comments, and with commas
 * before a closing bracket. Otherwise RFC 8259, and each mistake is named with its place.
 */
#ifndef WEIR_FORMAT_JSON_H
#define WEIR_FORMAT_JSON_H

#include "base/strbuf.h"
#include "format/diag.h"
#include "format/node.h"

/*
 * Reads a whole file into `doc`, which is initialized here; document_done() it in any case.
 * 0; -EINVAL with the reasons in `diag`; -ENOMEM. Reading stops at the first mistake of syntax;
 * keys that stand twice are all reported.
 */
int json_read(struct document *doc, struct text name, struct text text, struct diag *diag) CHECKED;

/* Writes with two spaces for each level and a newline at the end, comments included. */
void json_write(const struct document *doc, struct strbuf *out);
/* The same for a tree that was made. */
void json_write_node(const struct node *n, struct strbuf *out);

#endif
