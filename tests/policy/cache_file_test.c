#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "policy/cache_file.h"
#include "worker.h"

static char folder[] = "/tmp/weir-cache-XXXXXX";
static char path[64];
static _Atomic unsigned warnings, errors;

static void sink(void *arg, enum log_level level, struct text line)
{
    (void)arg;
    (void)line;
    if (level == LOG_WARN)
        warnings++;
    if (level == LOG_ERROR)
        errors++;
}

static const struct log test_log = {.level = LOG_WARN, .sink = sink};

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "%s/cache", mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    char other[80];

    (void)state;
    (void)unlink(path);
    (void)snprintf(other, sizeof other, "%s.weir", path);
    (void)unlink(other);
    return rmdir(folder);
}

static int fresh(void **state)
{
    (void)state;
    (void)unlink(path);
    warnings = errors = 0;
    return 0;
}

static void write_file(const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    check(write(fd, p, n) == (ssize_t)n);
    (void)close(fd);
}

static struct cache_file *reopen(struct cache_file *c)
{
    cache_file_close(c);
    c = cache_file_open(text_of(path), &test_log);
    check(c != NULL);
    return c;
}

static void what_was_selected_is_there_after_a_restart(void **state)
{
    struct cache_file *c = reopen(NULL);
    char out[64];

    (void)state;
    assert_false(cache_file_selected(c, TEXT("proxy"), out, sizeof out));
    assert_int_equal(cache_file_select(c, TEXT("proxy"), TEXT("a")), 0);
    assert_int_equal(cache_file_select(c, TEXT("proxy"), TEXT("jp \"1\"\n\\")), 0);
    assert_int_equal(cache_file_select(c, TEXT("\xe8\x8a\x82\xe7\x82\xb9"), TEXT("\xf0\x9f\x87\xaf")), 0);
    assert_int_equal(cache_file_set_mode(c, TEXT("global")), 0);
    assert_int_equal(cache_file_flush(c), 0);
    c = reopen(c);
    assert_true(cache_file_selected(c, TEXT("proxy"), out, sizeof out));
    assert_string_equal(out, "jp \"1\"\n\\");
    assert_true(cache_file_selected(c, TEXT("\xe8\x8a\x82\xe7\x82\xb9"), out, sizeof out));
    assert_string_equal(out, "\xf0\x9f\x87\xaf");
    assert_true(cache_file_mode(c, out, sizeof out));
    assert_string_equal(out, "global");
    assert_int_equal(warnings, 0);
    cache_file_close(c);
}

static void a_text_too_long_for_the_caller_is_not_cut(void **state)
{
    struct cache_file *c = reopen(NULL);
    char out[4];

    (void)state;
    assert_int_equal(cache_file_select(c, TEXT("g"), TEXT("abcd")), 0);
    assert_false(cache_file_selected(c, TEXT("g"), out, sizeof out));
    cache_file_close(c);
}

static void a_damaged_file_is_a_warning_and_an_empty_start(void **state)
{
    static const char *const bad[] = {
        "rubbish\n", "weir-cache 2\n", "weir-cache 1\nselected \"a\"\n", "weir-cache 1\nselected \"a\" \"b\" x\n",
        "weir-cache 1\nmode \"\\u12\"\n", "weir-cache 1\nselected \"a\" \"b\"", "weir-cache 1\nmode \"\\q\"\n", "\n",
    };
    char out[8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        warnings = 0;
        write_file(bad[i], strlen(bad[i]));
        struct cache_file *c = reopen(NULL);
        assert_int_equal(warnings, 1);
        assert_false(cache_file_selected(c, TEXT("a"), out, sizeof out));
        assert_int_equal(cache_file_select(c, TEXT("a"), TEXT("n")), 0);
        assert_int_equal(cache_file_flush(c), 0);
        c = reopen(c);
        assert_true(cache_file_selected(c, TEXT("a"), out, sizeof out));
        cache_file_close(c);
    }
}

