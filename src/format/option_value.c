/* One value of each type, as each dialect understands it. */
#include <errno.h>
#include <math.h>

#include "format/option_table.h"

int64_t option_load(const struct option *o, const void *field)
{
    uint64_t u64 = 0;
    uint32_t u32 = 0;
    uint16_t u16 = 0;

    switch (o->size) {
    case 1:
        return *(const int8_t *)field;
    case 2:
        memcpy(&u16, field, sizeof u16);
        return u16;
    case 4:
        memcpy(&u32, field, sizeof u32);
        if (o->type == OPTION_TYPE_ENUM)
            return (int32_t)u32;
        return u32;
    default:
        memcpy(&u64, field, sizeof u64);
        return (int64_t)u64;
    }
}

void option_store(const struct option *o, void *field, int64_t value)
{
    uint32_t u32 = (uint32_t)value;
    uint16_t u16 = (uint16_t)value;

    switch (o->size) {
    case 1:
        *(int8_t *)field = (int8_t)value;
        return;
    case 2:
        memcpy(field, &u16, sizeof u16);
        return;
    case 4:
        memcpy(field, &u32, sizeof u32);
        return;
    default:
        memcpy(field, &value, sizeof value);
        return;
    }
}

const char *option_type_words(const struct option *o)
{
    switch (o->type) {
    case OPTION_TYPE_BOOL:
    case OPTION_TYPE_TRI:
        return "true or false";
    case OPTION_TYPE_U16:
    case OPTION_TYPE_U32:
    case OPTION_TYPE_I64:
        return "a whole number";
    case OPTION_TYPE_PORT:
        return o->flags & OPTION_ZERO_PORT ? "0 to 65535" : "1 to 65535";
    case OPTION_TYPE_FLOAT:
        return "a number";
    case OPTION_TYPE_SIZE:
        return "a size like \"64 MB\"";
    case OPTION_TYPE_DURATION:
        return "a duration like \"5s\" or \"300ms\"";
    case OPTION_TYPE_ENUM:
    case OPTION_TYPE_STRING:
        return "a string";
    case OPTION_TYPE_STRING_LIST:
        return "a list of strings";
    case OPTION_TYPE_NUMBER_LIST:
        return "a list of whole numbers";
    case OPTION_TYPE_MAP:
        return "a map of strings";
    case OPTION_TYPE_OBJECT:
    case OPTION_TYPE_OBJECT_PTR:
        return "a map";
    case OPTION_TYPE_OBJECT_LIST:
        return "a list of maps";
    case OPTION_TYPE_NODE:
    case OPTION_TYPE_CUSTOM:
    case OPTION_TYPE_UNSUPPORTED:
    case OPTION_TYPE_IGNORED:
    case OPTION_TYPE_END:
        break;
    }
    return "a value";
}

/* Whether what is read now must not be quoted. */
static bool is_secret(const struct option_reader *r)
{
    const struct key_path *path = r->path;

    while (path && !path->key.ptr)
        path = path->up;
    return path && diag_is_secret(path->key);
}

int option_expected(const struct node *n, const char *expected, struct option_reader *r)
{
    bool has_raw = n->kind == NODE_BOOL || n->kind == NODE_INT || n->kind == NODE_FLOAT;

    if (has_raw && n->raw.len < 40 && !is_secret(r))
        diag_error(r->diag, n->at, r->path, "is %.*s, expected %s", TEXT_ARG(n->raw), expected);
    else
        diag_error(r->diag, n->at, r->path, "is %s, expected %s", node_kind_words(n->kind), expected);
    return -EINVAL;
}

