#include "net/dest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_dest(struct text t)
{
    char out[DEST_TEXT], again[DEST_TEXT];
    struct dest d = {0}, back = {0};

    if (dest_parse(t, &d) < 0)
        return;
    (void)dest_print(&d, out);
    if (strlen(out) >= sizeof out || dest_parse(text_of(out), &back) < 0 || !dest_eq(&d, &back) ||
        strcmp(dest_print(&back, again), out) != 0)
        abort();
    (void)dest_print_host(&d, out);
    if (dest_set_host(&back, text_of(out), d.port) < 0 || !dest_eq(&d, &back))
        abort();
}

static void try_addr(struct text t)
{
    char out[ADDR_TEXT];
    struct addr a, back;

    if (addr_parse(t, 80, &a) < 0)
        return;
    if (addr_parse(text_of(addr_print_ip(&a, out)), 80, &back) < 0 || !addr_eq(&a, &back))
        abort();
    (void)addr_print(&a, out);
    if ((addr_is_loopback(&a) || addr_is_multicast(&a) || addr_is_unspecified(&a)) && !addr_is_private(&a))
        abort();
}

static void try_cidr(struct text t)
{
    struct cidr c;

    if (cidr_parse(t, &c) == 0 && !cidr_has(&c, &c.base))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = {.ptr = (const char *)data, .len = size};

    try_dest(t);
    try_addr(t);
    try_cidr(t);
    return 0;
}
