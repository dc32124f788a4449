/*
 * Option tables: the only description of what a protocol can be told. Reading, checking,
 * defaults, `weir check`, `weir convert`, the reference pages and the JSON Schema come from it.
 *
 *     struct socks_options {
 *         struct text server;
 *         uint16_t server_port;
 *         int64_t timeout;
 *     };
 *
 *     OPTION_TABLE(struct socks_options, socks_option_table) = {
 *         OPT_STRING(struct socks_options, server, .singbox = "server", .mihomo = "server",
 *                    .flags = OPTION_REQUIRED, .help = "Address of the SOCKS server."),
 *         OPT_PORT(struct socks_options, server_port, .singbox = "server_port", .mihomo = "port",
 *                  .flags = OPTION_REQUIRED, .help = "Its port."),
 *         OPT_DURATION(struct socks_options, timeout, .singbox = "timeout", .mihomo = "timeout",
 *                      .unit = OPTION_SECOND, .def = 5 * OPTION_SECOND, .help = "Time to connect."),
 *         OPTION_END,
 *     };
 *
 * A field of the wrong type does not compile. A key left out (NULL) does not exist in that
 * dialect. The key "" (OPTION_INLINE) of an object means that its keys stand in the map itself.
 */
#ifndef WEIR_FORMAT_OPTION_H
#define WEIR_FORMAT_OPTION_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "format/diag.h"
#include "format/node.h"

/*
 * SINGBOX is strict: an unknown key or a wrong type is an error; one value stands for a list.
 * MIHOMO is weak: "7890" is a number and 7890 a string, 1, yes and "true" are true; `_` equals
 * `-`, case is ignored, an unknown key is a warning.
 */
enum dialect { DIALECT_SINGBOX, DIALECT_MIHOMO };
enum { DIALECT_COUNT = 2 };

enum option_type {
    OPTION_TYPE_END,
    OPTION_TYPE_BOOL,
    OPTION_TYPE_TRI,
    OPTION_TYPE_U16,
    OPTION_TYPE_PORT,
    OPTION_TYPE_U32,
    OPTION_TYPE_I64,
    OPTION_TYPE_FLOAT,
    OPTION_TYPE_SIZE,
    OPTION_TYPE_DURATION,
    OPTION_TYPE_ENUM,
    OPTION_TYPE_STRING,
    OPTION_TYPE_STRING_LIST,
    OPTION_TYPE_NUMBER_LIST,
    OPTION_TYPE_MAP,
    OPTION_TYPE_OBJECT,
    OPTION_TYPE_OBJECT_PTR,
    OPTION_TYPE_OBJECT_LIST,
    OPTION_TYPE_NODE,
    OPTION_TYPE_CUSTOM,
    OPTION_TYPE_UNSUPPORTED,
    OPTION_TYPE_IGNORED,
};

enum option_flag {
    OPTION_REQUIRED = 1 << 0,
    OPTION_SECRET = 1 << 1,    /* never quoted in a message */
    OPTION_ALIAS = 1 << 2,     /* a second row for a field: has no default, is never written */
    OPTION_ZERO_PORT = 1 << 3, /* PORT: 0 is allowed ("any") */
    OPTION_NOT_EMPTY = 1 << 4, /* STRING and lists */
    OPTION_IF_ABSENT = 1 << 5, /* CUSTOM: `read` is called with a NULL node when this dialect's key is absent,
                                * for defaults that differ between the dialects */
};

/* Durations are nanoseconds. */
#define OPTION_MS INT64_C(1000000)
#define OPTION_SECOND (1000 * OPTION_MS)
#define OPTION_MINUTE (60 * OPTION_SECOND)
#define OPTION_INLINE ""

struct text_list {
    struct text *at;
    size_t len;
};

struct number_list {
    int64_t *at;
    size_t len;
};

struct text_pair {
    struct text key;
    struct text value;
};

/* Name and values, in order; a name with several values (headers) stands several times. */
struct text_map {
    struct text_pair *at;
    size_t len;
};

/* An OBJECT_LIST field is declared with this. */
#define OBJECT_LIST(type)                                                                          \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t len;                                                                                \
    }

/* A name of an enumeration. A name may stand twice in the dialects with one value. */
struct option_choice {
    const char *name; /* NULL ends the list */
    int value;
};

struct option_reader;
struct option;

/*
 * Reads `n` into `field` (zeroed). Mistakes go to r->diag with r->path, then -EINVAL; or 0, or
 * -ENOMEM. What it keeps lies in r->arena: the document may go before the options do.
 */
typedef int option_read_fn(const struct option *o, const struct node *n, void *field,
                           struct option_reader *r);
/* Sets *out to a node in `a`, or leaves it NULL for "as the default". 0 or -ENOMEM. */
typedef int option_write_fn(const struct option *o, const void *field, struct arena *a,
                            struct node **out);