bool option_is_off(const struct node *n)
{
    const struct node *enabled;

    switch (n->kind) {
    case NODE_NULL:
        return true;
    case NODE_BOOL:
        return !n->boolean;
    case NODE_INT:
        return n->integer == 0;
    case NODE_FLOAT:
        return n->number == 0;
    case NODE_STRING:
        return n->text.len == 0;
    case NODE_LIST:
        return n->count == 0;
    case NODE_MAP:
        enabled = node_get(n, "enabled");
        enabled = enabled ? enabled : node_get(n, "enable");
        return n->count == 0 || (enabled && option_is_off(enabled));
    }
    return false;
}

/* ---- scalars ---- */

static bool weak_bool(struct text t, bool *out)
{
    static const char *const yes[] = {"1", "t", "true", "y", "yes", "on"};
    static const char *const no[] = {"0", "f", "false", "n", "no", "off"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        *out = text_is_nocase(t, yes[i]);
        if (*out || text_is_nocase(t, no[i]))
            return true;
    }
    return false;
}

int option_bool(const struct node *n, bool *out, struct option_reader *r)
{
    bool weak = r->dialect == DIALECT_MIHOMO;

    if (n->kind == NODE_BOOL)
        *out = n->boolean;
    else if (weak && n->kind == NODE_INT)
        *out = n->integer != 0;
    else if (!(weak && n->kind == NODE_STRING && weak_bool(n->text, out)))
        return option_expected(n, "true or false", r);
    return 0;
}

int option_integer(const struct node *n, int64_t *out, struct option_reader *r)
{
    struct node plain = *n;

    if (r->dialect == DIALECT_MIHOMO && n->kind == NODE_STRING)
        node_set_plain(&plain, text_trim(n->text));
    if (r->dialect == DIALECT_MIHOMO && plain.kind == NODE_FLOAT && plain.number == trunc(plain.number) &&
        fabs(plain.number) < 9e15) {
        plain.kind = NODE_INT;
        plain.integer = (int64_t)plain.number;
    }
    if (r->dialect == DIALECT_MIHOMO && n->kind == NODE_BOOL) {
        plain.kind = NODE_INT;
        plain.integer = n->boolean;
    }
    if (plain.kind != NODE_INT)
        return option_expected(n, "a whole number", r);
    *out = plain.integer;
    return 0;
}

/* A number where text belongs: as written, but mihomo would have read 0123 as 83. */
static void warn_if_rewritten(const struct node *n, struct option_reader *r)
{
    char digits[32];

    if (n->kind == NODE_INT)
        (void)snprintf(digits, sizeof digits, "%lld", (long long)n->integer);
    if (n->kind == NODE_FLOAT || (n->kind == NODE_INT && !text_is(n->raw, digits))) {
        diag_warn(r->diag, n->at, r->path, "a number is taken as text, as it is written");
        diag_hint(r->diag, "put it in quotes: mihomo would change its digits");
    }
}

int option_string(const struct node *n, struct text *out, struct option_reader *r)
{
    bool weak = r->dialect == DIALECT_MIHOMO &&
                (n->kind == NODE_INT || n->kind == NODE_FLOAT || n->kind == NODE_BOOL);

    if (n->kind != NODE_STRING && !weak)
        return option_expected(n, "a string", r);
    if (weak)
        warn_if_rewritten(n, r);
    *out = arena_text(r->arena, n->kind == NODE_STRING ? n->text : n->raw);
    return out->ptr ? 0 : -ENOMEM;
}

struct range {
    int64_t min;
    int64_t max;
};

static struct range range_of(const struct option *o)
{
    bool given = o->min || o->max;

    switch (o->size) {
    case 2:
        if (o->type == OPTION_TYPE_PORT)
            return (struct range){o->flags & OPTION_ZERO_PORT ? 0 : 1, UINT16_MAX};
        return given ? (struct range){o->min, o->max ? o->max : UINT16_MAX} : (struct range){0, UINT16_MAX};
    case 4:
        return given ? (struct range){o->min, o->max ? o->max : UINT32_MAX} : (struct range){0, UINT32_MAX};
    default:
        break;
    }
    if (given)
        return (struct range){o->min, o->max || o->min < 0 ? o->max : INT64_MAX};
    return (struct range){o->type == OPTION_TYPE_I64 || o->type == OPTION_TYPE_NUMBER_LIST ? INT64_MIN : 0,
                          INT64_MAX};
}

