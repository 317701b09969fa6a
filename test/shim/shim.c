/* shim.c - makes system calls fail on purpose: loaded by LD_PRELOAD into a program under test.
 *
 *     SHIM_ONE=1            read and write take one byte at a time
 *     SHIM_EINTR=N          each N-th call is interrupted (EINTR)
 *     SHIM_READ=N:ERRNO     the N-th read fails for good, with this number
 *     SHIM_WRITE=N:ERRNO    the N-th write likewise
 *     SHIM_FSYNC=ERRNO      fsync of a file fails; SHIM_FSYNC_DIR likewise, of a folder
 *     SHIM_NO_TMPFILE=1     the file system has no O_TMPFILE
 *     SHIM_KILL=N           SIGKILL before the N-th call that changes a file: write, fsync, link and so on
 *     SHIM_KILL=N:BYTES     the same, once that call, a write, has written this many bytes
 *     SHIM_CALLS=FILE       the names of these calls, a line each, to this file
 *
 * Standard error is left alone: words have to arrive whole.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static long changes;

static void note(const char *call)
{
    const char *path = getenv("SHIM_CALLS");
    FILE *f = path ? fopen(path, "a") : NULL; /* stdio's own calls do not come by here */

    if (!f)
        return;
    fprintf(f, "%s\n", call);
    fclose(f);
}

/* A call that changes a file. Returns how many bytes are to be written before the end; 0: all, and no end. */
static size_t change(const char *call)
{
    const char *s = getenv("SHIM_KILL");
    char *colon;

    note(call);
    if (!s || strtol(s, &colon, 10) != ++changes)
        return 0;
    if (*colon == ':' && strstr(call, "write"))
        return (size_t)strtol(colon + 1, NULL, 10);
    raise(SIGKILL);
    abort();
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
    size_t cut = change("writev");
    if (cut > 0) {
        one = (struct iovec){.iov_base = iov->iov_base, .iov_len = cut < iov->iov_len ? cut : iov->iov_len};
        next(fd, &one, 1);
        raise(SIGKILL);
    }
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
    size_t cut = change("write");
    if (cut > 0) {
        next(fd, bytes, cut < n ? cut : n);
        raise(SIGKILL);
    }
    return next(fd, bytes, n > 1 && number("SHIM_ONE") ? 1 : n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    static ssize_t (*next)(int, const void *, size_t, off_t);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "pwrite");
    if (before("SHIM_WRITE", &writes) < 0)
        return -1;
    size_t cut = change("pwrite");
    if (cut > 0) {
        next(fd, bytes, cut < n ? cut : n, at);
        raise(SIGKILL);
    }
    return next(fd, bytes, n > 1 && number("SHIM_ONE") ? 1 : n, at);
}

ssize_t pread(int fd, void *bytes, size_t n, off_t at)
{
    static ssize_t (*next)(int, void *, size_t, off_t);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "pread");
    if (before("SHIM_READ", &reads) < 0)
        return -1;
    return next(fd, bytes, n > 1 && number("SHIM_ONE") ? 1 : n, at);
}

int link(const char *from, const char *to)
{
    static int (*next)(const char *, const char *);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "link");
    change("link");
    return next(from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    static int (*next)(int, const char *, int, const char *, int);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "linkat");
    change("linkat");
    return next(from_dir, from, to_dir, to, flags);
}

int unlink(const char *path)
{
    static int (*next)(const char *);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "unlink");
    change("unlink");
    return next(path);
}

int fchmod(int fd, mode_t mode)
{
    static int (*next)(int, mode_t);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "fchmod");
    change("fchmod");
    return next(fd, mode);
}

int fchown(int fd, uid_t owner, gid_t group)
{
    static int (*next)(int, uid_t, gid_t);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "fchown");
    change("fchown");
    return next(fd, owner, group);
}

int fsync(int fd)
{
    static int (*next)(int);
    struct stat st;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "fsync");
    bool folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    change(folder ? "fsync of a folder" : "fsync");
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