struct option {
    const char *singbox; /* keys; NULL: not in this dialect */
    const char *mihomo;
    enum option_type type;
    unsigned flags;
    size_t offset;
    size_t size; /* of the field; of one object for OBJECT, OBJECT_PTR and OBJECT_LIST */
    int64_t min; /* both 0: what the type holds. DURATION: nanoseconds. Lists: of each number */
    int64_t max;
    int64_t def; /* BOOL, TRI, numbers, DURATION, ENUM */
    double def_float;
    const char *def_text; /* STRING */
    int64_t unit;         /* DURATION: what a plain number means in mihomo; 0: OPTION_SECOND */
    const struct option_choice *choices; /* ENUM; STRING: the only values allowed */
    const struct option *table;          /* objects */
    const char *deprecated;  /* what to write instead; the value is still read, with a warning */
    const char *unsupported; /* UNSUPPORTED: more words about it; may be NULL */
    const char *help;        /* one sentence */
    option_read_fn *read;    /* CUSTOM; for others a further check, called after a value was read */
    option_write_fn *write;  /* CUSTOM */
};

struct option_reader {
    struct arena *arena; /* of what is read; texts are copies that end in a zero byte */
    struct diag *diag;
    enum dialect dialect;
    const struct key_path *path; /* of the map being read; NULL at the root */
    bool allow_unsupported;      /* what weir does not carry is a warning */
    bool met_unsupported;        /* set when there was such a thing */
};

/* A table and the object it fills. */
struct option_target {
    const struct option *table;
    void *out;
};

/* Sets every field to its default, nested objects too. Texts are borrowed from the table. */
void options_default(const struct option *table, void *out);

/*
 * Reads a map: defaults first, then every entry. All mistakes are reported, not the first.
 * 0, -EINVAL when an error was added to r->diag, -ENOMEM. `out` may then be half filled.
 */
int options_read(const struct option *table, const struct node *map, void *out,
                 struct option_reader *r) CHECKED;
/* One map whose keys belong to several tables: a key is unknown when no table has it. */
int options_read_all(const struct option_target *targets, size_t count, const struct node *map,
                     struct option_reader *r) CHECKED;

/* Adds to `map` every option that differs from its default, in the dialect's keys and words. */
int options_write(const struct option *table, enum dialect dialect, const void *in, struct arena *a,
                  struct node *map) CHECKED;

/* Rows of a Markdown table: | `key` | type | default | help |, nested keys as `tls.enabled`. */
void options_print_reference(const struct option *table, enum dialect dialect, struct strbuf *out);
/* A JSON Schema object ({"type": "object", "properties": ...}) for the table. */
void options_print_schema(const struct option *table, enum dialect dialect, struct strbuf *out);

/* For custom readers; they report in r->diag under r->path. */
/* Adds an error at `n`: "is a string, expected `expected`". Returns -EINVAL. */
int option_expected(const struct node *n, const char *expected, struct option_reader *r);
/* A scalar as the dialect understands it. 0 or -EINVAL (reported). */
int option_bool(const struct node *n, bool *out, struct option_reader *r) CHECKED;
int option_integer(const struct node *n, int64_t *out, struct option_reader *r) CHECKED;
int option_string(const struct node *n, struct text *out, struct option_reader *r) CHECKED;
/* Whether a node says "off": null, false, 0, "", an empty list or map, {enabled: false}. */
bool option_is_off(const struct node *n);
/* "5m", "1h30m", "300ms", "1.5s", "2d": 0, -EINVAL, -ERANGE. */
int duration_parse(struct text t, int64_t *out) CHECKED;
/* The shortest such text ("1m30s"); `out` takes 32. */
void duration_print(int64_t ns, char *out);
/* "1024", "64 KB", "1.5GiB": powers of 1024 with i, of 1000 without. 0, -EINVAL, -ERANGE. */
int size_parse(struct text t, uint64_t *out) CHECKED;

/* ---- the rows ------------------------------------------------------------------------------ */

#define OPTION_END {.type = OPTION_TYPE_END}

/* A table of this file; OPTION_TABLE_SHARED declares one in a header. */
#define OPTION_TABLE(subject, name)                                                                \
    typedef subject name##_subject UNUSED;                                                         \
    static const struct option name[]
#define OPTION_TABLE_SHARED(subject, name)                                                         \
    typedef subject name##_subject UNUSED;                                                         \
    extern const struct option name[]

#define OPTION_FIELD_(s, f) (((s *)0)->f)
/* The offset of a field, which exists only if the field has the type. */
#define OPTION_AT_(s, f, want) _Generic(OPTION_FIELD_(s, f), want: offsetof(s, f))
#define OPTION_CHECK_(cond, text)                                                                  \
    (0 * sizeof(struct {                                                                           \
         _Static_assert(cond, text);                                                               \
         int dummy;                                                                                \
     }))
