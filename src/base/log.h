/*
 * A log is a value that belongs to an instance: a level and where its lines go. Every line is
 * complete before it is handed over; the sink may be called from several threads.
 */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

#include "base/text.h"

enum log_level {
    LOG_TRACE,
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
    LOG_SILENT,
};

struct log {
    enum log_level level; /* log_set_level() while other threads write */
    void (*sink)(void *arg, enum log_level level, struct text line);
    void *arg;
};

/* One line. Bytes below 0x20 are written as \xNN: no peer writes lines of its own. */
void log_write(const struct log *log, enum log_level level, const char *fmt, ...) PRINTF(3, 4);

static inline bool log_wants(const struct log *log, enum log_level level)
{
    return log && level >= __atomic_load_n(&log->level, __ATOMIC_RELAXED) && log->sink;
}

/* From any thread. */
static inline void log_set_level(struct log *log, enum log_level level)
{
    __atomic_store_n(&log->level, level, __ATOMIC_RELAXED);
}

const char *log_level_name(enum log_level level);

/* Does nothing, not even format, when the level is not wanted. */
#define log_at(log, level, ...)                                                                    \
    do {                                                                                           \
        if (log_wants(log, level))                                                                 \
            log_write(log, level, __VA_ARGS__);                                                    \
    } while (0)
#define log_debug(log, ...) log_at(log, LOG_DEBUG, __VA_ARGS__)
#define log_info(log, ...) log_at(log, LOG_INFO, __VA_ARGS__)
#define log_warn(log, ...) log_at(log, LOG_WARN, __VA_ARGS__)
#define log_error(log, ...) log_at(log, LOG_ERROR, __VA_ARGS__)

#endif