static int out_of_range(const struct option *o, const struct node *n, struct option_reader *r)
{
    struct range range = range_of(o);
    char low[32], high[32], words[80];
    bool is_time = o->type == OPTION_TYPE_DURATION;

    if (is_time) {
        duration_print(range.min, low);
        duration_print(range.max, high);
    } else {
        (void)snprintf(low, sizeof low, "%lld", (long long)range.min);
        (void)snprintf(high, sizeof high, "%lld", (long long)range.max);
    }
    if (range.max == INT64_MAX)
        (void)snprintf(words, sizeof words, "at least %s", low);
    else
        (void)snprintf(words, sizeof words, "%s to %s", low, high);
    if (n->kind == NODE_STRING && !is_secret(r) && n->text.len < 40) {
        diag_error(r->diag, n->at, r->path, "is \"%.*s\", expected %s", TEXT_ARG(n->text), words);
        return -EINVAL;
    }
    return option_expected(n, words, r);
}

static bool in_range(const struct option *o, int64_t value)
{
    struct range range = range_of(o);
    return value >= range.min && value <= range.max;
}

static int read_integer(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    int64_t value;

    if (n->kind == NODE_FLOAT && n->number == trunc(n->number) && fabs(n->number) > 9e15)
        return out_of_range(o, n, r);
    int result = option_integer(n, &value, r);
    if (result < 0)
        return result;
    if (!in_range(o, value))
        return out_of_range(o, n, r);
    option_store(o, field, value);
    return 0;
}

static int read_float(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct node plain = *n;

    if (r->dialect == DIALECT_MIHOMO && n->kind == NODE_STRING)
        node_set_plain(&plain, n->text);
    if (plain.kind != NODE_INT && plain.kind != NODE_FLOAT)
        return option_expected(n, "a number", r);
    double value = plain.kind == NODE_INT ? (double)plain.integer : plain.number;
    if (!isfinite(value) || ((o->min || o->max) && (value < (double)o->min || value > (double)o->max)))
        return out_of_range(o, n, r);
    memcpy(field, &value, sizeof value);
    return 0;
}

static int read_duration(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    int64_t value, unit = o->unit ? o->unit : OPTION_SECOND;
    struct node plain = *n;
    int result = -EINVAL;

    if (r->dialect == DIALECT_MIHOMO && n->kind == NODE_STRING)
        node_set_plain(&plain, text_trim(n->text));
    if (plain.kind == NODE_STRING)
        result = duration_parse(plain.text, &value);
    else if (r->dialect == DIALECT_MIHOMO && plain.kind == NODE_INT)
        result = __builtin_mul_overflow(plain.integer, unit, &value) ? -ERANGE : 0;
    if (result == -EINVAL)
        return option_expected(n, option_type_words(o), r);
    if (result < 0 || !in_range(o, value))
        return out_of_range(o, n, r);
    option_store(o, field, value);
    return 0;
}

static int read_size(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    uint64_t value = 0;
    int result = -EINVAL;

    if (n->kind == NODE_STRING)
        result = size_parse(n->text, &value);
    else if (n->kind == NODE_INT) {
        result = n->integer < 0 ? -ERANGE : 0;
        value = (uint64_t)n->integer;
    }
    if (result == -EINVAL)
        return option_expected(n, option_type_words(o), r);
    if (result < 0 || value > INT64_MAX || !in_range(o, (int64_t)value))
        return out_of_range(o, n, r);
    option_store(o, field, (int64_t)value);
    return 0;
}

static int no_such_choice(const struct option *o, struct text given, const struct node *n,
                          struct option_reader *r)
{
    STRBUF names;
    struct nearest near = nearest_to(given);

