#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/read.h"

static void close_fd(int *fd)
{
    if (*fd > STDERR_FILENO)
        (void)close(*fd);
}

/* Reads to the end; a file that grows beyond the limit meanwhile is refused too. */
static int read_all(int fd, const char *name, struct strbuf *out, struct error *err)
{
    char chunk[1024];

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, -errno, "%s", name);
        if (n == 0)
            return 0;
        strbuf_add(out, chunk, (size_t)n);
        if (out->failed && out->len + (size_t)n > SOURCE_SIZE_MAX)
            return error_set(err, -EFBIG, "%s: is larger than %d MiB, which is no configuration", name,
                             SOURCE_SIZE_MAX >> 20);
        if (out->failed)
            return error_errno(err, -ENOMEM, "%s", name);
    }
}

static int check_file(int fd, const char *name, struct error *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return error_errno(err, -errno, "%s", name);
    if (S_ISDIR(st.st_mode))
        return error_errno(err, -EISDIR, "%s", name);
    if (S_ISREG(st.st_mode) && st.st_size > SOURCE_SIZE_MAX)
        return error_set(err, -EFBIG, "%s: is larger than %d MiB, which is no configuration", name,
                         SOURCE_SIZE_MAX >> 20);
    return 0;
}

static int add_source(struct config_files *out, const char *name, struct strbuf *text, struct error *err)
{
    struct config_source s = {.text.len = text->len};
    char *own_name = text_dup(text_of(name));
    char *own_text = strbuf_take(text);

    if (own_name && own_text) {
        s.name = text_of(own_name);
        s.text.ptr = own_text;
        if (vec_push(&out->sources, s) == 0)
            return 0;
    }
    mem_free(own_name);
    mem_free(own_text);
    return error_errno(err, -ENOMEM, "%s", name);
}

static int load_file(const char *path, struct config_files *out, struct error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    CLEANUP(close_fd) int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    STRBUF text;

    strbuf_init(&text, SOURCE_SIZE_MAX);
    if (fd < 0)
        return error_errno(err, -errno, "%s", path);
    int r = check_file(fd, path, err);
    if (r == 0)
        r = read_all(fd, path, &text, err);
    return r < 0 ? r : add_source(out, path, &text, err);
}

static int is_json(const struct dirent *e)
{
    struct text name = text_of(e->d_name);

    return name.len && name.ptr[0] != '.' && text_ends(name, TEXT(".json"));
}

static int load_one_of(const char *dir, const char *name, struct config_files *out, struct error *err)
{
    STRBUF path;

    strbuf_init(&path, 8192);
    strbuf_addf(&path, "%s/%s", dir, name);
    if (path.failed)
        return error_set(err, -ENAMETOOLONG, "%s: the path is too long", dir);
    return load_file(path.ptr, out, err);
}

static int load_directory(const char *path, struct config_files *out, struct error *err)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_json, alphasort);
    int r = 0;

    if (count < 0)
        return error_errno(err, -errno, "%s", path);
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = load_one_of(path, entries[i]->d_name, out, err);
        free(entries[i]);
    }
    free(entries);
    if (count == 0)
        return error_set(err, -ENOENT, "%s: the directory has no .json file", path);
    return r;
}

int config_load(const char *const *paths, size_t count, struct config_files *out, struct error *err)
{
    *out = (struct config_files){0};
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        bool is_dir = strcmp(paths[i], "-") != 0 && stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode);
        int r = is_dir ? load_directory(paths[i], out, err) : load_file(paths[i], out, err);
        if (r < 0) {
            config_files_done(out);
            return r;
        }
    }
    return 0;
}

/* Both texts of a source were made here. */
static void free_text(struct text *t)
{
    union {
        const char *borrowed;
        char *own;
    } p = {.borrowed = t->ptr};

    mem_free(p.own);
    *t = (struct text){0};
}

void config_files_done(struct config_files *f)
{
    for (size_t i = 0; i < f->sources.len; i++) {
        free_text(&f->sources.at[i].name);
        free_text(&f->sources.at[i].text);
    }
    vec_done(&f->sources);
}
