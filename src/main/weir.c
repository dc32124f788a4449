/* The instance: what include/weir.h promises. */
#include "weir.h"

#include <errno.h>
#include <time.h>

#include "base/mem.h"
#include "config/read.h"
#include "main/generation.h"
#include "main/registry.h"
#include "main/tenancy.h"
#include "main/version.h"
#include "net/buffers.h"
#include "runtime/workers.h"

enum {
    PER_CONNECTION = 32 * 1024, /* what a limit on memory grants each connection: measured, all stalled in Shadowsocks */
    DRAIN_POLL_MS = 20,
    RETRY_MS = 20,              /* between tries of what must succeed, when memory is short */
    MESSAGE_MAX = 1 << 20,
};

/* What belongs to one worker for as long as the instance runs. */
struct post {
    struct weir *weir;
    unsigned index;
    struct admission admission;
    struct tenancy *tenancy;
    struct generation *present; /* of the tenancy; its health tests run here, on the first worker */
    struct generation *next;    /* argument of a swap */
    int64_t deadline;        /* argument of a stop */
    struct error error;
    unsigned cut;
};

struct weir {
    struct weir_settings settings;
    struct log log;
    struct workers *workers;
    struct post *posts;
    struct listeners listeners;
    struct generation *current;
    struct cache_file *cache;
    struct router_counters counters;
    struct strbuf message;
    bool is_hurried;
};

static void to_settings(void *arg, enum log_level level, struct text line)
{
    const struct weir *w = arg;

    w->settings.log(w->settings.log_arg, (enum weir_level)level, line.ptr, line.len);
}

struct weir *weir_new(const struct weir_settings *settings)
{
    struct weir *w = mem_new(struct weir);

    if (!w)
        return NULL;
    w->settings = *settings;
    w->log = (struct log){.level = settings->log_level ? (enum log_level)(settings->log_level - 1) : LOG_INFO,
                          .sink = settings->log ? to_settings : NULL, .arg = w};
    listeners_init(&w->listeners);
    strbuf_init(&w->message, MESSAGE_MAX);
    return w;
}

/* ---- from configuration to generation ---------------------------------------------------- */

static int say(struct weir *w, int r, const struct error *err)
{
    strbuf_addf(&w->message, "error: %s\n", err->text);
    return r;
}

static int load(struct weir *w, const char *config, struct config_files *files, struct config_source *one,
                struct error *err)
{
    size_t count = 0;

    if (!config && w->settings.files) {
        while (w->settings.files[count])
            count++;
        return config_load(w->settings.files, count, files, err);
    }
    config = config ? config : w->settings.config;
    if (!config)
        return error_set(err, -EINVAL, "no configuration");
    const char *name = w->settings.config_name ? w->settings.config_name : "config";
    *one = (struct config_source){.name = text_of(name), .text = text_of(config)};
    int r = vec_push(&files->sources, *one);
    return r < 0 ? error_set(err, r, "out of memory") : 0;
}

static int read_model(struct weir *w, const char *config, struct model *model)
{
    struct config_files files = {0};
    struct config_source one;
    struct error err = {0};
    struct diag diag;
    const struct config_options options = {.allow_unsupported = w->settings.allow_unsupported != 0, .registry = registry};

    int r = load(w, config, &files, &one, &err);
    if (r < 0) {
        (void)say(w, r, &err);
    } else {
        diag_init(&diag);
        r = config_read(files.sources.at, files.sources.len, &options, model, &diag);
        diag_print(&diag, false, &w->message);
        if (r == -ENOMEM)
            strbuf_add_text(&w->message, TEXT("error: out of memory\n"));
        diag_done(&diag);
    }
    if (!config && w->settings.files)
        config_files_done(&files);
    else
        vec_done(&files.sources);
    return r;
}

/* One cache file for all generations: what one chose, the next one finds. */
static struct cache_file *cache_for(struct weir *w, const struct model *m)
{
    if (m->cache_file.len == 0)
        return NULL;
    if (!w->cache)
        w->cache = cache_file_open(m->cache_file, &w->log);
    return w->cache;
}

static struct generation *build(struct weir *w, const char *config)
{
    struct model model;
    struct error err = {0};

    strbuf_clear(&w->message);
    model_init(&model);
    int r = read_model(w, config, &model);
    if (r < 0) {
        model_done(&model);
        errno = -r;
        return NULL;
    }
    struct generation_setup setup = {.log = &w->log, .cache = cache_for(w, &model), .counters = &w->counters,
                                     .registry = registry};
    struct generation *g = generation_new(&model, &setup, &err);
    if (!g) {
        (void)say(w, 0, &err);
        errno = EINVAL;
    }
    return g;
}

/* ---- workers ----------------------------------------------------------------------------- */

static unsigned connection_limit(const struct weir *w, unsigned workers)
{
    uint64_t limit = w->settings.max_connections;

    if (w->settings.memory_limit) {
        uint64_t by_memory = max_of(w->settings.memory_limit / 2 / PER_CONNECTION, (uint64_t)workers);
        limit = limit ? min_of(limit, by_memory) : by_memory;
    }
    return limit ? (unsigned)max_of(limit / workers, (uint64_t)1) : 0;
}

