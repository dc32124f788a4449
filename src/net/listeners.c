#include "net/listeners.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "net/port_owner.h"

enum { NAME_MAX_BYTES = 4096 };

struct listener {
    char *name;
    char *tag; /* of a listener whose port the kernel chose; else NULL */
    int fd;
    bool is_udp;
    bool is_wanted;
    bool is_new;
    struct addr addr; /* with the port the kernel chose */
};

void listeners_init(struct listeners *l)
{
    map_init(&l->by_name);
}

static void item_free(struct listener *item)
{
    if (!item)
        return;
    if (item->fd >= 0)
        (void)close(item->fd);
    mem_free(item->name);
    mem_free(item->tag);
    mem_free(item);
}
DEFINE_CLEANUP(item, struct listener *, item_free)

static void drop(struct listeners *l, struct listener *item)
{
    (void)map_remove(&l->by_name, text_bytes(text_of(item->name)));
    item_free(item);
}

void listeners_done(struct listeners *l)
{
    map_each(s, &l->by_name)
        drop(l, s->value);
    map_done(&l->by_name);
}

static bool is_chosen(const struct listen_options *o)
{
    return !o->unix_path && addr_port(&o->addr) == 0;
}

/* Two listeners are the same when everything that bind and listen saw is the same. NULL: no memory. */
static char *name_of(bool is_udp, const struct listen_options *o, const char *tag, unsigned worker)
{
    char addr[ADDR_TEXT];
    struct strbuf b;

    strbuf_init(&b, NAME_MAX_BYTES);
    /* A UNIX socket cannot be bound twice: the workers share it. */
    strbuf_addf(&b, "%s %s %s %s %u %d%d%d%d %u %s", is_udp ? "udp" : "tcp",
                o->unix_path ? o->unix_path : addr_print(&o->addr, addr), o->bind_interface ? o->bind_interface : "",
                o->netns ? o->netns : "", o->mark, o->tcp_fast_open, o->tcp_multi_path, o->transparent,
                o->udp_fragment, o->unix_path ? 0 : worker, is_chosen(o) ? tag : "");
    return strbuf_take(&b);
}

static struct addr local_of(int fd)
{
    struct addr a = {0};
    socklen_t len = sizeof a;

    (void)getsockname(fd, &a.sa, &len);
    return a;
}

/* Port 0: the other workers and the other network must get the port that the first one got. */
static void follow_first(struct listeners *l, struct listen_options *o, const char *tag)
{
    map_each(s, &l->by_name) {
        struct listener *item = s->value;
        if (item->is_wanted && item->tag && text_is(text_of(item->tag), tag) && addr_same_ip(&item->addr, &o->addr))
            addr_set_port(&o->addr, addr_port(&item->addr));
    }
}

/* Whether a listener of ours is in the way: then a probe would find ourselves. */
static bool overlaps(const struct listeners *l, bool is_udp, const struct addr *a)
{
    map_each(s, &l->by_name) {
        const struct listener *item = s->value;
        if (item->is_udp == is_udp && addr_ip(&item->addr).len && addr_port(&item->addr) == addr_port(a) &&
            (addr_same_ip(&item->addr, a) || addr_is_unspecified(&item->addr) || addr_is_unspecified(a)))
            return true;
    }
    return false;
}

/*
 * SO_REUSEPORT lets a second process of this user share a port without a word. A bind without it
 * tells whether the port is really free.
 */
static int probe(const struct listen_options *o, bool is_udp, struct error *err)
{
    char text[ADDR_TEXT], owner[128];
    int one = 1, zero = 0;

    if (o->netns || o->bind_interface || o->transparent)
        return 0;
    int fd = socket(addr_family(&o->addr), (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0; /* the real one will tell */
    if (!is_udp)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (addr_family(&o->addr) == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, addr_is_unspecified(&o->addr) ? &zero : &one, sizeof one);
    int r = bind(fd, &o->addr.sa, addr_len(&o->addr)) < 0 ? -errno : 0;
    (void)close(fd);
    if (r != -EADDRINUSE)
        return 0;
    (void)error_errno(err, r, "listen on %s", addr_print(&o->addr, text));
    if (err && port_owner(&o->addr, is_udp, owner, sizeof owner)) {
        size_t n = strlen(err->text);
        (void)snprintf(err->text + n, sizeof err->text - n, ": held by %s", owner);
    }
    return r;
}

static int open_new(struct listeners *l, const struct listen_options *o, bool is_udp, struct error *err)
{
    if (!o->unix_path && addr_port(&o->addr) && !overlaps(l, is_udp, &o->addr)) {
        int r = probe(o, is_udp, err);
        if (r < 0)
            return r;
    }
    return is_udp ? socket_bind_udp(o, err) : socket_listen(o, err);
}

int listeners_get(struct listeners *l, bool is_udp, const struct listen_options *options, const char *tag,
                  unsigned worker, struct error *err)
{
    struct listen_options o = *options;
    CLEANUP(item_cleanup) struct listener *item = mem_new(struct listener);

    if (!item)
        return error_set(err, -ENOMEM, "out of memory");
    item->fd = -1;
    item->is_udp = is_udp;
    item->name = name_of(is_udp, &o, tag, worker);
    item->tag = is_chosen(&o) ? text_dup(text_of(tag)) : NULL;
    if (!item->name || (is_chosen(&o) && !item->tag))
        return error_set(err, -ENOMEM, "out of memory");
    struct listener *old = map_get_text(&l->by_name, text_of(item->name));
    if (old) {
        old->is_wanted = true;
        return old->fd;
    }
    if (is_chosen(&o))
        follow_first(l, &o, tag);
    item->fd = open_new(l, &o, is_udp, err);
    if (item->fd < 0)
        return item->fd;
    item->is_wanted = item->is_new = true;
    item->addr = local_of(item->fd);
    if (map_put_text(&l->by_name, text_of(item->name), item) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    return take(item)->fd;
}

void listeners_begin(struct listeners *l)
{
    map_each(s, &l->by_name) {
        struct listener *item = s->value;
        item->is_wanted = item->is_new = false;
    }
}

void listeners_commit(struct listeners *l)
{
    map_each(s, &l->by_name) {
        struct listener *item = s->value;
        if (!item->is_wanted)
            drop(l, item);
    }
}

void listeners_rollback(struct listeners *l)
{
    map_each(s, &l->by_name) {
        struct listener *item = s->value;
        if (item->is_new)
            drop(l, item);
    }
}
