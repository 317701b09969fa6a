#define _GNU_SOURCE /* F_SETPIPE_SZ, O_TMPFILE, memfd_create */
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "msg.h"

enum { PIPE_BYTES = 1 << 20 };

/* After a call that failed: is it worth another try? Waits where the descriptor is non-blocking. */
static bool again(int fd, short events)
{
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return false;
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, -1) > 0 || errno == EINTR;
}

ssize_t io_read_some(int fd, void *bytes, size_t n)
{
    ssize_t got;

    do
        got = read(fd, bytes, n);
    while (got < 0 && again(fd, POLLIN));
    return got;
}

ssize_t io_read(int fd, void *bytes, size_t n)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = io_read_some(fd, (char *)bytes + have, n - have);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

int io_write(int fd, const void *bytes, size_t n)
{
    struct iovec iov = {.iov_base = (void *)bytes, .iov_len = n};

    return io_writev(fd, &iov, 1);
}

int io_writev(int fd, struct iovec *iov, int count)
{
    while (count > 0) {
        ssize_t put = writev(fd, iov, count);
        if (put < 0) {
            if (again(fd, POLLOUT))
                continue;
            return -1;
        }
        size_t left = (size_t)put;
        for (; count > 0 && left >= iov->iov_len; count--)
            left -= iov++->iov_len;
        if (left > 0) {
            iov->iov_base = (char *)iov->iov_base + left;
            iov->iov_len -= left;
        }
    }
    return 0;
}

ssize_t io_read_at(int fd, void *bytes, size_t n, off_t at)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = pread(fd, (char *)bytes + have, n - have, at + (off_t)have);
        if (got < 0 && !again(fd, POLLIN))
            return -1;
        if (got == 0)
            break;
        have += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)have;
}

int io_write_at(int fd, const void *bytes, size_t n, off_t at)
{
    size_t done = 0;

    while (done < n) {
        ssize_t put = pwrite(fd, (const char *)bytes + done, n - done, at + (off_t)done);
        if (put < 0 && !again(fd, POLLOUT))
            return -1;
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

void io_grow_pipe(int fd)
{
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
}

static const char *scratch_folder(void)
{
    const char *dir = getenv("TMPDIR");

    return dir && *dir ? dir : "/tmp";
}

static _Noreturn void die_scratch(const char *what)
{
    int error = errno;

    hint("set TMPDIR to a folder that can be written and has room");
    errno = error;
    die_errno("cannot %s a temporary file in '%s'", what, scratch_folder());
}

int io_scratch_file(void)
{
    int fd = open(scratch_folder(), O_TMPFILE | O_RDWR, 0600);

    if (fd >= 0)
        return fd;
    char *path = xasprintf("%s/bk.XXXXXX", scratch_folder()); /* for file systems without O_TMPFILE */
    fd = mkstemp(path);
    if (fd < 0)
        die_scratch("make");
    unlink(path);
    free(path);
    return fd;
}

void io_scratch_write(int fd, const void *bytes, size_t n)
{
    if (io_write(fd, bytes, n) < 0)
        die_scratch("write");
}

int io_secret_file(const void *bytes, size_t n)
{
    int fd = memfd_create("bk", 0);

    if (fd < 0 || fchmod(fd, 0600) < 0 || io_write(fd, bytes, n) < 0)
        die_errno("cannot keep a secret in memory");
    return fd;
}

/* Where the file system has O_TMPFILE the file has no name until linkat(). Elsewhere it has a temporary one,
 * `.NAME.XXXXXX`, which a signal removes too; only kill -9 can leave it behind, and nobody takes it for a
 * backup. */
struct newfile {
    char *path;
    char *dir;
    char *temporary; /* NULL with O_TMPFILE */
    int fd;
};

static char *volatile doomed; /* the temporary name, for the signal handler */

static void remove_doomed(int sig)
{
    if (doomed)
        unlink(doomed);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void set_doomed(char *path)
{
    static const int fatal[] = {SIGHUP, SIGINT, SIGTERM};

    doomed = path;
    for (size_t i = 0; path && i < sizeof fatal / sizeof fatal[0]; i++) {
        struct sigaction sa = {.sa_handler = remove_doomed}, before;
        sigemptyset(&sa.sa_mask);
        if (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* as nohup does */
            sigaction(fatal[i], &sa, NULL);
    }
}

static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return xstrdup(".");
    if (slash == path)
        return xstrdup("/");
    char *dir = xstrdup(path);
    dir[slash - path] = '\0';
    return dir;
}

static int open_temporary(struct newfile *f)
{
    const char *slash = strrchr(f->path, '/');

    f->fd = open(f->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (f->fd >= 0 && access("/proc/self/fd", X_OK) == 0)
        return 0;
    if (f->fd >= 0)
        close(f->fd);
    f->temporary = xasprintf("%s/.%.200s.XXXXXX", f->dir, slash ? slash + 1 : f->path);
    f->fd = mkstemp(f->temporary);
    if (f->fd < 0)
        return -1;
    fcntl(f->fd, F_SETFD, FD_CLOEXEC);
    set_doomed(f->temporary);
    return 0;
}

static void newfile_free(struct newfile *f)
{
    if (f->fd >= 0)
        close(f->fd);
    if (f->temporary) {
        unlink(f->temporary);
        set_doomed(NULL);
    }
    free(f->temporary);
    free(f->dir);
    free(f->path);
    free(f);
}

struct newfile *newfile_open(const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0) {
        errno = EEXIST;
        return NULL;
    }
    struct newfile *f = xcalloc(1, sizeof *f);
    f->path = xstrdup(path);
    f->dir = dir_of(path);
    f->fd = -1;
    if (open_temporary(f) < 0) {
        int error = errno;
        free(f->temporary); /* mkstemp made no file */
        f->temporary = NULL;
        newfile_free(f);
        errno = error;
        return NULL;
    }
    return f;
}

int newfile_fd(const struct newfile *f)
{
    return f->fd;
}

/* link() and linkat() refuse a name that is there, which rename() would replace. */
static int give_name(const struct newfile *f)
{
    char self[64];

    if (f->temporary)
        return link(f->temporary, f->path);
    snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
    return linkat(AT_FDCWD, self, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW);
}

int io_sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    int result = fsync(fd);
    close(fd);
    return result;
}

int newfile_commit(struct newfile *f)
{
    int result = fsync(f->fd);

    if (result == 0)
        result = give_name(f);
    if (result == 0 && io_sync_folder(f->dir) < 0) {
        result = -1; /* a name that may not survive a power cut is not kept */
        int error = errno;
        unlink(f->path);
        errno = error;
    }
    int error = errno;
    newfile_free(f);
    errno = error;
    return result;
}

void newfile_drop(struct newfile *f)
{
    if (f)
        newfile_free(f);
}