#define OPTION_ROW_(kind, s, f, want, ...)                                                         \
    {.type = OPTION_TYPE_##kind, .offset = OPTION_AT_(s, f, want),                                 \
     .size = sizeof(OPTION_FIELD_(s, f)), __VA_ARGS__}
#define OPTION_OBJECT_(kind, s, f, object, table_name, ...)                                        \
    {.type = OPTION_TYPE_##kind,                                                                   \
     .offset = offsetof(s, f) +                                                                    \
               OPTION_CHECK_(__builtin_types_compatible_p(__typeof__(object), table_name##_subject), \
                             "the table is for another struct"),                                   \
     .size = sizeof(object), .table = table_name, __VA_ARGS__}

#define OPT_BOOL(s, f, ...) OPTION_ROW_(BOOL, s, f, bool, __VA_ARGS__)
/* int8_t: 0, 1, or .def (-1 by custom) when not given. */
#define OPT_TRI(s, f, ...) OPTION_ROW_(TRI, s, f, int8_t, __VA_ARGS__)
#define OPT_U16(s, f, ...) OPTION_ROW_(U16, s, f, uint16_t, __VA_ARGS__)
#define OPT_PORT(s, f, ...) OPTION_ROW_(PORT, s, f, uint16_t, __VA_ARGS__)
#define OPT_U32(s, f, ...) OPTION_ROW_(U32, s, f, uint32_t, __VA_ARGS__)
#define OPT_I64(s, f, ...) OPTION_ROW_(I64, s, f, int64_t, __VA_ARGS__)
#define OPT_FLOAT(s, f, ...) OPTION_ROW_(FLOAT, s, f, double, __VA_ARGS__)
/* uint64_t: bytes. */
#define OPT_SIZE(s, f, ...) OPTION_ROW_(SIZE, s, f, uint64_t, __VA_ARGS__)
#define OPT_DURATION(s, f, ...) OPTION_ROW_(DURATION, s, f, int64_t, __VA_ARGS__)
/* An enum without negative values, or int. */
#define OPT_ENUM(s, f, names, ...)                                                                 \
    {.type = OPTION_TYPE_ENUM,                                                                     \
     .offset = _Generic(OPTION_FIELD_(s, f), int: offsetof(s, f), unsigned: offsetof(s, f)),       \
     .size = sizeof(OPTION_FIELD_(s, f)), .choices = names, __VA_ARGS__}
#define OPT_STRING(s, f, ...) OPTION_ROW_(STRING, s, f, struct text, __VA_ARGS__)
#define OPT_STRING_LIST(s, f, ...) OPTION_ROW_(STRING_LIST, s, f, struct text_list, __VA_ARGS__)
#define OPT_NUMBER_LIST(s, f, ...) OPTION_ROW_(NUMBER_LIST, s, f, struct number_list, __VA_ARGS__)
#define OPT_MAP(s, f, ...) OPTION_ROW_(MAP, s, f, struct text_map, __VA_ARGS__)
/* The struct itself lies in `s`. */
#define OPT_OBJECT(s, f, table_name, ...)                                                          \
    OPTION_OBJECT_(OBJECT, s, f, OPTION_FIELD_(s, f), table_name, __VA_ARGS__)
/* A pointer: NULL when the key is absent. */
#define OPT_OBJECT_PTR(s, f, table_name, ...)                                                      \
    OPTION_OBJECT_(OBJECT_PTR, s, f, *OPTION_FIELD_(s, f), table_name, __VA_ARGS__)
/* OBJECT_LIST(struct x). */
#define OPT_OBJECT_LIST(s, f, table_name, ...)                                                     \
    OPTION_OBJECT_(OBJECT_LIST, s, f, *OPTION_FIELD_(s, f).at, table_name, __VA_ARGS__)
/* The value as it stands: const struct node * of the document, NULL when absent. */
#define OPT_NODE(s, f, ...) OPTION_ROW_(NODE, s, f, const struct node *, __VA_ARGS__)
#define OPT_CUSTOM(s, f, read_fn, write_fn, ...)                                                   \
    {.type = OPTION_TYPE_CUSTOM, .offset = offsetof(s, f), .size = sizeof(OPTION_FIELD_(s, f)),    \
     .read = read_fn, .write = write_fn, __VA_ARGS__}
/* Known to the dialect, not carried by weir: an error unless the value says "off". */
#define OPT_UNSUPPORTED(...) {.type = OPTION_TYPE_UNSUPPORTED, __VA_ARGS__}
/* Known to the dialect, means nothing here ("$schema"). */
#define OPT_IGNORED(...) {.type = OPTION_TYPE_IGNORED, __VA_ARGS__}

#endif