static void lines_of_a_later_version_are_left_out(void **state)
{
    static const char text[] = "weir-cache 1\nfuture 1 2 3\nselected \"a\" \"b\"\n";
    char out[8];

    (void)state;
    write_file(text, sizeof text - 1);
    struct cache_file *c = reopen(NULL);
    assert_true(cache_file_selected(c, TEXT("a"), out, sizeof out));
    assert_int_equal(warnings, 0);
    cache_file_close(c);
}

static void another_programs_database_is_left_alone(void **state)
{
    char bolt[4096] = {[16] = (char)0xed, (char)0xda, 0x0c, (char)0xed};
    char back[4096];
    struct stat st;
    char other[80];

    (void)state;
    write_file(bolt, sizeof bolt);
    struct cache_file *c = reopen(NULL);
    assert_int_equal(cache_file_select(c, TEXT("a"), TEXT("b")), 0);
    assert_int_equal(cache_file_flush(c), 0);
    cache_file_close(c);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, back, sizeof back), sizeof back);
    (void)close(fd);
    assert_memory_equal(back, bolt, sizeof bolt);
    (void)snprintf(other, sizeof other, "%s.weir", path);
    assert_int_equal(stat(other, &st), 0);
}

/* A limit on the size of files stands for a full disk: the write itself fails. */
static void set_room(rlim_t room)
{
    struct rlimit limit = {.rlim_cur = room, .rlim_max = RLIM_INFINITY};

    check_int(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_reported_once_and_the_old_file_stays(void **state)
{
    struct cache_file *c = reopen(NULL);
    char out[8];

    (void)state;
    assert_int_equal(cache_file_select(c, TEXT("a"), TEXT("old")), 0);
    assert_int_equal(cache_file_flush(c), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    set_room(0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cache_file_select(c, TEXT("a"), TEXT("new")), 0);
        assert_true(cache_file_flush(c) < 0);
    }
    set_room(RLIM_INFINITY);
    assert_int_equal(errors, 1);
    assert_true(cache_file_selected(c, TEXT("a"), out, sizeof out));
    assert_string_equal(out, "new");
    struct cache_file *second = reopen(NULL);
    assert_true(cache_file_selected(second, TEXT("a"), out, sizeof out));
    assert_string_equal(out, "old");
    cache_file_close(second);
    assert_int_equal(cache_file_flush(c), 0);
    cache_file_close(c);
}

static void select_from_a_worker(void)
{
    struct cache_file *c = reopen(NULL);
    struct group g;

    group_init(&g, co_group());
    check_int(cache_file_start(c, &g), 0);
    check_int(cache_file_select(c, TEXT("a"), TEXT("b")), 0);
    check_int(cache_file_select(c, TEXT("a"), TEXT("c")), 0);
    cache_file_stop(c);
    group_done(&g);
    cache_file_close(c);
}

static void stopping_writes_what_is_due(void **state)
{
    char out[8];

    (void)state;
    on_worker(select_from_a_worker);
    struct cache_file *c = reopen(NULL);
    assert_true(cache_file_selected(c, TEXT("a"), out, sizeof out));
    assert_string_equal(out, "c");
    cache_file_close(c);
}

static void write_in_the_background(void)
{
    struct cache_file *c = reopen(NULL);
    struct stat st;
    struct group g;

    group_init(&g, co_group());
    check_int(cache_file_start(c, &g), 0);
    check_int(cache_file_select(c, TEXT("a"), TEXT("b")), 0);
    for (int i = 0; i < 500 && stat(path, &st) < 0; i++)
        check_int(co_sleep(10), 0);
    check_int(stat(path, &st), 0);
    cache_file_stop(c);
    group_done(&g);
    cache_file_close(c);
}

static void changes_are_written_in_the_background(void **state)
{
    (void)state;
    on_worker(write_in_the_background);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        T(what_was_selected_is_there_after_a_restart), T(a_text_too_long_for_the_caller_is_not_cut),
        T(a_damaged_file_is_a_warning_and_an_empty_start), T(lines_of_a_later_version_are_left_out),
        T(another_programs_database_is_left_alone), T(a_full_disk_is_reported_once_and_the_old_file_stays),
        T(stopping_writes_what_is_due), T(changes_are_written_in_the_background),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
