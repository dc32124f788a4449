/*
 * What a decision costs: a mihomo rule file of N lines (20,000 unless told), three quarters DOMAIN-SUFFIX and
 * the rest IP-CIDR with a few keywords, asked for names and addresses of which half are in it.
 *
 *     rules_bench [lines]  ->  ns per decision and KiB held, for each kind of question
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "policy/route.h"

enum { LINES = 20000, QUESTIONS = 4096, ROUNDS = 50, KEYWORDS = 20 };

static struct outbound *any_outbound(void *arg, struct text tag)
{
    (void)tag;
    return arg;
}

static struct text PRINTF(2, 3) format_text(struct arena *a, const char *fmt, ...)
{
    char text[96];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct text t = arena_text(a, text_of(text));
    if (!t.ptr)
        abort();
    return t;
}

static void set_texts(struct arena *a, struct text_list *list, struct text t)
{
    list->at = arena_new(a, struct text);
    if (!list->at)
        abort();
    list->at[0] = t;
    list->len = 1;
}

static void make_rule(struct arena *a, struct rule_spec *r, unsigned i, unsigned lines)
{
    r->outbound = TEXT("A");
    if (i + KEYWORDS >= lines) {
        set_texts(a, &r->domain_keyword, format_text(a, "keyword%u-%u", i, i));
        r->line = format_text(a, "DOMAIN-KEYWORD,keyword%u-%u,A", i, i);
    } else if (i % 4) {
        set_texts(a, &r->domain_suffix, format_text(a, "site%u.example%u.com", i, i % 97));
        r->line = format_text(a, "DOMAIN-SUFFIX,site%u.example%u.com,A", i, i % 97);
    } else {
        r->ip_cidr.at = arena_alloc(a, sizeof(struct cidr));
        r->ip_cidr.len = 1;
        r->no_resolve = true;
        r->line = format_text(a, "IP-CIDR,%u/%u,A,no-resolve", i * 65537, 12 + i % 17);
        if (!r->ip_cidr.at)
            abort();
        r->ip_cidr.at[0] = (struct cidr){addr_v4(i * 214013u + 2531011u, 0), (uint8_t)(12 + i / 4 % 17)};
    }
}

static void measure(const char *what, const struct route_table *t, const struct dest *dests)
{
    struct session s = {.source = addr_v4(0x7f000001, 1)};
    unsigned matched = 0;
    int64_t start = clock_ns();

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < QUESTIONS; i++) {
            struct subject u;
            struct walk w;
            s.dest = dests[i];
            subject_init(&u, &s);
            walk_start(&w, t, &u, 0);
            matched += walk_next(&w) == STEP_RULE;
            subject_done(&u);
        }
    }
    int64_t spent = clock_ns() - start;
    (void)printf("%-28s %6.0f ns a decision, %3u %% matched\n", what, (double)spent / (QUESTIONS * ROUNDS),
                 matched / ROUNDS * 100 / QUESTIONS);
}

static void make_names(struct dest *out, unsigned lines)
{
    for (unsigned i = 0; i < QUESTIONS; i++) {
        char name[96];
        unsigned n = (unsigned)rnd_below(lines) | 1;
        (void)snprintf(name, sizeof name, i % 2 ? "www.site%u.example%u.com" : "a.b.other%u.host%u.net", n, n % 97);
        if (dest_set_host(&out[i], text_of(name), 443) < 0)
            abort();
    }
}

static void make_addresses(struct dest *out)
{
    for (unsigned i = 0; i < QUESTIONS; i++)
        out[i] = (struct dest){.ip = addr_v4((uint32_t)rnd_u64(), 0), .port = 443};
}

int main(int argc, char **argv)
{
    static struct dest dests[QUESTIONS];
    struct outbound outbound = {.tag = "A"};
    struct route_table *t = NULL;
    struct arena a;
    struct error err;
    uint64_t lines = LINES;

    if (argc > 1 && (text_to_u64(text_of(argv[1]), &lines) < 0 || lines <= KEYWORDS || lines > 10000000)) {
        (void)fprintf(stderr, "usage: rules_bench [lines]\n");
        return 2;
    }
    arena_init(&a, 0);
    struct rule_spec *rules = arena_alloc(&a, lines * sizeof *rules);
    if (!rules)
        return 1;
    for (unsigned i = 0; i < lines; i++)
        make_rule(&a, &rules[i], i, (unsigned)lines);
    const struct rule_list list = {.rules = {.at = rules, .len = lines}};
    const struct route_source source = {.lists = &list, .count = 1, .addresses_resolve = true, .outbound = any_outbound,
                                        .arg = &outbound};
    int64_t start = clock_ns();
    if (route_table_new(&source, &t, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    (void)printf("%llu rules: compiled in %.1f ms, %zu KiB (%zu bytes a rule; the specs were %zu KiB)\n",
                 (unsigned long long)lines, (double)(clock_ns() - start) / 1e6, route_table_size(t) / 1024,
                 route_table_size(t) / lines, a.total / 1024);
    arena_done(&a);
    make_names(dests, (unsigned)lines);
    measure("names, half in the list", t, dests);
    make_addresses(dests);
    measure("random IPv4 addresses", t, dests);
    route_table_free(t);
    return 0;
}