    strbuf_init(&names, 1000);
    for (const struct option_choice *c = o->choices; c->name; c++) {
        strbuf_addf(&names, "%s%s", c == o->choices ? "" : c[1].name ? ", " : " or ", c->name[0] ? c->name : "\"\"");
        nearest_offer(&near, text_of(c->name));
    }
    diag_error(r->diag, n->at, r->path, "is \"%.*s\", expected %.*s", TEXT_ARG(text_sub(given, 0, 60)),
               TEXT_ARG(strbuf_text(&names)));
    if (near.best.ptr)
        diag_hint(r->diag, "did you mean '%.*s'?", TEXT_ARG(near.best));
    return -EINVAL;
}

static const struct option_choice *find_choice(const struct option *o, struct text t, enum dialect dialect)
{
    for (const struct option_choice *c = o->choices; c->name; c++) {
        if (text_is(t, c->name) || (dialect == DIALECT_MIHOMO && text_is_nocase(t, c->name)))
            return c;
    }
    return NULL;
}

static int read_enum(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct text t;
    int result = option_string(n, &t, r);

    if (result < 0)
        return result;
    const struct option_choice *c = find_choice(o, t, r->dialect);
    if (!c)
        return no_such_choice(o, t, n, r);
    option_store(o, field, c->value);
    return 0;
}

static int is_empty(const struct node *n, struct option_reader *r)
{
    diag_error(r->diag, n->at, r->path, "is empty, expected at least one %s",
               n->kind == NODE_STRING ? "character" : "entry");
    return -EINVAL;
}

static int read_string(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    struct text t;
    int result = option_string(n, &t, r);

    if (result < 0)
        return result;
    if ((o->flags & (OPTION_NOT_EMPTY | OPTION_REQUIRED)) && t.len == 0)
        return is_empty(n, r);
    if (o->choices && !find_choice(o, t, r->dialect))
        return no_such_choice(o, t, n, r);
    memcpy(field, &t, sizeof t);
    return 0;
}

/* ---- lists, maps, objects ---- */



static int read_number(const struct option *o, const struct node *n, void *to, struct option_reader *r)
{
    int64_t value = 0;
    int result = option_integer(n, &value, r);

    if (result == 0 && !in_range(o, value))
        return out_of_range(o, n, r);
    memcpy(to, &value, sizeof value);
    return result;
}

/* Reads a member of a list, or the value that stands for a list of one. */
static int read_member(const struct option *o, const struct node *n, void *to, struct option_reader *r)
{
    if (o->type == OPTION_TYPE_STRING_LIST)
        return option_string(n, to, r);
    if (o->type == OPTION_TYPE_NUMBER_LIST)
        return read_number(o, n, to, r);
    return options_read(o->table, n, to, r);
}

static size_t member_size(const struct option *o)
{
    return o->type == OPTION_TYPE_STRING_LIST ? sizeof(struct text)
           : o->type == OPTION_TYPE_NUMBER_LIST ? sizeof(int64_t) : o->size;
}

static int read_members(const struct option *o, const struct node *list, char *to, struct option_reader *r)
{
    const struct key_path *up = r->path;
    struct key_path path = {.up = up};
    int result = 0;

    r->path = &path;
    node_each(item, list) {
        int one = read_member(o, item->value, to + path.index * member_size(o), r);
        if (one == -ENOMEM || result == 0)
            result = one;
        path.index++;
        if (result == -ENOMEM)
            break;
    }
    r->path = up;
    return result;
}

static int read_list(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    size_t count = n->kind == NODE_LIST ? n->count : 1;
    struct text_list list = {0}; /* every list has this shape */

    if (count == 0 && (o->flags & (OPTION_NOT_EMPTY | OPTION_REQUIRED)))
        return is_empty(n, r);
    void *at = arena_alloc(r->arena, count * member_size(o));
    if (!at)
        return -ENOMEM;
    int result = n->kind == NODE_LIST ? read_members(o, n, at, r) : read_member(o, n, at, r);
    if (result < 0)
        return result;
    list.at = at;
    list.len = count;
    memcpy(field, &list, sizeof list);
    return 0;
}

