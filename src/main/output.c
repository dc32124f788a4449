#include "main/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/cli.h"

static int complain(const char *path, int code)
{
    (void)fprintf(stderr, "error: %s: %s\n", path, strerror(code));
    return EXIT_FAILED;
}

static int write_all(int fd, struct text t)
{
    while (t.len) {
        ssize_t n = write(fd, t.ptr, t.len);
        if (n < 0 && errno != EINTR)
            return -errno;
        t = text_sub(t, n > 0 ? (size_t)n : 0, SIZE_MAX);
    }
    return 0;
}

/* Beside the file, then renamed over it: a full disk leaves the old one. */
static int replace(const char *path, struct text t)
{
    char temporary[1024];
    struct stat st;
    mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0600;

    int n = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof temporary)
        return complain(path, ENAMETOOLONG);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return complain(temporary, errno);
    int r = write_all(fd, t);
    if (r == 0 && fsync(fd) < 0 && errno != EINVAL)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlink(temporary);
        return complain(path, -r);
    }
    return EXIT_OK;
}

int output_write(const char *path, struct text t)
{
    if (path)
        return replace(path, t);
    int r = write_all(STDOUT_FILENO, t);
    return r < 0 ? complain("standard output", -r) : EXIT_OK;
}
