/* Tests of io.h: whole reads and writes however the kernel cuts them, and files that appear at once. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rng.h"
#include "unit.h"

static bool no_tmpfile; /* as on a file system without O_TMPFILE */

/* In place of libc's: io.c calls this one. */
int open(const char *path, int flags, ...)
{
    va_list ap;
    mode_t mode = 0;

    if (flags & (O_CREAT | __O_TMPFILE)) {
        va_start(ap, flags);
        mode = va_arg(ap, mode_t);
        va_end(ap);
    }
    if (no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int nonblocking_pipe(int end[2], bool reader, bool writer)
{
    int result = pipe(end);

    if (reader)
        fcntl(end[0], F_SETFL, O_NONBLOCK);
    if (writer)
        fcntl(end[1], F_SETFL, O_NONBLOCK);
    return result;
}

/* A child that does `run` with its end of a pipe. */
static pid_t start(void (*run)(int fd), int fd, int other)
{
    pid_t pid = fork();

    if (pid == 0) {
        close(other);
        run(fd);
        _exit(0);
    }
    close(fd);
    return pid;
}

static void write_slowly(int fd)
{
    uint64_t state = 1;

    for (int i = 0; i < 300; i++) {
        uint8_t byte = (uint8_t)rng_next(&state);
        if (write(fd, &byte, 1) != 1)
            _exit(1);
        if (i % 20 == 0)
            usleep(1000);
    }
}

/* Reads what write_slowly() writes, and asks for more than there is. */
static void check_slow_read(bool nonblocking)
{
    int end[2];
    uint8_t got[400], want[300];
    uint64_t state = 1;

    CHECK(nonblocking_pipe(end, nonblocking, false) == 0);
    pid_t pid = start(write_slowly, end[1], end[0]);
    CHECK_U64(io_read(end[0], got, 100), 100);
    ssize_t more = io_read(end[0], got + 100, 300);
    CHECK_U64(more, 200);
    rng_bytes(&state, want, sizeof want);
    CHECK_BYTES(got, 300, want, 300);
    CHECK_U64(io_read(end[0], got, 1), 0);
    CHECK_U64(io_read_some(end[0], got, 1), 0);
    close(end[0]);
    waitpid(pid, NULL, 0);
}

static void read_byte_by_byte(void)
{
    check_slow_read(false);
}

static void read_nonblocking(void)
{
    check_slow_read(true);
}

static void read_some(void)
{
    int end[2];
    char got[10];

    CHECK(pipe(end) == 0);
    CHECK(write(end[1], "abc", 3) == 3);
    CHECK_U64(io_read_some(end[0], got, sizeof got), 3); /* what there is, without waiting for more */
    close(end[1]);
    CHECK_U64(io_read_some(end[0], got, sizeof got), 0);
    close(end[0]);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int sig)
{
    (void)sig;
    alarms++;
}

/* A signal each half millisecond, that interrupts what is going on. */
static void alarms_begin(void)
{
    struct sigaction sa = {.sa_handler = count_alarm};
    struct itimerval often = {{0, 500}, {0, 500}};

    alarms = 0;
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void alarms_end(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};

    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
    CHECK(alarms > 3);
}

static void read_interrupted(void)
{
    alarms_begin();
    check_slow_read(false);
    alarms_end();
}

enum { MUCH = 400000 };

static uint8_t much[MUCH];

static void read_slowly(int fd)
{
    uint8_t got[7000];
    size_t at = 0;
    ssize_t n;

    while ((n = read(fd, got, sizeof got)) > 0) {
        if (memcmp(got, much + at, (size_t)n) != 0)
            _exit(1);
        at += (size_t)n;
        usleep(300);
    }
    if (at != MUCH)
        _exit(2);
}

/* Several pieces, some of them empty, through a pipe that takes less at a time. */
static void check_slow_write(bool nonblocking)
{
    int end[2], status;
    uint64_t state = 5;

    rng_bytes(&state, much, sizeof much);
    struct iovec iov[] = {{much, 0},
                          {much, 1},
                          {much + 1, 70000},
                          {much, 0},
                          {much + 70001, MUCH - 70001 - 3},
                          {much + MUCH - 3, 3},
                          {NULL, 0}};
    CHECK(nonblocking_pipe(end, false, nonblocking) == 0);
    pid_t pid = start(read_slowly, end[0], end[1]);
    CHECK(io_writev(end[1], iov, 7) == 0);
    close(end[1]);
    while (waitpid(pid, &status, 0) < 0)
        CHECK(errno == EINTR);
    CHECK_U64(status, 0);
}

static void write_in_parts(void)
{
    check_slow_write(false);
}

static void write_nonblocking(void)
{
    check_slow_write(true);
}

static void write_interrupted(void)
{
    alarms_begin();
    check_slow_write(false);
    alarms_end();
}

static void errors(void)
{
    int end[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    char byte;

    CHECK(io_write(full, "x", 1) == -1 && errno == ENOSPC);
    CHECK(io_write(full, "x", 0) == 0);
    close(full);
    CHECK(io_read(full, &byte, 1) == -1 && errno == EBADF);
    CHECK(io_read_some(full, &byte, 1) == -1 && errno == EBADF);
    signal(SIGPIPE, SIG_IGN);
    CHECK(pipe(end) == 0);
    close(end[0]);
    CHECK(io_write(end[1], "x", 1) == -1 && errno == EPIPE);
    close(end[1]);
    signal(SIGPIPE, SIG_DFL);
}

/* Files that appear at once: each test runs with O_TMPFILE and without. */
static char folder[300];

static const char *in_folder(const char *name)
{
    static char path[400];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Names in the folder, those that begin with a dot too; `only` is the last one's. */
static int names(char *only)
{
    DIR *dir = opendir(folder);
    int n = 0;

    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (only)
            strcpy(only, d->d_name);
        n++;
    }
    closedir(dir);
    return n;
}

static void new_folder(void)
{
    static int count;

    snprintf(folder, sizeof folder, "%s/%d", unit_tmpdir(), count++);
    CHECK(mkdir(folder, 0700) == 0);
}

static void check_file(const char *path, const char *want)
{
    struct buf got = {0};

    unit_read_file(path, &got);
    CHECK_STR(buf_str(&got), want);
    buf_free(&got);
}

static void check_appears(void)
{
    char temporary[300];
    struct stat st;

    new_folder();
    mode_t before = umask(022);
    struct newfile *f = newfile_open(in_folder("x.bk"));
    umask(before);
    CHECK(f != NULL);
    CHECK(io_write(newfile_fd(f), "whole", 5) == 0);
    CHECK_U64(names(temporary), no_tmpfile ? 1 : 0);
    if (no_tmpfile)
        CHECK(strncmp(temporary, ".x.bk.", 6) == 0); /* nobody takes it for a backup */
    CHECK(access(in_folder("x.bk"), F_OK) < 0);
    CHECK(newfile_commit(f) == 0);
    CHECK_U64(names(NULL), 1);
    check_file(in_folder("x.bk"), "whole");
    CHECK(stat(in_folder("x.bk"), &st) == 0);
    CHECK_U64(st.st_mode & 07777, 0600);
}

static void check_exists_before(void)
{
    new_folder();
    int fd = open(in_folder("x.bk"), O_CREAT | O_WRONLY, 0600);
    CHECK(io_write(fd, "old", 3) == 0);
    close(fd);
    CHECK(newfile_open(in_folder("x.bk")) == NULL && errno == EEXIST);
    CHECK(symlink("nowhere", in_folder("link")) == 0); /* to nothing: even so it is there */
    CHECK(newfile_open(in_folder("link")) == NULL && errno == EEXIST);
    CHECK_U64(names(NULL), 2);
    check_file(in_folder("x.bk"), "old");
}

/* Somebody else takes the name meanwhile. */
static void check_exists_after(void)
{
    new_folder();
    struct newfile *f = newfile_open(in_folder("x.bk"));
    CHECK(io_write(newfile_fd(f), "new", 3) == 0);
    int fd = open(in_folder("x.bk"), O_CREAT | O_WRONLY, 0600);
    CHECK(io_write(fd, "old", 3) == 0);
    close(fd);
    CHECK(newfile_commit(f) == -1 && errno == EEXIST);
    CHECK_U64(names(NULL), 1);
    check_file(in_folder("x.bk"), "old");
}

static void check_drop(void)
{
    new_folder();
    struct newfile *f = newfile_open(in_folder("x.bk"));
    CHECK(io_write(newfile_fd(f), "half", 4) == 0);
    newfile_drop(f);
    newfile_drop(NULL);
    CHECK_U64(names(NULL), 0);
}

static void check_no_folder(void)
{
    CHECK(newfile_open(in_folder("no/such/x.bk")) == NULL && errno == ENOENT);
    CHECK(newfile_open("/proc/x.bk") == NULL);
}

static void check_bare_name(void)
{
    new_folder();
    CHECK(chdir(folder) == 0);
    struct newfile *f = newfile_open("bare");
    CHECK(f != NULL);
    CHECK(newfile_commit(f) == 0);
    CHECK(access("bare", F_OK) == 0);
    CHECK(chdir("/") == 0);
}

/* Opens a file and dies by the signal in `arg`, which whoever started the tests may have had ignored. */
static void die_by(void *arg)
{
    signal(*(int *)arg, SIG_DFL);
    struct newfile *f = newfile_open(in_folder("x.bk"));

    if (!f || io_write(newfile_fd(f), "half", 4) < 0)
        _exit(1);
    raise(*(int *)arg);
    pause();
}

static void check_signals(void)
{
    static int sig[] = {SIGHUP, SIGINT, SIGTERM};

    for (size_t i = 0; i < 3; i++) {
        unit_about("signal %d", sig[i]);
        new_folder();
        CHECK_CHILD(die_by, &sig[i], -sig[i], "");
        CHECK_U64(names(NULL), 0);
    }
}

static void killed(void)
{
    static int sig = SIGKILL;

    new_folder();
    CHECK_CHILD(die_by, &sig, -SIGKILL, "");
    CHECK_U64(names(NULL), 0);
}

/* What nohup does must hold: an ignored signal stays ignored. */
static void hang_up_ignored(void *arg)
{
    signal(SIGHUP, SIG_IGN);
    struct newfile *f = newfile_open(in_folder("x.bk"));
    (void)arg;
    raise(SIGHUP);
    _exit(newfile_commit(f) == 0 ? 0 : 1);
}

static void nohup(void)
{
    for (int i = 0; i < 2; i++) {
        no_tmpfile = i == 1;
        new_folder();
        CHECK_CHILD(hang_up_ignored, NULL, 0, "");
        CHECK_U64(names(NULL), 1);
    }
    no_tmpfile = false;
}

static void with_name_later(void)
{
    check_appears();
    check_exists_before();
    check_exists_after();
    check_drop();
    check_no_folder();
    check_bare_name();
    check_signals();
}

static void with_temporary_name(void)
{
    no_tmpfile = true;
    check_appears();
    check_exists_before();
    check_exists_after();
    check_drop();
    check_no_folder();
    check_bare_name();
    check_signals();
    no_tmpfile = false;
}

static void check_scratch(void)
{
    char got[4];
    int fd = io_scratch_file();

    CHECK_U64(names(NULL), 0);
    CHECK(io_write(fd, "abc", 3) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK_U64(io_read(fd, got, 4), 3);
    close(fd);
}

static void scratch(void)
{
    const char *before = getenv("TMPDIR");

    before = before ? xstrdup(before) : NULL;
    new_folder();
    setenv("TMPDIR", folder, 1);
    check_scratch();
    no_tmpfile = true;
    check_scratch();
    no_tmpfile = false;
    if (before)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
    free((void *)before);
}

static void scratch_nowhere(void *arg)
{
    (void)arg;
    setenv("TMPDIR", "/nonexistent", 1);
    io_scratch_file();
}

static void scratch_refused(void)
{
    CHECK_CHILD(scratch_nowhere, NULL, 1, "hint: set TMPDIR");
}

static void secret(void)
{
    char path[40], got[10];
    int fd = io_secret_file("hidden", 6);

    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    int again = open(path, O_RDONLY | O_CLOEXEC);
    CHECK_U64(io_read(again, got, sizeof got), 6);
    CHECK_BYTES(got, 6, "hidden", 6);
    close(again);
    close(fd);
}

int main(void)
{
    RUN(read_byte_by_byte);
    RUN(read_nonblocking);
    RUN(read_some);
    RUN(read_interrupted);
    RUN(write_in_parts);
    RUN(write_nonblocking);
    RUN(write_interrupted);
    RUN(errors);
    RUN(with_name_later);
    RUN(with_temporary_name);
    RUN(killed);
    RUN(nohup);
    RUN(scratch);
    RUN(scratch_refused);
    RUN(secret);
    return unit_end();
}
