#include "layer/locals.h"

#include "base/mem.h"

struct locals {
    pthread_mutex_t lock;
    struct list parts;   /* local.link; a part is in it until its end begins */
    unsigned references; /* the owner's and one of each part */
    size_t size;
    void (*done)(struct local *l);
};

struct locals *locals_new(size_t size, void (*done)(struct local *l))
{
    struct locals *l = mem_new(struct locals);

    if (!l)
        return NULL;
    (void)pthread_mutex_init(&l->lock, NULL);
    list_init(&l->parts);
    l->references = 1;
    l->size = size;
    l->done = done;
    return l;
}

static void unref(struct locals *l)
{
    (void)pthread_mutex_lock(&l->lock);
    bool is_last = --l->references == 0;
    (void)pthread_mutex_unlock(&l->lock);
    if (is_last) {
        (void)pthread_mutex_destroy(&l->lock);
        mem_free(l);
    }
}

static struct local *find(struct locals *l)
{
    struct local *found = NULL;

    (void)pthread_mutex_lock(&l->lock);
    list_each(item, &l->parts) {
        struct local *part = container_of(item, struct local, link);
        if (part->loop == loop_self())
            found = part;
    }
    (void)pthread_mutex_unlock(&l->lock);
    return found;
}

/* Posted by locals_free() from any thread. */
static void on_message(struct message *m)
{
    struct local *part = container_of(m, struct local, message);

    part->message.run = NULL;
    event_set(&part->end);
}

/* The life of a part: what makes it end is its event, or the worker's end. */
static void keep(void *arg)
{
    struct local *part = arg;
    struct locals *l = part->of;

    (void)!event_wait(&part->end, NEVER, "per-worker part");
    (void)pthread_mutex_lock(&l->lock);
    list_remove(&part->link);
    bool is_posted = part->is_posted;
    (void)pthread_mutex_unlock(&l->lock);
    while (is_posted && part->message.run) /* the message lies in the part: it must have come */
        event_wait_through(&part->end, "end of a per-worker part");
    group_done(&part->group);
    if (l->done)
        l->done(part);
    if (part->gone)
        event_set(part->gone);
    mem_free(part);
    unref(l);
}

static struct local *make(struct locals *l)
{
    struct local *part = mem_alloc(l->size);

    if (!part)
        return NULL;
    group_init(&part->group, loop_group(loop_self()));
    part->of = l;
    part->loop = loop_self();
    part->message.run = on_message;
    if (co_spawn(loop_group(loop_self()), "per-worker part", keep, part) < 0) {
        list_remove(&part->group.link);
        mem_free(part);
        return NULL;
    }
    (void)pthread_mutex_lock(&l->lock);
    l->references++;
    list_add(&l->parts, &part->link);
    (void)pthread_mutex_unlock(&l->lock);
    return part;
}

struct local *locals_get(struct locals *l)
{
    struct local *part = find(l);

    return part ? part : make(l);
}

void locals_leave(struct locals *l)
{
    struct local *part = l ? find(l) : NULL;
    struct event gone = {0};

    if (!part)
        return;
    part->gone = &gone;
    event_set(&part->end);
    event_wait_through(&gone, "leave of a worker");
}

void locals_free(struct locals *l)
{
    if (!l)
        return;
    (void)pthread_mutex_lock(&l->lock);
    list_each(item, &l->parts) {
        struct local *part = container_of(item, struct local, link);
        part->is_posted = true;
        loop_post(part->loop, &part->message);
    }
    (void)pthread_mutex_unlock(&l->lock);
    unref(l);
}
