/*
 * weir, embedded: a proxy engine as a value.
 *
 *     struct weir *w = weir_new(&(struct weir_settings){.config = text});
 *     if (weir_start(w) < 0)
 *         fputs(weir_message(w), stderr);
 *     ...
 *     weir_stop(w, 5000);
 *     weir_free(w);
 *
 * Several instances live side by side; none touches signals, standard streams or the working
 * directory. Functions are called from any thread but a callback's, one at a time for an
 * instance. They return 0 or more, or a negative errno code with the words in weir_message().
 */
#ifndef WEIR_H
#define WEIR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_API __attribute__((visibility("default")))

struct weir;

enum weir_level { WEIR_TRACE, WEIR_DEBUG, WEIR_INFO, WEIR_WARN, WEIR_ERROR };

/* Copied; what it points to stays the caller's and must outlive the instance. */
struct weir_settings {
    const char *config;       /* configuration text, in either dialect */
    const char *config_name;  /* what messages call it; NULL: "config" */
    const char *const *files; /* instead of text: files, directories or "-"; ends in NULL */
    int allow_unsupported;    /* what weir does not carry is dropped with a warning */
    unsigned workers;         /* threads; 0: one per processor */
    uint64_t memory_limit;    /* bytes of buffers and connections; 0: none */
    unsigned max_connections; /* at once, more wait; 0: no limit */

    /* One complete line without line end. May be called from several threads. NULL: no log. */
    void (*log)(void *arg, enum weir_level level, const char *line, size_t length);
    void *log_arg;
    int log_level;            /* enum weir_level + 1; 0: what the configuration says */
};

struct weir_counters {
    uint64_t sessions_active;
    uint64_t sessions_total;
    uint64_t sessions_failed;
    uint64_t bytes_up;   /* from clients, in sessions that have ended */
    uint64_t bytes_down;
};

/* NULL only when memory ran out. Reads nothing yet. */
WEIR_API struct weir *weir_new(const struct weir_settings *settings);
/* Reads the configuration, binds the listeners, starts the workers. */
WEIR_API int weir_start(struct weir *w);
/*
 * Replaces the configuration: builds the new one beside the running one, hands listening sockets over, swaps.
 * Sessions go on. On failure the old one runs as before. `config` NULL: reads the files (or the first text) again.
 */
WEIR_API int weir_reload(struct weir *w, const char *config);
/* Accepts no more, waits up to `drain_ms` for sessions to end, cuts the rest. Returns how many were cut. */
WEIR_API int weir_stop(struct weir *w, int64_t drain_ms);
/* From another thread or a signal handler: a running weir_stop() cuts at once. */
WEIR_API void weir_hurry(struct weir *w);
WEIR_API void weir_free(struct weir *w);

/* Port that the inbound with this tag listens on, or -ENOENT. */
WEIR_API int weir_port(struct weir *w, const char *tag);
WEIR_API void weir_get_counters(struct weir *w, struct weir_counters *out);
/* What the last start or reload has to say: lines as `weir check` prints them; "" for nothing. Valid until the next. */
WEIR_API const char *weir_message(struct weir *w);
/* Every coroutine by name and where it waits; free() it. */
WEIR_API char *weir_dump(struct weir *w);
WEIR_API const char *weir_version(void);

#ifdef __cplusplus
}
#endif

#endif
