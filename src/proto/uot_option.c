#include "proto/uot_option.h"

#include <errno.h>

int uot_option_read(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct uot_option *out = field;
    int64_t version = 0;
    int error;

    (void)o;
    if (n->kind != NODE_MAP) {
        out->version = 2;
        return option_bool(n, &out->enabled, r);
    }
    const struct node *on = node_get(n, "enabled"), *which = node_get(n, "version");
    node_each(item, n) {
        if (text_is(item->key, "enabled") || text_is(item->key, "version"))
            continue;
        diag_error(r->diag, item->key_at, r->path, "unknown key '%.*s'", TEXT_ARG(item->key));
        return -EINVAL;
    }
    error = on ? option_bool(on, &out->enabled, r) : 0;
    if (error == 0 && which)
        error = option_integer(which, &version, r);
    if (error < 0)
        return error;
    if (version < 0 || version > 2)
        return option_expected(which, "version 1 or 2", r);
    out->version = version == 1 ? 1 : 2;
    return 0;
}

int uot_option_write(const struct option *o, const void *field, struct arena *a, struct node **out)
{
    const struct uot_option *v = field;

    (void)o;
    if (!v->enabled)
        return 0;
    if (v->version == 2) {
        *out = node_new_bool(a, true);
        return *out ? 0 : -ENOMEM;
    }
    struct node *map = node_new(a, NODE_MAP);
    if (!map || node_set(a, map, TEXT("enabled"), node_new_bool(a, true)) < 0 ||
        node_set(a, map, TEXT("version"), node_new_int(a, 1)) < 0)
        return -ENOMEM;
    *out = map;
    return 0;
}
