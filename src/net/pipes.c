#include "net/pipes.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/buffers.h"
#include "runtime/loop.h"

enum {
    PIPE_SIZE = 1 << 20, /* /proc/sys/fs/pipe-max-size as Linux has it */
    PIPE_SMALL = 64 * 1024, /* where memory has a ceiling: what is in it is the kernel's, but is there because of us */
    KEPT = 16,
};

struct pipes {
    struct pipe *free;
    unsigned count;
};

static void destroy(struct pipe *p)
{
    (void)close(p->in);
    (void)close(p->out);
    mem_free(p);
}

static void pipes_free(void *value)
{
    struct pipes *c = value;

    while (c->free) {
        struct pipe *p = c->free;
        c->free = p->next;
        destroy(p);
    }
    mem_free(c);
}

static struct pipes *pipes(void)
{
    struct loop_local *local = loop_local(LOOP_PIPES);

    if (!local->value) {
        struct pipes *c = mem_new(struct pipes);
        if (!c)
            return NULL;
        *local = (struct loop_local){.value = c, .free = pipes_free};
    }
    return local->value;
}

static struct pipe *create(void)
{
    struct pipe *p = mem_new(struct pipe);
    int fd[2];

    if (!p)
        return NULL;
    if (pipe2(fd, O_NONBLOCK | O_CLOEXEC) < 0) {
        mem_free(p);
        return NULL;
    }
    p->out = fd[0];
    p->in = fd[1];
    /* Users other than root have a share of pipe memory; what they get then is 64 KiB. */
    int size = fcntl(p->in, F_SETPIPE_SZ, buffers_have_limit() ? PIPE_SMALL : PIPE_SIZE);
    p->size = size > 0 ? (size_t)size : 65536;
    return p;
}

struct pipe *pipe_get(void)
{
    struct pipes *c = pipes();

    if (!c || !buffers_charge(PIPE_SMALL))
        return NULL;
    struct pipe *p = c->free;
    if (p) {
        c->free = p->next;
        c->count--;
    } else if (!(p = create())) {
        buffers_discharge(PIPE_SMALL);
    }
    return p;
}

void pipe_put(struct pipe *p)
{
    struct pipes *c = pipes();

    if (!p)
        return;
    buffers_discharge(PIPE_SMALL);
    if (!c || p->queued || c->count >= KEPT) {
        destroy(p);
        return;
    }
    p->next = c->free;
    c->free = p;
    c->count++;
}