static int open_post(void *arg)
{
    struct post *p = arg;
    unsigned workers = workers_count(p->weir->workers);

    admission_init(&p->admission, connection_limit(p->weir, workers));
    if (p->weir->settings.memory_limit)
        buffers_set_limit((size_t)(p->weir->settings.memory_limit / 4 / workers));
    return 0;
}

/* For what must happen: when there is no memory for a coroutine, it waits until there is. */
static void call_surely(struct weir *w, unsigned index, int (*fn)(void *arg))
{
    const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};

    while (workers_call(w->workers, index, fn, &w->posts[index]) == -ENOMEM)
        (void)nanosleep(&pause, NULL);
}

static int start_background(struct post *p, struct generation *g, struct error *err)
{
    if (p->index != 0)
        return 0;
    int r = health_start(g->health, loop_group(loop_self()));
    return r < 0 ? error_errno(err, r, "health checks") : 0;
}

/* The worker serves a generation from now on, or none: then with err, and nothing is left behind. */
static int move_in(struct post *p, struct generation *g, struct error *err)
{
    struct tenancy *t = tenancy_new(g, p->index, &p->admission, err);

    if (!t)
        return -EIO;
    int r = start_background(p, g, err);
    if (r < 0) {
        tenancy_close(t);
        tenancy_leave(t);
        return r;
    }
    p->tenancy = t;
    p->present = g;
    return 0;
}

/* The worker accepts no more; sessions go on in what is returned. */
static struct tenancy *move_out(struct post *p)
{
    if (!p->tenancy)
        return NULL;
    if (p->index == 0)
        health_stop(p->present->health);
    tenancy_close(p->tenancy);
    return take(p->tenancy);
}

/* On each worker: the old generation accepts no more, the new one does. */
static int swap(void *arg)
{
    struct post *p = arg;
    struct generation *before = p->present;
    struct tenancy *old = move_out(p);
    int r = move_in(p, p->next, &p->error);

    /* The old one's sessions go on in `old`; new ones come in through a tenancy of the same generation. */
    while (r < 0 && old && move_in(p, before, NULL) < 0) {
        if (co_sleep(RETRY_MS) < 0)
            break;
    }
    if (old)
        tenancy_leave(old);
    return r < 0 ? -EIO : 0;
}

/* To the generation that ran before; there may be none. */
static int swap_back(void *arg)
{
    struct post *p = arg;
    struct tenancy *failed = move_out(p);

    while (failed && p->next && move_in(p, p->next, NULL) < 0) {
        if (co_sleep(RETRY_MS) < 0)
            break;
    }
    if (failed)
        tenancy_leave(failed);
    return 0;
}

static int swap_all(struct weir *w, struct generation *g)
{
    unsigned count = workers_count(w->workers);

    for (unsigned i = 0; i < count; i++) {
        struct post *p = &w->posts[i];
        p->next = g;
        p->error = (struct error){0};
        int r = workers_call(w->workers, i, swap, p);
        if (r < 0) {
            if (r != -EIO)
                (void)error_errno(&p->error, r, "worker %u", i);
            for (unsigned back = 0; back < i; back++) {
                w->posts[back].next = w->current;
                call_surely(w, back, swap_back);
            }
            return say(w, r, &p->error);
        }
    }
    return 0;
}

/* What the embedder said goes before what the configuration says. */
static void follow_level(struct weir *w, const struct generation *g)
{
    const struct model_log *log = &g->model.log;

    if (!w->settings.log_level)
        log_set_level(&w->log, log->disabled ? LOG_SILENT : (enum log_level)log->level);
}

/* Consumes the generation. */
static int install(struct weir *w, struct generation *g)
{
    struct error err = {0};
    struct generation *old = w->current;

    listeners_begin(&w->listeners);
    int r = generation_listen(g, &w->listeners, workers_count(w->workers), &err);
    if (r < 0)
        (void)say(w, r, &err);
    else
        r = swap_all(w, g);
    if (r < 0) {
        listeners_rollback(&w->listeners);
        generation_unref(g);
        return r;
    }
    w->current = g;
    follow_level(w, g);
    listeners_commit(&w->listeners);
    generation_unref(old);
    return 0;
}

static int start_cache(void *arg)
{
    struct weir *w = arg;

    return w->cache ? cache_file_start(w->cache, loop_group(loop_self())) : 0;
}

static int start_workers(struct weir *w, struct error *err)
{
    w->workers = workers_new(w->settings.workers, &w->log, err);
    if (!w->workers)
        return -EAGAIN;
    unsigned count = workers_count(w->workers);
    w->posts = mem_alloc_array(count, sizeof *w->posts);
    if (!w->posts)
        return error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < count; i++) {
        w->posts[i].weir = w;
        w->posts[i].index = i;
        w->posts[i].admission.reserve = -1;
    }
    for (unsigned i = 0; i < count; i++) {
        int r = workers_call(w->workers, i, open_post, &w->posts[i]);
        if (r < 0)
            return error_errno(err, r, "worker %u", i);
    }
    int r = workers_call(w->workers, 0, start_cache, w);
    return r < 0 ? error_errno(err, r, "cache file") : 0;
}

