#include "net/intake.h"

#include <errno.h>

#include "base/mem.h"
#include "net/buffers.h"

enum { RETRY_MS = 5 };

static void retry(struct timer *t)
{
    struct intake *in = container_of(t, struct intake, retry);

    event_set(in->lower->ops->readable(in->lower));
}

void intake_init(struct intake *in, struct stream *lower)
{
    *in = (struct intake){.lower = lower, .retry.fire = retry};
}

static void give_back(struct intake *in)
{
    if (in->size > BUFFER_SIZE)
        mem_free(in->ptr);
    else
        buffer_put(in->ptr);
    in->ptr = NULL;
    in->start = in->end = in->size = 0;
}

void intake_done(struct intake *in)
{
    if (in->retry.place)
        loop_timer_stop(&in->retry);
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
    in->ptr = buffer_try_get();
    if (in->ptr) {
        in->size = BUFFER_SIZE;
        return 0;
    }
    int r = loop_timer_set(&in->retry, loop_now() + RETRY_MS);
    return r < 0 ? r : -EAGAIN;
}

/* Moves what is there into a buffer that takes the largest record. */
static int enlarge(struct intake *in)
{
    uint8_t *large = mem_resize(NULL, INTAKE_MAX);
    size_t len = intake_len(in);

    if (!large)
        return -ENOMEM;
    if (len)
        memcpy(large, intake_at(in), len);
    give_back(in);
    in->ptr = large;
    in->end = (uint32_t)len;
    in->size = INTAKE_MAX;
    return 0;
}

static int make_room(struct intake *in, size_t want)
{
    if (want > INTAKE_MAX)
        return -EMSGSIZE;
    if (want > BUFFER_SIZE && in->size < INTAKE_MAX)
        return enlarge(in);
    if (!in->ptr)
        return borrow(in);
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
