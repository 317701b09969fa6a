/* shim.c - makes system calls fail on purpose: loaded by LD_PRELOAD into a program under test.
 *
 *     SHIM_ONE=1            read and write take one byte at a time
 *     SHIM_EINTR=N          each N-th call is interrupted (EINTR)
 *     SHIM_READ=N:ERRNO     the N-th read fails for good, with this number
 *     SHIM_WRITE=N:ERRNO    the N-th write likewise
 *     SHIM_FSYNC=ERRNO      fsync of a file fails; SHIM_FSYNC_DIR likewise, of a folder
 *     SHIM_NO_TMPFILE=1     the file system has no O_TMPFILE
 *
 * Standard error is left alone: words have to arrive whole.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Counted without atomics: the tools read and write in one thread each. */
static long reads, writes, calls;

static long number(const char *name)
{
    const char *s = getenv(name);

    return s ? strtol(s, NULL, 10) : 0;
}

/* The errno with which the call that is `count` now must fail, or 0. */
static int fails(const char *name, long count)
{
    const char *s = getenv(name);
    char *colon;

    if (!s)
        return 0;
    long at = strtol(s, &colon, 10);
    return *colon == ':' && count >= at ? (int)strtol(colon + 1, NULL, 10) : 0;
}

static int interrupted(void)
{
    long every = number("SHIM_EINTR");

    return every > 0 && ++calls % every == 0;
}

/* -1 if the call must fail, with errno set. */
static int before(const char *name, long *count)
{
    errno = interrupted() ? EINTR : fails(name, ++*count);
    return errno ? -1 : 0;
}

ssize_t read(int fd, void *bytes, size_t n)
{
    static ssize_t (*next)(int, void *, size_t);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "read");
    if (before("SHIM_READ", &reads) < 0)
        return -1;
    return next(fd, bytes, n > 1 && number("SHIM_ONE") ? 1 : n);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    static ssize_t (*next)(int, const struct iovec *, int);
    struct iovec one;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "writev");
    if (fd == STDERR_FILENO)
        return next(fd, iov, count);
    if (before("SHIM_WRITE", &writes) < 0)
        return -1;
    while (count > 0 && iov->iov_len == 0) {
        iov++;
        count--;
    }
    if (count == 0 || !number("SHIM_ONE"))
        return next(fd, iov, count);
    one = (struct iovec){.iov_base = iov->iov_base, .iov_len = 1};
    return next(fd, &one, 1);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    static ssize_t (*next)(int, const void *, size_t);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "write");
    if (fd == STDERR_FILENO)
        return next(fd, bytes, n);
    if (before("SHIM_WRITE", &writes) < 0)
        return -1;
    return next(fd, bytes, n > 1 && number("SHIM_ONE") ? 1 : n);
}

int fsync(int fd)
{
    static int (*next)(int);
    struct stat st;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "fsync");
    bool folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    errno = (int)number(folder ? "SHIM_FSYNC_DIR" : "SHIM_FSYNC");
    return errno ? -1 : next(fd);
}

int open(const char *path, int flags, ...)
{
    static int (*next)(const char *, int, ...);
    mode_t mode = 0;
    va_list ap;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "open");
    if (flags & (O_CREAT | __O_TMPFILE)) {
        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
    }
    if ((flags & O_TMPFILE) == O_TMPFILE && number("SHIM_NO_TMPFILE")) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return next(path, flags, mode);
}
