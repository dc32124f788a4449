#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return code;
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return code;
}

static void PRINTF(2, 0) prepend(struct error *err, const char *fmt, va_list args)
{
    struct error old = *err;
    int n = vsnprintf(err->text, sizeof err->text, fmt, args);

    if (n >= 0 && (size_t)n < sizeof err->text)
        (void)snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", old.text);
}

int error_prepend(struct error *err, int code, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return code;
    va_start(args, fmt);
    prepend(err, fmt, args);
    va_end(args);
    return code;
}

int error_errno(struct error *err, int code, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return code;
    (void)snprintf(err->text, sizeof err->text, "%s", error_words(code));
    va_start(args, fmt);
    prepend(err, fmt, args);
    va_end(args);
    return code;
}

const char *error_words(int code)
{
    static const struct {
        int code;
        const char *words;
    } table[] = {
        {EACCES, "permission denied"},
        {EADDRINUSE, "address already in use"},
        {EADDRNOTAVAIL, "address not available on this machine"},
        {EAFNOSUPPORT, "address family not supported"},
        {EAGAIN, "would block"},
        {EBADF, "bad descriptor"},
        {EBUSY, "busy"},
        {ECANCELED, "canceled"},
        {ECONNABORTED, "connection aborted"},
        {ECONNREFUSED, "connection refused"},
        {ECONNRESET, "connection reset by peer"},
        {EEXIST, "already exists"},
        {EHOSTDOWN, "host is down"},
        {EHOSTUNREACH, "no route to host"},
        {EINTR, "interrupted"},
        {EINVAL, "invalid argument"},
        {EIO, "input or output error"},
        {EISCONN, "already connected"},
        {EISDIR, "is a directory"},
        {ELOOP, "too many symbolic links"},
        {EMFILE, "too many open files"},
        {ENFILE, "too many open files in the system"},
        {EMSGSIZE, "message too long"},
        {ENAMETOOLONG, "file name too long"},
        {ENETDOWN, "network is down"},
        {ENETUNREACH, "network unreachable"},
        {ENOBUFS, "no buffer space left"},
        {ENODEV, "no such device"},
        {ENOENT, "no such file or directory"},
        {ENOMEM, "out of memory"},
        {ENOSPC, "no space left"},
        {ENOTCONN, "not connected"},
        {ENOTDIR, "not a directory"},
        {EOPNOTSUPP, "operation not supported"},
        {EPERM, "operation not permitted"},
        {EPIPE, "broken pipe"},
        {EPROTO, "protocol error"},
        {ERANGE, "out of range"},
        {EROFS, "read-only file system"},
        {ETIMEDOUT, "timed out"},
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].code == -code)
            return table[i].words;
    }
    const char *words = strerrordesc_np(-code);
    return words ? words : "unknown error";
}
