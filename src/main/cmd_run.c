/* weir run: an instance in the foreground, with signals, log and service manager. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "format/option.h"
#include "main/cli.h"
#include "main/commands.h"
#include "main/notify.h"
#include "main/sink.h"
#include "weir.h"

static struct run_flags {
    struct flag_list config;
    struct flag_list config_dir;
    const char *dir;
    const char *memory_limit;
    const char *log_level;
    const char *log_format;
    const char *log_file;
    int64_t workers;
    int64_t max_connections;
    int64_t drain_ms;
    bool allow_unsupported;
    bool no_colour;
    bool status;
} flags = {.drain_ms = 10000};

static const struct flag flag_table[] = {
    {"config", 'c', FLAG_LIST, &flags.config, "FILE", NULL, "configuration file, directory or '-'; may be repeated"},
    {"config-directory", 'C', FLAG_LIST, &flags.config_dir, "DIR", NULL, "all *.json of a directory, merged"},
    {"directory", 'D', FLAG_TEXT, &flags.dir, "DIR", NULL, "work there"},
    {"allow-unsupported", 0, FLAG_SWITCH, &flags.allow_unsupported, NULL, NULL,
     "drop what weir does not carry, with a warning, instead of refusing the file"},
    {"memory-limit", 0, FLAG_TEXT, &flags.memory_limit, "SIZE", NULL,
     "16M, 64M, 256M, another size, or none: ceiling of buffers and connections"},
    {"max-connections", 0, FLAG_NUMBER, &flags.max_connections, "N", NULL, "connections at once; more wait"},
    {"workers", 0, FLAG_NUMBER, &flags.workers, "N", NULL, "threads (default: one per processor)"},
    {"drain-timeout", 0, FLAG_DURATION, &flags.drain_ms, "TIME", NULL,
     "how long sessions may go on after SIGTERM (default 10s)"},
    {"log-level", 0, FLAG_CHOICE, &flags.log_level, NULL, "trace|debug|info|warn|error",
     "instead of the configuration's"},
    {"log-format", 0, FLAG_CHOICE, &flags.log_format, NULL, "text|json", "how lines are written (default text)"},
    {"log-file", 0, FLAG_TEXT, &flags.log_file, "FILE", NULL, "append the log here instead of standard error"},
    {"disable-color", 0, FLAG_SWITCH, &flags.no_colour, NULL, NULL, "no colours on a terminal"},
    {"status", 0, FLAG_SWITCH, &flags.status, NULL, NULL, "on a terminal: a line with counters, renewed every second"},
    {0},
};

/* ---- preparation ------------------------------------------------------------------------- */

/* As many descriptors as the system allows. Returns the limit. */
static uint64_t raise_descriptors(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
        return 1024;
    lim.rlim_cur = lim.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &lim);
    (void)getrlimit(RLIMIT_NOFILE, &lim);
    return lim.rlim_cur;
}

static int memory_limit(const char *text, uint64_t *out)
{
    *out = 0;
    if (!text || strcmp(text, "none") == 0)
        return 0;
    /* A bare letter means powers of 1024, as everywhere else on a command line. */
    struct text t = text_of(text);
    char last = t.len ? t.ptr[t.len - 1] : 0;
    uint64_t unit = last == 'K' || last == 'k' ? 1 << 10 : last == 'M' || last == 'm' ? 1 << 20
                    : last == 'G' || last == 'g' ? 1 << 30 : 1;
    uint64_t n;
    if (text_to_u64(unit > 1 ? text_sub(t, 0, t.len - 1) : t, &n) < 0 || n == 0 || n > UINT64_MAX / unit ||
        n * unit < 1 << 20) {
        (void)fprintf(stderr, "weir run: --memory-limit is 'none' or a size of 1M and more, not '%s'\n", text);
        return -1;
    }
    *out = n * unit;
    return 0;
}

static int open_log(struct sink *s)
{
    const char *format = flags.log_format;

    s->fd = STDERR_FILENO;
    s->has_time = true;
    s->is_json = format && strcmp(format, "json") == 0;
    if (flags.log_file) {
        s->fd = open(flags.log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (s->fd < 0) {
            (void)fprintf(stderr, "weir run: %s: %s\n", flags.log_file, strerror(errno));
            return -1;
        }
    }
    flags.status = flags.status && !s->is_json && s->fd == STDERR_FILENO && isatty(s->fd);
    s->has_status = flags.status;
    s->has_colour = !flags.no_colour && isatty(s->fd) && !getenv("NO_COLOR");
    return 0;
}

static int level_of(const char *name)
{
    static const char *const names[] = {"trace", "debug", "info", "warn", "error"};

    for (int i = 0; name && i < 5; i++) {
        if (strcmp(names[i], name) == 0)
            return i + 1;
    }
    return 0;
}

static void log_line(const struct sink *s, enum weir_level level, const char *line)
{
    union {
        const struct sink *in;
        void *out;
    } u = {.in = s};

    sink_write(u.out, level, line, strlen(line));
}

/* ---- while it runs ----------------------------------------------------------------------- */

static void print_dump(struct weir *w)
{
    char *dump = weir_dump(w);

    if (dump)
        (void)!write(STDERR_FILENO, dump, strlen(dump));
    free(dump);
}

static void reload(struct weir *w, const struct sink *s)
{
    char line[96];
    int64_t started = clock_ns();
    char state[96];

    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(started / 1000));
    notify(state);
    if (weir_reload(w, NULL) < 0) {
        log_line(s, WEIR_ERROR, "reload failed, the running configuration stays:");
        (void)fputs(weir_message(w), stderr);
    } else {
        if (weir_message(w)[0])
            (void)fputs(weir_message(w), stderr);
        (void)snprintf(line, sizeof line, "reloaded in %d ms", (int)((clock_ns() - started) / 1000000));
        log_line(s, WEIR_INFO, line);
    }
    notify("READY=1");
}

