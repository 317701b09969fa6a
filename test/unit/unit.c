#define _GNU_SOURCE /* nftw */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"

static const char *running = "?";
static char about[200];
static bool good;
static int passed, failed;
static char tmpdir[200];

static void say_where(const char *file, int line, const char *fmt, ...) PRINTF(3, 4);

static void say_where(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    good = false;
    fprintf(stderr, "%s:%d: %s%s%s: ", file, line, running, about[0] ? ", " : "", about);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static void run_test(const char *name, void (*test)(void))
{
    running = name;
    about[0] = '\0';
    good = true;
    test();
}

void unit_run(const char *name, void (*test)(void))
{
    run_test(name, test);
    if (good)
        passed++;
    else
        failed++;
    fprintf(stderr, "%s %s\n", good ? "ok" : "FAILED", name);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int unit_end(void)
{
    if (tmpdir[0])
        nftw(tmpdir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    printf("%s: %d passed, %d failed\n", program_invocation_short_name, passed, failed);
    return failed || !passed;
}

void unit_about(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(about, sizeof about, fmt, ap);
    va_end(ap);
}

bool unit_good(void)
{
    return good;
}

void unit_check(bool right, const char *what, const char *file, int line)
{
    if (!right)
        say_where(file, line, "not so: %s", what);
}

void unit_check_u64(uint64_t got, uint64_t want, const char *what, const char *file, int line)
{
    if (got != want)
        say_where(file, line, "%s is %" PRIu64 " (0x%" PRIx64 "), not %" PRIu64 " (0x%" PRIx64 ")", what, got,
                  got, want, want);
}

void unit_check_str(const char *got, const char *want, const char *what, const char *file, int line)
{
    if (!got || !want ? got != want : strcmp(got, want) != 0)
        say_where(file, line, "%s is '%s', not '%s'", what, got ? got : "(null)", want ? want : "(null)");
}

void unit_check_bytes(const void *got, size_t n, const void *want, size_t len, const char *what,
                      const char *file, int line)
{
    const uint8_t *a = got, *b = want;

    if (n != len) {
        say_where(file, line, "%s has %zu bytes, not %zu", what, n, len);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            say_where(file, line, "%s has byte %02x at %zu, not %02x", what, a[i], i, b[i]);
            return;
        }
    }
}

static _Noreturn void be_child(void (*run)(void *), void *arg, int out)
{
    dup2(out, 1);
    dup2(out, 2);
    close(out);
    run(arg);
    _exit(0);
}

struct unit_child unit_fork(void (*run)(void *), void *arg)
{
    struct unit_child c = {0};
    int out[2], status;
    ssize_t got;

    fflush(NULL);
    if (pipe(out) < 0)
        die_errno("pipe");
    pid_t pid = fork();
    if (pid < 0)
        die_errno("fork");
    if (pid == 0) {
        close(out[0]);
        be_child(run, arg, out[1]);
    }
    close(out[1]);
    while ((got = io_read(out[0], buf_room(&c.words, 4096), 4096)) > 0)
        c.words.len += (size_t)got;
    close(out[0]);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            die_errno("waitpid");
    c.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    buf_str(&c.words);
    return c;
}

void unit_check_child(void (*run)(void *), void *arg, int status, const char *words, const char *file,
                      int line)
{
    struct unit_child c = unit_fork(run, arg);
    const char *said = (const char *)c.words.data;

    if (c.status != status)
        say_where(file, line, "the child ended with %d, not %d, and said: %s", c.status, status, said);
    if (!strstr(said, words))
        say_where(file, line, "the child did not say '%s' but: %s", words, said);
    buf_free(&c.words);
}

void unit_read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 0;

    if (fd < 0)
        die_errno("cannot open '%s'", path);
    while ((got = io_read(fd, buf_room(out, 64 << 10), 64 << 10)) > 0)
        out->len += (size_t)got;
    if (got < 0)
        die_errno("cannot read '%s'", path);
    close(fd);
}

const char *unit_tmpdir(void)
{
    const char *dir = getenv("TMPDIR");

    if (!tmpdir[0]) {
        snprintf(tmpdir, sizeof tmpdir, "%s/bk-unit.XXXXXX", dir && *dir ? dir : "/tmp");
        if (!mkdtemp(tmpdir))
            die_errno("cannot make a folder in '%s'", dir ? dir : "/tmp");
    }
    return tmpdir;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef SANITIZED
#define SANITIZED true
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

bool unit_sanitized(void)
{
    return SANITIZED;
}
