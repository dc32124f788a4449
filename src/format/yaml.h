/*
 * YAML through libfyaml's events into our tree: one document, anchors and aliases, merge keys
 * (<<, one or a list; what is written in the map itself wins). Plain scalars are typed as Go's
 * yaml.v3 does, see node_set_plain().
 */
#ifndef WEIR_FORMAT_YAML_H
#define WEIR_FORMAT_YAML_H

#include "base/strbuf.h"
#include "format/diag.h"
#include "format/node.h"

/* As json_read(). A file with nothing in it is a null. */
int yaml_read(struct document *doc, struct text name, struct text text, struct diag *diag) CHECKED;

/* Writes in block style; a string is quoted where it would otherwise be read as another kind. */
void yaml_write(const struct node *n, struct strbuf *out);

#endif