/* One name with its value, or with each of a list of values. */
static int read_pairs(const struct node_item *item, struct text_map *map, struct option_reader *r)
{
    struct text key = arena_text(r->arena, item->key);
    const struct node_item *member = item->value->kind == NODE_LIST ? item->value->first : item;

    if (!key.ptr)
        return -ENOMEM;
    if (item->value->kind == NODE_LIST && !member)
        return 0;
    do {
        struct text_pair *pair = &map->at[map->len];
        int result = option_string(member->value, &pair->value, r);
        if (result < 0)
            return result;
        pair->key = key;
        map->len++;
        member = item->value->kind == NODE_LIST ? member->next : NULL;
    } while (member);
    return 0;
}

static int read_map(const struct node *n, void *field, struct option_reader *r)
{
    const struct key_path *up = r->path;
    struct text_map map = {0};
    int result = 0;

    if (n->kind != NODE_MAP)
        return option_expected(n, "a map of strings", r);
    size_t room = 0;
    node_each(item, n)
        room += item->value->kind == NODE_LIST ? item->value->count : 1;
    map.at = arena_alloc(r->arena, room * sizeof *map.at);
    if (!map.at)
        return -ENOMEM;
    node_each(item, n) {
        struct key_path path = {.up = up, .key = item->key};
        r->path = &path;
        int one = read_pairs(item, &map, r);
        if (one == -ENOMEM || result == 0)
            result = one;
        r->path = up;
        if (result == -ENOMEM)
            break;
    }
    if (result == 0)
        memcpy(field, &map, sizeof map);
    return result;
}

static int read_object_ptr(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    void *object = arena_alloc(r->arena, o->size);

    if (!object)
        return -ENOMEM;
    int result = options_read(o->table, n, object, r);
    if (result == 0)
        memcpy(field, &object, sizeof object);
    return result;
}

int option_read_value(const struct option *o, const struct node *n, void *field, struct option_reader *r)
{
    bool yes;
    int result;

    switch (o->type) {
    case OPTION_TYPE_BOOL:
    case OPTION_TYPE_TRI:
        result = option_bool(n, &yes, r);
        if (result == 0)
            option_store(o, field, yes);
        return result;
    case OPTION_TYPE_U16:
    case OPTION_TYPE_PORT:
    case OPTION_TYPE_U32:
    case OPTION_TYPE_I64:
        return read_integer(o, n, field, r);
    case OPTION_TYPE_FLOAT:
        return read_float(o, n, field, r);
    case OPTION_TYPE_SIZE:
        return read_size(o, n, field, r);
    case OPTION_TYPE_DURATION:
        return read_duration(o, n, field, r);
    case OPTION_TYPE_ENUM:
        return read_enum(o, n, field, r);
    case OPTION_TYPE_STRING:
        return read_string(o, n, field, r);
    case OPTION_TYPE_STRING_LIST:
    case OPTION_TYPE_NUMBER_LIST:
    case OPTION_TYPE_OBJECT_LIST:
        return read_list(o, n, field, r);
    case OPTION_TYPE_MAP:
        return read_map(n, field, r);
    case OPTION_TYPE_OBJECT:
        return options_read(o->table, n, field, r);
    case OPTION_TYPE_OBJECT_PTR:
        return read_object_ptr(o, n, field, r);
    case OPTION_TYPE_NODE:
        memcpy(field, &n, sizeof n);
        return 0;
    case OPTION_TYPE_CUSTOM:
        return o->read(o, n, field, r);
    case OPTION_TYPE_UNSUPPORTED:
    case OPTION_TYPE_IGNORED:
    case OPTION_TYPE_END:
        break;
    }
    return 0;
}
