/*
 * What is wrong with a configuration: all of it, in the order found.
 *
 *     home.json:12:24: error: outbounds[2].server_port: is 70000, expected 1 to 65535
 *           "server_port": 70000,
 *                          ^~~~~
 *
 * An entry has its own copy of everything, so it outlives the document. Values whose key names
 * a secret are replaced by *** in the copied line. Adding never fails for the caller: when
 * memory runs out the entry is only counted, and the configuration is still refused.
 */
#ifndef WEIR_FORMAT_DIAG_H
#define WEIR_FORMAT_DIAG_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "format/node.h"

enum {
    DIAG_ENTRIES_MAX = 100, /* kept; the rest is "and N more" */
    DIAG_LINE_MAX = 100,    /* characters shown of a source line */
};

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diag_entry {
    enum diag_severity severity;
    uint32_t line; /* 0: concerns no place, or the whole file */
    uint32_t column;
    struct text file;    /* may be empty */
    struct text path;    /* may be empty */
    struct text message;
    struct text hint;    /* may be empty */
    struct text excerpt; /* the line, cut and masked */
    uint32_t caret;      /* characters of excerpt before the caret */
    uint32_t width;      /* characters marked, at least 1 */
    struct diag_entry *next;
};

struct diag {
    struct arena arena;
    struct diag_entry *first;
    struct diag_entry *last;
    size_t kept;
    size_t errors;   /* all, also those not kept */
    size_t warnings;
    bool last_kept; /* whether diag_hint() has an entry to add to */
};

void diag_init(struct diag *d);
void diag_done(struct diag *d);

/* Adds an entry. `path` may be NULL, at.source may be NULL. */
void diag_error(struct diag *d, struct place at, const struct key_path *path, const char *fmt, ...)
    PRINTF(4, 5);
void diag_warn(struct diag *d, struct place at, const struct key_path *path, const char *fmt, ...)
    PRINTF(4, 5);
/* A second sentence for the entry added last: what to do about it. */
void diag_hint(struct diag *d, const char *fmt, ...) PRINTF(2, 3);

/* Everything as a person reads it; `colour` adds terminal sequences. */
void diag_print(const struct diag *d, bool colour, struct strbuf *out);
/* An array of {severity, file, line, column, path, message, hint, excerpt}. */
void diag_print_json(const struct diag *d, struct strbuf *out);

/* Whether a key's value must not be shown: password, psk, private_key, uuid, token ... */
bool diag_is_secret(struct text key);

/* The nearest of several names; offer() all, then read `best`. */
struct nearest {
    struct text wanted;
    struct text best; /* ptr NULL: none near enough to be what was meant */
    unsigned distance;
};

struct nearest nearest_to(struct text wanted);
void nearest_offer(struct nearest *n, struct text name);

#endif
