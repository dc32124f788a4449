#include "policy/cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "policy/cache_internal.h"
#include "runtime/workers.h"

struct cache_file {
    char *path;
    const struct log *log;

    struct group group;
    struct event changed;
    struct event delivered;
    bool was_started;

    pthread_mutex_t lock; /* guards what is below; never held over a system call that writes */
    struct cache_data data;
    uint64_t version; /* of the data */
    uint64_t written; /* version that lies on the disk */
    struct loop *loop; /* NULL: no coroutine to wake */
    struct message message;
    bool is_posted;
    bool has_failed;  /* reported; the next success ends the row */
};

/* ---- reading ----------------------------------------------------------------------------- */

static int read_all(int fd, struct strbuf *out)
{
    char part[1024];
    ssize_t n;

    while ((n = read(fd, part, sizeof part)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        strbuf_add(out, part, (size_t)n);
        if (out->failed)
            return -EFBIG;
    }
    return 0;
}

static int load(const char *path, struct strbuf *out)
{
    /* Not to hang on a pipe that somebody put there. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    int r = read_all(fd, out);
    (void)close(fd);
    return r;
}

/* A database of another program has bytes that our text never has. */
static bool is_foreign(struct text t)
{
    return t.len > 0 && !text_starts(t, TEXT("weir-cache")) && memchr(t.ptr, 0, t.len);
}

static int use_other_name(struct cache_file *c)
{
    STRBUF name;

    strbuf_init(&name, 4096 + 8);
    strbuf_addf(&name, "%s.weir", c->path);
    char *path = strbuf_take(&name);
    if (!path)
        return -ENOMEM;
    log_info(c->log, "cache file %s belongs to another program; using %s", c->path, path);
    mem_free(c->path);
    c->path = path;
    return 0;
}

static void read_file(struct cache_file *c, bool may_be_foreign)
{
    STRBUF text;

    strbuf_init(&text, CACHE_FILE_MAX);
    int r = load(c->path, &text);
    if (r == -ENOENT)
        return;
    if (may_be_foreign && is_foreign(strbuf_text(&text))) {
        if (use_other_name(c) == 0)
            read_file(c, false);
        return;
    }
    if (r == 0)
        r = cache_data_parse(&c->data, strbuf_text(&text));
    if (r == 0)
        return;
    log_warn(c->log, "cache file %s: %s; starting without it", c->path,
             r == -EBADMSG ? "damaged" : error_words(r));
    cache_data_done(&c->data);
    cache_data_init(&c->data);
}

struct cache_file *cache_file_open(struct text path, const struct log *log)
{
    struct cache_file *c = mem_new(struct cache_file);

    if (!c)
        return NULL;
    c->path = text_dup(path);
    if (!c->path) {
        mem_free(c);
        return NULL;
    }
    c->log = log;
    cache_data_init(&c->data);
    (void)pthread_mutex_init(&c->lock, NULL);
    read_file(c, true);
    return c;
}

void cache_file_close(struct cache_file *c)
{
    if (!c)
        return;
    cache_data_done(&c->data);
    (void)pthread_mutex_destroy(&c->lock);
    mem_free(c->path);
    mem_free(c);
}

/* ---- writing ----------------------------------------------------------------------------- */

static int write_all(int fd, struct text t)
{
    while (t.len > 0) {
        ssize_t n = write(fd, t.ptr, t.len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            t = text_sub(t, (size_t)n, t.len);
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static void sync_folder(const char *path)
{
    ssize_t slash = text_find_last(text_of(path), '/');
    OWNED char *folder = slash > 0 ? text_dup(text_sub(text_of(path), 0, (size_t)slash)) : text_dup(TEXT("."));
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        (void)!fsync(fd);
        (void)close(fd);
    }
}

/* Beside the file and then in its place, so that it is the old or the new one whatever happens. */
static int replace(const char *path, struct text contents)
{
    STRBUF name;

    strbuf_init(&name, 4096 + 16);
    strbuf_addf(&name, "%s.tmp", path);
    if (name.failed)
        return -ENAMETOOLONG;
    int fd = open(name.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, contents);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(name.ptr, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(name.ptr);
    else
        sync_folder(path);
    return r;
}

static void report(struct cache_file *c, int r, uint64_t version)
{
    pthread_mutex_lock(&c->lock);
    bool is_news = r < 0 && !c->has_failed;
    c->has_failed = r < 0;
    if (r == 0)
        c->written = version;
    pthread_mutex_unlock(&c->lock);
    if (is_news)
        log_error(c->log, "cache file %s: %s; selections will not survive a restart", c->path, error_words(r));
}

int cache_file_flush(struct cache_file *c)
{
    STRBUF text;

    strbuf_init(&text, CACHE_FILE_MAX);
    pthread_mutex_lock(&c->lock);
    uint64_t version = c->version;
    bool is_due = version != c->written;
    if (is_due)
        cache_data_print(&c->data, &text);
    pthread_mutex_unlock(&c->lock);
    if (!is_due)
        return 0;
    int r = text.failed ? -EFBIG : replace(c->path, strbuf_text(&text));
    report(c, r, version);
    return r;
}

static void flush_job(void *arg)
{
    (void)cache_file_flush(arg);
}

static void run(void *arg)
{
    struct cache_file *c = arg;

    while (event_wait(&c->changed, NEVER, "changes for the cache file") == 0) {
        if (co_sleep(CACHE_FILE_DELAY_MS) < 0)
            break;
        (void)!blocking_run(flush_job, c);
    }
}

static void on_message(struct message *m)
{
    struct cache_file *c = container_of(m, struct cache_file, message);

    pthread_mutex_lock(&c->lock);
    c->is_posted = false;
    pthread_mutex_unlock(&c->lock);
    event_set(&c->changed);
    event_set(&c->delivered);
}

/* With the lock held. */
static void note_change(struct cache_file *c)
{
    c->version++;
    if (!c->loop || c->is_posted)
        return;
    c->is_posted = true;
    c->message.run = on_message;
    loop_post(c->loop, &c->message);
}

int cache_file_start(struct cache_file *c, struct group *parent)
{
    group_init(&c->group, parent);
    int r = co_spawn(&c->group, "cache file", run, c);
    if (r < 0) {
        group_done(&c->group);
        return r;
    }
    c->was_started = true;
    pthread_mutex_lock(&c->lock);
    c->loop = loop_self();
    pthread_mutex_unlock(&c->lock);
    return 0;
}

void cache_file_stop(struct cache_file *c)
{
    if (!c->was_started)
        return;
    c->was_started = false;
    pthread_mutex_lock(&c->lock);
    c->loop = NULL;
    bool is_posted = c->is_posted;
    c->delivered.is_set = false;
    pthread_mutex_unlock(&c->lock);
    if (is_posted)
        event_wait_through(&c->delivered, "last change of the cache file");
    group_done(&c->group);
    /* A cancelled caller gets no thread; a small file at the very end may be written here. */
    if (blocking_run(flush_job, c) < 0)
        (void)cache_file_flush(c);
}

/* ---- asking and noting ----------------------------------------------------------------------- */

bool cache_file_selected(struct cache_file *c, struct text group, char *out, size_t size)
{
    pthread_mutex_lock(&c->lock);
    const struct cache_entry *e = map_get_text(&c->data.selected, group);
    bool found = e && e->member[0] && text_copy(text_of(e->member), out, size);
    pthread_mutex_unlock(&c->lock);
    return found;
}

int cache_file_select(struct cache_file *c, struct text group, struct text member)
{
    pthread_mutex_lock(&c->lock);
    int r = cache_data_select(&c->data, group, member);
    if (r == 0)
        note_change(c);
    pthread_mutex_unlock(&c->lock);
    return r;
}

bool cache_file_mode(struct cache_file *c, char *out, size_t size)
{
    pthread_mutex_lock(&c->lock);
    bool found = c->data.mode && text_copy(text_of(c->data.mode), out, size);
    pthread_mutex_unlock(&c->lock);
    return found;
}

int cache_file_set_mode(struct cache_file *c, struct text mode)
{
    pthread_mutex_lock(&c->lock);
    int r = cache_data_set_mode(&c->data, mode);
    if (r == 0)
        note_change(c);
    pthread_mutex_unlock(&c->lock);
    return r;
}
