#include "config/read.h"

#include <errno.h>

#include "config/reading.h"
#include "format/json.h"
#include "format/yaml.h"

/* ---- which dialect ---- */

/* Words that only one dialect has at its top level. */
static const char *const singbox_words[] = {"inbounds",     "outbounds", "endpoints",   "route",        "services",
                                            "log",          "$schema",   "certificate", "http_clients", "certificate_providers"};
static const char *const mihomo_words[] = {
    "proxies",     "proxy-groups", "proxy-providers", "rule-providers", "rules",        "sub-rules",           "listeners",
    "tunnels",     "port",         "socks-port",      "mixed-port",     "redir-port",   "tproxy-port",         "mode",
    "allow-lan",   "bind-address", "log-level",       "hosts",          "tun",          "external-controller", "sniffer",
    "geodata-mode", "ipv6",        "profile",         "secret",         "authentication"};

static bool is_word(struct text key, const char *word)
{
    size_t i = 0;

    for (; i < key.len; i++) {
        char c = key.ptr[i] == '_' ? '-' : key.ptr[i];
        char w = word[i] == '_' ? '-' : word[i];
        if (c != w)
            return false;
    }
    return word[i] == 0;
}

static unsigned count_words(const struct node *root, const char *const *words, size_t count)
{
    unsigned found = 0;

    if (!node_is(root, NODE_MAP))
        return 0;
    node_each(item, root) {
        for (size_t i = 0; i < count; i++)
            found += is_word(item->key, words[i]);
    }
    return found;
}

/* JSON with comments starts with a brace once these are skipped; YAML hardly ever does. */
static bool is_json(struct text t)
{
    while (t.len) {
        char c = t.ptr[0];
        if (c == '#') {
            ssize_t end = text_find(t, '\n');
            t = end < 0 ? TEXT("") : text_sub(t, (size_t)end, SIZE_MAX);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || (unsigned char)c == 0xEF ||
                   (unsigned char)c == 0xBB || (unsigned char)c == 0xBF)
            t = text_sub(t, 1, SIZE_MAX);
        else
            return c == '{' || c == '/' || c == '[';
    }
    return false;
}

static const char *dialect_name(enum dialect d)
{
    return d == DIALECT_SINGBOX ? "sing-box" : "mihomo";
}

struct guess {
    enum dialect dialect;
    unsigned singbox;
    unsigned mihomo;
};

/* -EINVAL after a report when it is neither. */
static int guess_dialect(const struct document *doc, struct diag *diag, struct guess *out)
{
    const struct node *root = doc->root;

    out->singbox = count_words(root, singbox_words, ARRAY_LEN(singbox_words));
    out->mihomo = count_words(root, mihomo_words, ARRAY_LEN(mihomo_words));
    if (out->singbox != out->mihomo)
        out->dialect = out->singbox > out->mihomo ? DIALECT_SINGBOX : DIALECT_MIHOMO;
    else
        out->dialect = is_json(doc->source.text) ? DIALECT_SINGBOX : DIALECT_MIHOMO;
    if (out->singbox || out->mihomo || (root->kind == NODE_MAP && !root->count))
        return 0;
    diag_error(diag, root->at, NULL, "this is no configuration that weir knows");
    diag_hint(diag, "sing-box has inbounds, outbounds or route at the top, mihomo has proxies, rules, listeners or "
                    "mixed-port; --format says which it is");
    return -EINVAL;
}

/* What was asked for against what it looks like: 0 or -EINVAL after a report. */
static int check_dialect(const struct document *doc, enum dialect wanted, struct diag *diag)
{
    struct guess guess;

    if (guess_dialect(doc, diag, &guess) < 0)
        return -EINVAL;
    unsigned for_it = wanted == DIALECT_SINGBOX ? guess.singbox : guess.mihomo;
    unsigned against = wanted == DIALECT_SINGBOX ? guess.mihomo : guess.singbox;
    if (for_it || !against)
        return 0;
    diag_error(diag, doc->root->at, NULL, "this looks like a %s configuration, and is to be read as one of %s",
               dialect_name(guess.dialect), dialect_name(wanted));
    return -EINVAL;
}

static void warn_unusual(const struct document *doc, enum dialect d, struct diag *diag)
{
    bool json = is_json(doc->source.text);

    if (d == DIALECT_SINGBOX && !json)
        diag_warn(diag, doc->root->at, NULL,
                  "this looks like a sing-box configuration in YAML, and is read so; sing-box itself reads JSON only");
}

/* ---- reading and merging ---- */

