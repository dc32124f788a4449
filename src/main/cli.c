#include "main/cli.h"

#include <stdio.h>
#include <string.h>

#include "format/diag.h"
#include "format/option.h"

static int complain(const struct command *c, const char *what, struct text name)
{
    (void)fprintf(stderr, "weir %s: %s '%.*s'\nTry 'weir %s --help'.\n", c->name, what, TEXT_ARG(name), c->name);
    return -1;
}

static const struct flag *find_long(const struct flag *flags, struct text name)
{
    for (const struct flag *f = flags; f && f->name; f++) {
        if (text_is(name, f->name))
            return f;
    }
    return NULL;
}

static const struct flag *find_letter(const struct flag *flags, char letter)
{
    for (const struct flag *f = flags; f && f->name; f++) {
        if (f->letter == letter)
            return f;
    }
    return NULL;
}

static bool is_choice(const char *choices, const char *value)
{
    struct text rest = text_of(choices), one;

    while (text_next(&rest, '|', &one)) {
        if (text_is(one, value))
            return true;
    }
    return false;
}

static int store(const struct command *c, const struct flag *f, const char *value)
{
    uint64_t number;
    int64_t ns;

    switch (f->kind) {
    case FLAG_SWITCH:
        *(bool *)f->value = true;
        return 0;
    case FLAG_TEXT:
        *(const char **)f->value = value;
        return 0;
    case FLAG_LIST: {
        struct flag_list *list = f->value;
        if (list->len == CLI_VALUES)
            return complain(c, "too many values for", text_of(f->name));
        list->at[list->len++] = value;
        return 0;
    }
    case FLAG_NUMBER:
        if (text_to_u64(text_of(value), &number) < 0 || number > INT64_MAX)
            return complain(c, "not a number:", text_of(value));
        *(int64_t *)f->value = (int64_t)number;
        return 0;
    case FLAG_DURATION:
        if (duration_parse(text_of(value), &ns) < 0 || ns < 0)
            return complain(c, "not a duration (500ms, 10s, 1m):", text_of(value));
        *(int64_t *)f->value = ns / 1000000;
        return 0;
    case FLAG_CHOICE:
        if (!is_choice(f->choices, value)) {
            (void)fprintf(stderr, "weir %s: --%s is %s, not '%s'\n", c->name, f->name, f->choices, value);
            return -1;
        }
        *(const char **)f->value = value;
        return 0;
    }
    return -1;
}

static int unknown_flag(const struct command *c, struct text name)
{
    struct nearest near = nearest_to(name);

    for (const struct flag *f = c->flags; f && f->name; f++)
        nearest_offer(&near, text_of(f->name));
    (void)fprintf(stderr, "weir %s: unknown flag '--%.*s'", c->name, TEXT_ARG(name));
    if (near.best.ptr)
        (void)fprintf(stderr, "; did you mean '--%.*s'?", TEXT_ARG(near.best));
    (void)fprintf(stderr, "\nTry 'weir %s --help'.\n", c->name);
    return -1;
}

/* One flag with its value; moves *i over a separate value. */
static int parse_flag(const struct command *c, int argc, char **argv, int *i)
{
    struct text word = text_of(argv[*i]);
    const struct flag *f;
    const char *value = NULL;

    if (text_starts(word, TEXT("--"))) {
        struct text name = text_sub(word, 2, SIZE_MAX);
        ssize_t eq = text_find(name, '=');
        if (eq >= 0) {
            value = name.ptr + eq + 1;
            name.len = (size_t)eq;
        }
        f = find_long(c->flags, name);
        if (!f)
            return unknown_flag(c, name);
    } else {
        f = find_letter(c->flags, word.ptr[1]);
        if (!f)
            return complain(c, "unknown flag", word);
        if (word.len > 2)
            value = word.ptr + 2;
    }
    if (f->kind == FLAG_SWITCH && value)
        return complain(c, "flag takes no value:", word);
    if (f->kind != FLAG_SWITCH && !value) {
        if (*i + 1 >= argc)
            return complain(c, "flag needs a value:", word);
        value = argv[++*i];
    }
    return store(c, f, value);
}

int cli_parse(const struct command *c, int argc, char **argv, const char **operands, int max)
{
    bool flags_ended = false;
    int n = 0;

    for (int i = 0; i < argc; i++) {
        if (!flags_ended && strcmp(argv[i], "--") == 0) {
            flags_ended = true;
        } else if (!flags_ended && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            STRBUF out;
            strbuf_init(&out, 1 << 16);
            cli_help(c, &out);
            (void)fputs(out.ptr, stdout);
            return -2;
        } else if (!flags_ended && argv[i][0] == '-' && argv[i][1]) {
            if (parse_flag(c, argc, argv, &i) < 0)
                return -1;
        } else if (n == max) {
            return complain(c, "unexpected argument", text_of(argv[i]));
        } else {
            operands[n++] = argv[i];
        }
    }
    return n;
}

int cli_exit(int result)
{
    return result == -2 ? EXIT_OK : EXIT_USAGE;
}

void cli_help(const struct command *c, struct strbuf *out)
{
    strbuf_addf(out, "Usage: weir %s%s%s%s\n\n%s\n", c->name, c->flags ? " [FLAGS]" : "", c->operands ? " " : "",
                c->operands ? c->operands : "", c->summary);
    if (c->flags)
        strbuf_add_text(out, TEXT("\nFlags:\n"));
    for (const struct flag *f = c->flags; f && f->name; f++) {
        STRBUF left;
        strbuf_init(&left, 256);
        strbuf_addf(&left, f->letter ? "-%c, " : "    ", f->letter);
        strbuf_addf(&left, "--%s", f->name);
        if (f->kind != FLAG_SWITCH)
            strbuf_addf(&left, " %s", f->choices ? f->choices : f->metavar ? f->metavar : "VALUE");
        strbuf_addf(out, "  %-30s  %s\n", left.ptr, f->help);
    }
}
