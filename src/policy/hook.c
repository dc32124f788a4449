#include "policy/hook.h"

int hooks_accept(const struct hook_chain *c, struct session *s, size_t *passed, struct error *err)
{
    for (*passed = 0; *passed < c->len; ++*passed) {
        struct hook *h = c->at[*passed];
        int r = h->ops->accept ? h->ops->accept(h, s, err) : 0;
        if (r < 0)
            return error_prepend(err, r, "%s", h->ops->name);
    }
    return 0;
}

int hooks_dial(const struct hook_chain *c, struct session *s, struct error *err)
{
    for (size_t i = 0; i < c->len; i++) {
        struct hook *h = c->at[i];
        int r = h->ops->dial ? h->ops->dial(h, s, err) : 0;
        if (r < 0)
            return error_prepend(err, r, "%s", h->ops->name);
    }
    return 0;
}

void hooks_close(const struct hook_chain *c, struct session *s, size_t passed, int result)
{
    while (passed-- > 0) {
        struct hook *h = c->at[passed];
        if (h->ops->close)
            h->ops->close(h, s, result);
    }
}

void hook_free(struct hook *h)
{
    if (h)
        h->ops->free(h);
}
