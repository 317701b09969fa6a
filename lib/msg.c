#include "msg.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2000, UNDO_MAX = 8 };

static const char *tool_name = "bk";
static enum loudness loudness = NORMAL;

static _Thread_local char pending_hint[LINE_MAX_BYTES];

static struct {
    undo_fn *undo;
    void *arg;
} undos[UNDO_MAX];
static int undo_count;
static pthread_mutex_t undo_lock = PTHREAD_MUTEX_INITIALIZER; /* kept by whoever ends the process */

void msg_init(const char *tool)
{
    tool_name = tool;
}

const char *msg_tool(void)
{
    return tool_name;
}

void msg_loudness(enum loudness level)
{
    loudness = level;
}

bool msg_is_quiet(void)
{
    return loudness == QUIET;
}

bool msg_is_verbose(void)
{
    return loudness == VERBOSE;
}

/* How many bytes of a character above U+009F in UTF-8 stand at `s`: 0 for all else. It need not be a valid
 * one: a terminal that reads UTF-8 takes no part of such a sequence for a control character. */
static size_t beyond_controls(const unsigned char *s)
{
    size_t n = *s >= 0xf0 && *s <= 0xf4 ? 4 : *s >= 0xe0 ? 3 : 2;

    if (*s < 0xc2 || *s > 0xf4 || (*s == 0xc2 && s[1] < 0xa0))
        return 0;
    for (size_t i = 1; i < n; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return n;
}

void msg_plain(char *words)
{
    unsigned char *s = (unsigned char *)words;

    while (*s) {
        size_t n = *s >= 0x20 && *s < 0x7f ? 1 : beyond_controls(s);
        if (n == 0)
            *s++ = '?';
        s += n;
    }
}

/* One line, one write. A line that standard error does not take is lost: there is nobody left to tell. */
static void say(const char *kind, const char *words)
{
    char line[2 * LINE_MAX_BYTES];
    int n = snprintf(line, sizeof line - 1, "%s: %s%s", tool_name, kind, words);

    if (n < 0)
        return;
    if ((size_t)n > sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n] = '\0';
    msg_plain(line);
    line[n] = '\n';
    ssize_t unused = write(STDERR_FILENO, line, (size_t)n + 1);
    (void)unused;
}

static void vsay(const char *kind, const char *fmt, va_list ap)
{
    char words[LINE_MAX_BYTES];

    vsnprintf(words, sizeof words, fmt, ap);
    say(kind, words);
}

void info(const char *fmt, ...)
{
    va_list ap;

    if (loudness == QUIET)
        return;
    va_start(ap, fmt);
    vsay("", fmt, ap);
    va_end(ap);
}

void detail(const char *fmt, ...)
{
    va_list ap;

    if (loudness != VERBOSE)
        return;
    va_start(ap, fmt);
    vsay("", fmt, ap);
    va_end(ap);
}

void warning(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsay("warning: ", fmt, ap);
    va_end(ap);
}

void hint(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(pending_hint, sizeof pending_hint, fmt, ap);
    va_end(ap);
}

void hint_forget(void)
{
    pending_hint[0] = '\0';
}

/* Whoever waits for us is to see by which signal we ended. */
static void raise_default(int sig)
{
    sigset_t one;

    signal(sig, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, sig);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    raise(sig);
}

/* exit() from two threads at once is undefined, and atexit handlers may wait for locks that another thread
 * holds: so the first thread here does it all and leaves by _exit; any other waits for that. */
static _Noreturn void end_process(enum status status, int sig, const char *why)
{
    static atomic_flag dying = ATOMIC_FLAG_INIT;

    while (atomic_flag_test_and_set(&dying))
        pause();
    say("", why);
    if (pending_hint[0])
        say("hint: ", pending_hint);
    pthread_mutex_lock(&undo_lock);
    while (undo_count > 0) {
        undo_count--;
        undos[undo_count].undo(undos[undo_count].arg, status, why);
    }
    if (sig)
        raise_default(sig);
    _exit(status);
}

void die(enum status status, const char *fmt, ...)
{
    char why[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    end_process(status, 0, why);
}

static complaint_fn *complaint_taken;
static void *complaint_arg;

void complaints_to(complaint_fn *take, void *arg)
{
    complaint_taken = take;
    complaint_arg = arg;
}

void complain(enum status status, const char *fmt, ...)
{
    char why[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    if (!complaint_taken)
        end_process(status, 0, why);
    complaint_taken(complaint_arg, status, why, pending_hint);
    hint_forget();
}

void die_by_signal(int sig)
{
    char why[100];

    snprintf(why, sizeof why, "ended by a signal: %s", strsignal(sig));
    end_process(FAILED, sig, why);
}

void die_errno(const char *fmt, ...)
{
    int error = errno;
    char why[LINE_MAX_BYTES];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    die(FAILED, "%s: %s", why, strerror(error));
}

void msg_bug(const char *file, int line)
{
    char words[200];

    snprintf(words, sizeof words, "bug at %s:%d; please report it", file, line);
    say("", words);
    abort();
}

void undo_on_die(undo_fn *undo, void *arg)
{
    pthread_mutex_lock(&undo_lock);
    if (undo_count == UNDO_MAX)
        bug();
    undos[undo_count].undo = undo;
    undos[undo_count].arg = arg;
    undo_count++;
    pthread_mutex_unlock(&undo_lock);
}

void undo_forget(undo_fn *undo, void *arg)
{
    pthread_mutex_lock(&undo_lock);
    for (int i = undo_count - 1; i >= 0; i--) {
        if (undos[i].undo == undo && undos[i].arg == arg) {
            memmove(&undos[i], &undos[i + 1], sizeof undos[0] * (size_t)(undo_count - i - 1));
            undo_count--;
            break;
        }
    }
    pthread_mutex_unlock(&undo_lock);
}
