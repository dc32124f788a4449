/* weir reference: the option pages of docs/reference, from the option tables. */
#include <stdio.h>
#include <string.h>

#include "config/fields.h"
#include "main/commands.h"
#include "main/registry.h"

static const char *dialect_name(enum dialect d)
{
    return d == DIALECT_SINGBOX ? "sing-box" : "mihomo";
}

static void print_table(const char *title, const struct option *table)
{
    if (!table)
        return;
    (void)printf("\n## %s\n", title);
    for (int d = 0; d < DIALECT_COUNT; d++) {
        STRBUF out;
        strbuf_init(&out, 4 << 20);
        options_print_reference(table, (enum dialect)d, &out);
        if (out.len)
            (void)printf("\nIn %s:\n\n| key | value | default | |\n|---|---|---|---|\n%s", dialect_name((enum dialect)d),
                         out.ptr);
    }
}

static void print_protocol(const struct protocol *p)
{
    (void)printf("# %s\n\n%s\n", p->name, p->summary ? p->summary : "");
    if (p->mihomo_proxy || p->mihomo_listener)
        (void)printf("\nmihomo calls it `%s` among proxies and `%s` among listeners (`-`: it is not there).\n",
                     p->mihomo_proxy ? p->mihomo_proxy : "-", p->mihomo_listener ? p->mihomo_listener : "-");
    if (p->outbound_new)
        print_table("Outbound", p->outbound_options);
    if (p->inbound_new)
        print_table("Inbound", p->inbound_options);
}

/* What no single protocol owns. */
static const struct shared_page {
    const char *name;
    const char *title;
    const char *summary;
    const struct option *table;
} shared_pages[] = {
    {"dialing", "Outbounds that dial", "Keys that every outbound with a server, and direct, has besides its own.", dial_table},
    {"group", "Groups", "How a group chooses and tests its members; docs/groups.md tells the rules.", group_table},
    {"listening", "Inbounds", "Keys that every inbound has besides its own.", listen_table},
    {0},
};

static const struct shared_page *shared_page_of(const char *name)
{
    for (const struct shared_page *p = shared_pages; p->name; p++) {
        if (strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

static void print_names(void)
{
    for (size_t i = 0; registry[i]; i++)
        (void)puts(registry[i]->name);
    for (const struct shared_page *p = shared_pages; p->name; p++)
        (void)puts(p->name);
}

static int run(const struct command *c, int argc, char **argv)
{
    const char *name = NULL;
    int n = cli_parse(c, argc, argv, &name, 1);

    if (n < 0)
        return cli_exit(n);
    if (n == 0) {
        print_names();
        return EXIT_OK;
    }
    const struct shared_page *page = shared_page_of(name);
    if (page) {
        (void)printf("# %s\n\n%s\n", page->name, page->summary);
        print_table(page->title, page->table);
        return EXIT_OK;
    }
    const struct protocol *p = protocol_find(registry, name);
    if (!p) {
        (void)fprintf(stderr, "weir reference: nothing is called '%s'\n", name);
        return EXIT_FAILED;
    }
    print_protocol(p);
    return EXIT_OK;
}

const struct command command_reference = {
    .name = "reference",
    .operands = "[NAME]",
    .summary = "Print the option reference of a protocol as Markdown.",
    .run = run,
    .is_hidden = true,
};
