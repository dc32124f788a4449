/* What people and editors read about options: tables of the reference, and JSON Schema. */
#include "format/option_table.h"

enum { NESTING_MAX = 6 }; /* a table may contain itself (rules in rules) */

/* ---- reference ---- */

static void print_default(const struct option *o, struct strbuf *out)
{
    char words[32];
    const struct option_choice *c = o->choices;

    if (o->flags & OPTION_REQUIRED) {
        strbuf_add_text(out, TEXT("required"));
    } else if (o->type == OPTION_TYPE_BOOL) {
        strbuf_add_text(out, o->def ? TEXT("`true`") : TEXT("`false`"));
    } else if (o->type == OPTION_TYPE_DURATION && o->def) {
        duration_print(o->def, words);
        strbuf_addf(out, "`%s`", words);
    } else if (o->type == OPTION_TYPE_ENUM) {
        while (c->name && c->value != o->def)
            c++;
        if (c->name && c->name[0])
            strbuf_addf(out, "`%s`", c->name);
    } else if (o->type == OPTION_TYPE_STRING && o->def_text) {
        strbuf_addf(out, "`%s`", o->def_text);
    } else if (o->def && o->type != OPTION_TYPE_TRI) {
        strbuf_addf(out, "`%lld`", (long long)o->def);
    }
}

static void print_type(const struct option *o, enum dialect dialect, struct strbuf *out)
{
    if (o->type == OPTION_TYPE_UNSUPPORTED)
        strbuf_add_text(out, TEXT("not supported yet"));
    else if (o->choices) {
        for (const struct option_choice *c = o->choices; c->name; c++)
            strbuf_addf(out, "%s`%s`", c == o->choices ? "" : ", ", c->name[0] ? c->name : "\"\"");
    } else
        strbuf_add_text(out, text_of(option_type_words(o)));
    if (o->type == OPTION_TYPE_DURATION && dialect == DIALECT_MIHOMO) {
        bool is_ms = o->unit == OPTION_MS;
        strbuf_addf(out, ", or a number of %s", is_ms ? "milliseconds" : o->unit == OPTION_MINUTE ? "minutes" : "seconds");
    }
    if (o->max && o->type != OPTION_TYPE_DURATION)
        strbuf_addf(out, ", %lld to %lld", (long long)o->min, (long long)o->max);
}

struct printer {
    enum dialect dialect;
    struct strbuf *out;
    unsigned depth;
};

static void print_rows(const struct option *table, const struct key_path *up, struct printer *p);

static void print_row(const struct option *o, const struct key_path *path, struct printer *p)
{
    strbuf_add_text(p->out, TEXT("| `"));
    STRBUF key;
    strbuf_init(&key, 1000);
    key_path_print(path, &key);
    strbuf_add_text(p->out, strbuf_text(&key));
    strbuf_add_text(p->out, TEXT("` | "));
    print_type(o, p->dialect, p->out);
    strbuf_add_text(p->out, TEXT(" | "));
    print_default(o, p->out);
    strbuf_addf(p->out, " | %s", o->help ? o->help : "");
    if (o->deprecated)
        strbuf_addf(p->out, "%sDeprecated: write %s.", o->help ? " " : "", o->deprecated);
    if (o->unsupported)
        strbuf_addf(p->out, "%s%s", o->help ? " " : "", o->unsupported);
    strbuf_add_text(p->out, TEXT(" |\n"));
    if (o->table)
        print_rows(o->table, path, p);
}

static void print_rows(const struct option *table, const struct key_path *up, struct printer *p)
{
    if (++p->depth <= NESTING_MAX) {
        for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
            struct key_path path = {.up = up, .key = text_of(option_key(o, p->dialect))};
            if (option_is_inline(o, p->dialect))
                print_rows(o->table, up, p);
            else if (option_key(o, p->dialect) && o->type != OPTION_TYPE_IGNORED)
                print_row(o, &path, p);
        }
    }
    p->depth--;
}

void options_print_reference(const struct option *table, enum dialect dialect, struct strbuf *out)
{
    struct printer p = {.dialect = dialect, .out = out};

    print_rows(table, NULL, &p);
}

/* ---- JSON Schema ---- */

static void schema_object(const struct option *table, struct printer *p);

static void schema_choices(const struct option *o, struct strbuf *out)
{
    strbuf_add_text(out, TEXT("\"enum\": ["));
    for (const struct option_choice *c = o->choices; c->name; c++) {
        strbuf_add_text(out, c == o->choices ? TEXT("") : TEXT(", "));
        strbuf_add_json(out, text_of(c->name));
    }
    strbuf_add_char(out, ']');
}

static void schema_integer(const struct option *o, struct strbuf *out)
{
    int64_t min = o->min, max = o->max;

    if (o->type == OPTION_TYPE_PORT || o->type == OPTION_TYPE_U16) {
        min = o->type == OPTION_TYPE_PORT && !(o->flags & OPTION_ZERO_PORT) ? 1 : min;
        max = max ? max : UINT16_MAX;
    } else if (o->type == OPTION_TYPE_U32)
        max = max ? max : UINT32_MAX;
    strbuf_add_text(out, TEXT("\"type\": \"integer\""));
    if (max)
        strbuf_addf(out, ", \"minimum\": %lld, \"maximum\": %lld", (long long)min, (long long)max);
}

