#define _GNU_SOURCE /* environ, pipe2 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "mem.h"
#include "msg.h"

/* Is `entry` (NAME=value) the variable that `edit` (NAME or NAME=value) names? */
static bool same_variable(const char *entry, const char *edit)
{
    size_t n = strcspn(edit, "=");

    return strncmp(entry, edit, n) == 0 && entry[n] == '=';
}

/* Our environment with the edits. The array is the caller's, the strings are not. */
static char **edited_environment(char *const edits[])
{
    size_t n = 0, extra = 0;

    while (environ[n])
        n++;
    while (edits[extra])
        extra++;
    char **env = xcalloc(n + extra + 1, sizeof env[0]);
    n = 0;
    for (char **e = environ; *e; e++) {
        bool kept = true;
        for (size_t i = 0; edits[i]; i++)
            kept = kept && !same_variable(*e, edits[i]);
        if (kept)
            env[n++] = *e;
    }
    for (size_t i = 0; edits[i]; i++)
        if (strchr(edits[i], '='))
            env[n++] = edits[i];
    return env;
}

/* In the child, between fork and exec: only calls that are safe there. */
static _Noreturn void become(char *const argv[], char **env, int in, int out, pid_t parent)
{
    static const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it ended before prctl */
        _exit(127);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0)
        _exit(127);
    execve(argv[0], argv, env);
    _exit(127);
}

/* It may be at work on what is undone next, and would only complain. */
static void end_child(void *pid, enum status status, const char *why)
{
    (void)status, (void)why;
    kill((pid_t)(intptr_t)pid, SIGTERM);
}

/* `in` is its standard input; -1: /dev/null. */
static struct child start(const char *name, char *const argv[], char *const edits[], enum child_out out,
                          int in)
{
    struct child c = {.name = name, .out = -1};
    int ends[2] = {-1, -1};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t self = getpid();
    char **env = edited_environment(edits);

    if (null < 0)
        die_errno("cannot open '/dev/null'");
    if (out == CHILD_PIPE && pipe2(ends, O_CLOEXEC) < 0)
        die_errno("cannot make a pipe");
    c.pid = fork();
    if (c.pid == 0)
        become(argv, env, in < 0 ? null : in, out == CHILD_PIPE ? ends[1] : null, self);
    if (c.pid < 0)
        die_errno("cannot start %s", name);
    undo_on_die(end_child, (void *)(intptr_t)c.pid);
    free(env);
    close(null);
    if (out == CHILD_PIPE) {
        close(ends[1]);
        c.out = ends[0];
    }
    return c;
}

struct child child_start(const char *name, char *const argv[], char *const edits[], enum child_out out)
{
    return start(name, argv, edits, out, -1);
}

/* What a pipe of 64 KiB holds need not wait for a reader. */
static int pipe_with(const void *in, size_t n)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0 || io_write(ends[1], in, n) < 0)
        die_errno("cannot make a pipe");
    close(ends[1]);
    return ends[0];
}

void child_filter(const char *command, char *const env[], const void *in, size_t n, size_t most,
                  struct buf *out)
{
    char *argv[] = {"/bin/sh", "-c", (char *)command, NULL};
    int from = pipe_with(in, n);
    struct child c = start("the command", argv, env, CHILD_PIPE, from);
    ssize_t got;

    close(from);
    while ((got = io_read_some(c.out, buf_room(out, most + 1), most + 1)) > 0) {
        out->len += (size_t)got;
        if (out->len > most)
            die(FAILED, "the command '%s' wrote more than %zu bytes", command, most);
    }
    if (got < 0)
        die_errno("cannot read from the command '%s'", command);
    char *failed = child_wait(&c);
    if (failed)
        die(FAILED, "the command '%s' %s", command, failed);
}

void child_lines(struct child *c, void (*each)(void *ctx, struct buf *line), void *ctx)
{
    char bytes[64 << 10];
    struct buf line = {0};
    ssize_t n;

    while ((n = io_read_some(c->out, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            buf_addc(&line, bytes[i]);
            if (bytes[i] != '\n')
                continue;
            each(ctx, &line);
            line.len = 0;
        }
    }
    if (n < 0)
        die_errno("cannot read from %s", c->name);
    if (line.len > 0)
        each(ctx, &line);
    buf_free(&line);
}

char *child_wait(struct child *c)
{
    int status;

    if (c->out >= 0)
        close(c->out);
    c->out = -1;
    while (waitpid(c->pid, &status, 0) < 0)
        if (errno != EINTR)
            die_errno("cannot wait for %s", c->name);
    undo_forget(end_child, (void *)(intptr_t)c->pid);
    if (WIFSIGNALED(status))
        return xasprintf("was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 127)
        return xstrdup("could not be started");
    if (WEXITSTATUS(status) != 0)
        return xasprintf("failed with status %d", WEXITSTATUS(status));
    return NULL;
}
