#include "format/hosts_file.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* Cuts the next word off; false at the end. */
static bool next_word(struct text *rest, struct text *out)
{
    size_t n = 0;

    *rest = text_trim(*rest);
    while (n < rest->len && !is_blank(rest->ptr[n]))
        n++;
    *out = text_sub(*rest, 0, n);
    *rest = text_sub(*rest, n, SIZE_MAX);
    return n != 0;
}

static struct text without_comment(struct text line)
{
    ssize_t at = text_find(line, '#');

    return at < 0 ? line : text_sub(line, 0, (size_t)at);
}

static bool is_name(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if ((uint8_t)t.ptr[i] <= ' ' || t.ptr[i] == 0x7f)
            return false;
    }
    return t.len && t.len <= 255;
}

bool hosts_next(struct hosts_walk *w, struct addr *ip, struct text *name)
{
    struct text line, first;

    for (;;) {
        while (next_word(&w->names, name)) {
            if (!is_name(*name))
                continue;
            *ip = w->ip;
            return true;
        }
        if (!text_next(&w->rest, '\n', &line))
            return false;
        line = without_comment(line);
        if (next_word(&line, &first) && addr_parse(first, 0, &w->ip) == 0)
            w->names = line;
    }
}

static void read_number(struct text t, unsigned limit, unsigned *out)
{
    uint64_t value;

    if (text_to_u64(t, &value) == 0)
        *out = (unsigned)min_of(value, (uint64_t)limit);
}

static void read_option(struct text word, struct resolv_conf *out)
{
    struct text rest = word, name;

    (void)text_next(&rest, ':', &name);
    if (text_is(name, "ndots"))
        read_number(rest, RESOLV_NDOTS_MAX, &out->ndots);
    else if (text_is(name, "timeout"))
        read_number(rest, RESOLV_TIMEOUT_MAX, &out->timeout);
    else if (text_is(name, "attempts"))
        read_number(rest, RESOLV_ATTEMPTS_MAX, &out->attempts);
    else if (text_is(word, "rotate"))
        out->rotates = true;
    else if (text_is(word, "use-vc"))
        out->uses_tcp = true;
    else if (text_is(word, "single-request") || text_is(word, "single-request-reopen"))
        out->single_request = true;
}

static void read_line(struct text line, struct resolv_conf *out)
{
    struct text keyword, word;

    if (!next_word(&line, &keyword) || keyword.ptr[0] == '#' || keyword.ptr[0] == ';')
        return;
    if (text_is(keyword, "nameserver")) {
        if (out->server_count < RESOLV_SERVERS_MAX && next_word(&line, &word) &&
            addr_parse(word, 53, &out->servers[out->server_count]) == 0)
            out->server_count++;
    } else if (text_is(keyword, "search") || text_is(keyword, "domain")) {
        out->search_count = 0;
        while (next_word(&line, &word)) {
            if (is_name(word) && out->search_count < RESOLV_SEARCH_MAX)
                out->search[out->search_count++] = word;
        }
    } else if (text_is(keyword, "options")) {
        while (next_word(&line, &word))
            read_option(word, out);
    }
}

void resolv_conf_read(struct text t, struct resolv_conf *out)
{
    struct text line;

    *out = (struct resolv_conf){.ndots = 1, .timeout = 5, .attempts = 2};
    while (text_next(&t, '\n', &line))
        read_line(line, out);
    /* Zero seconds or attempts would mean that nobody is ever asked. */
    out->timeout = max_of(out->timeout, 1u);
    out->attempts = max_of(out->attempts, 1u);
}