/* The members that say what one value is, without braces. */
static void schema_type(const struct option *o, struct printer *p)
{
    switch (o->type) {
    case OPTION_TYPE_BOOL:
    case OPTION_TYPE_TRI:
        strbuf_add_text(p->out, TEXT("\"type\": \"boolean\""));
        return;
    case OPTION_TYPE_U16:
    case OPTION_TYPE_PORT:
    case OPTION_TYPE_U32:
    case OPTION_TYPE_I64:
    case OPTION_TYPE_NUMBER_LIST:
        schema_integer(o, p->out);
        return;
    case OPTION_TYPE_FLOAT:
        strbuf_add_text(p->out, TEXT("\"type\": \"number\""));
        return;
    case OPTION_TYPE_SIZE:
        strbuf_add_text(p->out, TEXT("\"type\": [\"integer\", \"string\"]"));
        return;
    case OPTION_TYPE_DURATION:
        strbuf_add_text(p->out, p->dialect == DIALECT_MIHOMO ? TEXT("\"type\": [\"integer\", \"string\"]")
                                                             : TEXT("\"type\": \"string\""));
        return;
    case OPTION_TYPE_ENUM:
    case OPTION_TYPE_STRING:
    case OPTION_TYPE_STRING_LIST:
        if (o->choices)
            schema_choices(o, p->out);
        else
            strbuf_add_text(p->out, TEXT("\"type\": \"string\""));
        return;
    case OPTION_TYPE_MAP:
        strbuf_add_text(p->out, TEXT("\"type\": \"object\", \"additionalProperties\": {\"type\": "
                                     "[\"string\", \"array\"]}"));
        return;
    case OPTION_TYPE_OBJECT:
    case OPTION_TYPE_OBJECT_PTR:
    case OPTION_TYPE_OBJECT_LIST:
        schema_object(o->table, p);
        return;
    case OPTION_TYPE_CUSTOM:
        if (o->table)
            schema_object(o->table, p);
        return;
    case OPTION_TYPE_NODE:
    case OPTION_TYPE_UNSUPPORTED:
    case OPTION_TYPE_IGNORED:
    case OPTION_TYPE_END:
        return;
    }
}

static bool is_list(const struct option *o)
{
    return o->type == OPTION_TYPE_STRING_LIST || o->type == OPTION_TYPE_NUMBER_LIST ||
           o->type == OPTION_TYPE_OBJECT_LIST;
}

static void schema_property(const struct option *o, struct printer *p)
{
    size_t start = p->out->len;

    strbuf_add_char(p->out, '{');
    if (is_list(o)) {
        strbuf_add_text(p->out, TEXT("\"anyOf\": [{"));
        schema_type(o, p);
        strbuf_add_text(p->out, TEXT("}, {\"type\": \"array\", \"items\": {"));
        schema_type(o, p);
        strbuf_add_text(p->out, TEXT("}}]"));
    } else
        schema_type(o, p);
    if (o->help) {
        strbuf_add_text(p->out, p->out->len > start + 1 ? TEXT(", ") : TEXT(""));
        strbuf_add_text(p->out, TEXT("\"description\": "));
        strbuf_add_json(p->out, text_of(o->help));
    }
    if (o->deprecated)
        strbuf_add_text(p->out, p->out->len > start + 1 ? TEXT(", \"deprecated\": true") : TEXT("\"deprecated\": true"));
    strbuf_add_char(p->out, '}');
}

static void schema_properties(const struct option *table, struct printer *p, bool *any)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        const char *key = option_key(o, p->dialect);
        if (!key)
            continue;
        if (option_is_inline(o, p->dialect)) {
            schema_properties(o->table, p, any);
            continue;
        }
        strbuf_add_text(p->out, *any ? TEXT(", ") : TEXT(""));
        strbuf_add_json(p->out, text_of(key));
        strbuf_add_text(p->out, TEXT(": "));
        schema_property(o, p);
        *any = true;
    }
}

static void schema_required(const struct option *table, struct printer *p, bool *any)
{
    for (const struct option *o = table; o->type != OPTION_TYPE_END; o++) {
        const char *key = option_key(o, p->dialect);
        if (option_is_inline(o, p->dialect))
            schema_required(o->table, p, any);
        if (!key || !key[0] || !(o->flags & OPTION_REQUIRED) || (o->flags & OPTION_ALIAS))
            continue;
        strbuf_add_text(p->out, *any ? TEXT(", ") : TEXT(", \"required\": ["));
        strbuf_add_json(p->out, text_of(key));
        *any = true;
    }
}

static void schema_object(const struct option *table, struct printer *p)
{
    bool any = false, any_required = false;

    strbuf_add_text(p->out, TEXT("\"type\": \"object\""));
    if (++p->depth <= NESTING_MAX) {
        strbuf_add_text(p->out, TEXT(", \"properties\": {"));
        schema_properties(table, p, &any);
        strbuf_add_char(p->out, '}');
        schema_required(table, p, &any_required);
        strbuf_add_text(p->out, any_required ? TEXT("]") : TEXT(""));
        if (p->dialect == DIALECT_SINGBOX)
            strbuf_add_text(p->out, TEXT(", \"additionalProperties\": false"));
    }
    p->depth--;
}

void options_print_schema(const struct option *table, enum dialect dialect, struct strbuf *out)
{
    struct printer p = {.dialect = dialect, .out = out};

    strbuf_add_char(out, '{');
    schema_object(table, &p);
    strbuf_add_char(out, '}');
}