static int read_document(const struct config_source *s, struct model *m, struct diag *diag, struct document **out)
{
    struct document *doc = mem_new(struct document);

    if (!doc)
        return -ENOMEM;
    int r = is_json(s->text) ? json_read(doc, s->name, s->text, diag) : yaml_read(doc, s->name, s->text, diag);
    int pushed = vec_push(&m->documents, doc);
    if (pushed < 0) {
        document_done(doc);
        mem_free(doc);
        return pushed;
    }
    if (r < 0)
        return r;
    *out = doc;
    struct place top = {.source = &doc->source, .line = 1, .column = 1};
    if (!doc->root || doc->root->kind == NODE_NULL)
        diag_error(diag, top, NULL, "the file has nothing in it");
    else if (doc->root->kind != NODE_MAP)
        diag_error(diag, doc->root->at, NULL, "is %s, expected a map of sections", node_kind_words(doc->root->kind));
    else
        return 0;
    return -EINVAL;
}

static int merge_maps(struct arena *a, struct node *into, const struct node *from, struct diag *diag);

static int merge_lists(struct arena *a, struct node *into, const struct node *from)
{
    node_each(item, from) {
        int r = node_add(a, into, item->value);
        if (r < 0)
            return r;
    }
    return 0;
}

/* As sing-box's `merge`: lists are joined, maps merged, of other values the later one is used. */
static int merge_entry(struct arena *a, struct node *into, const struct node_item *item, struct diag *diag)
{
    struct node_item *old = node_find(into, item->key);

    if (!old || old->value->kind == NODE_NULL)
        return node_set(a, into, item->key, item->value);
    bool old_is_group = old->value->kind == NODE_LIST || old->value->kind == NODE_MAP;
    bool new_is_group = item->value->kind == NODE_LIST || item->value->kind == NODE_MAP;
    if ((old_is_group || new_is_group) && old->value->kind != item->value->kind) {
        diag_error(diag, item->value->at, NULL, "'%.*s' is %s here and %s in %.*s", TEXT_ARG(item->key),
                   node_kind_words(item->value->kind), node_kind_words(old->value->kind),
                   TEXT_ARG(old->value->at.source ? old->value->at.source->name : TEXT("another file")));
        return 0;
    }
    if (!old_is_group) {
        old->value = item->value;
        old->key_at = item->key_at;
        return 0;
    }
    old->value = node_copy(a, old->value);
    if (!old->value)
        return -ENOMEM;
    return old->value->kind == NODE_LIST ? merge_lists(a, old->value, item->value)
                                         : merge_maps(a, old->value, item->value, diag);
}

static int merge_maps(struct arena *a, struct node *into, const struct node *from, struct diag *diag)
{
    node_each(item, from) {
        int r = merge_entry(a, into, item, diag);
        if (r < 0)
            return r;
    }
    return 0;
}

struct sources {
    const struct config_source *at;
    size_t count;
};

/* Reads all sources into one tree: 0, -EINVAL (reported) or -ENOMEM. */
static int read_sources(const struct sources *s, const struct config_options *options, struct model *m,
                        struct diag *diag, const struct node **out)
{
    struct node *merged = NULL;
    int result = 0;

    for (size_t i = 0; i < s->count; i++) {
        struct document *doc;
        struct guess guess = {0};
        int r = read_document(&s->at[i], m, diag, &doc);
        if (r == 0 && i == 0 && options->format == CONFIG_AUTO) {
            r = guess_dialect(doc, diag, &guess);
            m->dialect = guess.dialect;
        } else if (r == 0) {
            if (i == 0)
                m->dialect = options->format == CONFIG_SINGBOX ? DIALECT_SINGBOX : DIALECT_MIHOMO;
            r = check_dialect(doc, m->dialect, diag);
        }
        if (r == -ENOMEM)
            return r;
        if (r < 0) {
            result = r;
            continue;
        }
        warn_unusual(doc, m->dialect, diag);
        if (merged)
            r = merge_maps(&m->arena, merged, doc->root, diag);
        else if (s->count > 1)
            merged = node_copy(&m->arena, doc->root);
        else
            merged = doc->root;
        if (r < 0 || !merged)
            return -ENOMEM;
    }
    *out = merged;
    return result;
}

int config_read(const struct config_source *sources, size_t count, const struct config_options *options,
                struct model *out, struct diag *diag)
{
    CLEANUP(reading_done) struct reading g = {0};
    const struct node *root = NULL;
    size_t errors = diag->errors;

    model_init(out);
    if (!count) {
        diag_error(diag, (struct place){0}, NULL, "no configuration was given");
        return -EINVAL;
    }
    int r = read_sources(&(struct sources){sources, count}, options, out, diag, &root);
    if (r < 0)
        return r;
    r = reading_init(&g, out, diag, options);
    g.root = root;
    if (r == 0)
        r = out->dialect == DIALECT_SINGBOX ? singbox_read(&g) : mihomo_read(&g);
    if (r == 0)
        r = reading_check(&g);
    if (r < 0)
        return r;
    return diag->errors > errors ? -EINVAL : 0;
}