int weir_start(struct weir *w)
{
    struct error err = {0};

    if (w->workers) {
        strbuf_clear(&w->message);
        return say(w, -EALREADY, &(struct error){.text = "already started"});
    }
    struct generation *g = build(w, NULL);
    if (!g)
        return -errno;
    w->is_hurried = false;
    follow_level(w, g);
    int r = start_workers(w, &err);
    if (r < 0) {
        generation_unref(g);
        (void)say(w, r, &err);
        (void)weir_stop(w, 0);
        return r;
    }
    r = install(w, g);
    if (r < 0)
        (void)weir_stop(w, 0);
    return r;
}

int weir_reload(struct weir *w, const char *config)
{
    if (!w->workers) {
        strbuf_clear(&w->message);
        return say(w, -ENOTCONN, &(struct error){.text = "not started"});
    }
    struct generation *g = build(w, config);
    return g ? install(w, g) : -errno;
}

/* ---- stopping ---------------------------------------------------------------------------- */

static int close_post(void *arg)
{
    struct post *p = arg;

    if (p->tenancy)
        tenancy_close(p->tenancy);
    return 0;
}

static int drain_post(void *arg)
{
    struct post *p = arg;

    while (p->admission.connections.inside && loop_now() < p->deadline &&
           !__atomic_load_n(&p->weir->is_hurried, __ATOMIC_RELAXED)) {
        if (co_sleep(DRAIN_POLL_MS) < 0)
            break;
    }
    p->cut = p->admission.connections.inside;
    return 0;
}

static int cut_post(void *arg)
{
    struct post *p = arg;

    if (p->index == 0) {
        if (p->tenancy)
            health_stop(p->present->health);
        if (p->weir->cache)
            cache_file_stop(p->weir->cache);
    }
    if (p->tenancy)
        tenancy_leave(take(p->tenancy));
    return 0;
}

int weir_stop(struct weir *w, int64_t drain_ms)
{
    int64_t deadline = clock_ms() + drain_ms;
    int cut = 0;

    if (!w->workers)
        return 0;
    unsigned count = w->posts ? workers_count(w->workers) : 0;
    for (unsigned i = 0; i < count; i++)
        call_surely(w, i, close_post);
    /* Clients are refused from now on: while a descriptor is open, the kernel would let them wait for nobody. */
    listeners_done(&w->listeners);
    listeners_init(&w->listeners);
    for (unsigned i = 0; i < count; i++) {
        w->posts[i].deadline = deadline;
        call_surely(w, i, drain_post);
        cut += (int)w->posts[i].cut;
    }
    for (unsigned i = 0; i < count; i++)
        call_surely(w, i, cut_post);
    workers_free(take(w->workers));
    for (unsigned i = 0; i < count; i++)
        admission_done(&w->posts[i].admission);
    mem_free(take(w->posts));
    generation_unref(take(w->current));
    cache_file_close(take(w->cache));
    return cut;
}

void weir_hurry(struct weir *w)
{
    __atomic_store_n(&w->is_hurried, true, __ATOMIC_RELAXED);
}

void weir_free(struct weir *w)
{
    if (!w)
        return;
    (void)weir_stop(w, 0);
    cache_file_close(take(w->cache));
    listeners_done(&w->listeners);
    strbuf_done(&w->message);
    mem_free(w);
}

/* ---- looking in -------------------------------------------------------------------------- */

int weir_port(struct weir *w, const char *tag)
{
    const struct generation *g = w->current;

    for (size_t i = 0; g && i < g->inbound_count; i++) {
        if (!text_is(g->model.inbounds.at[i].tag, tag))
            continue;
        struct addr a = {0};
        socklen_t len = sizeof a;
        int fd = g->tcp_fd[i] >= 0 ? g->tcp_fd[i] : g->udp_fd[i];
        return getsockname(fd, &a.sa, &len) < 0 ? -errno : addr_port(&a);
    }
    return -ENOENT;
}

void weir_get_counters(struct weir *w, struct weir_counters *out)
{
    const struct router_counters *c = &w->counters;

    *out = (struct weir_counters){.sessions_active = c->active, .sessions_total = c->total,
                                  .sessions_failed = c->failed, .bytes_up = c->up, .bytes_down = c->down};
}

const char *weir_message(struct weir *w)
{
    return w->message.ptr ? w->message.ptr : "";
}

char *weir_dump(struct weir *w)
{
    STRBUF out;

    strbuf_init(&out, 64 << 20);
    if (w->workers)
        workers_dump(w->workers, &out);
    return strbuf_take(&out);
}

const char *weir_version(void)
{
    return WEIR_VERSION;
}
