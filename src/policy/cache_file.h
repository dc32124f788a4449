/*
 * What survives a restart: the selections of groups, and the mode. A small text file:
 *
 *     weir-cache 1
 *     mode "rule"
 *     selected "proxy" "jp-1"
 *
 * Strings are JSON strings. Unknown lines are kept out; a file that cannot be read as this gives a warning and an empty
 * start. sing-box's and mihomo's cache.db (bbolt) are not read, and not overwritten either: see cache_file_open().
 */
#ifndef WEIR_POLICY_CACHE_FILE_H
#define WEIR_POLICY_CACHE_FILE_H

#include "base/log.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "runtime/co.h"

enum {
    CACHE_FILE_MAX = 4 << 20,
    CACHE_FILE_DELAY_MS = 500, /* changes are gathered for so long */
};

/* The contents, without file: for tests and fuzzing. */
struct cache_data {
    struct map selected; /* group tag -> struct cache_entry */
    char *mode;          /* NULL: none */
};
void cache_data_init(struct cache_data *d);
void cache_data_done(struct cache_data *d);
/* 0; -EBADMSG: not such a file, or damaged (what was good before stays); -ENOMEM. */
int cache_data_parse(struct cache_data *d, struct text t) CHECKED;
void cache_data_print(const struct cache_data *d, struct strbuf *out);

struct cache_file;

/*
 * Reads the file; blocks, so not on a worker. A missing one is empty, a damaged one a warning in the log and empty. One
 * that is something else (a bbolt database) is left alone: then the name with ".weir" added is used. NULL: out of memory.
 */
struct cache_file *cache_file_open(struct text path, const struct log *log) CHECKED;
/* Does not write: cache_file_stop() or cache_file_flush() first. Accepts NULL. */
void cache_file_close(struct cache_file *c);

/* Starts the coroutine that writes changes, on the calling worker, below `parent`. From a coroutine. 0 or -ENOMEM. */
int cache_file_start(struct cache_file *c, struct group *parent) CHECKED;
/* Writes what is due and ends the coroutine. Same worker. Parks, also when cancelled. */
void cache_file_stop(struct cache_file *c);
/* Writes now; blocks. Reports the first failure of a row in the log. 0 or negative. */
int cache_file_flush(struct cache_file *c);

/* Any thread; nothing parks. The text is copied to `out`, which ends in a zero byte; false: none, or too long. */
bool cache_file_selected(struct cache_file *c, struct text group, char *out, size_t size);
/* Remembered, and written soon. 0 or -ENOMEM. */
int cache_file_select(struct cache_file *c, struct text group, struct text member) CHECKED;
bool cache_file_mode(struct cache_file *c, char *out, size_t size);
int cache_file_set_mode(struct cache_file *c, struct text mode) CHECKED;

#endif
