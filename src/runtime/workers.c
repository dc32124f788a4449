#include "runtime/workers.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "base/mem.h"

enum { THREAD_STACK = 256 * 1024 };

struct worker {
    pthread_t thread;
    struct loop *loop;
    bool is_started;
};

struct workers {
    unsigned count;
    struct worker worker[];
};

static void *thread_main(void *arg)
{
    struct loop *l = arg;

    loop_run(l);
    return NULL;
}

/* Threads start with every signal blocked: signals are the business of main(). */
static int start_thread(pthread_t *thread, void *(*fn)(void *), void *arg)
{
    sigset_t all, old;
    pthread_attr_t attr;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, THREAD_STACK);
    int r = pthread_create(thread, &attr, fn, arg);
    (void)pthread_attr_destroy(&attr);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -r;
}

static unsigned usable_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

struct workers *workers_new(unsigned count, const struct log *log, struct error *err)
{
    if (count == 0)
        count = usable_processors();
    count = min_of(count, (unsigned)WORKERS_MAX);
    struct workers *w = mem_alloc(sizeof *w + count * sizeof w->worker[0]);
    if (!w) {
        (void)error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    w->count = count;
    for (unsigned i = 0; i < count; i++) {
        w->worker[i].loop = loop_new(i, log, err);
        if (!w->worker[i].loop) {
            workers_free(w);
            return NULL;
        }
        int r = start_thread(&w->worker[i].thread, thread_main, w->worker[i].loop);
        if (r < 0) {
            (void)error_errno(err, r, "worker thread");
            workers_free(w);
            return NULL;
        }
        w->worker[i].is_started = true;
    }
    return w;
}

unsigned workers_count(const struct workers *w)
{
    return w->count;
}

struct loop *workers_loop(struct workers *w, unsigned index)
{
    return w->worker[index].loop;
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    for (unsigned i = 0; i < w->count; i++) {
        if (w->worker[i].is_started)
            loop_stop(w->worker[i].loop);
    }
    for (unsigned i = 0; i < w->count; i++) {
        if (w->worker[i].is_started)
            (void)pthread_join(w->worker[i].thread, NULL);
        loop_free(w->worker[i].loop);
    }
    mem_free(w);
}

/* ---- calls from outside ------------------------------------------------------------------ */

struct call {
    struct message message;
    struct loop *loop;
    int (*fn)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t done;
    int result;
    bool is_done;
};

static void finish_call(struct call *c, int result)
{
    pthread_mutex_lock(&c->lock);
    c->result = result;
    c->is_done = true;
    pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
}

static void call_body(void *arg)
{
    struct call *c = arg;

    finish_call(c, c->fn(c->arg));
}

static void begin_call(struct message *m)
{
    struct call *c = container_of(m, struct call, message);
    int r = co_spawn(loop_group(c->loop), "call", call_body, c);

    if (r < 0)
        finish_call(c, r);
}

int workers_call(struct workers *w, unsigned index, int (*fn)(void *arg), void *arg)
{
    struct call c = {.message.run = begin_call, .loop = w->worker[index].loop, .fn = fn, .arg = arg};

    (void)pthread_mutex_init(&c.lock, NULL);
    (void)pthread_cond_init(&c.done, NULL);
    loop_post(c.loop, &c.message);
    pthread_mutex_lock(&c.lock);
    while (!c.is_done)
        pthread_cond_wait(&c.done, &c.lock);
    pthread_mutex_unlock(&c.lock);
    (void)pthread_cond_destroy(&c.done);
    (void)pthread_mutex_destroy(&c.lock);
    return c.result;
}

/* ---- blocking work ----------------------------------------------------------------------- */

struct job {
    struct message message;
    struct loop *loop;
    void (*fn)(void *arg);
    void *arg;
    struct event done;
};

static void job_done(struct message *m)
{
    struct job *j = container_of(m, struct job, message);

    event_set(&j->done);
}

static void *job_thread(void *arg)
{
    struct job *j = arg;

    j->fn(j->arg);
    loop_post(j->loop, &j->message);
    return NULL;
}

int blocking_run(void (*fn)(void *arg), void *arg)
{
    struct job j = {.message.run = job_done, .loop = loop_self(), .fn = fn, .arg = arg};
    pthread_t thread;

    if (co_group()->is_cancelled)
        return -ECANCELED;
    int r = start_thread(&thread, job_thread, &j);
    if (r < 0)
        return r;
    /* The thread works on our stack, so that a cancelled wait goes on. */
    event_wait_through(&j.done, "blocking work");
    (void)pthread_join(thread, NULL);
    return 0;
}

/* ---- dump -------------------------------------------------------------------------------- */

struct dump {
    struct message message;
    struct loop *loop;
    struct strbuf text;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    bool is_abandoned;
};

static void dump_free(struct dump *d)
{
    strbuf_done(&d->text);
    (void)pthread_cond_destroy(&d->done);
    (void)pthread_mutex_destroy(&d->lock);
    mem_free(d);
}

static void dump_here(struct message *m)
{
    struct dump *d = container_of(m, struct dump, message);

    loop_dump(d->loop, &d->text);
    pthread_mutex_lock(&d->lock);
    d->is_done = true;
    bool is_abandoned = d->is_abandoned;
    pthread_cond_signal(&d->done);
    pthread_mutex_unlock(&d->lock);
    if (is_abandoned)
        dump_free(d);
}

static void dump_one(struct loop *l, unsigned index, struct strbuf *out)
{
    struct dump *d = mem_new(struct dump);
    struct timespec until;

    if (!d)
        return;
    d->message.run = dump_here;
    d->loop = l;
    strbuf_init(&d->text, 4 << 20);
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_cond_init(&d->done, NULL);
    loop_post(l, &d->message);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&d->lock);
    while (!d->is_done && pthread_cond_timedwait(&d->done, &d->lock, &until) == 0)
        ;
    bool is_done = d->is_done;
    d->is_abandoned = !is_done;
    pthread_mutex_unlock(&d->lock);
    if (!is_done) {
        const char *name = loop_busy_with(l);
        strbuf_addf(out, "worker %u: no answer, busy in '%s'\n", index, name ? name : "?");
        return;
    }
    strbuf_add_text(out, strbuf_text(&d->text));
    dump_free(d);
}

void workers_dump(struct workers *w, struct strbuf *out)
{
    for (unsigned i = 0; i < w->count; i++)
        dump_one(w->worker[i].loop, i, out);
}
