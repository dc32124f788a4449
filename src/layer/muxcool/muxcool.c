#include "layer/muxcool/muxcool.h"

#include <errno.h>

#include "layer/muxcool/session.h"

#define MAGIC "v1.mux.cool"

bool muxcool_is_magic(const struct dest *d)
{
    return dest_is_name(d) && text_is_nocase(dest_name(d), MAGIC);
}

struct dest muxcool_magic(void)
{
    struct dest d = {0};

    (void)dest_set_host(&d, TEXT(MAGIC), 9527);
    return d;
}

int muxcool_serve(struct stream *lower, muxcool_serve_fn *serve, void *arg)
{
    struct muxcool *m = muxcool_new(lower, co_group());

    if (!m)
        return -ENOMEM;
    m->serve = serve;
    m->arg = arg;
    muxcool_read(m);
    /* Each stream knows that nothing more comes, and ends in its own time. */
    group_wait(&m->group);
    group_done(&m->group);
    int r = m->result;
    muxcool_unref(m);
    return r;
}
