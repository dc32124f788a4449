#include "net/intake.h"

#include <errno.h>

#include "base/mem.h"
#include "net/buffers.h"

void intake_init(struct intake *in, struct stream *lower)
{
    *in = (struct intake){.lower = lower};
}

static void give_back(struct intake *in)
{
    buffer_settle(in->ptr, in->size);
    in->ptr = NULL;
    in->start = in->end = in->size = 0;
}

void intake_done(struct intake *in)
{
    give_back(in);
}

void intake_drop(struct intake *in, size_t n)
{
    in->start += (uint32_t)n;
    if (in->start == in->end)
        give_back(in);
}

static int borrow(struct intake *in)
{
    size_t size;

    in->ptr = buffer_lend(&size);
    in->size = (uint32_t)size;
    return in->ptr ? 0 : -ENOMEM;
}

/* Moves what is there into a buffer of the heap. */
static int enlarge(struct intake *in, size_t size)
{
    uint8_t *large = mem_resize(NULL, size);
    size_t len = intake_len(in);

    if (!large)
        return -ENOMEM;
    if (len)
        memcpy(large, intake_at(in), len);
    give_back(in);
    in->ptr = large;
    in->end = (uint32_t)len;
    in->size = (uint32_t)size;
    return 0;
}

static int make_room(struct intake *in, size_t want)
{
    int r = 0;

    if (want > INTAKE_MAX)
        return -EMSGSIZE;
    if (!in->ptr)
        r = borrow(in);
    /* One size more than asked for, so that it is not taken for a lent one. */
    if (r == 0 && want > in->size)
        r = enlarge(in, want > BUFFER_SIZE ? INTAKE_MAX : want == BUFFER_SIZE ? want + 1 : want);
    if (r < 0)
        return r;
    if (in->start && (in->size - in->start < want || in->end == in->size)) {
        memmove(in->ptr, intake_at(in), intake_len(in));
        in->end -= in->start;
        in->start = 0;
    }
    return 0;
}

ssize_t intake_fill(struct intake *in, size_t want)
{
    ssize_t n = make_room(in, want);

    if (n < 0)
        return n;
    if (in->end == in->size)
        return -EMSGSIZE; /* the caller asked for no more than is there */
    n = stream_try_read(in->lower, in->ptr + in->end, in->size - in->end);
    if (n > 0)
        in->end += (uint32_t)n;
    else if (in->start == in->end)
        give_back(in);
    return n;
}

ssize_t intake_fill_wait(struct intake *in, size_t want)
{
    for (;;) {
        ssize_t n = intake_fill(in, want);
        if (n != -EAGAIN)
            return n;
        n = stream_wait(in->lower, in->lower->deadline);
        if (n < 0)
            return n;
    }
}