static void print_status(struct weir *w)
{
    struct weir_counters now;

    weir_get_counters(w, &now);
    (void)fprintf(stderr, "\r\033[K%llu open, %llu in all, %llu failed | up %.1f MB, down %.1f MB ",
                  (unsigned long long)now.sessions_active, (unsigned long long)now.sessions_total,
                  (unsigned long long)now.sessions_failed, (double)now.bytes_up / 1e6, (double)now.bytes_down / 1e6);
}

/* Until a signal ends it. */
static void serve(struct weir *w, const struct sink *s, const sigset_t *set)
{
    for (;;) {
        struct timespec second = {.tv_sec = 1};
        int sig = flags.status ? sigtimedwait(set, NULL, &second) : sigwaitinfo(set, NULL);
        if (sig == SIGTERM || sig == SIGINT)
            return;
        if (sig == SIGHUP)
            reload(w, s);
        else if (sig == SIGQUIT)
            print_dump(w);
        else if (sig < 0 && errno == EAGAIN)
            print_status(w);
    }
}

struct second_signal {
    struct weir *weir;
    const sigset_t *set;
    bool is_over;
};

static void *wait_for_second(void *arg)
{
    struct second_signal *s = arg;

    while (!__atomic_load_n(&s->is_over, __ATOMIC_ACQUIRE)) {
        struct timespec moment = {.tv_nsec = 50000000};
        int sig = sigtimedwait(s->set, NULL, &moment);
        if (sig == SIGTERM || sig == SIGINT)
            weir_hurry(s->weir);
    }
    return NULL;
}

static void stop(struct weir *w, const struct sink *s, const sigset_t *set)
{
    struct second_signal second = {.weir = w, .set = set};
    struct weir_counters counters;
    pthread_t thread;
    char line[128];

    weir_get_counters(w, &counters);
    (void)snprintf(line, sizeof line, "stopping: %llu sessions have %d s to end; a second signal ends them now",
                   (unsigned long long)counters.sessions_active, (int)(flags.drain_ms / 1000));
    log_line(s, WEIR_INFO, line);
    notify("STOPPING=1");
    bool has_thread = pthread_create(&thread, NULL, wait_for_second, &second) == 0;
    int cut = weir_stop(w, flags.drain_ms);
    __atomic_store_n(&second.is_over, true, __ATOMIC_RELEASE);
    if (has_thread)
        (void)pthread_join(thread, NULL);
    (void)snprintf(line, sizeof line, cut ? "stopped, %d sessions were cut" : "stopped", cut);
    log_line(s, WEIR_INFO, line);
}

static int run_with(struct weir *w, const struct sink *s, const sigset_t *set)
{
    int64_t started = clock_ns();
    char line[96];
    int r = weir_start(w);

    (void)fputs(weir_message(w), stderr);
    if (r < 0)
        return EXIT_FAILED;
    (void)snprintf(line, sizeof line, "weir %s started in %d ms", weir_version(), (int)((clock_ns() - started) / 1000000));
    log_line(s, WEIR_INFO, line);
    notify("READY=1");
    serve(w, s, set);
    stop(w, s, set);
    return EXIT_OK;
}

/* First of all, so that a signal that comes early is not lost, and before any thread exists: only main waits for them. */
static void block_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGQUIT);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static int run(const struct command *c, int argc, char **argv)
{
    struct sink sink = {0};
    sigset_t set;
    uint64_t memory;

    block_signals(&set);
    int n = cli_parse(c, argc, argv, NULL, 0);

    if (n < 0)
        return cli_exit(n);
    if (memory_limit(flags.memory_limit, &memory) < 0)
        return EXIT_USAGE;
    if (flags.dir && chdir(flags.dir) < 0) {
        (void)fprintf(stderr, "weir run: %s: %s\n", flags.dir, strerror(errno));
        return EXIT_FAILED;
    }
    if (open_log(&sink) < 0)
        return EXIT_FAILED;
    config_flags_default(&flags.config, &flags.config_dir);
    uint64_t descriptors = raise_descriptors();
    struct weir_settings settings = {
        .files = flags.config.at,
        .allow_unsupported = flags.allow_unsupported,
        .workers = (unsigned)flags.workers,
        .memory_limit = memory,
        .max_connections = (unsigned)(flags.max_connections ? flags.max_connections
                                                            : (int64_t)max_of(descriptors / 2, (uint64_t)64) - 32),
        .log = sink_write,
        .log_arg = &sink,
        .log_level = level_of(flags.log_level),
    };
    struct weir *w = weir_new(&settings);
    int result = w ? run_with(w, &sink, &set) : EXIT_FAILED;
    weir_free(w);
    return result;
}

const struct command command_run = {
    .name = "run",
    .summary = "Run in the foreground.",
    .run = run,
    .flags = flag_table,
};
