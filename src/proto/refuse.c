#include "proto/refuse.h"

#include <errno.h>

int refuse_value(const struct node *n, struct option_reader *r, const char *what, const char *why)
{
    struct text name = node_text(n);

    r->met_unsupported = true;
    if (r->allow_unsupported) {
        diag_warn(r->diag, n->at, r->path, "%s '%.*s' is not supported by weir: %s", what, TEXT_ARG(name), why);
        return 0;
    }
    diag_error(r->diag, n->at, r->path, "%s '%.*s' is not supported by weir: %s", what, TEXT_ARG(name), why);
    diag_hint(r->diag, "--allow-unsupported leaves it out");
    return -EINVAL;
}

int refuse_at(const struct node *map, const char *key, struct option_reader *r, const char *text)
{
    const struct node *n = node_get(map, key);

    diag_error(r->diag, n ? n->at : map->at, r->path, "%s", text);
    return -EINVAL;
}
