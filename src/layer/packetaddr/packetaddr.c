#include "layer/packetaddr/packetaddr.h"

#include <errno.h>

#include "base/mem.h"
#include "format/socksaddr.h"

#define MAGIC "sp.packet-addr.v2fly.arpa"

/* No name has a number of its own here: 0 is none that is sent. */
static const struct socksaddr_form form = {.ipv4 = 1, .ipv6 = 2, .name = 0};

struct packetaddr {
    struct packet packet;
};

bool packetaddr_is_magic(const struct dest *d)
{
    return dest_is_name(d) && text_is_nocase(dest_name(d), MAGIC);
}

struct dest packetaddr_magic(void)
{
    struct dest d = {0};

    (void)dest_set_host(&d, TEXT(MAGIC), 0);
    return d;
}

int packetaddr_read(const uint8_t *p, size_t n, struct dest *out)
{
    struct reader r = reader_of(p, n);
    struct dest d;

    if (n == 0 || p[0] == form.name)
        return -EPROTO;
    ssize_t size = socksaddr_read(&r, &form, &d);
    if (size <= 0)
        return -EPROTO;
    *out = d;
    return (int)size;
}

static int receive(struct packet *p, struct batch *b)
{
    unsigned kept;

    do {
        int r = p->lower->ops->receive(p->lower, b);
        if (r < 0)
            return r;
        kept = 0;
        for (unsigned i = 0; i < b->count; i++) {
            struct datagram d = b->at[i];
            int n = packetaddr_read(d.ptr, d.len, &d.peer);
            if (n < 0)
                continue;
            d.ptr += n;
            d.len -= (size_t)n;
            b->at[kept++] = d;
        }
        b->count = kept;
    } while (kept == 0);
    return (int)kept;
}

static int send_batch(struct packet *p, struct batch *b)
{
    struct dest magic = packetaddr_magic();
    unsigned kept = 0;

    for (unsigned i = 0; i < b->count; i++) {
        struct datagram d = b->at[i];
        if (dest_is_name(&d.peer))
            continue;
        size_t n = socksaddr_size(&d.peer);
        struct writer w = writer_of(d.ptr - n, n);
        socksaddr_write(&w, &form, &d.peer);
        d.ptr -= n;
        d.len += n;
        d.peer = magic;
        b->at[kept++] = d;
    }
    b->count = kept;
    return kept ? packet_send(p->lower, b) : 0;
}

static void close_packetaddr(struct packet *p)
{
    packet_close(p->lower);
    mem_free(container_of(p, struct packetaddr, packet));
}

static struct event *readable(struct packet *p)
{
    return p->lower->ops->readable(p->lower);
}

struct packet *packetaddr_packet(struct packet *lower)
{
    static const struct packet_ops ops = {
        .name = "packetaddr",
        .receive = receive,
        .send = send_batch,
        .close = close_packetaddr,
        .readable = readable,
    };
    struct packetaddr *a = mem_new(struct packetaddr);

    if (!a) {
        packet_close(lower);
        return NULL;
    }
    a->packet = (struct packet){.ops = &ops, .lower = lower};
    return &a->packet;
}
