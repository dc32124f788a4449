#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "policy/resolver_internal.h"

enum { RESOLV_CONF_MAX = 64 << 10, HOSTS_FILE_MAX = 64 << 20 };

void system_names_unref(struct system_names *n)
{
    if (!n || atomic_fetch_sub(&n->refs, 1) != 1)
        return;
    hosts_free(n->hosts);
    mem_free(n->conf_text);
    mem_free(n);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* What fits of the file, as a C string; NULL when there is none. */
static char *read_text(const char *path, size_t max)
{
    STRBUF text;
    char part[1024];
    int fd = *path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    strbuf_init(&text, max);
    if (fd < 0)
        return NULL;
    for (;;) {
        ssize_t n = read(fd, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        strbuf_add(&text, part, (size_t)n);
    }
    (void)close(fd);
    return strbuf_take(&text);
}

static struct hosts *read_hosts(const char *path)
{
    OWNED char *text = read_text(path, HOSTS_FILE_MAX);
    struct hosts_walk walk = {.rest = text_of(text)};
    struct hosts *h = text ? hosts_new() : NULL;
    struct addr ip;
    struct text name;

    while (h && hosts_next(&walk, &ip, &name)) {
        /* A name that looks like one of our patterns is no name. */
        bool is_plain = text_find(name, '*') < 0 && name.ptr[0] != '+' && name.ptr[0] != '.';
        if (is_plain && hosts_add(h, name, &ip, 1) == -ENOMEM)
            break;
    }
    return h;
}

/* Asks the routing table only: nothing is sent. */
static bool has_ipv6_route(void)
{
    uint8_t far[16] = {0x20, 0x01, 0x05, 0x03, 0x0c, 0x27};
    struct addr a = addr_from_bytes(far, sizeof far, 53);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool has = fd >= 0 && connect(fd, &a.sa, addr_len(&a)) == 0;

    if (fd >= 0)
        (void)close(fd);
    return has;
}

static struct system_names *names_read(const struct system_files *f)
{
    struct system_names *n = mem_new(struct system_names);

    if (!n)
        return NULL;
    atomic_init(&n->refs, 1);
    n->conf_text = read_text(f->resolv_conf, RESOLV_CONF_MAX);
    resolv_conf_read(text_of(n->conf_text), &n->conf);
    n->hosts = read_hosts(f->hosts_file);
    n->has_ipv6 = has_ipv6_route();
    return n;
}

static struct file_mark mark_of(const char *path)
{
    struct stat st;

    if (!*path || stat(path, &st) < 0)
        return (struct file_mark){0};
    return (struct file_mark){.inode = st.st_ino, .size = st.st_size,
                              .changed_ns = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec};
}

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
    return a->inode == b->inode && a->size == b->size && a->changed_ns == b->changed_ns;
}

/* ---- keeping up with changes ----------------------------------------------------------------- */

int system_files_init(struct system_files *f, const char *resolv_conf, const char *hosts_file)
{
    *f = (struct system_files){0};
    (void)pthread_mutex_init(&f->lock, NULL);
    f->resolv_conf = text_dup(text_of(resolv_conf ? resolv_conf : "/etc/resolv.conf"));
    f->hosts_file = text_dup(text_of(hosts_file ? hosts_file : "/etc/hosts"));
    if (!f->resolv_conf || !f->hosts_file)
        return -ENOMEM;
    f->marks[0] = mark_of(f->resolv_conf);
    f->marks[1] = mark_of(f->hosts_file);
    f->check_ms = RESOLVER_CHECK_MS;
    f->checked_at = clock_ms();
    f->now = names_read(f);
    return f->now ? 0 : -ENOMEM;
}

void system_files_done(struct system_files *f)
{
    system_names_unref(f->now);
    mem_free(f->resolv_conf);
    mem_free(f->hosts_file);
    (void)pthread_mutex_destroy(&f->lock);
}

/* One caller every RESOLVER_CHECK_MS gets `true`. */
static bool is_my_turn(struct system_files *f)
{
    int64_t now = loop_now();

    pthread_mutex_lock(&f->lock);
    bool is_due = now - f->checked_at >= f->check_ms;
    if (is_due)
        f->checked_at = now;
    pthread_mutex_unlock(&f->lock);
    return is_due;
}

/* On a thread for blocking work: also stat() may hang, on a network's file system. */
static void refresh(void *arg)
{
    struct system_files *f = arg;
    struct file_mark marks[2] = {mark_of(f->resolv_conf), mark_of(f->hosts_file)};

    pthread_mutex_lock(&f->lock);
    bool is_same = same_mark(&marks[0], &f->marks[0]) && same_mark(&marks[1], &f->marks[1]);
    bool had_ipv6 = f->now->has_ipv6;
    pthread_mutex_unlock(&f->lock);
    if (is_same && has_ipv6_route() == had_ipv6)
        return;
    struct system_names *n = names_read(f);
    if (!n)
        return;
    pthread_mutex_lock(&f->lock);
    struct system_names *old = f->now;
    f->now = n;
    f->marks[0] = marks[0];
    f->marks[1] = marks[1];
    pthread_mutex_unlock(&f->lock);
    system_names_unref(old);
}

struct system_names *system_files_get(struct system_files *f)
{
    /* On failure the old contents serve. */
    if (is_my_turn(f))
        (void)!blocking_run(refresh, f);
    pthread_mutex_lock(&f->lock);
    struct system_names *n = f->now;
    atomic_fetch_add(&n->refs, 1);
    pthread_mutex_unlock(&f->lock);
    return n;
}
